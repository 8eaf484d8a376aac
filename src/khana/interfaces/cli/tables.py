"""Whole tables as CSV or Parquet, on the screen or into a file that appears whole or not at all."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import pyarrow as pa


def write_table(table: pa.Table, out: Path | None) -> None:
    """Write a table as CSV, as Parquet where the file's name ends in .parquet; open to its owner only."""
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    if out is None:
        pa_csv.write_csv(table, sys.stdout.buffer)
        sys.stdout.flush()
        return
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        if out.suffix == ".parquet":
            pq.write_table(table, temporary)
        else:
            pa_csv.write_csv(table, temporary)
        temporary.replace(out)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    print(f"Written to {out}: {table.num_rows:,} rows.", file=sys.stderr)
