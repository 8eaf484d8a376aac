"""OGC API Features 1.0: the areas and the published figures of the newest publication, for GIS programs; nobody signs in."""
