"""Indicators of the results framework: map, charts, time, comparison, definitions and the rows behind a figure."""
