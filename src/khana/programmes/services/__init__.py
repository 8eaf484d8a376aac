"""Writes of the room; the catalogue's own are told here too, for the workflows that load it."""

from __future__ import annotations

from khana.programmes.services.catalogue import (
    CASH,
    CatalogueInvalid,
    ProgrammeLoader,
    put_areas,
    put_programmes,
    replace_catalogue,
)

__all__ = ["CASH", "CatalogueInvalid", "ProgrammeLoader", "put_areas", "put_programmes", "replace_catalogue"]
