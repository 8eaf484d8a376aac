"""Tables of the room `sharing`: none yet; its issue adds them."""
