"""Lists for the community: who is proposed and who is in reserve in one area, by name, for the meeting and nobody else.

Reads scores in force and heads of households within the reader's scope; the list shows no score and no rank, and that it
was made leaves an event. As a file a list is of a tehsil or less; on a page it is read by key, whatever the area's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from khana.registry import roll
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.targeting.validation import check_margin, draw_lists, settle_lists

MOST = 100_000
MOST_IN_A_REQUEST = 20_000  # households of an area whose list a page makes as a file while somebody waits
PAGE_SIZE = 100
_CHUNK = 500
_MOST_CHUNKS = 8  # a page looks at so many chunks of households at most, and goes on from there
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


@dataclass(frozen=True)
class ListLine:
    """One household of a community's list."""

    area: str
    line: int
    household: str
    head: str
    head_native: str
    village: str
    proposed: str


@dataclass(frozen=True)
class ListPage:
    """One page of the lists of an area; `after` and `line` are the key of the next one, empty where this is the last."""

    rows: tuple[ListLine, ...]
    after: str
    line: int


def page(
    *, area: str, cut_off: float, margin: float, after: str = "", line: int = 0, as_of: date | None = None, at: datetime,
) -> ListPage:  # fmt: skip
    """Read one page of the lists of an area: the same lines as `write` gives, community by community, a bounded look at a time.

    Args:
        area: Code of the area, a district or less.
        cut_off: Highest score that is proposed.
        margin: Points over it up to which a household is in reserve.
        after: Number of the last household that was looked at; empty for the first page.
        line: Number of its line in its community's list, or of the last line before it.
        as_of: The day that scores are read for.
        at: When.

    Raises:
        PermissionMissing: The reader may not read scores or households.
        AreaUnknown: There is no such area.
        AreaTooLarge: It is more than a district.
        MarginInvalid: The numbers mean nothing.
    """
    path, day = _asked(area), as_of or installation.today(at)
    check_margin(cut_off, margin)
    found: list[tuple[roll.OnRoll, int, str]] = []
    place, is_over = "", False
    if after:
        here = next(iter(roll.of_number(after)), None)
        if here is None:  # outside the scope, or not there any more
            return ListPage((), "", 0)
        place = here.area_path
    for _ in range(_MOST_CHUNKS):
        chunk = roll.households_under(path, after=(place, after), limit=_CHUNK)
        scores = assessment.scores_of([one.household_id for one in chunk], as_of=day)
        for one in chunk:
            if one.area_path != place:
                place, line = one.area_path, 0
            after = one.number
            score = scores.get(one.household_id)
            if score is not None and score <= cut_off + margin:
                line += 1
                found.append((one, line, "yes" if score <= cut_off else "reserve"))
                if len(found) == PAGE_SIZE:
                    break
        is_over = len(chunk) < _CHUNK and len(found) < PAGE_SIZE
        if is_over or len(found) == PAGE_SIZE:
            break
    heads = roll.heads_of([one.household_id for one, _, _ in found])
    rows = tuple(
        ListLine(
            one.area_path.rstrip(".").rpartition(".")[2], n, one.number, *_named(heads.get(one.household_id)), proposed
        )
        for one, n, proposed in found
    )
    if rows:
        counts = {"area": area, "cut_off": cut_off, "margin": margin, "households": len(rows)}
        audit.record(action="dossiers.validation.listed", subject=f"area:{area}", details=counts, at=at)
    return ListPage(rows, "" if is_over else after, 0 if is_over else line)


def _named(head: roll.HeadLine | None) -> tuple[str, str, str]:
    return (head.head, head.head_native, head.village) if head else ("", "", "")


def write(
    *, area: str, cut_off: float, margin: float, target: BinaryIO, format: str, shows_proposed: bool = True,
    language: str = "en", most: int = MOST, as_of: date | None = None, at: datetime,
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
        most: Refuse an area of more households; counted before a name is read.
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
    with _drawn(area, cut_off, margin, as_of or installation.today(at), most) as (engine, drawn):
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


def _asked(area: str) -> str:
    """Return the path of an area whose lists the reader may see."""
    access.require("scores.read")
    access.require("registry.read")
    path = areas.get_path(area)
    if len(path.rstrip(".").split(".")) < 3:
        raise AreaTooLarge("A community's list is of a district or less: name a smaller area.", area=area)
    return path


@contextmanager
def _drawn(area: str, cut_off: float, margin: float, day: date, most: int = MOST) -> Iterator[tuple[Engine, pa.Table]]:
    """Lend an engine that holds the heads of the area's households, and the lists."""
    path = _asked(area)
    if roll.count_under(path, at_most=most + 1) > most:
        raise AreaTooLarge(
            f"The area holds more than {most:,} households, more than one list may have. Name a smaller area.",
            area=area,
        )
    with Engine(memory_mib=512, threads=1) as engine:
        with open_source() as source:
            engine.register("head", registry.head_frame(source, path=path))
            engine.register("point", assessment.score_within_frame(source, path=path, as_of=day))
        scored = engine.table(
            """SELECT h.household_number AS household, h.area_code AS area, p.score FROM head h
               JOIN point p USING (household_id)"""
        )
        yield engine, draw_lists(engine, scored, cut_off=cut_off, margin=margin)
