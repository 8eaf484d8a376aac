"""Columns of a table that a person brought, read as texts or as numbers; nothing is guessed, nothing dropped in silence.

`numbers` reads a column as numbers and says how many cells it could not read and where; `texts` brings codes to one form.
The table itself comes from `engine.files`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.errors import InputError
from khana_methods.standardise.digits import ascii_digits

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", ".", "-", "missing"})
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{2,3})+(\.\d+)?")
_YES = {"yes": 1.0, "true": 1.0, "y": 1.0, "t": 1.0, "no": 0.0, "false": 0.0, "n": 0.0, "f": 0.0}


class ColumnMissing(InputError):
    """A named column is not in the file."""

    code: ClassVar[str] = "surveys.tables.column_missing"


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column read as numbers.

    Attributes:
        values: As many doubles as rows; null where the cell is blank or unreadable.
        blank: Cells without a value.
        unreadable: Cells with text that is no number.
        first_rows: Row numbers of the first unreadable cells, counting data rows from 1.
    """

    values: pa.Array
    blank: int
    unreadable: int
    first_rows: tuple[int, ...]


def require_columns(table: pa.Table, names: Sequence[str]) -> None:
    """Refuse names that the table does not have.

    Raises:
        ColumnMissing: With the names, and those that the file has.
    """
    absent = sorted({name for name in names if name not in table.schema.names})
    if absent:
        shown = ", ".join(table.schema.names[:30])
        raise ColumnMissing(
            f"The file has no column {', '.join(absent)}; it has {shown}.", columns=absent, known=table.schema.names
        )


def texts(table: pa.Table, name: str) -> pa.Array:
    """Return a column as trimmed text, null for nothing; whole numbers without a point.

    Raises:
        ColumnMissing: It is not there.
    """
    require_columns(table, [name])
    column = table.column(name).combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        filled = column.drop_null()
        if len(filled) and pc.all(pc.equal(filled, pc.floor(filled))).as_py() and pc.max(pc.abs(filled)).as_py() < 1e15:
            column = column.cast(pa.int64())
    trimmed = pc.utf8_trim_whitespace(column.cast(pa.string()))
    nothing = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(["", "na", "n/a", "nan", "null"]))
    return pc.if_else(pc.fill_null(nothing, True), pa.scalar(None, pa.string()), trimmed)


def numbers(table: pa.Table, name: str, *, yes_no: bool = False) -> Numbers:
    """Read a column as numbers: grouped thousands and digits of any script are read, words are counted.

    Args:
        table: Of `read_table`.
        name: Column.
        yes_no: Take yes, true, no and false as 1 and 0.

    Raises:
        ColumnMissing: It is not there.

    Examples:
        >>> found = numbers(pa.table({"w": ["1,200.5", "۳", "", "many"]}), "w")
        >>> found.values.to_pylist(), found.blank, found.unreadable, found.first_rows
        ([1200.5, 3.0, None, None], 1, 1, (4,))
    """
    require_columns(table, [name])
    column = table.column(name).combine_chunks()
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        values = column.cast(pa.float64())
        values = pc.if_else(pc.fill_null(pc.is_finite(values), False), values, pa.scalar(None, pa.float64()))
        return Numbers(values, values.null_count, 0, ())
    encoded = pc.fill_null(column.cast(pa.string()), "").dictionary_encode()
    read = [_number(text, yes_no) for text in encoded.dictionary.to_pylist()]
    values = pa.array([v for v, _ in read], pa.float64()).take(encoded.indices)
    wrong = pa.array([bad for _, bad in read], pa.bool_()).take(encoded.indices)
    unreadable = int(pc.sum(wrong.cast(pa.int64())).as_py() or 0)
    where = pc.indices_nonzero(wrong).to_pylist()[:5] if unreadable else []
    return Numbers(values, values.null_count - unreadable, unreadable, tuple(at + 1 for at in where))


def _number(text: str, yes_no: bool) -> tuple[float | None, bool]:
    """Return the number of a cell, and whether its text is none."""
    plain = ascii_digits(text).strip().replace("٫", ".").replace("٬", ",").replace("−", "-")
    if plain.lower() in MISSING:
        return None, False
    if yes_no and plain.lower() in _YES:
        return _YES[plain.lower()], False
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        value = float(plain)
    except ValueError:
        return None, True
    return (value, False) if value - value == 0 and "_" not in plain else (None, True)
