"""Authorities that can be asked about a number: one small protocol, one adapter for each way of asking."""
