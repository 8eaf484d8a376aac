"""Khana: the social registry and the single registry of a country.

The rooms follow the delivery chain; the order is one list in `pyproject.toml`.
"""

__version__ = "0.1.0"
