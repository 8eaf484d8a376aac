"""Which engine does the heavy matching: DuckDB in this process, or Spark where `KHANA_ENGINE=spark` says so.

`KHANA_SPARK_MASTER` names a cluster; without it a local one of two worker processes is started for the run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from khana.platform.workplaces import workplace
from khana_methods.engine.spark import Cluster
from khana_methods.errors import InputError

NAMES = ("duckdb", "spark")


class EngineUnknown(InputError):
    """KHANA_ENGINE names no engine."""

    code: ClassVar[str] = "platform.engine_unknown"


def engine_name() -> str:
    """Return which engine is to run.

    Raises:
        EngineUnknown: It is none that is known.
    """
    name = os.environ.get("KHANA_ENGINE", "").strip().lower() or NAMES[0]
    if name not in NAMES:
        raise EngineUnknown("KHANA_ENGINE is duckdb or spark.", engine=name)
    return name


@contextmanager
def open_cluster() -> Iterator[Cluster | None]:
    """Give the Spark cluster for one run, None where DuckDB runs alone."""
    if engine_name() != "spark":
        yield None
        return
    with (
        workplace("scratch") as folder,
        Cluster(master=os.environ.get("KHANA_SPARK_MASTER", ""), folder=folder) as cluster,
    ):
        yield cluster
