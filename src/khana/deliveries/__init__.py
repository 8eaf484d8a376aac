"""What arrives in bulk: file kept whole, contract, batch, quarantined row, replay.

Keeps, reads, quarantines, replays. Nothing that arrived is ever lost or changed.
"""
