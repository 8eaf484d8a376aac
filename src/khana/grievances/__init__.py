"""Cases, appeals and deadlines.

Knows grievance, category, resolution; lodges, assigns, resolves.
"""
