"""Country packs: what is true in one country, as dated and cited data.

Identifiers, areas, programmes, amounts, cut-offs, the cap, exclusions, deadlines and holidays.
The data is YAML in `country/<code>/` of the sources, and beside this file in an installed wheel;
the code here only reads and checks it. A third country is a folder. Rooms may read packs; methods
may not: they are given values.
"""
