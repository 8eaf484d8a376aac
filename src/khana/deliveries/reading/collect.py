"""Take records one by one into a parted block: for sheets, blocks with titles, and awkward lines.

The straight road for large text files is in `delimited`; whatever that cannot take whole comes
here, so that both judge every record by the same rules.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.chunk import ROW_ODD, Parted, Refused
from khana.deliveries.reading.header import Plan
from khana.deliveries.reading.lines import LineRules, structure_fault


class RowCollector:
    """Collects records of one sheet or file until they are taken as a parted block."""

    def __init__(self, contract: Contract, plan: Plan, rules: LineRules, *, sheet: str, is_sheet: bool) -> None:
        """Begin with nothing collected.

        Args:
            contract: What the file is read under.
            plan: Where each fact stands.
            rules: What is no row; holds the facts that titles have told so far.
            sheet: Name of the sheet, empty for a text file.
            is_sheet: Rows of a sheet have no wrong number of cells.
        """
        self._contract = contract
        self._plan = plan
        self._rules = rules
        self._sheet = sheet
        self._is_sheet = is_sheet
        self._told_facts = sorted(contract.block_facts() - frozenset(plan.facts))
        self._carried: dict[str, str] = {}
        self._clear()

    def __len__(self) -> int:
        """Count the records collected and not yet taken."""
        return len(self._lines)

    def _clear(self) -> None:
        self._lines: list[int] = []
        self._records: list[list[str]] = []
        self._told: list[Mapping[str, str]] = []
        self._raws: list[str | None] = []
        self._refused: list[Refused] = []
        self._notes: dict[int, list[tuple[str, str, str]]] = {}
        self._not_data = 0

    def skip(self, count: int = 1) -> None:
        """Count lines that are no rows."""
        self._not_data += count

    def refuse(self, line: int, detail: str, raw: str) -> None:
        """Refuse one record."""
        self._refused.append(Refused(self._sheet, line, detail, raw))

    def add(
        self,
        line: int,
        cells: list[str],
        raw: str | None = None,
        *,
        spans_lines: bool = False,
        is_surely_row: bool = False,
    ) -> None:
        """Judge one record and keep it as a row, refuse it, or count it as no row.

        Args:
            line: Physical line on which it begins.
            cells: Its texts.
            raw: Its text as it came; None where the cells are all there is.
            spans_lines: A line break stands inside quotes.
            is_surely_row: It was corrected by hand: it is a row, whatever it looks like.
        """
        if is_surely_row:
            pass
        elif not any(cells) or not any(cell.strip() for cell in cells):
            self._not_data += 0 if self._is_sheet else 1
            return
        elif self._rules.is_no_row(cells):
            self._not_data += 1
            return
        width = self._plan.width
        if self._is_sheet:
            cells = (cells + [""] * (width - len(cells)))[:width]
        else:
            fault = structure_fault(cells, width)
            if fault:
                self.refuse(line, fault, raw if raw is not None else csv_text(cells))
                return
        if spans_lines:
            self._notes[len(self._lines)] = [(ROW_ODD, "", "embedded_newline")]
        self._lines.append(line)
        self._records.append(cells)
        self._raws.append(raw)
        self._told.append(dict(self._rules.told) if self._told_facts or self._contract.block_facts() else {})

    def take(self, bytes_done: int) -> Parted:
        """Return what was collected and begin anew; carried-down cells remain known."""
        columns = list(zip(*self._records, strict=True)) if self._records else [()] * self._plan.width
        texts = {name: self._fact(name, columns) for name in self._plan.facts}
        for name in self._told_facts:
            texts[name] = pa.array([told.get(name, "") for told in self._told], pa.string())
        unmapped = {}
        if self._contract.keep_unmapped:
            unmapped = {h: pa.array(columns[p], pa.string()) for h, p in self._plan.unmapped.items()}
        told, raws, header, records = self._told, self._raws, self._plan.header, self._records
        carried = {name: texts[name] for name in self._contract.carry_down if name in texts}
        carried_positions = {name: self._plan.facts[name][0] for name in carried if name in self._plan.facts}

        def raw_of(position: int) -> str:
            raw = raws[position]
            if raw is not None and not told[position] and not carried:
                return raw
            cells = list(records[position])
            for name, where in carried_positions.items():
                cells[where] = carried[name][position].as_py()
            return object_text(header, cells, told[position])

        parted = Parted(
            sheet=self._sheet,
            lines=np.array(self._lines, dtype=np.int64),
            texts=texts,
            raw_of=raw_of,
            unmapped=unmapped,
            refused=self._refused,
            notes=self._notes,
            not_data=self._not_data,
            bytes_done=bytes_done,
        )
        self._clear()
        return parted

    def _fact(self, name: str, columns: Sequence[Sequence[str]]) -> pa.Array:
        """Return one fact's texts: the first filled alternative, then what titles told, then the one above."""
        positions = self._plan.facts[name]
        values = list(columns[positions[0]])
        for position in positions[1:]:
            values = [a if a.strip() else b for a, b in zip(values, columns[position], strict=True)]
        if name in self._contract.block_facts():
            pairs = zip(values, self._told, strict=True)
            values = [value if value.strip() else told.get(name, "") for value, told in pairs]
        if name in self._contract.carry_down:
            last = self._carried.get(name, "")
            for row, value in enumerate(values):
                last = value if value.strip() else last
                values[row] = last
            self._carried[name] = last
        return pa.array(values, pa.string())


def object_text(header: Sequence[str], cells: Sequence[str], told: Mapping[str, str]) -> str:
    """Write a record of a sheet as one line of JSON that a clerk can correct."""
    names = [" ".join(name.split()) or f"column {number}" for number, name in enumerate(header, start=1)]
    record: dict[str, object] = dict(zip(names, cells, strict=False))
    if told:
        record["@titles"] = dict(told)
    return json.dumps(record, ensure_ascii=False)


def csv_text(cells: Sequence[str]) -> str:
    """Write a record as one line of comma-separated text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
