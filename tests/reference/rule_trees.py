"""Hypothesis makes rules and little countries: trees of right types, households with missing facts.

Numbers are small and exact in binary, so that a sum does not depend on its order and engines must be equal to the
last bit. Units are not right on purpose: the checker is held elsewhere.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from khana_methods.rules.check import Expression
from khana_methods.rules.expression import (
    Amount,
    Arithmetic,
    Call,
    Case,
    Compare,
    Constant,
    FactName,
    IsMissing,
    Logic,
    Negative,
    Node,
    Not,
    OneOf,
    OverMembers,
    text_of,
)
from khana_methods.rules.parse import parse
from khana_methods.rules.quantity import ANYTHING

NUMBERS = {"household": ("rooms", "household_size", "land_owned_acres", "score"), "person": ("age", "highest_class")}
FLOWS = {"household": ("income_month",), "person": ("income_year",)}
FLAGS = {"household": ("has_tv",), "person": ("worked",)}
CODES = {"household": ("wall", ("brick", "mud", "it's")), "person": ("sex", ("M", "F", "O"))}
DAYS = {"household": ("survey_date",), "person": ()}
CALENDAR = (date(2020, 2, 29), date(2026, 1, 1), date(2026, 1, 2))

_INT, _LONG, _FLOAT = pa.int32(), pa.int64(), pa.float64()
HOUSEHOLD = pa.schema(
    {
        "household_id": _LONG,
        "rooms": _INT,
        "household_size": _INT,
        "land_owned_acres": _FLOAT,
        "score": _FLOAT,
        "income_month": _FLOAT,
        "has_tv": pa.bool_(),
        "wall": pa.string(),
        "survey_date": pa.date32(),
    }
)
MEMBER = pa.schema(
    {
        "household_id": _LONG,
        "person_id": _LONG,
        "age": _INT,
        "highest_class": _INT,
        "income_year": _FLOAT,
        "worked": pa.bool_(),
        "sex": pa.string(),
    }
)
_small = st.integers(-3, 6)
_exact = _small.map(lambda n: n / 2)


def _value(kind: pa.DataType, name: str) -> st.SearchStrategy[Any]:
    known: st.SearchStrategy[Any]
    if pa.types.is_integer(kind):
        known = _small
    elif pa.types.is_floating(kind):
        known = _exact
    elif pa.types.is_boolean(kind):
        known = st.booleans()
    elif pa.types.is_date(kind):
        known = st.sampled_from(CALENDAR)
    else:
        known = st.sampled_from(CODES["household" if name == "wall" else "person"][1])
    return st.none() | known


def _facts(schema: pa.Schema) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({f.name: _value(f.type, f.name) for f in schema if not f.name.endswith("_id")})


@st.composite
def countries(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Draw households and their members; some have none."""
    households, members = [], []
    for number, facts in enumerate(draw(st.lists(_facts(HOUSEHOLD), min_size=1, max_size=4)), start=1):
        households.append({"household_id": number, **facts})
        for line, person in enumerate(draw(st.lists(_facts(MEMBER), max_size=3)), start=1):
            members.append({"household_id": number, "person_id": number * 10 + line, **person})
    return households, members


def _of(words: dict[str, tuple[str, ...]], scopes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for scope in scopes for name in words[scope])


@st.composite
def numbers(draw: st.DrawFn, scopes: tuple[str, ...], depth: int, *, exact: bool, nested: bool) -> Node:
    """Draw a tree that gives a number; `exact` ones have no quotient."""
    kinds = ["fact", "constant"] + ([] if exact else ["flow"])
    if depth > 0:
        kinds += ["join", "join", "negative", "call", "case"] + (["members", "members"] if not nested else [])
    kind = draw(st.sampled_from(kinds))
    below = numbers(scopes, depth - 1, exact=exact, nested=nested)
    if kind == "constant":
        return Constant(float(draw(_exact)))
    if kind == "fact":
        return FactName(draw(st.sampled_from(_of(NUMBERS, scopes))))
    if kind == "flow":
        flow = draw(st.sampled_from([FactName(n) for n in _of(FLOWS, scopes)] + [Amount(9.5, "quarter", "household")]))
        return Call(draw(st.sampled_from(["per_month", "per_quarter", "per_half_year", "per_year"])), (flow,))
    if kind == "join":
        return Arithmetic(draw(st.sampled_from("+-*" if exact else "+-*/")), draw(below), draw(below))
    if kind == "negative":
        return Negative(draw(below))
    if kind == "call":
        name = draw(st.sampled_from(["abs", "coalesce", "least", "greatest"]))
        count = 1 if name == "abs" else draw(st.integers(2, 3))
        return Call(name, tuple(draw(below) for _ in range(count)))
    if kind == "case":
        branches = tuple(
            (draw(conditions(scopes, depth - 1, nested=nested, exact=exact)), draw(below)) for _ in range(2)
        )
        return Case(branches, draw(st.none() | below))
    name = draw(st.sampled_from(["count_members", "sum_members", "min_members", "max_members"]))
    if name == "count_members":
        return OverMembers(name, draw(st.none() | conditions(("person", "household"), depth - 1, nested=True)))
    inner = numbers(("person", "household"), depth - 1, exact=exact or name == "sum_members", nested=True)
    return OverMembers(name, draw(inner))


@st.composite
def conditions(
    draw: st.DrawFn, scopes: tuple[str, ...], depth: int, *, nested: bool = False, exact: bool = False
) -> Node:
    """Draw a tree that gives true, false or unknown."""
    kinds = ["flag", "compare", "one_of", "missing", "day"]
    if depth > 0:
        kinds += ["logic", "logic", "not"] + (["members", "members"] if not nested else [])
    kind = draw(st.sampled_from(kinds))
    below = conditions(scopes, depth - 1, nested=nested, exact=exact)
    if kind == "flag":
        return FactName(draw(st.sampled_from(_of(FLAGS, scopes))))
    if kind == "compare":
        number = numbers(scopes, depth, exact=exact, nested=nested)
        return Compare(draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="])), draw(number), draw(number))
    if kind == "one_of":
        name, codes = CODES[draw(st.sampled_from(scopes))]
        return OneOf(FactName(name), tuple(Constant(c) for c in draw(st.lists(st.sampled_from(codes), min_size=1))))
    if kind == "missing":
        return IsMissing(FactName(draw(st.sampled_from([*_of(NUMBERS, scopes), *_of(FLAGS, scopes)]))))
    if kind == "day":
        if not _of(DAYS, scopes):
            return Constant(draw(st.booleans()))
        sign = draw(st.sampled_from(["=", "<", ">="]))
        return Compare(sign, FactName("survey_date"), Constant(draw(st.sampled_from(CALENDAR))))
    if kind == "logic":
        return Logic(draw(st.sampled_from(["and", "or"])), tuple(draw(st.lists(below, min_size=2, max_size=3))))
    if kind == "not":
        return Not(draw(below))
    inner = conditions(("person", "household"), depth - 1, nested=True)
    return OverMembers(draw(st.sampled_from(["any_member", "all_members"])), draw(inner))


@st.composite
def rules(draw: st.DrawFn, entity: str) -> Expression:
    """Draw a rule, written as text and read again."""
    scopes = ("household",) if entity == "household" else ("person", "household")
    tree = draw(conditions(scopes, 3) | numbers(scopes, 3, exact=False, nested=False))
    text = text_of(tree)
    read = parse(text)
    assert text_of(parse(text_of(read))) == text_of(read)
    return Expression(text=text, tree=read, entity=entity, quantity=ANYTHING)
