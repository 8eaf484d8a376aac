"""Decide rules for everybody at once, and say of each which clause failed or which facts are missing.

A rule is its clauses joined by `and`. One whole number holds the answer of one rule for one household or person: 0 it
holds, `n` the n-th clause is the first that fails, negative it is not known and the bits of `-answer` say which of the
rule's facts are missing. `explain` gives the same answer for one household, slowly; tests hold them equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.rules.check import Expression
from khana_methods.rules.compile import compile_rules
from khana_methods.rules.explain import FAILS, UNKNOWN, explain
from khana_methods.rules.expression import (
    Arithmetic,
    Case,
    Compare,
    Constant,
    FactName,
    IsMissing,
    Logic,
    Negative,
    Node,
    Not,
    OverMembers,
    children,
    facts_of,
    text_of,
)
from khana_methods.rules.reference import Situation

MOST_FACTS = 30
HOLDS = 0


class TooManyFacts(InputError):
    """A rule reads more facts than one answer can name."""

    code: ClassVar[str] = "rules.decide.too_many_facts"


@dataclass(frozen=True, slots=True)
class Decidable:
    """A rule as its clauses: their texts, in order, and the facts that an answer's bits stand for."""

    rule: Expression
    clauses: tuple[Node, ...]
    facts: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the clauses as written."""
        return tuple(text_of(clause) for clause in self.clauses)

    def missing(self, answer: int) -> tuple[str, ...]:
        """Name the facts that an answer says are missing; none where it is known.

        Examples:
            >>> from khana_methods.rules.check import read_rule
            >>> decidable(read_rule("rooms < 3 and has_tv")).missing(-2)
            ('has_tv',)
        """
        return tuple(name for bit, name in enumerate(self.facts) if answer < 0 and -answer >> bit & 1)


def decidable(rule: Expression) -> Decidable:
    """Take a checked condition apart into its clauses.

    Raises:
        TooManyFacts: It reads more than `MOST_FACTS`.
    """
    facts = facts_of(rule.tree)
    if len(facts) > MOST_FACTS:
        raise TooManyFacts(f"A rule reads at most {MOST_FACTS} facts; this one reads {len(facts)}.", facts=len(facts))
    return Decidable(rule, _clauses(rule.tree), facts)


def _clauses(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Logic) and node.word == "and":
        return tuple(clause for operand in node.operands for clause in _clauses(operand))
    return (node,)


def decide_all(
    engine: Engine, rules: Mapping[str, Decidable], *, into: str, household: str = "household", member: str = "member"
) -> None:
    """Write one row per household, or per member, with one answer a rule.

    Args:
        engine: With typed facts, as `snapshot.type_facts` makes them.
        rules: Of one entity, by the column to write.
        into: Table to make: `household_id`, `person_id` for rules about persons, and a whole number for each rule.
        household: Relation of households.
        member: Relation of members.
    """
    if not rules:
        engine.run(f"CREATE OR REPLACE TABLE {into} AS SELECT household_id FROM {household}")
        return
    answers = {
        name: Expression(one.rule.text, _answer(one), one.rule.entity, one.rule.quantity) for name, one in rules.items()
    }
    is_person = next(iter(rules.values())).rule.entity == "person"
    keys = "household_id, person_id" if is_person else "household_id"
    columns = ", ".join(f'CAST("{name}" AS INTEGER) AS "{name}"' for name in rules)
    sql = compile_rules(answers, household=household, member=member)
    engine.run(f"CREATE OR REPLACE TABLE {into} AS SELECT {keys}, {columns} FROM ({sql}) AS decided")


def decide_one(one: Decidable, at: Situation) -> int:
    """Return the answer for one household or person by the slow interpreter: what `decide_all` must give.

    Examples:
        >>> from khana_methods.rules.check import read_rule
        >>> rule = decidable(read_rule("rooms < 3 and has_tv"))
        >>> [decide_one(rule, Situation(facts)) for facts in ({"rooms": 2, "has_tv": True}, {"rooms": 4}, {"rooms": 2})]
        [0, 1, -2]
    """
    why = explain(one.rule, at)
    if why.outcome == UNKNOWN:
        return -sum(1 << bit for bit, name in enumerate(one.facts) if name in why.missing) or -(1 << MOST_FACTS)
    if why.outcome != FAILS:
        return HOLDS
    parts = [Expression(one.rule.text, clause, one.rule.entity, one.rule.quantity) for clause in one.clauses]
    return next(number for number, part in enumerate(parts, start=1) if explain(part, at).outcome == FAILS)


def _answer(one: Decidable) -> Node:
    """Write the answer as a tree of the language: the first clause that fails, else holds, else the bits."""
    failing = tuple((Not(clause), Constant(float(number))) for number, clause in enumerate(one.clauses, start=1))
    bits: list[Node] = []
    for bit, name in enumerate(one.facts):
        lacks = _missing(one.rule.tree, name)
        if lacks is not None:
            bits.append(Case(((lacks, Constant(float(1 << bit))),), Constant(0.0)))
    total: Node = bits[0] if bits else Constant(0.0)
    for part in bits[1:]:
        total = Arithmetic("+", total, part)
    # unknown without a missing fact (a division by zero): a bit that stands for none
    unknown = Case(((Compare("=", total, Constant(0.0)), Constant(-float(1 << MOST_FACTS))),), Negative(total))
    return Case((*failing, (one.rule.tree, Constant(0.0))), unknown)


def _missing(node: Node, name: str) -> Node | None:
    """Write whether a fact's absence makes a part unknown, as `explain` tells it; None where it cannot."""
    if isinstance(node, IsMissing):
        return None
    if isinstance(node, FactName):
        return IsMissing(node) if node.name == name else None
    if isinstance(node, OverMembers):
        inner = None if node.argument is None else _missing(node.argument, name)
        below: list[Node] = [] if inner is None else [OverMembers("any_member", inner)]
    else:
        below = [part for child in children(node) if (part := _missing(child, name)) is not None]
    if not below:
        return None
    some = below[0] if len(below) == 1 else Logic("or", tuple(below))
    return Logic("and", (IsMissing(node), some))
