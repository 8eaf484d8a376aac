"""The queue: a job run to one call, failure classed as retry or stop."""
