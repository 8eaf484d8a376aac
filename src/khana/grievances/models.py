"""Tables of the room `grievances`: none yet; its issue adds them."""
