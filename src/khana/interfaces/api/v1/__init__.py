"""Version 1 of the address for machines: persons, households, answers, jobs. Translates only."""
