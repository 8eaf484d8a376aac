"""Agreements, purposes, disclosures and partners: everything that leaves is an agreement at work.

Knows agreement, purpose, disclosure. A stranger to `monitoring`.
"""
