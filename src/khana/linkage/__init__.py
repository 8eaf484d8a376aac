"""Candidate pairs, match decisions and reviews: one person, one file.

Matches, reviews, decides. A stranger to `intake`.
"""
