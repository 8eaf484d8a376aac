"""One's own office, and alarms: what one holds and why it counts or not, broken glass, what an officer must look at."""
