"""The ministries' files that are no lines: a workbook of payment sheets, and a Parquet extract.

The workbook has a sheet a province, titles above a merged two-line header, district cells merged
down, subtotals and a closing note. Its bytes are made the same on every run.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from khana_methods.synth import clerk
from khana_methods.synth import columns as col
from khana_methods.synth.cells import Cells
from khana_methods.synth.population import Array
from khana_methods.synth.programmes import PROGRAMMES, ListFile

GROUPS = {"A": ("Area", "B"), "C": ("Mother", "F"), "G": ("Child", "J"), "K": ("Payment", "O")}
NAMES = {
    "pak": [
        "District",
        "Tehsil / Centre",
        "CNIC",
        "Name",
        "Husband",
        "Mobile",
        "B-Form / CRC",
        "Name",
        "DOB",
        "M/F",
        "Category",
        "Period",
        "Amount (Rs)",
        "Account",
        "Remarks",
    ],
    "bgd": [
        "District",
        "Upazila / Centre",
        "NID",
        "Name",
        "Husband",
        "Mobile",
        "DOB",
        "Children",
        "Visit date",
        "ANC card",
        "Category",
        "Period",
        "Amount (Tk)",
        "Account",
        "Remarks",
    ],
}
_FIRST_ROW = 7


class Workbook:
    """A list that is a workbook with one sheet a province."""

    def __init__(self, out: Path, item: ListFile, country: str, provinces: list[str]) -> None:
        """Begin an empty workbook."""
        self._path, self.item, self.country, self._provinces = out / item.name, item, country, provinces
        self._book: Any = openpyxl.Workbook()
        del self._book[self._book.sheetnames[0]]
        self._next: dict[str, int] = {}
        self._district: dict[str, tuple[str, int]] = {}
        self.non_data: list[tuple[str, str, int, str]] = []

    def sheet_name(self, sheet: int) -> str:
        """Return the name of the sheet of a province (1-based)."""
        return self._provinces[sheet - 1]

    def write(self, cells: Cells, sheet: Array) -> Array:
        """Append rows to the sheets given (1-based province); return the sheet row of each."""
        lines = np.zeros(len(cells), dtype=np.int64)
        columns = {k: v.to_pylist() for k, v in cells.text.items() if isinstance(v, pa.Array | pa.ChunkedArray)}
        for i in range(len(cells)):
            lines[i] = self._row(self.sheet_name(int(sheet[i])), columns, cells, i)
        return lines

    def _begin(self, name: str) -> Any:
        page = self._book.create_sheet(name)
        period = self.item.periods[0].spellings[-1]
        word = "Province" if self.country == "pak" else "Division"
        titles = [
            f"{self.item.title} - payment sheet (specimen)",
            f"{word}: {name}        Period: {period}",
            "Figures are provisional and subject to reconciliation",
        ]
        for row, text in enumerate(titles, start=1):
            page.cell(row, 1, text)
            page.merge_cells(start_row=row, end_row=row, start_column=1, end_column=15)
            self.non_data.append((self.item.name, name, row, "title"))
        for first, (text, last) in GROUPS.items():
            page[f"{first}5"] = text
            page.merge_cells(f"{first}5:{last}5")
        for column, text in enumerate(NAMES[self.country], start=1):
            page.cell(6, column, text)
        self.non_data += [(self.item.name, name, 5, "header"), (self.item.name, name, 6, "header")]
        self._next[name] = _FIRST_ROW
        return page

    def _row(self, name: str, columns: dict[str, list[Any]], cells: Cells, i: int) -> int:
        page = self._book[name] if name in self._next else self._begin(name)
        district, first = self._district.get(name, ("", 0))
        if district and district != columns["district_code"][i]:
            self._subtotal(name)
            first = 0
        row = self._next[name]
        values = (_infant_row if self.country == "pak" else _mother_row)(columns, cells, i, self.item)
        if not first:
            self._district[name] = (columns["district_code"][i], row)
            page.cell(row, 1, columns["district"][i])
        for column, value in enumerate(values, start=2):
            if value is None:
                continue
            cell = page.cell(row, column)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"
            elif isinstance(value, float):
                cell.number_format = "0.00E+00"
        self._next[name] = row + 1
        return row

    def _subtotal(self, name: str) -> None:
        page, row = self._book[name], self._next[name]
        _, first = self._district.pop(name)
        if row - 1 > first:
            page.merge_cells(start_row=first, end_row=row - 1, start_column=1, end_column=1)
        page.cell(row, 4, "Sub-total")
        page.cell(row, 13, f"=SUM(M{first}:M{row - 1})")
        self.non_data.append((self.item.name, name, row, "subtotal"))
        self._next[name] = row + 1

    def close(self) -> None:
        """Write subtotals and notes, save, and make the bytes the same on every run."""
        if not self._next:
            self._begin(self._provinces[0])
        for name in list(self._next):
            if name in self._district:
                self._subtotal(name)
            row = self._next[name] + 1
            self._book[name].cell(row, 1, "Prepared by: Assistant Director (MIS)")
            self.non_data.append((self.item.name, name, row, "note"))
        self._book.properties.created = dt.datetime(2026, 6, 30)
        self._book.save(self._path)
        _settle(self._path)


def _settle(path: Path) -> None:
    """Rewrite the archive with one date in every entry and in its properties."""
    with zipfile.ZipFile(path) as archive:
        parts = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts:
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2026-06-30T00:00:00Z", data)
            entry = zipfile.ZipInfo(name, date_time=(2026, 6, 30, 0, 0, 0))
            archive.writestr(entry, data, compress_type=zipfile.ZIP_DEFLATED, compresslevel=6)


def _number(text: str | None, cells: Cells, i: int) -> Any:
    """Show some numbers as numbers and one oddly; long ones stay text, as a sheet would spoil them."""
    if text is None or not text.isdigit() or len(text) > 13 or text[0] == "0":
        return text
    if clerk.ODD[int(cells.odd[i])] == "number_scientific":
        return float(text)
    return int(text) if cells.entry[i] % 2 else text


def _dressed(columns: dict[str, list[Any]], cells: Cells, i: int, birth: Any, name: Any) -> tuple[Any, Any, Any]:
    amount: Any = int(cells.text["amount"][i])
    if clerk.ODD[int(cells.odd[i])] == "amount_text":
        amount = f"Rs. {amount:,}/-"
    if cells.formula[i]:
        name = clerk.FORMULAS[int(cells.formula[i])]
    if clerk.MALFORMED[int(cells.malformed[i])] == "impossible_date":
        birth = "31/02/2025"
    return amount, birth, name


def _birth(cells: Cells, i: int) -> Any:
    day = dt.date.fromordinal(int(cells.text["birth"][i]))
    return dt.datetime(day.year, day.month, day.day) if cells.entry[i] % 3 else day.strftime("%d/%m/%Y")


def _infant_row(columns: dict[str, list[Any]], cells: Cells, i: int, item: ListFile) -> list[Any]:
    """A child's row beside the mother's identity, or the mother's own row with the child's cells blank."""
    own = bool(cells.own[i])
    name = columns["payee_name"][i] if own else columns["name"][i]
    kind = clerk.MALFORMED[int(cells.malformed[i])]
    amount, birth, name = _dressed(columns, cells, i, None if own else _birth(cells, i), name)
    mother = [_number(columns["payee_number"][i], cells, i), name if own else columns["payee_name"][i]]
    child = (
        [None] * 4 if own else [_number(columns["number"][i], cells, i), name, birth, "MF"[int(cells.text["sex"][i])]]
    )
    if own and kind == "impossible_date":
        child[2] = birth
    if kind == "empty_identity":
        mother, child[:2] = [None, None], [None, None]
        if not own:
            mother = [_number(columns["payee_number"][i], cells, i), columns["payee_name"][i]]
    category = "PLW" if own else ("0-23 M", "Child 0-23")[int(cells.entry[i]) % 2]
    return [
        columns["tehsil"][i],
        *mother,
        columns["payee_guardian"][i],
        columns["phone"][i],
        *child,
        category,
        columns["period_text"][i],
        amount,
        columns["account"][i],
        ("OK", None, "verified")[int(cells.entry[i]) % 3],
    ]


def _mother_row(columns: dict[str, list[Any]], cells: Cells, i: int, item: ListFile) -> list[Any]:
    """A mother's row: she is beneficiary and payee."""
    kind = clerk.MALFORMED[int(cells.malformed[i])]
    amount, birth, name = _dressed(columns, cells, i, _birth(cells, i), columns["name"][i])
    number = _number(columns["number"][i], cells, i)
    if kind == "empty_identity":
        number = name = None
    entry = int(cells.entry[i])
    visit = dt.datetime(2026, 4 + entry % 3, 1 + entry % 28)
    return [
        columns["tehsil"][i],
        number,
        name,
        columns["guardian"][i],
        columns["phone"][i],
        birth,
        1 + entry % 2,
        visit,
        f"ANC-{entry:06d}",
        ("pregnant", "lactating")[entry % 2],
        columns["period_text"][i],
        amount,
        columns["account"][i],
        ("OK", None, "verified")[entry % 3],
    ]


