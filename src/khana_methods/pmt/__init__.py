"""Fit, apply and evaluate proxy means tests."""
