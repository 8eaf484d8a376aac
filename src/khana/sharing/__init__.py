"""Agreements, purposes, disclosures and partners: everything that leaves is an agreement at work.

Knows partner, agreement, approval, extract, message, subscription and refusal. Two people who did not draft a thing
approve it, and the database counts them; what a partner reads, it reads under a mandate that ends with its agreement.
A stranger to `monitoring`.
"""
