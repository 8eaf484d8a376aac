"""Bring digits, identifiers, names, dates, telephones, amounts and area names to one form."""
