"""Writes of the social registry: one module a verb."""
