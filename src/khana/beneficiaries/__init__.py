"""THE SINGLE REGISTRY: who receives what, from every agency's programmes.

Knows source, benefit, finding, overlap, cap and exit. A person here is a *beneficiary*; the
social registry below knows her as a *registrant*. Never mixes the two nouns.
"""
