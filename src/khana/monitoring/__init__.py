"""Indicators, coverage studies and outreach plans: what the system looks like from outside.

Knows indicator and snapshot; measures. A stranger to `sharing`.
"""
