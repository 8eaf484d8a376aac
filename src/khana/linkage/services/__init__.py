"""Writes of matching: models and their approval, runs with their pairs, outcomes."""
