"""Say why a rule holds, fails or is unknown for one household: clause by clause, in words.

Each clause carries its outcome and, where it is unknown, what is missing. Built on the slow interpreter. An
explanation shows facts of a household: it is for her file and her letter, never for a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from khana_methods.rules.check import Expression
from khana_methods.rules.expression import (
    Arithmetic,
    Case,
    Derived,
    FactName,
    IsMissing,
    Logic,
    Node,
    Not,
    OverMembers,
    children,
    facts_of,
    text_of,
)
from khana_methods.rules.reference import Situation, Value, evaluate

HOLDS, FAILS, UNKNOWN = "holds", "fails", "unknown"


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of a rule and what came of it.

    `outcome` is holds, fails or unknown for a condition, and known or unknown for a number; `because` says what
    is missing or what the facts were; `members` are the positions of the members for whom it holds.
    """

    text: str
    outcome: str
    value: Value
    because: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    members: tuple[int, ...] = ()
    clauses: tuple[Clause, ...] = ()


def explain(rule: Expression, at: Situation) -> Clause:
    """Explain what a rule gives for one household or person.

    Returns:
        The clause of the whole rule, with the clauses that it is joined from below it. Members are numbered
        from 1 in the order of `at.members`.

    Examples:
        >>> from khana_methods.rules.check import read_rule
        >>> rule = read_rule("rooms < 3 and any_member(age >= 65)")
        >>> why = explain(rule, Situation({"rooms": 2}, [{"age": None}, {"age": 30}]))
        >>> print(in_words(why))
        unknown: rooms < 3 and any_member(age >= 65)
          holds: rooms < 3 (rooms is 2)
          unknown: any_member(age >= 65) (age of member 1 is missing)
    """
    return _clause(rule.tree, at)


def in_words(clause: Clause) -> str:
    """Write a clause and those below it as indented lines."""
    return "\n".join(_lines(clause, 0))


def _lines(clause: Clause, depth: int) -> Iterator[str]:
    reason = f" ({'; '.join(clause.because)})" if clause.because else ""
    yield f"{'  ' * depth}{clause.outcome}: {clause.text}{reason}"
    for below in clause.clauses:
        yield from _lines(below, depth + 1)


def _clause(node: Node, at: Situation) -> Clause:
    """Explain one node; `and`, `or` and `not` are explained by their parts."""
    value = evaluate(node, at)
    clause = Clause(text=text_of(node), outcome=_outcome(value), value=value)
    if value is None:
        clause = replace(clause, missing=tuple(dict.fromkeys(_missing(node, at))))
    if isinstance(node, Derived):
        below = _clause(node.tree, at)
        return replace(below, text=f"{node.name}: {below.text}")
    if isinstance(node, Logic):
        return replace(clause, clauses=tuple(_clause(part, at) for part in node.operands))
    if isinstance(node, Not):
        return replace(clause, clauses=(_clause(node.operand, at),))
    if value is None:
        return replace(clause, because=tuple(dict.fromkeys(_why_unknown(node, at))))
    if isinstance(node, OverMembers) and node.name in ("any_member", "all_members") and node.argument is not None:
        held = tuple(
            number
            for number, member in enumerate(at.members, start=1)
            if evaluate(node.argument, at.of_member(member)) is True
        )
        return replace(clause, members=held, because=(_of_members(held, len(at.members)),))
    return replace(clause, because=tuple(_values(node, at)))


def _outcome(value: Value) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return HOLDS if value else FAILS
    return "known"


def _of_members(held: tuple[int, ...], size: int) -> str:
    """Say for whom a condition over members holds."""
    if not held:
        return f"none of {size} members" if size else "no members"
    return f"member {', '.join(map(str, held))} of {size}"


def _values(node: Node, at: Situation) -> Iterator[str]:
    """Say the facts and aggregates that a decided clause was made of."""
    if isinstance(node, OverMembers | Derived):
        yield f"{text_of(node)} is {_shown(evaluate(node, at))}"
        return
    if isinstance(node, FactName):
        yield f"{node.name} is {_shown(at.fact(node.name))}"
        return
    for child in children(node):
        yield from _values(child, at)


def _shown(value: Value) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else f"{value:g}" if isinstance(value, float) else value


def _why_unknown(node: Node, at: Situation, member: int = 0) -> Iterator[str]:
    """Say what makes a part unknown: a missing fact, a division by zero, or no members."""
    if evaluate(node, at) is not None:
        return
    whose = f" of member {member}" if member else ""
    if isinstance(node, FactName):
        is_of_household = node.name in at.household or not member
        yield f"{node.name}{'' if is_of_household else whose} is missing"
    elif isinstance(node, OverMembers) and node.argument is not None:
        for number, facts in enumerate(at.members, start=1):
            yield from _why_unknown(node.argument, at.of_member(facts), number)
        if not at.members:
            yield f"{text_of(node)} has no members"
    elif isinstance(node, Arithmetic) and node.sign == "/" and evaluate(node.right, at) == 0:
        yield f"{text_of(node.right)}{whose} is zero in {text_of(node)}"
    elif isinstance(node, Case):
        yield from _why_case(node, at, member)
    else:
        for child in children(node):
            yield from _why_unknown(child, at, member)


def _why_case(node: Case, at: Situation, member: int) -> Iterator[str]:
    """Say why a case gives nothing: the branch taken is unknown, or none is taken."""
    for condition, value in node.branches:
        if evaluate(condition, at) is True:
            yield from _why_unknown(value, at, member)
            return
        yield from _why_unknown(condition, at, member)
    if node.otherwise is None:
        yield f"no branch of {text_of(node)} holds"
    else:
        yield from _why_unknown(node.otherwise, at, member)


def _missing(node: Node, at: Situation) -> Iterator[str]:
    """Name the facts whose absence makes a part unknown."""
    if evaluate(node, at) is not None or isinstance(node, IsMissing):
        return
    if isinstance(node, FactName):
        yield node.name
    elif isinstance(node, OverMembers) and node.argument is not None:
        for facts in at.members:
            yield from _missing(node.argument, at.of_member(facts))
    else:
        for child in children(node):
            yield from _missing(child, at)


def reads(rule: Expression) -> tuple[str, ...]:
    """Name the facts that a rule reads, so that a form can be held against it."""
    return facts_of(rule.tree)
