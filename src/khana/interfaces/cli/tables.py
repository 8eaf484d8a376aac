"""Whole tables as CSV or Parquet, on the screen or into a file that appears whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa


def write_table(table: pa.Table, out: Path | None) -> None:
    """Write a table as CSV, in which nothing runs as a formula, or as Parquet where the file's name ends so.

    A file is open to its owner only.
    """
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    from khana_methods.disclosure.spreadsheets import harmless
    from khana_methods.engine.whole_file import whole_file

    if out is None:
        pa_csv.write_csv(harmless(table), sys.stdout.buffer)
        sys.stdout.flush()
        return
    with whole_file(out) as place:
        if out.suffix == ".parquet":
            pq.write_table(table, place)
        else:
            pa_csv.write_csv(harmless(table), place)
    print(f"Written to {out}: {table.num_rows:,} rows.", file=sys.stderr)
