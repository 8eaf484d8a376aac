"""The engine: frames in, frames out, cleaned up, cancelled, refused in our own words."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from khana_methods.engine.duckdb import Engine, EngineExhausted, FrameUnlike, QueryCancelled
from khana_methods.records import FRAMES, score_frame


def test_a_frame_goes_in_and_comes_out(tmp_path: Path) -> None:
    table = pa.table({"score": [1.5, 2.5], "household_id": pa.array([1, 2], pa.int32()), "other": ["x", "y"]})
    with Engine(memory_mib=128, threads=1, folder=tmp_path / "scratch") as engine:
        engine.register("score_frame", table, schema=score_frame)
        assert engine.table("SELECT * FROM score_frame ORDER BY household_id").schema == score_frame
        engine.register("score_frame", table.to_reader(), schema=score_frame)
        assert engine.value("SELECT count(*) FROM score_frame WHERE score > $least", {"least": 2}) == 1
        batches = list(engine.reader("SELECT * FROM score_frame", batch_rows=1))
        assert sum(batch.num_rows for batch in batches) == 2
        assert list((tmp_path / "scratch").iterdir())
    assert not list((tmp_path / "scratch").iterdir())


def test_parquet_is_shown_as_a_table(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1, 2, 3]}), tmp_path / "it's.parquet")
    with Engine(memory_mib=128, threads=1) as engine:
        engine.register_parquet("numbers", tmp_path / "it's.parquet")
        assert engine.value("SELECT sum(n) FROM numbers") == 6
        assert engine.value("SELECT n FROM numbers WHERE n > 5") is None


def test_every_schema_makes_an_empty_table() -> None:
    with Engine(memory_mib=128, threads=1) as engine:
        for name, schema in FRAMES.items():
            engine.make_empty(name, schema)
            assert engine.has(name)
            assert engine.table(f"SELECT * FROM {name}").schema == schema
            engine.drop(name)
            assert not engine.has(name)


def test_a_frame_without_a_column_is_refused() -> None:
    with Engine(memory_mib=128, threads=1) as engine, pytest.raises(FrameUnlike) as caught:
        engine.register("score_frame", pa.table({"household_id": [1]}), schema=score_frame)
    assert caught.value.details["columns"] == ["score"]


def test_another_thread_cancels() -> None:
    with Engine(memory_mib=256, threads=1) as engine:
        threading.Thread(target=lambda: (time.sleep(0.3), engine.cancel())).start()
        with pytest.raises(QueryCancelled):
            engine.run("SELECT count(*) FROM range(1000000000) a, range(1000) b WHERE hash(a.range, b.range) = 1")
        with pytest.raises(QueryCancelled):
            engine.rows("SELECT 1")


def test_memory_that_does_not_suffice_is_said_without_values() -> None:
    with Engine(memory_mib=16, threads=1) as engine:
        engine.run("SET temp_directory = ''")
        with pytest.raises(EngineExhausted) as caught:
            engine.rows("SELECT list(range) FROM range(20000000)")
    assert "memory" in caught.value.message
