"""Bring any roster into the registry's facts: texts in, two typed frames out.

Headers and values are recognised by the fact's own words, by `roster_words.yaml`, or by a codebook that lies
beside the file; tables that a contract has read pass through unchanged. What is not understood is counted and
named by column, never guessed; a column of codes that is mostly not understood is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.rules.facts import Fact, load_facts
from khana_methods.yaml_text import read_yaml

BIRTH_PARTS = ("birth_year", "birth_month", "birth_day")
REQUIRED = ("household_number", "line_no")
_NATIVE = "۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩০১২৩৪৫৬৭৮৯"
_ASCII = "0123456789" * 3
_MOST, _VALUES = 0.05, 10_000
# a roster whose columns of these are not understood cannot be checked at all
STRUCTURE = frozenset(
    {"line_no", "relation", "sex", "marital", "is_member", "spouse_line", "father_line", "mother_line"}
)
Codebook = Mapping[tuple[str, str], str]


class RosterUnrecognised(InputError):
    """A roster needs at least a household number and a line number."""

    code: ClassVar[str] = "quality.roster.unrecognised"


class ValuesNotUnderstood(InputError):
    """A column of codes says something that is not known; checking it would find nothing and look clean."""

    code: ClassVar[str] = "quality.roster.values_not_understood"


@dataclass(frozen=True)
class Roster:
    """A roster in the registry's facts.

    Attributes:
        members: n rows, one per line of the roster: `household_id` (str), `line_no` (int), `birth_year`,
            `birth_month`, `birth_day` (int) and every person fact that the files state, typed.
        households: one row per household that the files state: `household_id` and its facts.
        has_household_file: Households came in a file of their own, and not only from the roster.
        not_understood: Cells whose value is no known code or number, by fact.
        unread: Columns that no fact was found for.
    """

    members: pa.Table
    households: pa.Table
    has_household_file: bool = False
    not_understood: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def facts(self) -> frozenset[str]:
        """Name the facts that are stated, of persons and households."""
        return frozenset(self.members.schema.names) | frozenset(self.households.schema.names)


@cache
def words() -> Mapping[str, Any]:
    """Read the words by which rosters are recognised."""
    found: Mapping[str, Any] = read_yaml(Path(__file__).with_name("roster_words.yaml").read_text(encoding="utf-8"))
    return found


def make_roster(
    engine: Engine,
    persons: str,
    households: str = "",
    *,
    wanted: frozenset[str] | None = None,
    codebook: Codebook | None = None,
    file: str = "the roster",
) -> Roster:
    """Make a roster of two tables of the engine.

    Args:
        engine: Holds the tables.
        persons: Table with one row per line of a roster, in any types.
        households: Table with one row per household; empty where there is none.
        wanted: Facts to read beside household and line number; None reads all.
        codebook: (column, code) to label, where the file has one.
        file: What to call the roster in messages.

    Returns:
        The roster; household facts that stand on the person rows are taken from there too.

    Raises:
        RosterUnrecognised: No household number or no line number was found.
        ValuesNotUnderstood: More than one in twenty filled cells of a fact that a roster stands on mean nothing
            known. Another coded fact of which that is so is left out and stands in `not_understood`.
    """
    catalogue = load_facts()
    book = codebook or {}
    person_facts, household_facts = (
        {f.name: f for f in catalogue.of_entity(entity) if wanted is None or f.name in wanted or f.name in REQUIRED}
        for entity in ("person", "household")
    )
    columns = _recognised(engine, persons, person_facts | household_facts)
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise RosterUnrecognised(
            f"No column of {file} is the {' or the '.join(missing)}. Name columns by the registry's facts "
            "(`khana schema facts`), or say what they mean in a contract.",
            missing=missing,
        )
    doubts: dict[str, int] = {}
    own = {name: column for name, column in columns.items() if name in person_facts or name in BIRTH_PARTS}
    members = _typed(engine, persons, own, person_facts, book, doubts)
    shared = {n: c for n, c in columns.items() if n in household_facts and n not in person_facts}
    unread = [name for name in _names(engine, persons) if name not in columns.values()]
    if households:
        found = _recognised(engine, households, household_facts)
        if "household_number" not in found:
            raise RosterUnrecognised(
                "The file of households has no column of the household number.", missing=REQUIRED[:1]
            )
        table = _typed(engine, households, found, household_facts, book, doubts)
        unread += [name for name in _names(engine, households) if name not in found.values()]
    else:
        only = {"household_number": columns["household_number"]} | shared
        table = _typed(engine, persons, only, household_facts, book, doubts)
    return Roster(members, _one_each(engine, table), bool(households), doubts, tuple(unread))


def _names(engine: Engine, table: str) -> list[str]:
    return [row[0] for row in engine.rows(f"SELECT column_name FROM (DESCRIBE {table})")]


def header_key(text: str) -> str:
    """Write a header in the form that aliases have.

    Examples:
        >>> header_key(" Father/Mother Line No. ")
        'father_mother_line_no'
    """
    return re.sub(r"[\W_]+", "_", text.strip().lower()).strip("_")


def _recognised(engine: Engine, table: str, facts: Mapping[str, Fact]) -> dict[str, str]:
    """Return fact -> column; a fact's own name comes before its aliases."""
    columns = {header_key(name): name for name in reversed(_names(engine, table))}
    aliases: Mapping[str, list[str]] = words()["headers"]
    found: dict[str, str] = {}
    for fact in [*facts, *BIRTH_PARTS]:
        for key in (fact, *aliases.get(fact, ())):
            if key in columns and columns[key] not in found.values():
                found[fact] = columns[key]
                break
    return found


