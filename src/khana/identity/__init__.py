"""Verification against the national ID authority and civil registration.

Knows the extract of the national ID, the telephone authority's register and public payrolls;
verifies numbers. Evidence only: it never changes a person.
"""
