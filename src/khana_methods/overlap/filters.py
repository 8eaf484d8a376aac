"""Exclusion filters as dated objects: hits of each, who is removed first by which, and how many distinct persons.

A filter (foreign travel, a car, a salary from the state …) tells against a person by herself or by her spouse. Its
days of force, source and order are data, so that it can be withdrawn; a hit whose appeal was upheld removes
nobody. The sum of hits is not the number removed: filters overlap, and both are told.
Source of the form: the filters of December 2019 in Pakistan, as answered to parliament (`domain.md` §1.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError

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
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))["filters"]
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise FiltersInvalid(f"{path.name} is no YAML with a list 'filters'.") from error
    problems: list[str] = []
    found: list[Filter] = []
    for number, entry in enumerate(entries or [], start=1):
        named = entry.get("code", f"filter {number}") if isinstance(entry, dict) else f"filter {number}"
        wrong = list(_problems(entry))
        problems += [f"{named}: {problem}" for problem in wrong]
        if not wrong:
            subjects = tuple(entry.get("subjects") or SUBJECTS)
            found.append(
                Filter(
                    entry["code"], entry["name"], entry["valid_from"], entry.get("valid_to"), entry["source"], subjects
                )
            )
    codes = [one.code for one in found]
    problems += [f"{code} stands twice" for code in dict.fromkeys(codes) if codes.count(code) > 1]
    if problems or not found:
        raise FiltersInvalid(f"{path.name}: {'; '.join(problems) or 'it holds no filter'}", mistakes=len(problems))
    return tuple(found)


def _problems(entry: Any) -> list[str]:
    if not isinstance(entry, dict):
        return ["is no mapping"]
    found = [f"{key} is missing" for key in ("code", "name", "valid_from", "source") if not entry.get(key)]
    found += [f"'{key}' is no key of a filter" for key in entry if key not in _KEYS]
    for key in ("valid_from", "valid_to"):
        if entry.get(key) is not None and not isinstance(entry[key], date):
            found.append(f"{key} is a day such as 2019-12-01")
    found += [
        f"'{who}' is not one of {', '.join(SUBJECTS)}" for who in entry.get("subjects") or () if who not in SUBJECTS
    ]
    return found


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
    names = [name.strip().casefold() for name in frame.schema.names]
    missing = [name for name in ("person", "filter") if name not in names]
    if missing:
        raise FiltersInvalid(f"The hits lack the column {', '.join(missing)}.", columns=missing)
    texts = {
        name: pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))
        for name, column in zip(names, frame.columns, strict=True)
    }
    blank = pa.array([""] * frame.num_rows, pa.string())
    subject = pc.utf8_lower(texts.get("subject", blank))
    return pa.table({
        "person": texts["person"], "filter": texts["filter"],
        "subject": pc.if_else(pc.equal(subject, ""), "self", subject),
        "appeal": pc.utf8_lower(texts.get("appeal", blank)),
    })  # fmt: skip