def _typed(
    engine: Engine,
    table: str,
    columns: Mapping[str, str],
    facts: Mapping[str, Fact],
    book: Codebook,
    doubts: dict[str, int],
) -> pa.Table:
    """Select the recognised columns of one table in the types of their facts; leave out what is not understood."""
    parts: dict[str, list[str]] = {}
    tests: dict[str, str] = {}
    native = _with_native_digits(engine, table, list(columns.values()))
    for name, column in columns.items():
        text = _text(column, column in native)
        fact = facts.get(name)
        value = _value(name, fact, text)
        if fact is not None and fact.type in ("code", "boolean"):
            value = _mapped(fact, text, _meanings(engine, table, fact, column, text, book))
        if name == "birth_date":
            # parts of a birth in columns of their own come before the date
            pairs = [
                (label, part) for label, part in zip(BIRTH_PARTS, _birth(text), strict=True) if label not in columns
            ]
            parts[name] = [f"{part} AS {label}" for label, part in pairs]
        elif name == "household_number":
            parts[name] = [f"{text} AS household_id"]
        else:
            parts[name] = [f'nullif({value}, 0) AS "{name}"' if name in BIRTH_PARTS else f'{value} AS "{name}"']
        if value != text:
            tests[name] = f"count(*) FILTER ({text} IS NOT NULL AND ({value}) IS NULL), count({text})"
    if tests:
        counts = engine.rows(f"SELECT {', '.join(tests.values())} FROM {table}")[0]
        for number, name in enumerate(tests):
            if not _is_understood(
                name, columns[name], counts[2 * number], counts[2 * number + 1], facts.get(name), doubts
            ):
                del parts[name]
    return engine.table(f"SELECT {', '.join(part for each in parts.values() for part in each)} FROM {table}")


def _is_understood(name: str, column: str, bad: int, filled: int, fact: Fact | None, doubts: dict[str, int]) -> bool:
    """Tell whether a column may be used; note what of it is not understood.

    Raises:
        ValuesNotUnderstood: A roster cannot be read at all without this fact.
    """
    if bad:
        doubts[name] = doubts.get(name, 0) + bad
    if bad <= _MOST * filled or (fact is not None and fact.type not in ("code", "boolean") and name not in STRUCTURE):
        return True
    if name in STRUCTURE:
        raise ValuesNotUnderstood(
            f"{bad} of {filled} values of the column '{column}' ({name}) are not understood. Put a codebook.csv "
            "(file, column, code, label) beside the file, or say what they mean in a contract.",
            fact=name,
            cells=bad,
        )
    return False


def _quoted(column: str) -> str:
    return 'CAST("' + column.replace('"', '""') + '" AS VARCHAR)'


def _with_native_digits(engine: Engine, table: str, columns: list[str]) -> frozenset[str]:
    """Name the columns that have digits of Urdu or Bangla: only these pay for writing them in ASCII."""
    tests = ", ".join(f"coalesce(bool_or(regexp_matches({_quoted(c)}, '[{_NATIVE}]')), false)" for c in columns)
    return frozenset(c for c, has in zip(columns, engine.rows(f"SELECT {tests} FROM {table}")[0], strict=True) if has)


