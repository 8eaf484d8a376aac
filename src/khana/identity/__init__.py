"""Verification against the national ID authority and civil registration.

Knows the extract of the national ID, the telephone authority's register and public payrolls, authorities that can be
asked, their answers with their age, consent, family checks, and events of civil registration. Evidence and proposals:
it moves a number's status; a person's file changes when a human accepts what an event proposes.
"""
