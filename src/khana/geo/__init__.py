"""Areas with P-codes, levels, names in several languages and boundaries, by date.

Resolves names and codes to areas; a stranger to `audit`.
"""
