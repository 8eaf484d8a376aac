"""Score one household from stored versions: at the desk, to explain a score, and to replay one years later.

The same statements as for the whole registry, over the versions that stood on a day and were known at a
time. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from khana.assessment.model_store import KnownModel
from khana.platform.frames import OwnSource
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import NotFound
from khana_methods.pmt import from_facts
from khana_methods.pmt.model import Variable
from khana_methods.rules import snapshot

_MEMORY_MIB = 256


class NothingKnown(NotFound):
    """Nothing was known of the household on that day, or it lies outside the scope."""

    code: ClassVar[str] = "assessment.household.nothing_known"


@dataclass(frozen=True)
class Part:
    """What one variable added to a score."""

    variable: Variable
    answer: Any
    points: float | None
    least: float | None
    most: float | None
    is_missing: bool
    is_unseen: bool


@dataclass(frozen=True)
class Reckoned:
    """One household scored from its versions; `score` is None where it is refused."""

    household_id: int
    area_path: str
    survey_date: date
    raw: float | None
    score: float | None
    class_name: str
    contributions: tuple[float | None, ...]
    missing: tuple[str, ...]
    unseen: tuple[str, ...]
    facts_mark: str
    parts: tuple[Part, ...]
    members: int = 0


def reckon(*, household_id: int, known: KnownModel, as_of: date, known_at: datetime) -> Reckoned:
    """Score one household as it stood on a day and was known at a time.

    Raises:
        NothingKnown: No version of it stood then, within the caller's scope.
    """
    rows, values, members = _scored([household_id], known, as_of, known_at)
    if not rows:
        raise NothingKnown(
            "Nothing was known of this household on that day, or it lies outside the area that you work for."
        )
    return _reckoned(rows[0], known, values, members)


def reckon_many(
    *, household_ids: Sequence[int], known: KnownModel, as_of: date, known_at: datetime
) -> dict[int, Reckoned]:
    """Score some households as they stood on a day and were known at a time, by id; without the parts of a score."""
    rows, _values, members = _scored(household_ids, known, as_of, known_at)
    return {row["household_id"]: _reckoned(row, known, None, members) for row in rows}


def _scored(
    ids: Sequence[int], known: KnownModel, as_of: date, known_at: datetime
) -> tuple[list[dict[str, Any]], Mapping[str, object], dict[int, int]]:
    """Return scored rows, the values that were scored (of one household), and how many members each has."""
    clocks: dict[str, Any] = {"as_of": as_of, "known_at": known_at, "household_id": list(ids)}
    households = registry.household_text_frame(OwnSource(snapshot.household_text_frame), **clocks)
    members = registry.member_text_frame(OwnSource(snapshot.member_text_frame), **clocks)
    with Engine(memory_mib=_MEMORY_MIB, threads=1) as engine:
        engine.register("household_text", households, schema=snapshot.household_text_frame)
        engine.register("member_text", members, schema=snapshot.member_text_frame)
        snapshot.type_facts(engine, as_of=as_of, wanted=from_facts.facts_read(known.model))
        from_facts.score_facts(engine, known.model)
        rows = engine.table("SELECT * FROM scored").to_pylist()
        values = from_facts.values_scored(engine) if len(ids) == 1 and rows else {}
        counts = dict(engine.rows("SELECT household_id, count(*) FROM member GROUP BY household_id"))
    return rows, values, counts


def _reckoned(
    row: Mapping[str, Any], known: KnownModel, values: Mapping[str, object] | None, members: Mapping[int, int]
) -> Reckoned:
    parts = []
    told = zip(known.model.variables, row["contributions"], strict=True) if values is not None else ()
    for variable, points in told:
        ends = variable.effect.extremes()
        parts.append(
            Part(
                variable=variable, answer=_answer(variable, values or {}), points=points, least=ends[0] if ends else None,
                most=ends[1] if ends else None, is_missing=variable.code in row["missing"],
                is_unseen=variable.code in row["unseen"],
            )
        )  # fmt: skip
    return Reckoned(
        household_id=row["household_id"], area_path=row["area_path"], survey_date=row["survey_date"], raw=row["raw"],
        score=row["score"], class_name=row["class"], contributions=tuple(row["contributions"]),
        missing=tuple(row["missing"]), unseen=tuple(row["unseen"]), facts_mark=row["facts_mark"], parts=tuple(parts), members=members.get(row["household_id"], 0),
    )  # fmt: skip


def _answer(variable: Variable, values: Mapping[str, object]) -> object:
    """Return what the household answered, as the model's form has it; a ratio as the number that it is."""
    columns = variable.columns()
    if len(columns) == 2:
        above, below = (values.get(column) for column in columns)
        return (
            float(above) / float(below)
            if isinstance(above, int | float) and isinstance(below, int | float) and below
            else None
        )
    return values.get(variable.code)
