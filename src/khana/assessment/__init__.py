"""Scoring models and runs, welfare classes, recertification.

Knows score (PMT) and the model that made it; records and supersedes, never overwrites.
"""
