"""Reads of the catalogue for people: programmes by code, with names by language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from khana.programmes.models import Programme


@dataclass(frozen=True)
class ProgrammeName:
    """One programme of the catalogue, enough to name it and to say how it counts."""

    code: str
    name: str
    agency: str
    benefit_type: int
    counts_to_cap: bool
    poverty_targeted: bool
    incompatible_with: Sequence[str]
    names: Mapping[str, str] = field(default_factory=dict)
    amounts: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    source: str = ""

    def called(self, language: str) -> str:
        """Return the name in a language, else the name of the office."""
        return self.names.get(language) or self.name


def catalogue() -> dict[str, ProgrammeName]:
    """Return every programme by code: a country has tens to hundreds."""
    return {
        row.code: ProgrammeName(
            row.code, row.name, row.agency, row.benefit_type, row.counts_to_cap, row.poverty_targeted,
            tuple(row.incompatible_with), dict(row.names), tuple(row.amounts), row.source,
        )
        for row in Programme.objects.order_by("code")
    }  # fmt: skip
