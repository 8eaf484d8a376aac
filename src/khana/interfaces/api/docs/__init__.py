"""The description of our API, for those who are signed in: a page without scripts, and the document itself."""
