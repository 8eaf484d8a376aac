"""The slow interpreter: one rule on one household, by the definition of each node and nothing clever.

It shares only the reading of rules with the compilers; property tests hold every engine equal to it. None is
unknown: a missing fact, or a division by zero. `and` and `or` follow Kleene's three-valued logic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

from khana_methods.rules.expression import (
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
)
from khana_methods.rules.facts import FactCatalogue, load_facts

Value: TypeAlias = bool | float | str | date | None
Facts: TypeAlias = Mapping[str, Any]

_MONTHS = {"month": 1.0, "quarter": 3.0, "half_year": 6.0, "year": 12.0}


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of one household, its members, and the person that a rule is about, if any."""

    household: Facts
    members: Sequence[Facts] = ()
    person: Facts | None = None
    catalogue: FactCatalogue | None = None

    def of_member(self, member: Facts) -> Situation:
        """Return the same household seen from one member."""
        return replace(self, person=member)

    def fact(self, name: str) -> Value:
        """Return the value of a fact, None where it is missing; numbers as float."""
        fact = (self.catalogue or load_facts()).get(name)
        is_of_household = fact.entity in ("household", "score") or self.person is None
        value = (self.household if is_of_household or self.person is None else self.person).get(name)
        if isinstance(value, bool) or value is None or isinstance(value, str | date):
            return value
        return float(value)


def evaluate(node: Node, at: Situation) -> Value:
    """Return the value of a tree: a condition, number, text or day, None for unknown.

    Examples:
        >>> from khana_methods.rules.parse import parse
        >>> tree = parse("any_member(age >= 65) and rooms / household_size < 1")
        >>> evaluate(tree, Situation({"rooms": 2, "household_size": 0}, [{"age": 70}])) is None
        True
        >>> evaluate(tree, Situation({"rooms": 2, "household_size": 0}, [{"age": 20}]))
        False
    """
    match node:
        case Constant(value=constant):
            return constant
        case Amount(value=number):
            return number
        case FactName(name=name):
            return at.fact(name)
        case Derived(tree=tree):
            return evaluate(tree, at)
        case Not(operand=operand):
            held = evaluate(operand, at)
            return None if held is None else not held
        case Logic(word=word, operands=operands):
            return _logic(word, [evaluate(operand, at) for operand in operands])
        case Compare(sign=sign, left=left, right=right):
            return _compare(sign, evaluate(left, at), evaluate(right, at))
        case OneOf(operand=operand, choices=choices):
            sought = evaluate(operand, at)
            return None if sought is None else sought in [choice.value for choice in choices]
        case IsMissing(operand=operand):
            return evaluate(operand, at) is None
        case Arithmetic(sign=sign, left=left, right=right):
            return _arithmetic(sign, evaluate(left, at), evaluate(right, at))
        case Negative(operand=operand):
            positive = _number(evaluate(operand, at))
            return None if positive is None else -positive
        case Case(branches=branches, otherwise=otherwise):
            for condition, value in branches:
                if evaluate(condition, at) is True:
                    return evaluate(value, at)
            return None if otherwise is None else evaluate(otherwise, at)
        case Call():
            return _call(node, at)
        case OverMembers():
            return _over_members(node, at)


def _number(value: Value) -> float | None:
    """Return a checked value as the number that it is."""
    return None if value is None else float(value)  # type: ignore[arg-type]


def _logic(word: str, values: Sequence[Value]) -> bool | None:
    """Join conditions: one false decides `and`, one true decides `or`, else one unknown makes all unknown."""
    decisive = word == "or"
    if any(value is decisive for value in values):
        return decisive
    return None if any(value is None for value in values) else not decisive


def _compare(sign: str, left: Any, right: Any) -> bool | None:
    """Hold two values against each other; unknown where one is."""
    if left is None or right is None:
        return None
    if sign == "=":
        return bool(left == right)
    if sign == "<>":
        return bool(left != right)
    if sign in ("<", "<="):
        return bool(left < right or (sign == "<=" and left == right))
    return bool(left > right or (sign == ">=" and left == right))


def _arithmetic(sign: str, left: Value, right: Value) -> float | None:
    """Join two numbers; unknown where one is, or where it would divide by zero."""
    first, second = _number(left), _number(right)
    if first is None or second is None:
        return None
    if sign == "+":
        return first + second
    if sign == "-":
        return first - second
    if sign == "*":
        return first * second
    return None if second == 0 else first / second


def _call(node: Call, at: Situation) -> Value:
    """Apply a function of the language."""
    values = [evaluate(argument, at) for argument in node.arguments]
    if node.name == "coalesce":
        return next((value for value in values if value is not None), None)
    numbers = [number for value in values if (number := _number(value)) is not None]
    if len(numbers) < len(values):
        return None
    if node.name == "abs":
        return abs(numbers[0])
    if node.name in ("least", "greatest"):
        return min(numbers) if node.name == "least" else max(numbers)
    target = node.name.removeprefix("per_")
    return numbers[0] * _MONTHS[target] / _MONTHS[_period(node.arguments[0], at)]


def _period(node: Node, at: Situation) -> str:
    """Return the period of a flow; the checker has made sure that there is one."""
    if isinstance(node, Call) and node.name.startswith("per_"):
        return node.name.removeprefix("per_")
    if isinstance(node, FactName):
        return (at.catalogue or load_facts()).get(node.name).period
    if isinstance(node, Amount):
        return node.period
    parts: list[Node] = []
    if isinstance(node, Derived):
        parts = [node.tree]
    elif isinstance(node, Arithmetic):
        parts = [node.left, node.right]
    elif isinstance(node, Negative):
        parts = [node.operand]
    elif isinstance(node, Call):
        parts = list(node.arguments)
    elif isinstance(node, Case):
        parts = [value for _, value in node.branches] + ([] if node.otherwise is None else [node.otherwise])
    elif isinstance(node, OverMembers) and node.argument is not None:
        parts = [node.argument]
    return next((period for part in parts if (period := _period(part, at))), "")


def _over_members(node: OverMembers, at: Situation) -> Value:
    """Aggregate over members; one unknown member makes counts, sums and extremes unknown."""
    if node.argument is None:
        return float(len(at.members))
    values = [evaluate(node.argument, at.of_member(member)) for member in at.members]
    if node.name in ("any_member", "all_members"):
        return _logic("or" if node.name == "any_member" else "and", values)
    if any(value is None for value in values):
        return None
    if node.name == "count_members":
        return float(sum(value is True for value in values))
    numbers = [float(value) for value in values]  # type: ignore[arg-type]
    if node.name == "sum_members":
        return float(sum(numbers))
    if not numbers:
        return None
    return min(numbers) if node.name == "min_members" else max(numbers)
