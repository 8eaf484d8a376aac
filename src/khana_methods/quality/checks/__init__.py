"""Checks that the rule language cannot say, because they look from one line of a roster to another.

Each is a function that writes SQL over `member` and `household` and gives `household_id`, `line_no`; which of them
run, with what numbers and how gravely, is data (`checks.yaml`).
"""
