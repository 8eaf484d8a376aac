"""Pages of a programme officer: her home, rules between programmes from trial to effect, what a family is entitled to."""
