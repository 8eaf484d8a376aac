"""Tables of the room `payments`: none yet; its issue adds them."""
