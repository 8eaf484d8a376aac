"""Poverty models and scores: the store, a model's card with its signatures, one score explained, overrides."""
