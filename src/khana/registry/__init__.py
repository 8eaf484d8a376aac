"""THE SOCIAL REGISTRY: households, families, persons, identifiers, consent, versions.

Everyone who was assessed, and beside it the population register: one file per resident.
Registers, amends, splits, merges, closes. Two clocks on every version: valid and recorded.
"""
