"""Tables of the room `monitoring`: none yet; its issue adds them."""
