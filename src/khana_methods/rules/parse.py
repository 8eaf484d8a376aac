"""Read a rule: SQL boolean and arithmetic text, held against a whitelist, into the frozen tree.

The text is read by sqlglot and every node that is not on the list is refused by name: subqueries,
casts, other functions, quoted names, comments, bare NULL. What passes here is safe to compile. Names
of facts are not looked up here, nor types: that is `check`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from khana_methods.errors import InputError
from khana_methods.rules.expression import (
    AGGREGATES,
    CONVERSIONS,
    OWNERS,
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
    walk,
)

MAX_CHARACTERS = 4_000
MAX_NODES = 600
MAX_NUMBER = 1e15
_COMPARE: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_CALLS: dict[type[exp.Expr], str] = {
    exp.Abs: "abs",
    exp.Coalesce: "coalesce",
    exp.Least: "least",
    exp.Greatest: "greatest",
}


class ExpressionUnreadable(InputError):
    """The text of a rule is not an expression: it cannot be read at all."""

    code: ClassVar[str] = "rules.expression.unreadable"


class ExpressionRefused(InputError):
    """A rule holds something outside the language; only what is on the list can be explained and replayed."""

    code: ClassVar[str] = "rules.expression.refused"


def parse(text: str, derived: Mapping[str, Node] | None = None) -> Node:
    """Read one expression of the rule language.

    Args:
        text: At most 4,000 characters of SQL expression over names of facts.
        derived: Trees of derived facts by name; a name found here stands for its tree.

    Returns:
        The tree. Names are in small letters; they are not yet held against the catalogue.

    Raises:
        ExpressionUnreadable: Empty, too long, too deep, or no expression.
        ExpressionRefused: A part is outside the language; the message names it.

    Examples:
        >>> parse("Rooms < 3")
        Compare(sign='<', left=FactName(name='rooms'), right=Constant(value=3.0))
    """
    if not text.strip():
        raise ExpressionUnreadable("The rule is empty; write a condition such as: age >= 65.")
    if len(text) > MAX_CHARACTERS:
        raise ExpressionUnreadable(
            f"The rule has {len(text)} characters, more than {MAX_CHARACTERS}; split it into derived facts.",
            characters=len(text),
        )
    try:
        statements = sqlglot.parse(text, read="duckdb")
        if len(statements) != 1 or statements[0] is None:
            raise ExpressionUnreadable("A rule is one expression; this is none or several.")
        tree = _Reader(derived or {}).read(statements[0])
    except RecursionError as error:
        raise ExpressionUnreadable("The rule is nested too deeply; split it into derived facts.") from error
    except SqlglotError as error:
        raise ExpressionUnreadable(_place(error)) from error
    size = sum(1 for _ in walk(tree))
    if size > MAX_NODES:
        raise ExpressionUnreadable(
            f"The rule has {size} parts, more than {MAX_NODES}; split it into derived facts.", parts=size
        )
    return tree


def _place(error: SqlglotError) -> str:
    """Say where reading stopped."""
    details = getattr(error, "errors", None) or [{}]
    line, column = details[0].get("line"), details[0].get("col")
    where = f" near line {line}, column {column}" if line else ""
    return f"The rule cannot be read{where}. Check brackets and quotes; texts stand in 'single quotes'."


class _Reader:
    """Turn sqlglot's nodes into ours, one kind at a time; whatever has no method is refused."""

    def __init__(self, derived: Mapping[str, Node]) -> None:
        self._derived = derived
        self._special: dict[type[exp.Expr], Callable[..., Node]] = {
            exp.Paren: lambda node: self.read(node.this),
            exp.Column: self._name,
            exp.Literal: self._literal,
            exp.Boolean: lambda node: Constant(bool(node.this)),
            exp.Cast: self._day,
            exp.Not: lambda node: Not(self.read(node.this)),
            exp.Neg: self._negative,
            exp.Between: self._between,
            exp.In: self._one_of,
            exp.Is: self._is_missing,
            exp.Case: self._case,
            exp.Anonymous: self._function,
        }

    def read(self, node: exp.Expr) -> Node:
        """Read one node of sqlglot."""
        kind = type(node)
        if node.comments:
            raise ExpressionRefused("A rule holds no comment; say why in its source or its cases.")
        if kind in _COMPARE:
            return Compare(_COMPARE[kind], self.read(node.this), self.read(node.expression))
        if kind in _ARITHMETIC:
            return Arithmetic(_ARITHMETIC[kind], self.read(node.this), self.read(node.expression))
        if kind in (exp.And, exp.Or):
            return self._logic(node, "and" if kind is exp.And else "or")
        if kind in _CALLS:
            return Call(_CALLS[kind], tuple(self.read(part) for part in (node.this, *node.expressions)))
        if kind not in self._special:
            raise _refused(node)
        return self._special[kind](node)

    def _logic(self, node: exp.Expr, word: str) -> Node:
        """Put a chain of the same word on one level."""
        operands: list[Node] = []
        for side in (node.this, node.expression):
            part = self.read(side)
            same = isinstance(part, Logic) and part.word == word
            operands += part.operands if same and isinstance(part, Logic) else (part,)
        return Logic(word, tuple(operands))

    def _name(self, node: exp.Column) -> Node:
        identifier = node.this
        if not isinstance(identifier, exp.Identifier) or identifier.quoted or node.args.get("table"):
            raise ExpressionRefused(
                "Write a fact by its plain name, without table or double quotes; texts stand in 'single quotes'."
            )
        name = identifier.name.lower()
        return Derived(name, self._derived[name]) if name in self._derived else FactName(name)

    def _literal(self, node: exp.Literal) -> Node:
        if node.is_string:
            return Constant(str(node.this))
        number = float(node.this)
        if not abs(number) <= MAX_NUMBER:
            raise ExpressionRefused("A number in a rule is at most 10 to the power of 15.")
        return Constant(number)

    def _negative(self, node: exp.Neg) -> Node:
        inner = self.read(node.this)
        if isinstance(inner, Constant) and type(inner.value) is float:
            return Constant(-inner.value)
        return Negative(inner)

    def _day(self, node: exp.Cast) -> Node:
        text = node.this
        if node.to.this != exp.DType.DATE or not isinstance(text, exp.Literal) or not text.is_string:
            raise ExpressionRefused("Types are not cast in a rule; only a day is written date '2026-01-31'.")
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.name):
            raise ExpressionRefused("A day is written date '2026-01-31'.")
        try:
            return Constant(date.fromisoformat(text.name))
        except ValueError as error:
            raise ExpressionRefused("There is no such day in the calendar.") from error

    def _between(self, node: exp.Between) -> Node:
        value = self.read(node.this)
        low, high = self.read(node.args["low"]), self.read(node.args["high"])
        return Logic("and", (Compare(">=", value, low), Compare("<=", value, high)))

    def _one_of(self, node: exp.In) -> Node:
        choices = [self.read(choice) for choice in node.expressions]
        constants = tuple(choice for choice in choices if isinstance(choice, Constant))
        if not choices or len(constants) != len(choices):
            raise ExpressionRefused("After 'in' stands a list of plain values, such as ('W', 'D').")
        return OneOf(self.read(node.this), constants)

    def _is_missing(self, node: exp.Is) -> Node:
        if not isinstance(node.expression, exp.Null):
            raise ExpressionRefused("After 'is' stands only 'null' or 'not null'; compare with = otherwise.")
        return IsMissing(self.read(node.this))

    def _case(self, node: exp.Case) -> Node:
        if node.this is not None:
            raise ExpressionRefused("Write the full condition after each 'when'.")
        branches = tuple((self.read(branch.this), self.read(branch.args["true"])) for branch in node.args["ifs"])
        otherwise = node.args.get("default")
        return Case(branches, None if otherwise is None else self.read(otherwise))

    def _function(self, node: exp.Anonymous) -> Node:
        name = str(node.this).lower()
        arguments = tuple(self.read(part) for part in node.expressions)
        if name == "amount":
            return _amount(arguments)
        if name in CONVERSIONS and len(arguments) == 1:
            return Call(name, arguments)
        if name in AGGREGATES and len(arguments) == 1:
            return OverMembers(name, arguments[0])
        if name == "count_members" and not arguments:
            return OverMembers(name, None)
        if name in AGGREGATES or name in CONVERSIONS:
            raise ExpressionRefused(f"{name} takes one expression, not {len(arguments)}.", function=name)
        raise ExpressionRefused(
            f"There is no function '{name}' in the rule language. Over members: {', '.join(AGGREGATES)}; "
            f"periods: {', '.join(CONVERSIONS)}; else abs, coalesce, least, greatest, amount.",
            function=name,
        )


def _amount(arguments: tuple[Node, ...]) -> Node:
    """Read an amount of money with its period and its owner."""
    values = [argument.value for argument in arguments if isinstance(argument, Constant)]
    if len(values) == len(arguments) == 3:
        number, period, owner = values
        if type(number) is float and period in PERIODS_IN_YEAR and owner in OWNERS:
            return Amount(number, str(period), str(owner))
    raise ExpressionRefused(
        "An amount is written amount(10000, 'year', 'person'): a number, then "
        f"{', '.join(PERIODS_IN_YEAR)}, then {' or '.join(OWNERS)}."
    )


def _refused(node: exp.Expr) -> ExpressionRefused:
    """Name what is outside the language."""
    if isinstance(node, exp.Query | exp.Subquery | exp.Exists):
        what = "a query inside"
    elif isinstance(node, exp.Null):
        return ExpressionRefused("A missing fact is asked for with 'is null'; NULL alone means nothing here.")
    else:
        what = f"'{node.key}'"
    return ExpressionRefused(
        f"The rule language has no {what}. It has and, or, not, = <> < <= > >=, between, in, is null, "
        "+ - * /, case, and its own functions.",
        part=node.key,
    )
