"""Reads of the social registry that are about no single person."""

from __future__ import annotations

from khana.registry.models import Household


def first_area_path() -> str:
    """Return the area path of the first household in scope; empty where there is none."""
    return Household.objects.order_by("id").values_list("area_path", flat=True).first() or ""
