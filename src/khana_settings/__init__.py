"""Composition: settings, root addresses and the WSGI entry. The only place that sees everything."""
