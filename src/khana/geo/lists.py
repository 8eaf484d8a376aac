"""Areas as a flat list for telephones: those within a reach, and all above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from khana.geo.models import Area


@dataclass(frozen=True)
class ListedArea:
    """One area with the code of the one above it."""

    code: str
    level: int
    parent_code: str
    name: str
    native: str

    def called_both(self, language: str) -> str:
        """Return the office's name, with that of a language beside it where it differs."""
        return (
            f"{self.name} · {self.native}"
            if language != "en" and self.native and self.native != self.name
            else self.name
        )


def areas_within(reach: Sequence[str], language: str = "") -> list[ListedArea]:
    """Return areas in force under some areas and those above them, by level and name; an empty path is all.

    Args:
        reach: Paths of areas.
        language: Which name stands beside the office's; the first other one if empty.
    """
    found = Area.objects.filter(valid_to__isnull=True)
    if "" not in reach:
        within = Q(pk__in=[])
        for path in reach:
            codes = [code for code in path.split(".") if code]
            within |= Q(path__startswith=path) | Q(code__in=codes)
        found = found.filter(within)
    rows = found.order_by("level", "name", "code").values_list("code", "level", "parent__code", "name", "names")
    return [
        ListedArea(
            code, level, parent or "", name, names.get(language) or next((n for k, n in names.items() if k != "en"), "")
        )
        for code, level, parent, name, names in rows
    ]