class ParquetList:
    """A list that arrives as a typed extract: area codes and periods, everything else text."""

    _SCHEMA = pa.schema(
        [
            (name, pa.string())
            for name in (
                "record_no",
                "id_number",
                "name",
                "guardian",
                "sex",
                "birth_date",
                "area_code",
                "programme",
                "period",
                "amount",
                "account",
                "mobile",
            )
        ]
    )

    def __init__(self, out: Path, item: ListFile, country: str) -> None:
        """Open the file."""
        self.item, self.country, self._rows = item, country, 0
        self._writer = pq.ParquetWriter(str(out / item.name), self._SCHEMA, compression="zstd")
        self.non_data: list[tuple[str, str, int, str]] = []

    def write(self, cells: Cells) -> Array:
        """Append rows; return the number of each, counting from 1."""
        first, t = self._rows + 1, cells.text
        self._rows += len(cells)
        serial = np.arange(first, self._rows + 1)
        if len(cells) == 0:
            return serial
        broken = cells.malformed
        nobody = broken == clerk.MALFORMED.index("empty_identity")
        birth = col.choose(
            broken == clerk.MALFORMED.index("impossible_date"),
            pa.array(["1961-02-31"] * len(cells)),
            col.iso_dates(t["birth"]),
        )
        amount = {int(i): f"Rs. {int(t['amount'][i]):,}/-" for i in np.flatnonzero(cells.odd > 0)}
        formula = {int(i): clerk.FORMULAS[int(cells.formula[i])] for i in np.flatnonzero(cells.formula > 0)}
        nulls = pa.nulls(len(cells), pa.string())
        codes = col.strings([p.code for p in PROGRAMMES[self.country]])
        periods = col.strings([p.code for p in self.item.periods])
        columns = [
            col.whole(serial),
            col.choose(nobody, nulls, t["number"]),
            col.choose(nobody, nulls, col.replaced(t["name"], formula)),
            t["guardian"],
            col.pick(col.strings(["M", "F"]), t["sex"]),
            birth,
            t["tehsil_code"],
            col.pick(codes, t["programme"]),
            col.pick(periods, t["period"]),
            col.replaced(col.whole(t["amount"]), amount),
            t["account"],
            t["phone"],
        ]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._SCHEMA))
        return serial

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
