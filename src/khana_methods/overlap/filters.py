"""Exclusion filters as dated objects: hits of each, who is removed first by which, and how many distinct persons.

A filter (foreign travel, a car, a salary from the state …) tells against a person by herself or by her spouse. Its
days of force, source and order are data, so that it can be withdrawn; a hit whose appeal was upheld removes
nobody. The sum of hits is not the number removed: filters overlap, and both are told.
Source of the form: the filters of December 2019 in Pakistan, as answered to parliament (`domain.md` §1.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.overlap.dated_entries import missing, no_days, read_entries, strange
from khana_methods.overlap.text_frames import column_or, text_frame

SUBJECTS = ("self", "spouse", "family")
_KEYS = frozenset({"code", "name", "valid_from", "valid_to", "source", "subjects"})


class FiltersInvalid(InputError):
    """The file of filters or of hits contradicts itself."""

    code: ClassVar[str] = "overlap.filters.invalid"


@dataclass(frozen=True, slots=True)
class Filter:
    """One exclusion filter; in force from `valid_from` up to, not on, `valid_to`."""

    code: str
    name: str
    valid_from: date
    valid_to: date | None
    source: str
    subjects: tuple[str, ...]

    def is_in_force(self, day: date) -> bool:
        """Tell whether it counts on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def load_filters(path: Path) -> tuple[Filter, ...]:
    """Read filters from YAML, in the order in which they are applied.

    Raises:
        FiltersInvalid: All mistakes in one message.
    """
    return tuple(
        Filter(one["code"], one["name"], one["valid_from"], one.get("valid_to"), one["source"],
               tuple(one.get("subjects") or SUBJECTS))
        for one in read_entries(path, key="filters", noun="filter", problems_of=_problems, error=FiltersInvalid)
    )  # fmt: skip


def _problems(entry: Mapping[str, Any]) -> list[str]:
    subjects = [who for who in entry.get("subjects") or () if who not in SUBJECTS]
    return [
        *missing(entry, ("code", "name", "valid_from", "source")),
        *strange(entry, _KEYS, "filter"),
        *no_days(entry, ("valid_from", "valid_to")),
        *(f"'{who}' is not one of {', '.join(SUBJECTS)}" for who in subjects),
    ]


def report(engine: Engine, *, hits: pa.Table, filters: Sequence[Filter], on: date) -> dict[str, Any]:
    """Count what filters in force on a day remove.

    Args:
        engine: Where hits are counted.
        hits: `person`, `filter`, and where given `subject` (self, spouse or family; self if absent) and `appeal`
            (`upheld` takes the hit back). The same hit twice counts once.
        filters: In the order in which they are applied.
        on: The day.

    Returns:
        `filters`: for each in force, hits by subject, persons hit, persons removed first by it (the waterfall) and
        whom it alone removes; `hits`, `removed` (distinct persons), `overlap` (hits less persons removed),
        `upheld` hits taken back, `not_in_force` hits of filters that do not count on the day.

    Raises:
        FiltersInvalid: A column is missing, or a hit names what is no filter or no subject.

    Examples:
        >>> one, two = (Filter(code, code, date(2019, 12, 1), None, "press", SUBJECTS) for code in ("travel", "car"))
        >>> hits = pa.table({"person": ["a", "a", "b"], "filter": ["travel", "car", "car"]})
        >>> with Engine(memory_mib=256, threads=1) as engine:
        ...     found = report(engine, hits=hits, filters=[one, two], on=date(2020, 1, 1))
        >>> found["hits"], found["removed"], [row["first"] for row in found["filters"]]
        (3, 2, [1, 1])
    """
    engine.register("filter_hit_raw", _hits(hits))
    engine.register("filter_known", pa.table({
        "filter": pa.array([one.code for one in filters], pa.string()),
        "place": pa.array(range(len(filters)), pa.int64()),
        "is_in_force": pa.array([one.is_in_force(on) for one in filters], pa.bool_()),
    }))  # fmt: skip
    for column, known in (("filter", [one.code for one in filters]), ("subject", list(SUBJECTS))):
        strange = engine.rows(f"SELECT DISTINCT {column} FROM filter_hit_raw WHERE NOT list_contains($known, {column}) LIMIT 5",
                              {"known": known})  # fmt: skip
        if strange:
            listed = ", ".join(str(code) for (code,) in strange)
            raise FiltersInvalid(f"The hits name what is no {column}: {listed}.")
    engine.run("""CREATE OR REPLACE TABLE filter_hit AS
        SELECT DISTINCT h.person, h.subject, k.place FROM filter_hit_raw h JOIN filter_known k USING (filter)
        WHERE k.is_in_force AND h.appeal <> 'upheld'""")
    engine.run("""CREATE OR REPLACE TABLE filter_first AS
        SELECT person, min(place) AS place, count(DISTINCT place) AS filters FROM filter_hit GROUP BY person""")
    subjects = {
        (place, subject): count
        for place, subject, count in engine.rows("SELECT place, subject, count(*) FROM filter_hit GROUP BY ALL")
    }
    persons = dict(engine.rows("SELECT place, count(DISTINCT person) FROM filter_hit GROUP BY place"))
    first = dict(engine.rows("SELECT place, count(*) FROM filter_first GROUP BY place"))
    alone = dict(engine.rows("SELECT place, count(*) FROM filter_first WHERE filters = 1 GROUP BY place"))
    rows = [
        {
            "filter": one.code, "name": one.name, **{who: subjects.get((place, who), 0) for who in SUBJECTS},
            "hits": sum(subjects.get((place, who), 0) for who in SUBJECTS), "persons": persons.get(place, 0),
            "first": first.get(place, 0), "alone": alone.get(place, 0), "source": one.source,
        }
        for place, one in enumerate(filters) if one.is_in_force(on)
    ]  # fmt: skip
    total, removed = sum(row["hits"] for row in rows), sum(row["first"] for row in rows)
    taken = engine.rows("""SELECT count(*) FILTER (WHERE appeal = 'upheld' AND is_in_force), count(*) FILTER (WHERE NOT is_in_force)
        FROM (SELECT DISTINCT h.*, k.is_in_force FROM filter_hit_raw h JOIN filter_known k USING (filter))""")
    return {
        "on": on.isoformat(), "hits": total, "removed": removed, "overlap": total - removed,
        "upheld": taken[0][0], "not_in_force": taken[0][1], "filters": rows,
    }  # fmt: skip


def _hits(frame: pa.Table) -> pa.Table:
    """Return hits as texts with the four columns."""
    texts = text_frame(frame, what="hits", wanted=("person", "filter"), error=FiltersInvalid)
    subject = pc.utf8_lower(column_or(texts, "subject"))
    return pa.table({
        "person": texts["person"], "filter": texts["filter"],
        "subject": pc.if_else(pc.equal(subject, ""), "self", subject),
        "appeal": pc.utf8_lower(column_or(texts, "appeal")),
    })  # fmt: skip
