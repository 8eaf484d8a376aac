"""Writes of the room: lodge a case, answer it."""
