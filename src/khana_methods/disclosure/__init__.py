"""Statistical disclosure control before anything leaves."""
