"""Verification against the national ID authority and civil registration.

Knows the extract of the national ID, the telephone authority's register and public payrolls, authorities that can be
asked, their answers with their age, consent, and family checks. Evidence only: it moves a number's status and never
changes a person.
"""
