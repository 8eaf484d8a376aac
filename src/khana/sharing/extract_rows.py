"""The rows of an extract, part by part as CSV: identified lists, de-identified microdata, or protected counts.

Memory stays flat: rows are read by a cursor on the server and leave in parts. Microdata are coarsened (ages and
scores in bands of ten), rows that still stand out are left out, and where those are many nothing leaves. Counts are
protected as `khana_methods.disclosure.tables` does.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, ClassVar

import psycopg
import pyarrow as pa
from django.db import connection

from khana.platform import keys
from khana.sharing import population, searches
from khana_methods.disclosure import anonymity, tables
from khana_methods.disclosure.spreadsheets import neutralise, printable
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError

K = 5
SMALL_CELL = 10
MOST_SUPPRESSED = 0.05
DIMENSIONS = ("district", "sex", "age", "score_class", "group_size", "programmes")


class StandsOut(InputError):
    """Too many people would be recognisable."""

    code: ClassVar[str] = "sharing.extract.stands_out"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written, and for whom."""

    partner: str
    group: str
    extract: str
    level: str
    fields: tuple[str, ...]
    by: tuple[str, ...]
    area_path: str
    rules: tuple[str, ...]
    programme: str
    needs_consent: bool
    max_rows: int
    today: date


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the file: its text, its rows, and whose they are."""

    text: str
    rows: int
    persons: tuple[int, ...]


class Parts:
    """The parts of one extract; says afterwards how many rows or cells were left out."""

    def __init__(self, plan: Plan, size: int) -> None:
        """Keep the plan."""
        self._plan, self._size = plan, size
        self.suppressed = 0

    def __iter__(self) -> Iterator[Part]:
        """Yield the parts in order."""
        if self._plan.level == "AGGREGATE":
            yield self._counts()
        elif self._plan.level == "MICRODATA":
            yield from self._microdata()
        else:
            yield from self._list()

    def _list(self) -> Iterator[Part]:
        plan = self._plan
        header = ["record_id", "pseudonym", *plan.fields]
        marked, named = marks(plan.partner, plan.extract), keys.pseudonyms(plan.group)
        is_first = True
        for rows in _batched(_people(plan), self._size):
            written = [
                [marked(row["id"]), named(f"person:{row['id']}").hex()[:24], *(_cell(row.get(name)) for name in plan.fields)]
                for row in rows
            ]  # fmt: skip
            yield Part(_csv(written, header if is_first else None), len(written), tuple(row["id"] for row in rows))
            is_first = False
        if is_first:
            yield Part(_csv([], header), 0, ())

    def _microdata(self) -> Iterator[Part]:
        plan = self._plan
        header: list[str] | None = ["record_id", *plan.fields]
        with Engine(memory_mib=256) as engine:
            total = _gather(engine, plan, self._size)
            quoted = ", ".join(anonymity.quoted(name) for name in plan.fields)
            kept = f"SELECT * FROM (SELECT *, count(*) OVER (PARTITION BY {quoted}) AS class_rows FROM people) WHERE class_rows >= {K}"
            left = int(engine.value(f"SELECT count(*) FROM ({kept})"))
            self.suppressed = total - left
            if total and self.suppressed > MOST_SUPPRESSED * total:
                raise StandsOut(
                    f"{self.suppressed} of {total} rows violate {K}-anonymity: ask for fewer or coarser fields "
                    "(`khana sdc check` shows what to change).", rows=total, violating=self.suppressed,
                )  # fmt: skip
            # the order of rows would tell where a household stands: the whole file is sorted by the marks
            sorted_rows = f"SELECT id, mark, {quoted} FROM ({kept}) ORDER BY mark"
            for batch in engine.reader(sorted_rows, batch_rows=self._size):
                ids, marked, *columns = (column.to_pylist() for column in batch.columns)
                written = list(zip(marked, *([_cell(value) for value in column] for column in columns), strict=True))
                yield Part(_csv(written, header), len(written), tuple(ids))
                header = None
            if header is not None:
                yield Part(_csv([], header), 0, ())

    def _counts(self) -> Part:
        plan = self._plan
        cells: dict[tuple[str, ...], int] = {}
        for row in _people(plan):
            cell = tuple(coarse(name, row.get(name)) or "unknown" for name in plan.by)
            cells[cell] = cells.get(cell, 0) + 1
        if not cells:
            return Part(_csv([], [*plan.by, "people"]), 0, ())
        made = tables.protect(cells, threshold=SMALL_CELL)
        self.suppressed = sum(count is None for count in made.cells.values())
        rows = [[*cell, "" if count is None else count] for cell, count in sorted(made.cells.items())]
        return Part(_csv(rows, [*plan.by, "people"]), len(rows), ())


def parts(plan: Plan, size: int) -> Parts:
    """Return the parts of an extract, each of at most so many rows."""
    return Parts(plan, size)


def marks(partner: str, extract: str) -> Callable[[int], str]:
    """Return what gives the marks of an extract's rows, for many rows: its key is drawn once."""
    drawn = keys.pseudonyms(f"mark {partner} {extract}")
    return lambda person: drawn(str(person)).hex()[:20]


