"""Coverage studies and outreach plans: who is missing from the registry, where, why, and where the vans go."""
