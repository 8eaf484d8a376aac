"""Writes of the room: extracts, evidence, questions to authorities, consent, family checks, civil events."""
