"""Sign-in, the second factor, sign-out, and the language of the pages."""
