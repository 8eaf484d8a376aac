"""Read any survey file with its design, and estimate from it with design-based errors.

Knows strata, primary units, weights, finite populations and what is done with a lonely unit.
"""
