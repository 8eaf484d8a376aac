"""XLSForms: writing a country's questionnaire, reading any form, checking it, comparing two versions.

Nothing here knows of people or of the database: a workbook goes in, a definition or a list of differences comes out.
"""
