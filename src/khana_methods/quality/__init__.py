"""Is what was asked, written and kept about a household true: checks of rosters, families, interviews, re-interviews, age.

A check returns findings, never an error. Everything works on a file or a frame without a registry: rosters and
their families, high-frequency checks of submissions, third-party spot checks, and how fast each fact goes stale.
What is measured of an enumerator only ranks whom to look at first; nothing here accuses.
"""
