"""Benchmarks: figures beside a limit measured in the same run; never part of the tests."""
