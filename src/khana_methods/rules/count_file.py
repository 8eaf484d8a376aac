"""Count who satisfies a rule in files of households and members, as their columns stand.

Columns are facts by their names, or by the names that the caller gives; a value that is not of its fact's type is not
known. Parquet and CSV are shown to the engine without being read first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from khana_methods.engine.duckdb import Engine
from khana_methods.engine.files import show_table
from khana_methods.errors import InputError
from khana_methods.rules.check import SCOPES, Expression, home_of, uses_members
from khana_methods.rules.compile import compile_count
from khana_methods.rules.expression import facts_of
from khana_methods.rules.facts import Fact, FactCatalogue, load_facts
from khana_methods.rules.missing import implied_sql


class FactColumnMissing(InputError):
    """A file has no column for a fact that the rule reads; counting it as unknown would hide that."""

    code: ClassVar[str] = "rules.count.column_missing"


def count_in_files(
    rule: Expression,
    *,
    households: Path,
    members: Path | None = None,
    key: str = "household_id",
    columns: Mapping[str, str] | None = None,
    catalogue: FactCatalogue | None = None,
    memory_mib: int = 2048,
) -> dict[str, int]:
    """Count who satisfies a rule, who does not, and of whom it is unknown.

    Args:
        rule: Read and checked.
        households: File of one row a household.
        members: File of one row a person; needed where the rule reads members or is about persons.
        key: Column of the household in both.
        columns: Column by fact, where a file calls it otherwise.
        catalogue: Facts; the shipped catalogue by default.
        memory_mib: For the engine.

    Returns:
        `holds`, `fails` and `unknown`.

    Raises:
        FactColumnMissing: A column is not there, or members are needed and not given.
        FileUnreadable: A file is no table.
    """
    facts = catalogue or load_facts()
    named = dict(columns or {})
    wanted = {name: facts.get(name) for name in facts_of(rule.tree)}
    needs_members = rule.entity == "person" or uses_members(rule.tree)
    if needs_members and members is None:
        raise FactColumnMissing("The rule reads members: add a file of members.")
    scope = SCOPES["person"] if needs_members else SCOPES[rule.entity]
    of = {name: home_of(fact, scope) for name, fact in wanted.items()}
    with Engine(memory_mib=memory_mib) as engine:
        told = [f for n, f in wanted.items() if of[n] == "household"]
        _show(engine, "household", households, key, named, told, facts)
        if needs_members and members is not None:
            told = [f for n, f in wanted.items() if of[n] != "household"]
            _show(engine, "member", members, key, named, told, facts)
        holds, fails, unknown = engine.rows(compile_count(rule))[0]
    return {"holds": holds, "fails": fails, "unknown": unknown}


def _show(
    engine: Engine, name: str, file: Path, key: str, named: Mapping[str, str], facts: list[Fact], known: FactCatalogue
) -> None:
    """Show a file as the relation of a rule: the household's key and one typed column for each fact."""
    source = show_table(engine, f"given_{name}", file)
    types = {row[0]: str(row[1]).upper() for row in engine.rows(f"DESCRIBE SELECT * FROM {source}")}
    absent = [c for c in (key, *(named.get(fact.name, fact.name) for fact in facts)) if c not in types]
    if absent:
        raise FactColumnMissing(f"{file.name} has no column {', '.join(absent)}.", columns=absent)
    told = [f"CAST({_name(key)} AS VARCHAR) AS household_id"]
    if name == "member":
        told.append("row_number() OVER () AS person_id")

    def stated(fact_name: str) -> str | None:
        """Write a fact as the file states it; None where it has no such column."""
        column = named.get(fact_name, fact_name)
        return _typed(_name(column), types[column], known.get(fact_name)) if column in types else None

    told += [f"{implied_sql(fact, stated(fact.name) or 'NULL', stated)} AS {_name(fact.name)}" for fact in facts]
    engine.run(f"CREATE OR REPLACE VIEW {name} AS SELECT {', '.join(told)} FROM {source}")


def _typed(column: str, kind: str, fact: Fact) -> str:
    """Write a column as its fact's type, null where it has none."""
    text = f"NULLIF(trim(CAST({column} AS VARCHAR)), '')"
    if fact.type in ("integer", "decimal", "money"):
        return f"TRY_CAST(replace({text}, ',', '') AS DOUBLE)" if kind == "VARCHAR" else f"TRY_CAST({column} AS DOUBLE)"
    if fact.type == "boolean":
        yes, no = "('yes', 'y', 'true', 't', '1', '1.0')", "('no', 'n', 'false', 'f', '0', '0.0')"
        return f"CASE WHEN lower({text}) IN {yes} THEN true WHEN lower({text}) IN {no} THEN false END"
    if fact.type == "date":
        return f"TRY_CAST({column} AS DATE)"
    return text


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
