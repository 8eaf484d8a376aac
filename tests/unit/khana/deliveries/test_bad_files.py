"""Whole files that cannot be read: each is refused by name, with a sentence that says what to do."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest
from tests.unit.khana.deliveries.files import HEADER, ROWS, all_of, contract, csv_file, sheet_file, with_part

from khana.deliveries.reading import refusals
from khana_methods.errors import KhanaError


def refused(path: Path, kind: type[KhanaError], **changes: object) -> KhanaError:
    with pytest.raises(kind) as caught:
        all_of(path, contract(**changes))
    assert caught.value.exit_code in (10, 11)
    return caught.value


def test_missing_empty_blank_and_header_only(tmp_path: Path) -> None:
    refused(tmp_path / "none.csv", refusals.FileMissing)
    (tmp_path / "list.csv").write_bytes(b"")
    refused(tmp_path / "list.csv", refusals.FileEmpty)
    refused(csv_file(tmp_path, ["", "", ""]), refusals.FileEmpty)
    refused(csv_file(tmp_path, [HEADER]), refusals.HeaderOnly)
    refused(csv_file(tmp_path, [HEADER, "", HEADER]), refusals.HeaderOnly)


def test_wrong_delimiter(tmp_path: Path) -> None:
    lines = [HEADER.replace(",", ";"), "1;3980139281244;A;1980;5"]
    error = refused(csv_file(tmp_path, lines), refusals.DelimiterWrong)
    assert (error.details["found"], error.details["wanted"]) == (";", ",")
    assert "semicolon" in error.message


@pytest.mark.parametrize(
    ("stored", "said", "seen"),
    [("utf-16", "utf-8", "utf-16-le"), ("utf-8-sig", "cp1252", "utf-8"), ("cp1252", "utf-16", "cp1252")],
)
def test_wrong_encoding(tmp_path: Path, stored: str, said: str, seen: str) -> None:
    path = csv_file(tmp_path, [HEADER, *(row.replace("Amina", "Zoé") for row in ROWS * 20)], encoding=stored)
    error = refused(path, refusals.EncodingWrong, file={"encoding": said})
    assert error.details["found"] == seen


def test_many_foreign_letters_are_a_wrong_encoding(tmp_path: Path) -> None:
    path = csv_file(tmp_path, [HEADER, *(row.replace("Amina", "Zoé") for row in ROWS * 20)], encoding="cp1252")
    assert "cp1252" in refused(path, refusals.EncodingWrong).message


def test_a_missing_column_is_told_with_the_nearest(tmp_path: Path) -> None:
    error = refused(csv_file(tmp_path, [HEADER.replace("Amount", "Amonut"), *ROWS]), refusals.ColumnMissing)
    assert error.details["nearest"] == {"Amount": "Amonut"}


def test_a_contract_for_another_file(tmp_path: Path) -> None:
    refused(csv_file(tmp_path, ["a,b,c,d,e", *ROWS]), refusals.ContractForAnotherFile)


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    error = refused(csv_file(tmp_path, ["CNIC,cnic ,Name,DOB,Amount", *ROWS]), refusals.HeaderTwice)
    assert error.details["positions"] == [1, 2]


def test_ten_thousand_columns(tmp_path: Path) -> None:
    wide = ",".join([HEADER, *(f"c{n}" for n in range(10_000))])
    assert refused(csv_file(tmp_path, [wide, *ROWS]), refusals.TooManyColumns).details["columns"] == 10_005


def test_another_kind_of_file(tmp_path: Path) -> None:
    book = sheet_file(tmp_path, {"A": [["a"]]})
    refused(book, refusals.FormatWrong)
    refused(csv_file(tmp_path, [HEADER, *ROWS]), refusals.FormatWrong, file={"format": "xlsx"})
    old = tmp_path / "old.xlsx"
    old.write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600)
    assert ".xlsx" in refused(old, refusals.FormatWrong, file={"format": "xlsx"}).message


def test_damaged_files(tmp_path: Path) -> None:
    book = sheet_file(tmp_path, {"A": [HEADER.split(","), [1, 2, 3, 4, 5]]})
    book.write_bytes(book.read_bytes()[:2000])
    refused(book, refusals.FileDamaged, file={"format": "xlsx"})
    packed = tmp_path / "list.csv.gz"
    packed.write_bytes(gzip.compress("\n".join([HEADER, *ROWS * 5000]).encode())[:-30])
    refused(packed, refusals.FileDamaged)
    parquet = tmp_path / "list.parquet"
    parquet.write_bytes(b"PAR1 and nothing more")
    refused(parquet, refusals.FileDamaged, file={"format": "parquet"})


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    book = sheet_file(tmp_path, {"A": [HEADER.split(",")]})
    bomb = with_part(book, "xl/worksheets/sheet1.xml", b" " * (64 << 20))
    assert bomb.stat().st_size < 1 << 20
    refused(bomb, refusals.ArchiveUnsafe, file={"format": "xlsx"})


def test_an_entity_bomb_is_not_expanded(tmp_path: Path) -> None:
    book = sheet_file(tmp_path, {"A": [HEADER.split(",")]})
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]><worksheet>&c;</worksheet>'
    )
    refused(with_part(book, "xl/worksheets/sheet1.xml", bomb), refusals.ArchiveUnsafe, file={"format": "xlsx"})


def test_a_zip_that_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(path, refusals.FileDamaged, file={"format": "xlsx"})


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    book = sheet_file(tmp_path, {"A": [HEADER.split(","), [1, 2, 3, 4, 5]]})
    assert "'A'" in refused(book, refusals.SheetMissing, file={"format": "xlsx", "sheets": ["B"]}).message


def test_a_sheet_that_lacks_a_column_is_not_passed_over(tmp_path: Path) -> None:
    good = [HEADER.split(","), [1, 3980139281244, "A", 1980, 5]]
    bad = [HEADER.replace("Amount", "Rupees").split(","), [1, 3980139281244, "A", 1980, 5]]
    refused(sheet_file(tmp_path, {"A": good, "B": bad}), refusals.ColumnMissing, file={"format": "xlsx"})


def test_a_line_without_end(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes((HEADER + "\n").encode() + b"x" * (6 << 20))
    refused(path, refusals.LineTooLong)


def test_a_gzip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "list.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "\n").encode() + (b" " * 4000 + b"\n") * 10_000, 9))
    refused(path, refusals.ArchiveUnsafe)


def test_json_of_another_file(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    rows, quarantined, _ = all_of(path, contract(file={"format": "jsonl"}))
    assert (rows, [row["detail"] for row in quarantined]) == ([], ["missing_holder"] * 2)
    path.write_text('{"Name": "A"}\n{"Name": "B"}\n')
    refused(path, refusals.ContractForAnotherFile, file={"format": "jsonl"})


def test_one_json_document_is_not_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text('[\n  {"CNIC": "1", "Name": "A"}\n]\n')
    refused(path, refusals.FormatWrong, file={"format": "jsonl"})
