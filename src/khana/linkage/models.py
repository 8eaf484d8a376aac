"""Tables of the room `linkage`: none yet; its issue adds them."""
