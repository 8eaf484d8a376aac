"""Compile checked rules into one SELECT for DuckDB, PostgreSQL or Spark: whole registries at once.

SQL is written once in DuckDB's tongue and carried over by sqlglot. The relations are `household` (one row per
`household_id`) and `member` (`household_id`, `person_id`), with facts as columns by their names; null is a missing
fact. All arithmetic is in double precision; a division by zero is null. Several rules share one pass over members.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

import sqlglot

from khana_methods.errors import InputError
from khana_methods.rules.check import SCOPES, Expression, home_of
from khana_methods.rules.expression import (
    CONVERSIONS,
    PERIODS_IN_YEAR,
    Amount,
    Arithmetic,
    Call,
    Case,
    Compare,
    Constant,
    Derived,
    FactName,
    IsMissing,
    Logic,
    Negative,
    Node,
    Not,
    OneOf,
    OverMembers,
    children,
    walk,
)
from khana_methods.rules.facts import FactCatalogue, load_facts

DIALECTS = ("duckdb", "postgres", "spark")
_NUMBERS = frozenset({"integer", "decimal", "money"})


class DialectUnknown(InputError):
    """Rules are compiled only for engines that the tests hold equal."""

    code: ClassVar[str] = "rules.compile.dialect_unknown"


class RulesOfTwoEntities(InputError):
    """Rules about households and about persons give different rows and cannot share one SELECT."""

    code: ClassVar[str] = "rules.compile.two_entities"


def compile_rules(
    rules: Mapping[str, Expression],
    *,
    dialect: str = "duckdb",
    household: str = "household",
    member: str = "member",
    catalogue: FactCatalogue | None = None,
) -> str:
    """Write one SELECT that evaluates rules over every household, or every person.

    Args:
        rules: Expressions by the name of the column that they give; all of one entity.
        dialect: duckdb, postgres or spark.
        household: Relation with one row per household.
        member: Relation with one row per member.
        catalogue: Facts; the shipped catalogue by default.

    Returns:
        SQL whose rows are households (`household_id`, then one column per rule) or persons
        (`household_id`, `person_id`, then one column per rule). Conditions are true, false or null for
        unknown; numbers are double precision.

    Raises:
        DialectUnknown: Another engine.
        RulesOfTwoEntities: The rules are not all of one entity.
    """
    if dialect not in DIALECTS:
        raise DialectUnknown(f"Rules compile to {', '.join(DIALECTS)}.", dialect=dialect)
    entities = {rule.entity for rule in rules.values()}
    if len(entities) != 1:
        raise RulesOfTwoEntities("Compile rules about households apart from rules about persons.")
    (entity,) = entities
    writer = _Writer(catalogue or load_facts(), entity)
    columns = ", ".join(f'{writer.write(rule.tree)} AS "{_plain(name)}"' for name, rule in rules.items())
    keys, source = "h.household_id", f"{household} AS h"
    if entity == "person":
        keys = "p.household_id, p.person_id"
        source = f"{member} AS p JOIN {household} AS h ON h.household_id = p.household_id"
    before = ""
    if writer.aggregates:
        before = _over_members(writer, household, member)
        source += " LEFT JOIN over_members AS a ON a.household_id = h.household_id"
    text = f"{before}SELECT {keys}, {columns} FROM {source}"
    return text if dialect == "duckdb" else sqlglot.transpile(text, read="duckdb", write=dialect)[0]


def compile_count(
    rule: Expression, *, dialect: str = "duckdb", household: str = "household", member: str = "member"
) -> str:
    """Write a SELECT of one row: how many satisfy a rule, do not, and are unknown (`holds`, `fails`, `unknown`)."""
    inner = compile_rules({"value": rule}, household=household, member=member)
    counts = ", ".join(
        f"COUNT(CASE WHEN {condition} THEN 1 END) AS {name}"
        for name, condition in (("holds", "value"), ("fails", "NOT value"), ("unknown", "value IS NULL"))
    )
    text = f"SELECT {counts} FROM ({inner}) AS decided"
    return text if dialect == "duckdb" else sqlglot.transpile(text, read="duckdb", write=dialect)[0]


def _plain(name: str) -> str:
    """Return a column name without what could end its quotes."""
    return name.replace('"', "")


def _over_members(writer: _Writer, household: str, member: str) -> str:
    """Write the common table with one row per household and one column per aggregate."""
    values, totals = [], []
    for number, aggregate in enumerate(writer.aggregates):
        if aggregate.argument is None:
            totals.append(f"COUNT(*) AS r{number}")
            continue
        values.append(f"{writer.of_member(aggregate.argument)} AS v{number}")
        totals.append(f"{_total(aggregate.name, f'v{number}')} AS r{number}")
    join = f" JOIN {household} AS h ON h.household_id = m.household_id" if writer.reads_household else ""
    inner = f"SELECT {', '.join(['m.household_id', *values])} FROM {member} AS m{join}"
    return (
        f"WITH over_members AS (SELECT household_id, {', '.join(totals)} FROM ({inner}) AS each_member "
        "GROUP BY household_id) "
    )


def _total(name: str, value: str) -> str:
    """Write one aggregate: unknown members make counts, sums and extremes unknown."""
    if name in ("any_member", "all_members"):
        rank = f"CASE WHEN {value} THEN 2 WHEN {value} IS NULL THEN 1 ELSE 0 END"
        return f"{'MAX' if name == 'any_member' else 'MIN'}({rank})"
    whole = {
        "count_members": f"SUM(CASE WHEN {value} THEN 1 ELSE 0 END)",
        "sum_members": f"SUM({value})",
        "min_members": f"MIN({value})",
        "max_members": f"MAX({value})",
    }[name]
    return f"CASE WHEN COUNT(*) = COUNT({value}) THEN {whole} END"


class _Writer:
    """Write trees as SQL and gather the aggregates that they need."""

    def __init__(self, catalogue: FactCatalogue, entity: str) -> None:
        self._catalogue = catalogue
        self._entities = SCOPES[entity]
        self._alias = {"household": "h", "person": "p"}
        self.aggregates: list[OverMembers] = []
        self.reads_household = False

    def of_member(self, node: Node) -> str:
        """Write a tree that is evaluated for each member of a household."""
        own = self._entities, self._alias
        self._entities, self._alias = SCOPES["person"], {"household": "h", "person": "m"}
        text = self.write(node)
        homes = {home_of(self._catalogue.get(n.name), self._entities) for n in walk(node) if isinstance(n, FactName)}
        self.reads_household = self.reads_household or "household" in homes
        self._entities, self._alias = own
        return text

    def write(self, node: Node) -> str:
        """Write one part, in brackets where it has several."""
        match node:
            case Constant(value=value):
                return _constant(value)
            case Amount(value=value):
                return _constant(value)
            case FactName(name=name):
                return self._fact(name)
            case Derived(tree=tree):
                return self.write(tree)
            case Not(operand=operand):
                return f"(NOT {self.write(operand)})"
            case Logic(word=word, operands=operands):
                return f"({f' {word.upper()} '.join(self.write(operand) for operand in operands)})"
            case Compare(sign=sign, left=left, right=right):
                return f"({self.write(left)} {sign} {self.write(right)})"
            case OneOf(operand=operand, choices=choices):
                return f"({self.write(operand)} IN ({', '.join(_constant(choice.value) for choice in choices)}))"
            case IsMissing(operand=operand):
                return f"({self.write(operand)} IS NULL)"
            case Arithmetic(sign="/", left=left, right=right):
                return f"({self.write(left)} / NULLIF({self.write(right)}, {_constant(0.0)}))"
            case Arithmetic(sign=sign, left=left, right=right):
                return f"({self.write(left)} {sign} {self.write(right)})"
            case Negative(operand=operand):
                return f"(- {self.write(operand)})"
            case Case(branches=branches, otherwise=otherwise):
                parts = [f"WHEN {self.write(condition)} THEN {self.write(value)}" for condition, value in branches]
                tail = [] if otherwise is None else [f"ELSE {self.write(otherwise)}"]
                return " ".join(["CASE", *parts, *tail, "END"])
            case Call():
                return self._call(node)
            case OverMembers():
                return self._aggregate(node)

    def _fact(self, name: str) -> str:
        fact = self._catalogue.get(name)
        column = f'{self._alias[home_of(fact, self._entities)]}."{name}"'
        return f"CAST({column} AS DOUBLE)" if fact.type in _NUMBERS else column

    def _call(self, node: Call) -> str:
        parts = [self.write(argument) for argument in node.arguments]
        if node.name in CONVERSIONS:
            source = period_of(node.arguments[0], self._catalogue)
            return f"({parts[0]} * {_ratio(source, CONVERSIONS[node.name])})"
        if node.name in ("least", "greatest"):
            known = " AND ".join(f"{part} IS NOT NULL" for part in parts)
            return f"CASE WHEN {known} THEN {node.name.upper()}({', '.join(parts)}) END"
        return f"{node.name.upper()}({', '.join(parts)})"

    def _aggregate(self, node: OverMembers) -> str:
        if node not in self.aggregates:
            self.aggregates.append(node)
        column = f"a.r{self.aggregates.index(node)}"
        if node.name in ("any_member", "all_members"):
            empty = 0 if node.name == "any_member" else 2
            return f"CASE COALESCE({column}, {empty}) WHEN 2 THEN TRUE WHEN 0 THEN FALSE END"
        number = f"CAST({column} AS DOUBLE)"
        if node.name in ("count_members", "sum_members"):
            return f"CASE WHEN a.household_id IS NULL THEN {_constant(0.0)} ELSE {number} END"
        return number


def period_of(node: Node, catalogue: FactCatalogue) -> str:
    """Return the period that a checked flow of money is per."""
    match node:
        case FactName(name=name):
            return catalogue.get(name).period
        case Amount(period=period):
            return period
        case Call(name=name) if name in CONVERSIONS:
            return CONVERSIONS[name]
    found = [period for child in children(node) if (period := period_of(child, catalogue))]
    return found[0] if found else ""


def _ratio(source: str, target: str) -> str:
    """Write the months of one period over those of the other; the product is taken first, then divided."""
    above, below = 12 / PERIODS_IN_YEAR[target], 12 / PERIODS_IN_YEAR[source]
    return f"{_constant(above)} / {_constant(below)}"


def _constant(value: bool | float | str | date) -> str:
    """Write a constant with its type, so that every engine reads the same number."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, date):
        return f"CAST('{value.isoformat()}' AS DATE)"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"CAST('{value!r}' AS DOUBLE)"
