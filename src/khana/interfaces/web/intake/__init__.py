"""Pages of forms, submissions with their journey, the desk and telephones."""
