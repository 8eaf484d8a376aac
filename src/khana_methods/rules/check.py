"""Check a rule against the catalogue of facts: names, types, units, periods, and whose money it is.

Rules are refused before they run: an income of one person in a year is not held against an income of a
household in a month. Each mistake is told in words with what to write instead, all of them at once. A bare
number takes the unit of what it stands beside; an `amount(…)` has its own.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from khana_methods.errors import InputError
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
    text_of,
    walk,
)
from khana_methods.rules.facts import Fact, FactCatalogue, FactUnknown, load_facts
from khana_methods.rules.parse import parse
from khana_methods.rules.quantity import ANYTHING, BOOLEAN, Quantity, of_fact, same_measure

SCOPES = {"household": ("household", "score"), "person": ("person", "household", "score")}
MAX_FACTORS = 8
_UNREADABLE = frozenset({"personal_number", "mobile", "account", "partial_date", "period"})


class ExpressionIncompatible(InputError):
    """A rule names an unknown fact or joins what cannot be joined; its answer would be wrong silently."""

    code: ClassVar[str] = "rules.expression.incompatible"


@dataclass(frozen=True, slots=True)
class Expression:
    """A rule that has been read and checked: text, tree, whose it is, and what it gives."""

    text: str
    tree: Node
    entity: str
    quantity: Quantity


def read_rule(
    text: str,
    *,
    entity: str = "household",
    catalogue: FactCatalogue | None = None,
    derived: Mapping[str, Node] | None = None,
    gives: str = "",
) -> Expression:
    """Parse and check one rule.

    Args:
        text: The expression.
        entity: `household` or `person`: for whom it is decided.
        catalogue: Facts; the shipped catalogue by default.
        derived: Trees of derived facts by name.
        gives: `boolean` or `number` where the caller needs that; empty takes either.

    Raises:
        ExpressionIncompatible: All mistakes in one message, each with what to write instead.
        ExpressionUnreadable: It cannot be read.
        ExpressionRefused: A part is outside the language.

    Examples:
        >>> try:
        ...     read_rule("income_month <= amount(10000, 'year', 'household')")
        ... except ExpressionIncompatible as error:
        ...     print(error.message.split(" Or ")[0])
        'income_month' is per month and 'amount(10000, 'year', 'household')' is per year. Write per_year(income_month).
    """
    tree = parse(text, derived)
    checker = _Checker(catalogue or load_facts(), entity)
    quantity = checker.of(tree)
    if _factors(tree) > MAX_FACTORS:
        checker.problems.append(
            f"More than {MAX_FACTORS} numbers are multiplied or divided; the result may not be a number."
        )
    if gives and quantity.kind not in (gives, "any"):
        checker.problems.append(f"The rule must give a {gives}, and gives a {quantity.kind}.")
    if checker.problems:
        problems = list(dict.fromkeys(checker.problems))
        raise ExpressionIncompatible(" ".join(problems), problems=problems)
    return Expression(text=" ".join(text.split()), tree=tree, entity=entity, quantity=quantity)


class _Checker:
    """Work out what each part gives, from below, and collect every mistake."""

    def __init__(self, catalogue: FactCatalogue, entity: str) -> None:
        self._catalogue = catalogue
        self._entities = SCOPES[entity]
        self._is_inside = False
        self.problems: list[str] = []

    def of(self, node: Node) -> Quantity:
        """Return what a part gives."""
        match node:
            case Constant(value=value):
                return _of_constant(value)
            case Amount(period=period, owner=owner):
                return _of_amount(period, owner)
            case FactName(name=name):
                return self._fact(name)
            case Derived(tree=tree):
                return self.of(tree)
            case Not(operand=operand):
                return self._condition(operand)
            case Logic(operands=operands):
                for operand in operands:
                    self._condition(operand)
                return BOOLEAN
            case IsMissing(operand=operand):
                if not (isinstance(operand, FactName) and self._is_known(operand.name)):
                    self.of(operand)
                return BOOLEAN
            case Compare():
                return self._compare(node)
            case OneOf(operand=operand, choices=choices):
                left = self.of(operand)
                for choice in choices:
                    self._pair(operand, left, choice, self.of(choice), ordered=False)
                return BOOLEAN
            case Arithmetic():
                return self._arithmetic(node)
            case Negative(operand=operand):
                return self._number(operand)
            case Case():
                return self._case(node)
            case Call():
                return self._call(node)
            case OverMembers():
                return self._over_members(node)

    def _is_known(self, name: str) -> bool:
        """Tell whether a fact exists in scope; any fact may be asked whether it is missing."""
        return self._find(name) is not None

    def _find(self, name: str) -> Fact | None:
        """Find a fact in scope, or note what is wrong with the name."""
        try:
            fact = self._catalogue.get(name)
        except FactUnknown as error:
            self.problems.append(error.message)
            return None
        if not set(fact.entities) & set(self._entities):
            if "person" in fact.entities:
                self.problems.append(f"'{name}' is of a person: use it inside any_member(…) or count_members(…).")
            else:
                self.problems.append(f"'{name}' is of {fact.entity}, which a rule about a household does not see.")
            return None
        return fact

    def _fact(self, name: str) -> Quantity:
        fact = self._find(name)
        if fact is None:
            return ANYTHING
        if fact.type in _UNREADABLE:
            hint = " Use age." if name == "birth_date" else ""
            self.problems.append(f"'{name}' cannot be held against anything in a rule, only 'is null'.{hint}")
            return ANYTHING
        return of_fact(fact, home_of(fact, self._entities))

    def _condition(self, node: Node) -> Quantity:
        found = self.of(node)
        if found.kind not in ("boolean", "any"):
            self.problems.append(f"'{text_of(node)}' is a {found.kind}, where a condition must stand.")
        return BOOLEAN

    def _number(self, node: Node) -> Quantity:
        found = self.of(node)
        if found.kind not in ("number", "any"):
            self.problems.append(f"'{text_of(node)}' is a {found.kind}, where a number must stand.")
            return ANYTHING
        return found

    def _compare(self, node: Compare) -> Quantity:
        left, right = self.of(node.left), self.of(node.right)
        self._pair(node.left, left, node.right, right, ordered=node.sign not in ("=", "<>"))
        return BOOLEAN

    def _pair(self, left: Node, first: Quantity, right: Node, second: Quantity, *, ordered: bool) -> None:
        """Note why two values cannot be held against each other."""
        if "any" in (first.kind, second.kind):
            return
        if first.kind == "code" or second.kind == "code":
            self._codes(left, first, right, second)
        elif first.kind != second.kind:
            self.problems.append(
                f"'{text_of(left)}' is a {first.kind} and '{text_of(right)}' a {second.kind}: they cannot be compared."
            )
            return
        if ordered and first.kind in ("boolean", "text", "code"):
            self.problems.append(f"'{text_of(left)}' has no order: only = and <> can be used.")
        if first.kind == "number" and second.kind == "number":
            self._measures(left, first, right, second)

    def _codes(self, left: Node, first: Quantity, right: Node, second: Quantity) -> None:
        """Note a code that the catalogue does not have, with the nearest."""
        for fact, known, node in ((left, first, right), (right, second, left)):
            if not known.codes:
                continue
            if not (isinstance(node, Constant) and isinstance(node.value, str)):
                if (second if fact is left else first).codes != known.codes:
                    self.problems.append(f"'{text_of(fact)}' is a code: hold it against one of its codes in quotes.")
                return
            codes = dict(known.codes)
            if node.value not in codes:
                by_label = {label.lower(): code for code, label in codes.items()}
                words = [*codes, *by_label]
                near = difflib.get_close_matches(node.value.lower(), words, n=1, cutoff=0.5)
                hint = f" Write '{by_label.get(near[0], near[0])}'." if near else ""
                self.problems.append(f"'{node.value}' is no code of {text_of(fact)} ({', '.join(codes)}).{hint}")

    def _measures(self, left: Node, first: Quantity, right: Node, second: Quantity) -> None:
        """Note numbers of different unit, period or owner, with what to write instead."""
        problem = same_measure(text_of(left), first, text_of(right), second)
        if not problem:
            return
        for node, own, other in ((left, first, second), (right, second, first)):
            if own.owner == "person" and other.owner == "household" and not isinstance(node, Amount):
                problem += f" Write sum_members({text_of(node)}) for all of a household."
        for node, other in ((left, second), (right, first)):
            if isinstance(node, FactName):
                problem += self._twins(node.name, other)
        self.problems.append(problem)

    def _twins(self, name: str, other: Quantity) -> str:
        """Offer the facts that could stand where one of another measure stands."""
        found = {
            fact.name: entity
            for entity in ("household", "person")
            for fact in self._catalogue.of_entity(entity)
            if fact.type == "money" and fact.period and same_measure("", of_fact(fact, entity), "", other) == ""
        }
        words = [
            fact if entity in self._entities else f"any_member({fact} …)"
            for fact, entity in found.items()
            if fact != name
        ]
        return f" Or use {' or '.join(words)} instead of {name}." if words else ""

    def _arithmetic(self, node: Arithmetic) -> Quantity:
        left, right = self._number(node.left), self._number(node.right)
        if "any" in (left.kind, right.kind):
            return ANYTHING
        if node.sign in "+-":
            self._measures(node.left, left, node.right, right)
            return right if left.bare else left
        if node.sign == "*" and left.period and right.period:
            self.problems.append(f"'{text_of(node)}' multiplies two amounts of a period; that has no meaning.")
            return ANYTHING
        if node.sign == "/" and right.period and left.period != right.period and not left.bare:
            self.problems.append(
                f"'{text_of(node)}' divides by something per {right.period}; write both per {right.period}."
            )
            return ANYTHING
        return left.times(right) if node.sign == "*" else left.over(right)

    def _case(self, node: Case) -> Quantity:
        values = [value for _, value in node.branches] + ([] if node.otherwise is None else [node.otherwise])
        for condition, _ in node.branches:
            self._condition(condition)
        return self._alike(values)

    def _alike(self, values: list[Node]) -> Quantity:
        """Return what several parts give, which must be one thing."""
        found = [self.of(value) for value in values]
        chief = next((at for at, quantity in enumerate(found) if not quantity.bare and quantity.kind != "any"), 0)
        for value, quantity in zip(values, found, strict=True):
            if value is not values[chief]:
                self._pair(values[chief], found[chief], value, quantity, ordered=False)
        return found[chief]

    def _call(self, node: Call) -> Quantity:
        if node.name in CONVERSIONS:
            found = self._number(node.arguments[0])
            if found.kind == "any":
                return found
            if found.period not in PERIODS_IN_YEAR:
                told = f"is per {found.period}" if found.period else "has no period"
                self.problems.append(f"{node.name} cannot be taken of '{text_of(node.arguments[0])}', which {told}.")
                return ANYTHING
            return found.per(CONVERSIONS[node.name])
        if node.name == "abs":
            return self._number(node.arguments[0])
        if node.name in ("least", "greatest"):
            for argument in node.arguments:
                self._number(argument)
        return self._alike(list(node.arguments))

    def _over_members(self, node: OverMembers) -> Quantity:
        if self._is_inside:
            self.problems.append(f"'{text_of(node)}' stands inside another aggregate; write a derived fact for it.")
            return ANYTHING
        if node.argument is None:
            return Quantity("number", units=(("person", 1),))
        outer, self._entities, self._is_inside = self._entities, SCOPES["person"], True
        if node.name in ("any_member", "all_members", "count_members"):
            self._condition(node.argument)
            found = BOOLEAN
        else:
            found = self._number(node.argument)
        self._entities, self._is_inside = outer, False
        if node.name == "count_members":
            return Quantity("number", units=(("person", 1),))
        return found.owned("household") if node.name == "sum_members" else found


def _of_amount(period: str, owner: str) -> Quantity:
    """Return what an amount gives: `per_person` is the household's money divided by persons."""
    shared = (("person", -1),) if owner == "per_person" else ()
    holder = "person" if owner == "person" else "household"
    return Quantity("number", units=(("currency", 1), *shared), period=period, owner=holder)


def _of_constant(value: bool | float | str | date) -> Quantity:
    """Return what a constant gives; numbers and texts take on what stands beside them."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, date):
        return Quantity("date")
    return Quantity("text", bare=True) if isinstance(value, str) else Quantity("number", bare=True)


def home_of(fact: Fact, entities: tuple[str, ...]) -> str:
    """Return whose value a fact has in scope: its own register's where that is seen, else the first that is."""
    seen = [entity for entity in (fact.entity, *fact.entities) if entity in entities]
    return "person" if seen and seen[0] == "person" else "household"


def _factors(node: Node) -> int:
    """Count how many numbers are multiplied into one: eight of 10^15 stay far from overflow on every engine."""
    below = [_factors(child) for child in children(node)]
    if isinstance(node, Arithmetic) and node.sign in "*/":
        return sum(below)
    return max(below, default=1)


def uses_members(tree: Node) -> bool:
    """Tell whether a tree looks at the members of the household."""
    return any(isinstance(node, OverMembers) for node in walk(tree))
