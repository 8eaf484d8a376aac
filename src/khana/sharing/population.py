"""Which people a partner asks for: conditions over the fields of its agreement, as SQL under row security.

The three query types of the standard and the population rule of an agreement become one tree of conditions. Each
name must be a field of the catalogue and of the agreement, each operator and value must fit it: an unknown filter is
refused, because one that was passed over would return everybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from khana.sharing import fields
from khana_methods.errors import InputError

MOST_CONDITIONS = 20
MOST_DEPTH = 6
_SIGNS = {"eq": "=", "lt": "<", "le": "<=", "lte": "<=", "gt": ">", "ge": ">=", "gte": ">=", "in": "IN", "ne": "<>"}
_NUMBERS = {"poverty_score", "group_size", "age"}
_DATES = {"registration_date", "birth_date"}
_TEXTS = {"sex", "marital_status", "district", "household_number", "identifier", "programmes", "score_class"}
_RULE = re.compile(r"\s*([a-z_]+)\s*(<=|>=|<>|=|<|>)\s*('([^']*)'|[A-Za-z0-9_.-]+)\s*")
_WORDS = {"<=": "le", ">=": "ge", "<>": "ne", "=": "eq", "<": "lt", ">": "gt"}

HoldersOf = Callable[[Sequence[str]], list[int]]
PathOf = Callable[[str], str]


class FilterInvalid(InputError):
    """A filter names what cannot be asked, or asks it in a way that is not known."""

    code: ClassVar[str] = "rjct.filter.invalid"


@dataclass(frozen=True, slots=True)
class Condition:
    """One field compared with one value (or a list, for `in`)."""

    field: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Tree:
    """Conditions joined by `and`, `or` or turned by `not`."""

    word: str
    parts: tuple[Condition | Tree, ...]


Asked = Condition | Tree


def condition(name: Any, operator: Any, value: Any, allowed: Collection[str]) -> Condition:
    """Read one condition.

    Raises:
        FilterInvalid: The name, the operator or the value is not as it may be.
    """
    field = fields.by_standard_name().get(name.rsplit(".", 1)[-1]) if isinstance(name, str) else None
    if field is None or field not in _NUMBERS | _DATES | _TEXTS:
        raise FilterInvalid("The filter names an attribute that is not known.")
    if field not in allowed:
        raise FilterInvalid(f"The agreement does not let you filter by {field}.")
    sign = operator.lstrip("$").lower() if isinstance(operator, str) else ""
    if sign not in _SIGNS:
        raise FilterInvalid("The filter has an operator that is not known.")
    if field in _TEXTS and sign not in ("eq", "in"):
        raise FilterInvalid(f"{field} can be asked with eq and in only.")
    if sign == "in":
        values = value if isinstance(value, list) else str(value).split(",")
        if not 1 <= len(values) <= 1000:
            raise FilterInvalid("A list of a filter has 1 to 1,000 values.")
        return Condition(field, sign, tuple(_typed(field, one) for one in values))
    return Condition(field, sign, _typed(field, value))


def _typed(field: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FilterInvalid(f"The value for {field} is of a kind that is not known.")
    text = str(value).strip()
    if len(text) > 99 or "\x00" in text:
        raise FilterInvalid(f"The value for {field} is too long or holds a control character.")
    try:
        if field in _NUMBERS:
            number = Decimal(text)
            if not number.is_finite() or abs(number) > 1_000_000:
                raise ValueError
            return number
        if field in _DATES:
            return date.fromisoformat(text[:10])
    except (InvalidOperation, ValueError) as error:
        raise FilterInvalid(f"The value for {field} is no number or date.") from error
    if not text:
        raise FilterInvalid(f"The value for {field} is empty.")
    return text


def from_predicates(items: Any, allowed: Collection[str]) -> Asked:
    """Read the predicate form: pairs of expressions joined by a word, all pairs by `and`.

    Raises:
        FilterInvalid: It is malformed.
    """
    if not isinstance(items, list) or not items or len(items) > MOST_CONDITIONS:
        raise FilterInvalid(f"A predicate query is a list of 1 to {MOST_CONDITIONS} predicates.")
    parts: list[Asked] = []
    for item in items:
        if not isinstance(item, dict) or set(item) - {"seq_num", "expression1", "condition", "expression2"}:
            raise FilterInvalid("A predicate has seq_num, expression1, condition and expression2 only.")
        first = _expression(item.get("expression1"), allowed)
        word, second = item.get("condition"), item.get("expression2")
        if word is not None and word not in ("and", "or", "not"):
            raise FilterInvalid("A predicate is joined by and, or, not.")
        if second is None:
            parts.append(Tree("not", (first,)) if word == "not" else first)
        elif word == "not":
            parts.append(Tree("and", (first, Tree("not", (_expression(second, allowed),)))))
        else:
            parts.append(Tree(word or "and", (first, _expression(second, allowed))))
    return parts[0] if len(parts) == 1 else Tree("and", tuple(parts))


def _expression(item: Any, allowed: Collection[str]) -> Condition:
    if not isinstance(item, dict) or set(item) != {"attribute_name", "operator", "attribute_value"}:
        raise FilterInvalid("An expression has attribute_name, operator and attribute_value.")
    return condition(item["attribute_name"], item["operator"], item["attribute_value"], allowed)


def from_expression(node: Any, allowed: Collection[str], depth: int = 0) -> Asked:
    """Read the expression form: `{"$and": [...]}` over `{attribute: {"$lt": value}}`.

    Raises:
        FilterInvalid: It is malformed, too deep or too long.
    """
    if depth > MOST_DEPTH or not isinstance(node, dict) or not node or len(node) > MOST_CONDITIONS:
        raise FilterInvalid("The expression is no object, is empty, too deep or too long.")
    parts: list[Asked] = []
    for name, body in node.items():
        if name in ("$and", "$or"):
            if not isinstance(body, list) or not 1 <= len(body) <= MOST_CONDITIONS:
                raise FilterInvalid(f"{name} takes a list of 1 to {MOST_CONDITIONS} expressions.")
            parts.append(Tree(name[1:], tuple(from_expression(one, allowed, depth + 1) for one in body)))
        elif name == "$not":
            parts.append(Tree("not", (from_expression(body, allowed, depth + 1),)))
        elif isinstance(body, dict):
            if not body:
                raise FilterInvalid("An attribute without a condition.")
            parts += [condition(name, operator, value, allowed) for operator, value in body.items()]
        else:
            parts.append(condition(name, "eq", body, allowed))
    return parts[0] if len(parts) == 1 else Tree("and", tuple(parts))


def compile_rule(text: str) -> Asked:
    """Read a population rule of an agreement or an extract: comparisons joined by `and`.

    Raises:
        FilterInvalid: It is none.

    Examples:
        >>> compile_rule("poverty_score <= 32 and group_size >= 5").word
        'and'
    """
    parts = []
    for piece in re.split(r"\band\b", text):
        read = _RULE.fullmatch(piece)
        if not read:
            raise FilterInvalid("A population rule is written as: poverty_score <= 32 and district = 'PK101'.")
        value = read[4] if read[4] is not None else read[3]
        parts.append(condition(read[1], _WORDS[read[2]], value, fields.catalogue()))
    return parts[0] if len(parts) == 1 else Tree("and", tuple(parts))


def fields_of(asked: Asked) -> set[str]:
    """Return the fields that a tree asks about."""
    if isinstance(asked, Condition):
        return {asked.field}
    return set().union(*(fields_of(part) for part in asked.parts))


def to_sql(
    asked: Asked, columns: Mapping[str, str], values: dict[str, Any], *, holders: HoldersOf, path_of: PathOf
) -> str:
    """Write a tree as SQL; its values are added to `values` under names of their own.

    Args:
        asked: The tree.
        columns: SQL of each field that can be asked of this record; one with `{0}` takes the whole list of values.
        values: Named parameters of the statement, added to.
        holders: From personal numbers to the ids of who holds them: of households where these are asked for.
        path_of: From the code of an area to its path.

    Raises:
        FilterInvalid: A field cannot be asked of this record.
    """
    if isinstance(asked, Tree):
        written = [to_sql(part, columns, values, holders=holders, path_of=path_of) for part in asked.parts]
        if asked.word == "not":
            return f"NOT coalesce({written[0]}, false)"
        return "(" + f" {asked.word.upper()} ".join(written) + ")"
    column = columns.get(asked.field)
    if column is None:
        raise FilterInvalid(f"{asked.field} cannot be asked of this record.")
    wanted: Sequence[Any] = asked.value if asked.operator == "in" else [asked.value]
    mark = f"w{len(values)}"
    if asked.field == "identifier":
        values[mark] = holders([str(one) for one in wanted])
        return column.format(f"%({mark})s::bigint[]")
    if "{0}" in column:
        values[mark] = list(wanted)
        return column.format(f"%({mark})s::text[]")
    if asked.field == "district":
        values[mark] = [path_of(one) for one in wanted]
        return f"{column} ^@ ANY (%({mark})s::text[])"
    kind = "numeric" if asked.field in _NUMBERS else "date" if asked.field in _DATES else "text"
    if asked.operator == "in":
        values[mark] = list(wanted)
        return f"{column} = ANY (%({mark})s::{kind}[])"
    values[mark] = asked.value
    return f"{column} {_SIGNS[asked.operator]} %({mark})s::{kind}"
