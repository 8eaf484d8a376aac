"""Writes of the room, one verb a module."""
