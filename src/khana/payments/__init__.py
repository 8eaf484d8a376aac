"""Cycles, instructions, bank and treasury files, reconciliation.

Knows account, cycle, instruction; opens, instructs, reconciles. Never pays twice, never the dead.
"""
