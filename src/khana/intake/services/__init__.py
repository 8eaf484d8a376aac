"""Writes of the room `intake`: forms, what arrives, the journey's stamps, the list of households."""
