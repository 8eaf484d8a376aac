"""Estimate who is missing from the registry, with design-based errors.

Knows the share registered and the missing, corrected for linkage error; two lists of one population; census denominators
as an alarm; reasons and determinants; the accuracy and age of what is stored; small areas; and where to send the vans.
"""
