"""Writes of the single registry: one module a verb."""
