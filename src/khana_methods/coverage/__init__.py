"""Estimate who is missing from the registry, with design-based errors."""
