"""Tables of the room `intake`: none yet; its issue adds them."""