def mark(partner: str, extract: str, person: int) -> str:
    """Return the mark of a row: another for each extract and recipient, so that a leak names both."""
    return marks(partner, extract)(person)


def pseudonym(group: str, person: int) -> str:
    """Return a person's pseudonym for one recipient: the same in every extract of hers, another for others."""
    return keys.pseudonym(group, f"person:{person}").hex()[:24]


def _gather(engine: Engine, plan: Plan, size: int) -> int:
    """Load the people of a microdata file into the engine, coarsened and with their marks; return how many."""
    names = list(plan.fields)
    schema = pa.schema([("id", pa.int64()), ("mark", pa.string()), *((name, pa.string()) for name in names)])
    engine.make_empty("people", schema)
    marked, total = marks(plan.partner, plan.extract), 0
    for rows in _batched(_people(plan), size):
        ids = [int(row["id"]) for row in rows]
        columns = [_coarse_column(name, [row.get(name) for row in rows]) for name in names]
        engine.register("arrived", pa.table([ids, [marked(one) for one in ids], *columns], schema=schema))
        engine.run("INSERT INTO people SELECT * FROM arrived")
        total += len(ids)
    return total


def _coarse_column(name: str, values: Sequence[Any]) -> list[str]:
    """Return `coarse` of each value; a value that came before is not worked out again."""
    known: dict[Any, str] = {}
    out = []
    for value in values:
        if isinstance(value, list | dict):
            out.append(coarse(name, value))
            continue
        text = known.get(value)
        if text is None:
            text = known[value] = coarse(name, value)
        out.append(text)
    return out


def coarse(name: str, value: Any) -> str:
    """Write a value as microdata may have it.

    Examples:
        >>> coarse("age", 37), coarse("poverty_score", "18.2"), coarse("sex", "F"), coarse("age", None)
        ('30-39', '10-20', 'F', '')
    """
    if value is None or value == "":
        return ""
    if name == "age":
        low = int(value) // 10 * 10
        return "80+" if low >= 80 else f"{low}-{low + 9}"
    if name == "poverty_score":
        low = int(float(value)) // 10 * 10
        return f"{low}-{low + 10}"
    if name == "district":
        return ".".join(str(value).split(".")[:3]).rstrip(".")
    if name == "group_size":
        return "8+" if int(value) >= 8 else str(value)
    if name == "registration_date":
        return str(value)[:4]
    return _cell(value)


def _people(plan: Plan) -> Iterator[Mapping[str, Any]]:
    """Yield the people of an extract under row security, read by a cursor on the server."""
    values: dict[str, Any] = {"partner": plan.partner, "today": plan.today, "area": plan.area_path}
    asked = [population.compile_rule(rule) for rule in plan.rules]
    if plan.programme:
        asked.append(population.Condition("programmes", "eq", plan.programme))
    where = [
        population.to_sql(
            one,
            searches.PERSON_COLUMNS,
            values,
            holders=partial(searches.holders, entity="Member"),
            path_of=searches.path_of,
        )
        for one in asked
    ]
    statement = searches.people_statement(plan.by or plan.fields, where, needs_consent=plan.needs_consent)
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    with connection.wrap_database_errors, psycopg.ServerCursor(raw, "extract") as cursor:
        cursor.itersize = 5000
        for (row,) in cursor.execute(statement, values):
            yield searches.opened(row)


def _batched(rows: Iterator[Mapping[str, Any]], size: int) -> Iterator[tuple[Mapping[str, Any], ...]]:
    while batch := tuple(itertools.islice(rows, size)):
        yield batch


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        if value and isinstance(value[0], dict):
            return "; ".join(" ".join(str(part) for part in one.values() if part) for one in value)
        return "-".join(f"{part:02d}" if isinstance(part, int) else str(part) for part in value if part)
    return neutralise(printable(str(value)))


def _csv(rows: Sequence[Sequence[Any]], header: Sequence[str] | None) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header is not None:
        writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
