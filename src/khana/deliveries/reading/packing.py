"""Write several columns as one JSON object a row, a column at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc


def packed_json(columns: Mapping[str, pa.Array], count: int) -> pa.Array:
    """Write columns as one JSON object a row; blank and null values are left out.

    Args:
        columns: Names and columns of n texts, numbers, booleans, dates or decimals.
        count: n, for the case of no column at all.

    Returns:
        n texts, none null: ``{}`` where everything is blank.

    Examples:
        >>> packed_json({"rooms": pa.array([2, None]), "wall": pa.array(["brick", "mud"])}, 2).to_pylist()
        ['{"rooms":2,"wall":"brick"}', '{"wall":"mud"}']
    """
    fragments = [_fragments(name, column) for name, column in columns.items()]
    if not fragments:
        return pa.array(["{}"] * count, pa.string())
    inside = fragments[0]
    if len(fragments) > 1:
        inside = pc.binary_join_element_wise(*fragments, ",", null_handling="skip")
    inside = pc.fill_null(inside, "")
    return pc.binary_join_element_wise("{", inside, "}", "")


def _fragments(name: str, column: pa.Array) -> pa.Array:
    """Return each value as a fragment of JSON, null where it is blank."""
    key = json.dumps(name, ensure_ascii=False)
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_floating(kind):
        return pc.binary_join_element_wise(key + ":", column.cast(pa.string()), "")
    if not pa.types.is_string(kind):
        return pc.binary_join_element_wise(key + ':"', column.cast(pa.string()), '"', "")
    encoded = pc.dictionary_encode(column)
    values = [
        f"{key}:{json.dumps(value, ensure_ascii=False)}" if value else None for value in encoded.dictionary.to_pylist()
    ]
    return pa.array(values, pa.string()).take(encoded.indices)
