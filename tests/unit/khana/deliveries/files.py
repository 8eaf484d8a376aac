"""Small files and contracts for the tests of reading."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from khana.deliveries.contracts.loading import parse_contract
from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.chunk import Chunk
from khana.deliveries.reading.read import read
from khana_methods.standardise.identifiers import IdentifierRules

REPOSITORY = Path(__file__).resolve().parents[4]
IDENTIFIERS = IdentifierRules.load(REPOSITORY / "country" / "pak" / "identifiers.yaml")
HEADER = "Sr,CNIC,Name,DOB,Amount"
ROWS = ['1,39801-3928124-4,Sughra Bibi,01/02/1980,"14,500"', "2,3980139281255,Amina,1979,14500"]


def contract(**changes: Any) -> Contract:
    """Return a contract for the header above, with some keys changed."""
    body: dict[str, Any] = {
        "code": "t",
        "entity": "benefit",
        "file": {"format": "csv", "encoding": "utf-8"},
        "facts": {
            "beneficiary_id_number": "CNIC",
            "beneficiary_name": "Name",
            "beneficiary_birth_date": "DOB",
            "amount": "Amount",
            "programme": {"constant": "KFL"},
        },
    }
    facts = changes.pop("facts", {})
    file = changes.pop("file", {})
    body = {**body, **changes, "facts": {**body["facts"], **facts}, "file": {**body["file"], **file}}
    body["facts"] = {name: rule for name, rule in body["facts"].items() if rule is not None}
    return parse_contract(body)


def csv_file(folder: Path, lines: Sequence[str], *, encoding: str = "utf-8", end: str = "\r\n") -> Path:
    """Write a text file."""
    path = folder / "list.csv"
    path.write_bytes(end.join([*lines, ""]).encode(encoding))
    return path


def sheet_file(folder: Path, sheets: dict[str, Sequence[Sequence[Any]]]) -> Path:
    """Write a workbook."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    path = folder / "list.xlsx"
    book.save(path)
    return path


def with_part(path: Path, name: str, data: bytes) -> Path:
    """Replace one part of a workbook."""
    old = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.namelist():
            new.writestr(item, data if item == name else old.read(item))
    return path


def all_of(path: Path, by: Contract, **options: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """Read a whole file: rows, quarantined rows, and the number of lines that are no data."""
    chunks: list[Chunk] = list(read(path, by, identifiers=IDENTIFIERS, areas=options.pop("areas", None), **options))
    rows = [row for chunk in chunks for row in chunk.rows.to_pylist()]
    refused = [row for chunk in chunks for row in chunk.quarantined.to_pylist()]
    return rows, refused, sum(chunk.not_data for chunk in chunks)
