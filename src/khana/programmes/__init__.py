"""The catalogue of programmes of every agency: rules, areas, quotas, selection lists.

Knows programme, amount schedule, exclusion pair; proposes, freezes, approves.
"""
