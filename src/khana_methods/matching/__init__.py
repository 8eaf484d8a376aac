"""Probabilistic record linkage: blocking, comparison, decision, clusters, evaluation."""
