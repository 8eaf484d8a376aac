"""Checks of a household's answers; a check returns findings, never an error."""
