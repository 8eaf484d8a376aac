"""The catalogue of facts and the one expression language over it."""
