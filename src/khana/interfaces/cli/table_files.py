"""Rows of a result into a file of the kind that its name says: csv, xlsx, parquet, json; anything else is text.

The file appears whole or not at all, and its owner alone may read it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from khana.interfaces.cli.output import Text, show

TABLES = (".csv", ".xlsx", ".parquet")


def show_rows(result: Mapping[str, Any], *, as_json: bool, out: Path | None, text: Text | None = None) -> None:
    """Print a result with `rows`, or write its rows as the table that the name of `out` asks for."""
    if out is None or out.suffix.lower() not in TABLES:
        show(result, as_json=as_json, out=out, text=text)
        return
    from khana.dossiers.report_files import open_writer
    from khana_methods.engine.whole_file import whole_file

    rows: Sequence[Mapping[str, Any]] = result["rows"]
    columns = [(name, _kind([row[name] for row in rows])) for name in (rows[0] if rows else {})]
    with whole_file(out) as place, place.open("wb") as handle:
        head = {name: value for name, value in result.items() if name != "rows"}
        writer = open_writer(out.suffix.lower()[1:], handle, columns, head)
        writer.write([[row[name] for name, _ in columns] for row in rows])
        writer.close()
    if as_json:
        show({**{k: v for k, v in result.items() if k != "rows"}, "file": str(out)}, as_json=True, out=None)
    print(f"{len(rows):,} rows written to {out}.", file=sys.stderr)


def _kind(values: Sequence[Any]) -> str:
    """Return the type of a column: int, float, bool or text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "bool"
    if kinds == {int}:
        return "int"
    if kinds and kinds <= {int, float}:
        return "float"
    return "text"
