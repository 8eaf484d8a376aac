"""Pages of who lives with whom: split, join, move, return, what waits for a second person, history."""
