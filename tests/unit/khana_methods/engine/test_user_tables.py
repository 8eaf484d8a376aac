"""The one reader of users' tables: kinds, encodings, blanks, doubled headers, and what is no table."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from khana_methods.engine.duckdb import Engine
from khana_methods.engine.files import FileUnreadable, load_table, read_table, read_texts, show_table
from khana_methods.engine.whole_file import whole_file

ROWS = {"code": ["007", "x"], "n": ["1", None], "نام": ["آمنہ", "ب"]}


def book(path: Path, *lines: list[object]) -> None:
    made = Workbook()
    page = made.active
    assert page is not None
    for line in lines:
        page.append(line)
    made.save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tables")
    text = "code,n,نام\n007,1,آمنہ\nx,,ب\n"
    (place / "a.csv").write_text(text, encoding="utf-8")
    (place / "bom.csv").write_text("\ufeff" + text, encoding="utf-8")
    (place / "a.tsv").write_text(text.replace(",", "\t"), encoding="utf-8")
    (place / "semi.csv").write_text(text.replace(",", ";"), encoding="utf-8")
    with gzip.open(place / "a.csv.gz", "wt", encoding="utf-8") as handle:
        handle.write(text)
    book(
        place / "a.xlsx",
        ["A title"],
        ["code", "n", "نام", None],
        ["007", 1, "آمنہ", "of no name"],
        ["x", None, "ب", None],
    )
    pq.write_table(pa.table(ROWS), place / "a.parquet")
    return place


@pytest.mark.parametrize("name", ["a.csv", "bom.csv", "a.tsv", "semi.csv", "a.csv.gz", "a.xlsx", "a.parquet"])
def test_every_kind_gives_the_same_table(folder: Path, name: str) -> None:
    assert read_table(folder / name).to_pydict() == ROWS
    assert read_texts(folder / name)["n"].to_pylist() == ["1", ""]
    assert read_table(folder / name, rows=1).num_rows == 1
    with Engine(memory_mib=256, threads=1) as engine:
        load_table(engine, "kept", folder / name)
        assert engine.value("SELECT count(*) FROM kept WHERE n IS NULL") == 1
        assert engine.value(f"SELECT count(*) FROM {show_table(engine, 'shown', folder / name)}") == 2


def test_the_windows_code_page_is_read_where_it_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_bytes("name,n\nJosé,1\n".encode("cp1252"))
    assert read_table(tmp_path / "w.csv")["name"].to_pylist() == ["José"]


def test_a_column_named_twice_is_refused_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,score,b,score\n1,2,3,4\n")
    book(tmp_path / "d.xlsx", ["a", "score", "b", "score"], [1, 2, 3, 4])
    pq.write_table(pa.Table.from_arrays([pa.array([1])] * 2, names=["score", "score"]), tmp_path / "d.parquet")
    for name, places in (("d.csv", [2, 4]), ("d.xlsx", [2, 4]), ("d.parquet", [1, 2])):
        for read in (read_table, read_texts):
            with pytest.raises(FileUnreadable) as refused:
                read(tmp_path / name)
            assert refused.value.details["columns"] == places
            assert "score" not in refused.value.message


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    for name, content in (
        ("empty.csv", b""), ("bad.xlsx", b"no zip"), ("bad.parquet", b"PAR"), ("bad.dta", b"no"), ("x.pdf", b"x"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileUnreadable):
            read_texts(tmp_path / name)
    (tmp_path / "head.csv").write_text("a,b\n")
    assert read_texts(tmp_path / "head.csv").num_rows == 0
    with pytest.raises(FileUnreadable, match="no rows"):
        read_table(tmp_path / "head.csv")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "a.txt"
    place.write_text("before")
    with pytest.raises(RuntimeError), whole_file(place) as part:
        part.write_text("half")
        raise RuntimeError
    assert place.read_text() == "before" and list(tmp_path.iterdir()) == [place]
    with whole_file(place) as part:
        part.write_text("after")
    assert place.read_text() == "after" and place.stat().st_mode & 0o777 == 0o600
