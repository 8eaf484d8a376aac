"""Actors, roles, scopes and purposes: who may do what, where, for whom.

The database resolves an opaque token to a scope and enforces it; this room opens sessions,
grants roles, says what a grant needs to count, raises alarms and writes the row policies.
"""
