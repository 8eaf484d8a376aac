"""High-frequency checks: what a day's interviews say of themselves while the enumerator is still in the village.

Measures by submission, by enumerator and by question. A measure ranks whom to visit first; it never says that
somebody cheated, and no output of this package has a word for it.
"""
