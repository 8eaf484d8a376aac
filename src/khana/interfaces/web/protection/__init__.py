"""Pages of the data-protection officer: the register of breaches with its clocks, what is erased when, holds, erasures.

An auditor reads them; the officer keeps them. What stands here names no person: counts, kinds, and numbers of files.
"""
