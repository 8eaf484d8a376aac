"""The default engine: DuckDB in process, in memory, spilling to a scratch folder that goes on close.

It opens with a memory limit, a number of threads and a folder to spill into; takes Arrow
tables or readers and Parquet files as tables; runs SQL; hands back Arrow. Nothing above
knows which engine runs: only `native()` shows it. Another thread may call `cancel()`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import duckdb
import pyarrow as pa

from khana_methods.errors import Conflict, InputError, Unavailable


class QueryCancelled(Conflict):
    """Somebody asked for this work to stop."""

    code: ClassVar[str] = "engine.cancelled"


class EngineExhausted(Unavailable):
    """Memory or scratch disk did not suffice; nothing was written."""

    code: ClassVar[str] = "engine.exhausted"


class FrameUnlike(InputError):
    """A frame does not have the columns of its schema."""

    code: ClassVar[str] = "engine.frame_unlike"


class TextUnreadable(InputError):
    """A file of separated values is not UTF-8, or its rows do not fit its header."""

    code: ClassVar[str] = "engine.text_unreadable"


class Engine:
    """SQL over frames in one process.

    Args:
        memory_mib: Memory that DuckDB may hold before it spills, in MiB.
        threads: Threads; None takes every core that this process may use.
        folder: Where spilled blocks lie; None makes a temporary one.
            The engine makes its own folder inside and removes it on close.

    Examples:
        >>> with Engine(memory_mib=256, threads=1) as engine:
        ...     engine.rows("SELECT 40 + 2")
        [(42,)]
    """

    def __init__(self, *, memory_mib: int = 2048, threads: int | None = None, folder: Path | None = None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._scratch = Path(tempfile.mkdtemp(prefix="khana-engine-", dir=folder))
        self._is_cancelled = False
        count = threads if threads is not None else len(os.sched_getaffinity(0))
        self._connection: duckdb.DuckDBPyConnection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{memory_mib}MiB",
                "threads": max(1, count),
                "temp_directory": str(self._scratch / "spill"),
                "preserve_insertion_order": False,
            },
        )
        self._connection.execute("SET enable_progress_bar = false")

    def __enter__(self) -> Engine:
        """Open already; kept for `with`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close and remove the scratch folder, whatever happened."""
        self.close()

    def close(self) -> None:
        """Close the connection and remove every scratch file."""
        self._connection.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def native(self) -> duckdb.DuckDBPyConnection:
        """Show the raw connection to what must wrap it (Splink)."""
        return self._connection

    def cancel(self) -> None:
        """Stop the running statement from another thread; every later one is refused."""
        self._is_cancelled = True
        self._connection.interrupt()

    def register(self, name: str, frame: pa.Table | pa.RecordBatchReader, *, schema: pa.Schema | None = None) -> None:
        """Copy a frame into a table, streaming; an older table of that name is replaced.

        Args:
            name: Table name, an identifier.
            frame: Table or reader; a reader is read once, batch by batch.
            schema: Columns that the frame must have; they are cast and put in this order.

        Raises:
            FrameUnlike: A column of the schema is missing.
        """
        columns = "*"
        if schema is not None:
            missing = [field.name for field in schema if field.name not in frame.schema.names]
            if missing:
                raise FrameUnlike(
                    f"{name} lacks the column(s) {', '.join(missing)}; send every column of its schema.",
                    frame=name,
                    columns=missing,
                )
            columns = ", ".join(f"CAST({field.name} AS {sql_type(field.type)}) AS {field.name}" for field in schema)
        with self._translated():
            self._connection.register("arriving_frame", frame)
            try:
                self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {columns} FROM arriving_frame")
            finally:
                self._connection.unregister("arriving_frame")

    def append(self, name: str, frame: pa.Table) -> None:
        """Add the rows of a frame to a table that has its columns, by name."""
        with self._translated():
            self._connection.register("arriving_frame", frame)
            try:
                self._connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM arriving_frame")
            finally:
                self._connection.unregister("arriving_frame")

    def register_parquet(self, name: str, path: str | Path) -> None:
        """Show a Parquet file, or a glob of them, as a view."""
        with self._translated():
            place = str(path).replace("'", "''")
            self._connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet('{place}')")

    def register_csv(self, name: str, path: str | Path) -> None:
        """Copy a file of separated values with a header (also .gz) into a table of texts.

        Raises:
            TextUnreadable: It is not UTF-8, or rows do not fit the header.
        """
        place = str(path).replace("'", "''")
        try:
            with self._translated():
                self._connection.execute(
                    f"CREATE OR REPLACE TABLE {name} AS "
                    f"SELECT * FROM read_csv('{place}', all_varchar = true, header = true, strict_mode = false)"
                )
        except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.BinderException) as error:
            raise TextUnreadable(
                f"{Path(path).name} cannot be read as UTF-8 text with one header and rows of its width; "
                "save it so, or read it under a contract.",
                file=Path(path).name,
            ) from error

    def make_empty(self, name: str, schema: pa.Schema) -> None:
        """Make a table of that schema without rows."""
        columns = ", ".join(f"{field.name} {sql_type(field.type)}" for field in schema)
        self.run(f"CREATE OR REPLACE TABLE {name} ({columns})")

    def has(self, name: str) -> bool:
        """Tell whether a table or view of that name exists."""
        return bool(self.rows("SELECT 1 FROM information_schema.tables WHERE table_name = $name", {"name": name}))

    def drop(self, *names: str) -> None:
        """Drop tables that may or may not exist, to give their room back."""
        for name in names:
            self.run(f"DROP TABLE IF EXISTS {name}")

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run one statement for its effect."""
        with self._translated():
            self._connection.execute(sql, dict(parameters or {}) or None)

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Fetch every row: for small results only."""
        with self._translated():
            return self._connection.execute(sql, dict(parameters or {}) or None).fetchall()

    def value(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Fetch the first value of the first row, None without rows."""
        found = self.rows(sql, parameters)
        return found[0][0] if found else None

    def table(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Fetch a result whole as an Arrow table."""
        return self.reader(sql, parameters).read_all()

    def reader(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, batch_rows: int = 65_536
    ) -> pa.RecordBatchReader:
        """Fetch a result as batches; run nothing else on this engine until it is read."""
        with self._translated():
            relation: Any = self._connection.sql(sql, params=dict(parameters or {}) or None)
            found: pa.RecordBatchReader = relation.to_arrow_reader(batch_rows)
            return found

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn DuckDB's errors of circumstance into ours; its texts may hold values, so none is passed on."""
        if self._is_cancelled:
            raise QueryCancelled("The work was cancelled.")
        try:
            yield
        except duckdb.InterruptException as error:
            raise QueryCancelled("The work was cancelled.") from error
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise EngineExhausted(
                "The analysis ran out of memory or scratch disk. Free disk, or allow it more memory, and run again."
            ) from error


def sql_type(kind: pa.DataType) -> str:
    """Name DuckDB's type for an Arrow type of a frame schema.

    Examples:
        >>> sql_type(pa.list_(pa.string()))
        'VARCHAR[]'
    """
    if pa.types.is_list(kind):
        return f"{sql_type(kind.value_type)}[]"
    names = {
        pa.int64(): "BIGINT",
        pa.int32(): "INTEGER",
        pa.float64(): "DOUBLE",
        pa.string(): "VARCHAR",
        pa.bool_(): "BOOLEAN",
        pa.date32(): "DATE",
        pa.binary(): "BLOB",
    }
    return names[kind]
