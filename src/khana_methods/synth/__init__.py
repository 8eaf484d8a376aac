"""Make a country of any size with planted truth; shares no code with what decides findings."""
