"""A person's own file, for herself: number, one-time code, what is known, who read it, what she says to it."""
