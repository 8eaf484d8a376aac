"""Findings: filters, counts, rows with their reasons, the meaning of each code, exports."""
