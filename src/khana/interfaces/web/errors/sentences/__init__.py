"""What each error that a page can meet says to its reader, by dotted code, in the languages of the pages.

The room that raises an error writes it in English, with the place and the values; here stands what everybody can read. A test
holds this against every error that pages and jobs can reach.
"""
