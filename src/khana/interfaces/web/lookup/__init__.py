"""Look up: one box for a number or a name, the person's file, the household's file."""
