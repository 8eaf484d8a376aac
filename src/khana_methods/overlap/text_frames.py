"""A frame of whatever a user's file held, as trimmed texts under small names: what the methods on files start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.errors import InputError


def text_frame(
    frame: pa.Table,
    *,
    what: str,
    wanted: Sequence[str],
    error: type[InputError],
    other_names: Mapping[str, Sequence[str]] | None = None,
) -> pa.Table:
    """Return a frame as trimmed texts under small names; null becomes the empty text.

    Args:
        frame: n rows of any types.
        what: What its rows are called in a message.
        wanted: Columns that must be there.
        error: What to raise.
        other_names: Names under which a wanted column may come too.

    Returns:
        n rows, same order: every column as text.

    Raises:
        InputError: Of the kind `error`: a column is missing.

    Examples:
        >>> text_frame(pa.table({" Person_ID": [1, None]}), what="rows", wanted=["person"], error=InputError,
        ...     other_names={"person": ("person_id",)}).to_pylist()
        [{'person': '1'}, {'person': ''}]
    """
    names = [name.strip().casefold() for name in frame.schema.names]
    for name in wanted:
        others = (other_names or {}).get(name, ())
        other = next((o for o in others if o in names and name not in names), None)
        if other:
            names[names.index(other)] = name
    absent = [name for name in wanted if name not in names]
    if absent:
        raise error(f"The {what} lack the column {', '.join(absent)}.", columns=absent)
    columns = [pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), "")) for column in frame.columns]
    return pa.table(columns, names=names)


def column_or(frame: pa.Table, name: str, default: str = "") -> pa.ChunkedArray:
    """Return a column of texts, or one text in every row where the frame does not have it."""
    if name in frame.schema.names:
        return frame.column(name)
    return pa.chunked_array([pa.array([default] * frame.num_rows, pa.string())])
