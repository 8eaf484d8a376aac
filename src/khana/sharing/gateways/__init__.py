"""What goes out to partners' systems: call-backs and events."""
