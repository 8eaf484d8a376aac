"""What a disclosure check refuses, and what its files may look like."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pyarrow as pa
import pytest
from openpyxl import Workbook

from khana_methods.disclosure import anonymity, tables
from khana_methods.engine.duckdb import Engine
from khana_methods.engine.files import FileUnreadable, read_texts


@pytest.mark.parametrize("name", ["anonymity", "recoding", "tables", "masking"])
def test_doctests(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"khana_methods.disclosure.{name}")).failed == 0


def assess(table: pa.Table, **more: object) -> anonymity.Assessment:
    with Engine(memory_mib=128, threads=1) as engine:
        return anonymity.assess(engine, table, **more)  # type: ignore[arg-type]


def test_what_is_refused_says_why() -> None:
    table = pa.table({"a": ["1", "2"], "w": ["3", "0.5"]})
    with pytest.raises(anonymity.ColumnAbsent, match="no column b"):
        assess(table, keys=["b"])
    with pytest.raises(anonymity.NothingToCheck):
        assess(table, keys=[])
    with pytest.raises(anonymity.NothingToCheck):
        assess(table.slice(0, 0), keys=["a"])
    with pytest.raises(anonymity.WeightWrong, match="1 rows"):
        assess(table, keys=["a"], weight="w")
    for wrong in ({("a",): -1}, {}, {("Total",): 3}):
        with pytest.raises(tables.TableWrong):
            tables.protect(wrong)
    with pytest.raises(tables.TableTooLarge):
        tables.protect({(str(n), str(n)): 1 for n in range(200)})


def test_names_of_columns_may_hold_anything() -> None:
    table = pa.table({'a"; DROP TABLE x --': ["1", "1", ""], "عمر": ["১", "১", "2"]})
    found = assess(table, keys=table.schema.names)
    assert (found.rows, found.uniques, found.violating[3]) == (3, 1, 3)


def test_a_file_of_any_kind_is_read(tmp_path: Path) -> None:
    book = Workbook()
    for line in (["a", "b"], [1, None], ["x", 2.5]):
        book.active.append(line)
    book.save(tmp_path / "t.xlsx")
    assert read_texts(tmp_path / "t.xlsx").to_pydict() == {"a": ["1", "x"], "b": ["", "2.5"]}
    (tmp_path / "t.csv").write_text("a,b\n1,\nx,2.5\n")
    assert read_texts(tmp_path / "t.csv").to_pydict() == {"a": ["1", "x"], "b": ["", "2.5"]}
    for name, content in (("t.pdf", b"x"), ("bad.xlsx", b"no zip"), ("bad.parquet", b"PAR")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileUnreadable):
            read_texts(tmp_path / name)
