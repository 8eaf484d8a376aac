"""The steward's queue: which files are one person."""
