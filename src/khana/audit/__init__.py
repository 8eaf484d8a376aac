"""The sealed event log: who did what, when, for what reason.

Records in the same transaction as the change; never updates. A stranger to `geo`.
"""
