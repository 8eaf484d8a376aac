"""The checks of a list row, one SELECT for one code or one family of codes.

A check gives `benefit_id, code, role, detail, group_no, person_id`. It runs only when every frame it needs
has rows: an empty extract proves nothing about anybody.
"""
