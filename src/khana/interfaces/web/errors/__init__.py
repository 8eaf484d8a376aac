"""Pages of errors: plain words, what to do, a reference; never a personal value."""
