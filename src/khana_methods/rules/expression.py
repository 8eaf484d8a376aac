"""The tree that a rule is after reading: a handful of frozen nodes, and the text each stands for.

Parser, checker, compilers and the slow interpreter share these nodes and nothing else, so that the
interpreter can be held against the compilers. A tree knows no engine and no value of any household.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

AGGREGATES = ("any_member", "all_members", "count_members", "sum_members", "min_members", "max_members")
PERIODS_IN_YEAR = {"month": 12, "quarter": 4, "half_year": 2, "year": 1}
CONVERSIONS = {f"per_{period}": period for period in PERIODS_IN_YEAR}
OWNERS = ("person", "household", "per_person")


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, a day, or true or false, as written."""

    value: bool | float | str | date


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money with its period and whose it is: `amount(10000, 'year', 'person')`.

    The owner is one `person`, one `household`, or `per_person`: the household's divided by its members.
    """

    value: float
    period: str
    owner: str


@dataclass(frozen=True, slots=True)
class FactName:
    """The value of one fact of the catalogue."""

    name: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A fact that is itself a rule: its name, and the tree it stands for."""

    name: str
    tree: Node


@dataclass(frozen=True, slots=True)
class Not:
    """True where its operand is false, and unknown where it is unknown."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """All (`and`) or one (`or`) of two or more clauses."""

    word: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values held against each other with = <> < <= > or >=."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class OneOf:
    """Whether a value is among those listed."""

    operand: Node
    choices: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class IsMissing:
    """Whether a value is unknown; itself never unknown."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers joined by + - * or /; by zero is unknown."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negative:
    """A number with the other sign."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first branch whose condition is true; without one, `otherwise` or unknown."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class Call:
    """`abs`, `coalesce`, `least`, `greatest`, or a conversion `per_month` to `per_year`."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class OverMembers:
    """An aggregate over the members of the household; `argument` is None in `count_members()`."""

    name: str
    argument: Node | None


Node: TypeAlias = (
    Constant
    | Amount
    | FactName
    | Derived
    | Not
    | Logic
    | Compare
    | OneOf
    | IsMissing
    | Arithmetic
    | Negative
    | Case
    | Call
    | OverMembers
)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below one node, in the order written."""
    match node:
        case Derived(tree=tree):
            return (tree,)
        case Not(operand=operand) | OneOf(operand=operand) | IsMissing(operand=operand) | Negative(operand=operand):
            return (operand,)
        case Logic(operands=below) | Call(arguments=below):
            return below
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case Case(branches=branches, otherwise=otherwise):
            return (*(part for branch in branches for part in branch), *([] if otherwise is None else [otherwise]))
        case OverMembers(argument=argument):
            return () if argument is None else (argument,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, depth first."""
    yield node
    for child in children(node):
        yield from walk(child)


def facts_of(node: Node) -> tuple[str, ...]:
    """Name the facts that a tree reads, each once, in the order they first appear."""
    return tuple(dict.fromkeys(below.name for below in walk(node) if isinstance(below, FactName)))


def text_of(node: Node) -> str:
    """Write a tree in the rule language; reading the text again gives the same tree.

    Examples:
        >>> text_of(Compare(">=", FactName("age"), Constant(65.0)))
        'age >= 65'
    """
    match node:
        case Constant(value=value):
            return _literal(value)
        case Amount(value=value, period=period, owner=owner):
            return f"amount({_literal(value)}, '{period}', '{owner}')"
        case FactName(name=name) | Derived(name=name):
            return name
        case Not(operand=IsMissing(operand=operand)):
            return f"{_inside(operand)} is not null"
        case Not(operand=operand):
            return f"not {_inside(operand)}"
        case Logic(word=word, operands=operands):
            return f" {word} ".join(f"({text_of(o)})" if isinstance(o, Logic) else text_of(o) for o in operands)
        case Compare(sign=sign, left=left, right=right):
            sides = (
                text_of(side) if isinstance(side, Arithmetic | Negative) else _inside(side) for side in (left, right)
            )
            return f" {sign} ".join(sides)
        case Arithmetic(sign=sign, left=left, right=right):
            return f"{_inside(left)} {sign} {_inside(right)}"
        case OneOf(operand=operand, choices=choices):
            return f"{_inside(operand)} in ({', '.join(_literal(choice.value) for choice in choices)})"
        case IsMissing(operand=operand):
            return f"{_inside(operand)} is null"
        case Negative(operand=operand):
            return f"-({text_of(operand)})" if isinstance(operand, Constant) else f"-{_inside(operand)}"
        case Case(branches=branches, otherwise=otherwise):
            parts = [f"when {text_of(condition)} then {text_of(value)}" for condition, value in branches]
            tail = [] if otherwise is None else [f"else {text_of(otherwise)}"]
            return " ".join(["case", *parts, *tail, "end"])
        case Call(name=name, arguments=arguments):
            return f"{name}({', '.join(text_of(argument) for argument in arguments)})"
        case OverMembers(name=name, argument=argument):
            return f"{name}({'' if argument is None else text_of(argument)})"


def _inside(node: Node) -> str:
    """Write a part, in brackets where it could be read another way."""
    is_open = isinstance(node, Not | Logic | Compare | OneOf | IsMissing | Arithmetic | Negative)
    return f"({text_of(node)})" if is_open else text_of(node)


def _literal(value: bool | float | str | date) -> str:
    """Write one constant."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
