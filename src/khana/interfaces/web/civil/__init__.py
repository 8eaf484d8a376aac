"""Births, deaths and marriages that civil registration told, and the authorities that are asked about numbers."""
