"""Users: who holds which role where, a new user with the secrets that are shown once."""