def _text(column: str, has_native: bool) -> str:
    """Write SQL for a cell as trimmed text in ASCII digits, null where blank."""
    text = f"translate({_quoted(column)}, '{_NATIVE}', '{_ASCII}')" if has_native else _quoted(column)
    return f"nullif(trim({text}), '')"


def _value(name: str, fact: Fact | None, text: str) -> str:
    """Write SQL for a cell in the type of its fact; codes are left as text."""
    kind = fact.type if fact is not None else "integer"
    if kind == "integer":
        number = f"try_cast({text} AS DOUBLE)"
        return f"CASE WHEN {number} = floor({number}) AND abs({number}) < 2e9 THEN CAST({number} AS BIGINT) END"
    if kind in ("decimal", "money"):
        return f"try_cast(replace({text}, ',', '') AS DOUBLE)"
    if kind == "date":
        return f"CAST(try_strptime({text}, ['%Y-%m-%d', '%d-%m-%Y', '%d/%m/%Y', '%Y-%m-%d %H:%M:%S']) AS DATE)"
    return text


def word_key(text: str) -> str:
    """Write a value in the form that the list of words has.

    Examples:
        >>> word_key("Son/Daughter-in-law"), word_key("Brother_Sister"), word_key(" 1.0 ")
        ('son daughter in law', 'brother sister', '1')
    """
    return re.sub(r"[^\w\u0900-\u09ff]+|_", " ", re.sub(r"^(\d+)\.0+$", r"\1", text.strip()).lower()).strip()


def _meanings(engine: Engine, table: str, fact: Fact, column: str, text: str, book: Codebook) -> dict[str, str]:
    """Return what each different value of a coded column means, as far as it is known."""
    is_boolean = fact.type == "boolean"
    numbers = words()["numbers"].get("boolean" if is_boolean else fact.name, {})
    said: Mapping[str, list[str]] = words()["booleans"] if is_boolean else words()["words"].get(fact.name, {})
    known = {str(number): code for number, code in numbers.items()}
    for code in (*fact.codes, *said):
        for word in (code, *said.get(code, ())):
            known[word_key(word)] = code
    labels = {word_key(code): word_key(label) for (where, code), label in book.items() if where == column}
    meaning = {}
    for (value,) in engine.rows(
        f"SELECT DISTINCT {text} AS value FROM {table} WHERE value IS NOT NULL LIMIT {_VALUES}"
    ):
        key = word_key(value)
        found = known.get(labels.get(key, ""), known.get(key))
        if found is not None:
            meaning[value] = found
    return meaning


def _mapped(fact: Fact, text: str, meaning: Mapping[str, str]) -> str:
    """Write SQL that turns the values of a column into the fact's codes."""
    if not meaning:
        return "CAST(NULL AS BOOLEAN)" if fact.type == "boolean" else "CAST(NULL AS VARCHAR)"
    by_code: dict[str, list[str]] = {}
    for value, code in meaning.items():
        by_code.setdefault(code, []).append("'" + value.replace("'", "''") + "'")
    result = {code: code if fact.type == "boolean" else f"'{code}'" for code in by_code}
    branches = " ".join(f"WHEN {text} IN ({', '.join(values)}) THEN {result[code]}" for code, values in by_code.items())
    return f"(CASE {branches} END)"


def _birth(text: str) -> tuple[str, str, str]:
    """Write SQL for the year, month and day of a date of birth that may be partial."""
    forward, back = (
        r"^(\d{4})(?:[-/.](\d{1,2}))?(?:[-/.](\d{1,2}))?(?:[ T].*)?$",
        r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$",
    )

    def part(front: int, behind: int) -> str:
        taken = [f"nullif(regexp_extract({text}, '{p}', {n}), '')" for p, n in ((forward, front), (back, behind))]
        return f"nullif(try_cast(coalesce({', '.join(taken)}) AS BIGINT), 0)"

    return part(1, 3), part(2, 2), part(3, 1)


def _one_each(engine: Engine, table: pa.Table) -> pa.Table:
    """Keep one row a household: the first value that is stated of each fact."""
    engine.register("stated_household", table)
    facts = [name for name in table.schema.names if name != "household_id"]
    parts = ["household_id", *(f'any_value("{name}") AS "{name}"' for name in facts)]
    found = engine.table(
        f"SELECT {', '.join(parts)} FROM stated_household WHERE household_id IS NOT NULL GROUP BY household_id"
    )
    engine.drop("stated_household")
    return found
