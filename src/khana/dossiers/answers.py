"""The five answers of the last consolidation, for the country or one area.

Words: an *answer* is one of the five questions of the committee with its number; its *breakdown*
is the number by programme; its *spread* is the number by area right below. Every figure was
written by the run: nothing here counts rows of people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from khana.beneficiaries import results
from khana.geo import area_names as geo
from khana.programmes import names as programmes
from khana_methods.errors import NotFound

# answer -> name of its figure by area, and of its number in a run's summary; the names of answers
# are those of `khana report`
FIGURES = {
    "recipients": "recipients",
    "overlaps": "overlaps",
    "cap": "over_cap",
    "unserved": "unserved",
    "leakage": "well_off",
}
_TOTALS = {
    "recipients": "recipients",
    "overlaps": "overlaps",
    "cap": "over_cap",
    "unserved": "unserved",
    "leakage": "leakage",
}
GRADUATED = "GRADUATED_STILL_LISTED"


class AreaUnknown(NotFound):
    """No area has that code today."""

    code: ClassVar[str] = "dossiers.answers.area_unknown"


@dataclass(frozen=True)
class Connected:
    """One programme whose lists are in, the sources they came from and the periods they are of."""

    programme: str
    agency: str
    sources: Sequence[str]
    periods: Sequence[str]
    until: str
    rows: int


@dataclass(frozen=True)
class Pair:
    """Who draws from two programmes at once: persons, and households through any of their members."""

    one: str
    other: str
    persons: int
    households: int
    is_conflict: bool


@dataclass(frozen=True)
class Answer:
    """One answer: its number (persons, or households for the unserved); None is not known."""

    key: str
    value: int | None


@dataclass(frozen=True)
class AreaValue:
    """One figure of one area right below; None where the run wrote none."""

    area: geo.AreaName
    value: int


@dataclass(frozen=True)
class FiveAnswers:
    """The five numbers of one place, and what they rest on."""

    run_id: int
    ended_at: datetime | None
    area: geo.AreaName | None
    way_down: Sequence[geo.AreaName]
    answers: Sequence[Answer]
    graduated: int | None
    connected: Sequence[Connected]
    not_connected: Sequence[str]
    parameters: Mapping[str, Any]
    figures: Mapping[tuple[str, str], int]
    summary: Mapping[str, Any]
    catalogue: Mapping[str, programmes.ProgrammeName]

    def value(self, key: str) -> int | None:
        """Return the number of one answer."""
        return next((answer.value for answer in self.answers if answer.key == key), None)


@dataclass(frozen=True)
class Panel:
    """What stands behind one answer: by programme, by area, by pair."""

    key: str
    breakdown: Sequence[tuple[str, int]]
    spread: Sequence[AreaValue]
    pairs: Sequence[Pair]


def five_answers(area_code: str = "") -> FiveAnswers | None:
    """Read the five answers of the last finished run, or nothing where none has finished.

    Args:
        area_code: An area of any level; empty means the country.

    Raises:
        AreaUnknown: No area has that code today.
    """
    run = results.latest_run()
    if run is None:
        return None
    area = geo.area(area_code) if area_code else geo.top()
    if area is None and area_code:
        raise AreaUnknown("No area has that code today. Go back to the whole country.", area=area_code)
    is_country = area is None or area.level == 0
    if area is not None:
        figures = results.figures_of_area(run.id, area.code)
    else:
        figures = results.figures_over(run.id, [part.code for part in geo.children()])

    def value(key: str) -> int | None:
        if is_country:
            total: int | None = run.summary.get(_TOTALS[key], figures.get((FIGURES[key], "")))
            return total
        # an area without a row of a figure has none of it
        return figures.get((FIGURES[key], ""), 0)

    graduated = run.summary.get("findings", {}).get(GRADUATED)
    return FiveAnswers(
        run_id=run.id,
        ended_at=run.ended_at,
        area=area,
        way_down=geo.way_down(area.path) if area else (),
        answers=tuple(Answer(key, value(key)) for key in FIGURES),
        graduated=graduated.get("rows", 0) if is_country and graduated else None,
        connected=_connected(run.summary.get("connected", [])),
        not_connected=tuple(run.summary.get("not_connected", [])),
        parameters=run.summary.get("parameters") or run.parameters,
        figures=figures,
        summary=run.summary,
        catalogue=programmes.catalogue(),
    )


def panel(found: FiveAnswers, key: str) -> Panel:
    """Read what stands behind one answer in the place of the five answers."""
    figure = FIGURES[key]
    is_country = found.area is None or found.area.level == 0
    by_programme = {programme: n for (name, programme), n in found.figures.items() if name == figure and programme}
    below = geo.children(found.area.code if found.area else "")
    values = results.figures_by_area(found.run_id, figure, [area.code for area in below])
    spread = [AreaValue(area, values.get(area.code, 0)) for area in below]
    pairs = found.summary.get("pair_overlap", []) if key == "overlaps" and is_country else []
    return Panel(
        key=key,
        breakdown=sorted(by_programme.items(), key=lambda item: (-item[1], item[0])),
        spread=sorted(spread, key=lambda item: (-item.value, item.area.name)),
        pairs=[_pair(row, found.catalogue) for row in pairs],
    )


def _pair(row: Mapping[str, Any], catalogue: Mapping[str, programmes.ProgrammeName]) -> Pair:
    one, other = row["a"], row["b"]
    refuses = {code: set(catalogue[code].incompatible_with) if code in catalogue else set() for code in (one, other)}
    is_conflict = other in refuses[one] or one in refuses[other]
    return Pair(one, other, int(row.get("persons", 0)), int(row.get("households", 0)), is_conflict)


def _connected(rows: Sequence[Mapping[str, Any]]) -> tuple[Connected, ...]:
    return tuple(
        Connected(
            row["programme"], row.get("agency", ""), tuple(row.get("sources", ())), tuple(row.get("periods", ())),
            row.get("to") or "", int(row.get("rows", 0)),
        )
        for row in rows
    )  # fmt: skip
