"""Journeys that write across rooms: import a set, consolidate, load a sample.

A workflow has no table, no query and no rule of its own; it calls services of the rooms and
methods of the core in the order of one journey.
"""
