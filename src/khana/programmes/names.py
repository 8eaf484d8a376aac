"""Reads of the catalogue for people: programmes and exclusion filters by code, with names by language.

What they are called is nobody's secret: `khana_private.programmes_names` tells it to a citizen on her own file too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from khana.platform import prepared
from khana.programmes.models import Programme

PROGRAMME, FILTER = "PROGRAMME", "FILTER"
_NAMES = "SELECT kind, code, name, names FROM khana_private.programmes_names()"


@dataclass(frozen=True)
class Called:
    """What a programme or a filter is called: by the office, and by language."""

    name: str
    names: Mapping[str, str] = field(default_factory=dict)

    def called(self, language: str) -> str:
        """Return the name in a language, else the name of the office.

        Examples:
            >>> one = Called("A car", {"ur": "گاڑی"})
            >>> one.called("ur"), one.called("bn"), one.tongue("bn")
            ('گاڑی', 'A car', 'en')
        """
        return self.names.get(language) or self.name

    def tongue(self, language: str) -> str:
        """Return the language that `called` gives: English where the catalogue has none, for who marks the words on a page."""
        return language if self.names.get(language) else "en"


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


def called() -> dict[str, dict[str, Called]]:
    """Return what every programme (PROGRAMME) and every exclusion filter (FILTER) is called, by code; asked also without a session."""
    found: dict[str, dict[str, Called]] = {PROGRAMME: {}, FILTER: {}}
    for kind, code, name, names in prepared.fetch(_NAMES, []):
        found[kind][code] = Called(name, names)
    return found
