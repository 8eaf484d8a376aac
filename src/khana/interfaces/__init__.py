"""Translate only: HTTP, command line and queue to one domain call and back.

Holds web, api, cli and jobs, which never call each other, and the one table that turns an
error kind into an HTTP status, an exit code and a page. May call workflows, dossiers and rooms.
"""
