"""Jobs: long work with progress, cancel, result and what to do after a failure."""
