"""Lists for the community: who is proposed and who is in reserve in one area, by name, for the meeting and nobody else.

Reads scores in force and heads of households within the reader's scope; the list shows no score and no rank, and that it
was made leaves an event. A list is of a tehsil or less.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, BinaryIO, ClassVar

import pyarrow as pa

from khana.access import services as access
from khana.assessment import frames as assessment
from khana.audit import services as audit
from khana.dossiers.report_files import open_writer
from khana.geo import area_names as geo
from khana.geo import selectors as areas
from khana.platform import installation
from khana.platform.frames import open_source
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.targeting.validation import draw_lists, settle_lists

MOST = 100_000
COLUMNS = (
    "area",
    "area_name",
    "line",
    "household_number",
    "head",
    "head_native",
    "village",
    "proposed",
    "verdict",
    "reason",
)


class AreaTooLarge(InputError):
    """A community's list is of a tehsil or less: a province's list of names is nobody's meeting."""

    code: ClassVar[str] = "dossiers.validation.area_too_large"


def write(
    *, area: str, cut_off: float, margin: float, target: BinaryIO, format: str, shows_proposed: bool = True,
    language: str = "en", as_of: date | None = None, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Write the lists of one area into an open target: one line a household, with room for the verdict.

    Args:
        area: Code of the area.
        cut_off: Highest score that is proposed.
        margin: Points under and over it in which the community decides.
        target: Where the bytes go.
        format: csv or xlsx.
        shows_proposed: Say who is proposed and who is in reserve; a blind list shows neither.
        language: Of the names of areas.
        as_of: The day that scores are read for.
        at: When.

    Returns:
        area, cut_off, margin, communities, households, proposed, reserve.

    Raises:
        PermissionMissing: The reader may not read scores or households.
        AreaUnknown: There is no such area.
        AreaTooLarge: It holds too many households.
        ListEmpty: Nobody is at or near the cut-off.
    """
    with _drawn(area, cut_off, margin, as_of or installation.today(at)) as (engine, drawn):
        engine.register("on_list", drawn)
        named = engine.table(
            """SELECT l.area, l.line, l.household, h.head, h.head_native, h.village, l.proposed
               FROM on_list l JOIN head h ON h.household_number = l.household ORDER BY l.area, l.line"""
        ).to_pylist()
    called = {code: one.called(language) for code, one in geo.areas({row["area"] for row in named}).items()}
    counts = {
        "area": area, "cut_off": cut_off, "margin": margin, "communities": len({row["area"] for row in named}),
        "households": len(named), "proposed": sum(row["proposed"] == "yes" for row in named),
        "reserve": sum(row["proposed"] == "reserve" for row in named),
    }  # fmt: skip
    writer = open_writer(format, target, [(name, "int" if name == "line" else "text") for name in COLUMNS], counts)
    writer.write(
        [
            [row["area"], called.get(row["area"], ""), row["line"], row["household"], row["head"] or "", row["head_native"] or "",
             row["village"] or "", row["proposed"] if shows_proposed else "", "", ""]
            for row in named
        ]
    )  # fmt: skip
    writer.close()
    audit.record(action="dossiers.validation.listed", subject=f"area:{area}", details=counts, at=at)
    return counts


def settle(
    *, area: str, cut_off: float, margin: float, verdicts: pa.Table, as_of: date | None = None, at: datetime
) -> dict[str, Any]:
    """Say what comes of a community's verdicts on the scores in force; nothing is written to the registry.

    Args:
        area: As the list was made.
        cut_off: As the list was made.
        margin: As the list was made.
        verdicts: Of `targeting.validation.read_verdicts`.
        as_of: The day that scores are read for.
        at: When.

    Returns:
        `rows` (area, line, household, proposed, verdict, outcome) and `areas`.

    Raises:
        VerdictUnclear: A verdict is of a household that is on no list of this area.
    """
    with _drawn(area, cut_off, margin, as_of or installation.today(at)) as (engine, drawn):
        settled, counts = settle_lists(engine, drawn, verdicts)
    rows = settled.drop_columns(["score", "band"]).to_pylist()
    audit.record(action="dossiers.validation.settled", subject=f"area:{area}", details={"rows": len(rows)}, at=at)
    return {"area": area, "cut_off": cut_off, "margin": margin, "areas": counts, "rows": rows}


@contextmanager
def _drawn(area: str, cut_off: float, margin: float, day: date) -> Iterator[tuple[Engine, pa.Table]]:
    """Lend an engine that holds the heads of the area's households, and the lists."""
    access.require("scores.read")
    access.require("registry.read")
    path = areas.get_path(area)
    if len(path.rstrip(".").split(".")) < 3:
        raise AreaTooLarge("A community's list is of a district or less: name a smaller area.", area=area)
    with Engine(memory_mib=512, threads=1) as engine:
        with open_source() as source:
            engine.register("head", registry.head_frame(source, path=path))
            engine.register("point", assessment.score_within_frame(source, path=path, as_of=day))
        households = int(engine.value("SELECT count(*) FROM head"))
        if households > MOST:
            raise AreaTooLarge(
                f"The area holds {households:,} households; a list is of at most {MOST:,}. Name a smaller area.",
                area=area,
            )
        scored = engine.table(
            """SELECT h.household_number AS household, h.area_code AS area, p.score FROM head h
               JOIN point p USING (household_id)"""
        )
        yield engine, draw_lists(engine, scored, cut_off=cut_off, margin=margin)
