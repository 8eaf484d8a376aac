"""Pages: form to types, one call, presenter to template."""
