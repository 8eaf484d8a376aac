"""Part an Excel workbook into records: every sheet, its titles, its merged header, its blocks.

Cover sheets that have hardly any of the mapped columns are no data; a sheet that has most of them
and lacks one is a mistake that is told, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.chunk import Parted
from khana.deliveries.reading.collect import RowCollector, csv_text
from khana.deliveries.reading.header import Plan, find_plan
from khana.deliveries.reading.lines import LineRules
from khana.deliveries.reading.refusals import ContractForAnotherFile, FileEmpty, HeaderOnly, SheetMissing
from khana.deliveries.reading.sheets import Sheet, Workbook

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def workbook_blocks(path: Path, contract: Contract, rows: int) -> Iterator[Parted]:
    """Yield the records of a workbook under a contract, sheet by sheet.

    Args:
        path: The workbook.
        contract: What it is read under.
        rows: About how many records a block has.

    Raises:
        SheetMissing: A sheet that the contract names is not there.
        ContractForAnotherFile: No sheet has the mapped columns.
        FileEmpty: No sheet has a cell.
        HeaderOnly: Headers and no row.
    """
    done = total = skipped = 0
    refusal: ContractForAnotherFile | None = None
    is_found = False
    with Workbook(path) as workbook:
        for sheet in chosen_sheets(workbook, contract):
            head, rest = _head(workbook.rows(sheet), contract.file.header.search)
            done += sheet.compressed
            if not head:
                continue
            try:
                plan = find_plan(_placed(head), contract, is_sheet=True)
            except ContractForAnotherFile as error:
                refusal = error
                skipped += len(head) + sum(1 for _ in rest)
                continue
            is_found = True
            for block in _sheet_blocks(sheet, head, rest, plan, contract, rows):
                block.bytes_done = done
                block.not_data += skipped
                skipped = 0
                total += len(block) + len(block.refused)
                yield block
    if not is_found:
        raise refusal or FileEmpty(f"{path.name} has no filled cell.", file=path.name)
    if not total:
        raise HeaderOnly(f"{path.name} has headers and no row. Ask the office whether the list is empty.")


def chosen_sheets(workbook: Workbook, contract: Contract) -> list[Sheet]:
    """Return the sheets that the contract reads, in its order."""
    if contract.file.sheets == "all":
        return workbook.sheets
    known = {sheet.name.strip().casefold(): sheet for sheet in workbook.sheets}
    missing = [name for name in contract.file.sheets if name.strip().casefold() not in known]
    if missing:
        raise SheetMissing(
            f"The workbook has no sheet {', '.join(repr(name) for name in missing)}; it has "
            f"{', '.join(repr(sheet.name) for sheet in workbook.sheets)}.",
            missing=missing,
        )
    return [known[name.strip().casefold()] for name in contract.file.sheets]


def sheet_plan(path: Path, contract: Contract) -> Plan:
    """Return where the table of the first sheet that has one stands."""
    refusal: ContractForAnotherFile | None = None
    with Workbook(path) as workbook:
        for sheet in chosen_sheets(workbook, contract):
            head, _ = _head(workbook.rows(sheet), contract.file.header.search)
            try:
                if head:
                    return find_plan(_placed(head), contract, is_sheet=True)
            except ContractForAnotherFile as error:
                refusal = error
    raise refusal or FileEmpty(f"{path.name} has no filled cell.", file=path.name)


def _head(
    rows: Iterator[tuple[int, list[str]]], search: int
) -> tuple[list[tuple[int, list[str]]], Iterator[tuple[int, list[str]]]]:
    """Take the rows among which the header is searched."""
    head = []
    for number, cells in rows:
        head.append((number, cells))
        if number >= search:
            break
    return head, rows


def _placed(head: list[tuple[int, list[str]]]) -> list[list[str]]:
    """Place each row at its number, so that positions are sheet rows."""
    placed: list[list[str]] = [[] for _ in range(min(head[-1][0], 100_000))]
    for number, cells in head:
        if number <= len(placed):
            placed[number - 1] = cells
    return placed


def _sheet_blocks(
    sheet: Sheet,
    head: list[tuple[int, list[str]]],
    rest: Iterator[tuple[int, list[str]]],
    plan: Plan,
    contract: Contract,
    rows: int,
) -> Iterator[Parted]:
    rules = LineRules(contract, plan)
    rules.read_sheet_name(sheet.name)
    collector = RowCollector(contract, plan, rules, sheet=sheet.name, is_sheet=True)
    for number, cells in _chained(head, rest):
        if number <= plan.index + 1:
            rules.is_title(cells)
            collector.skip(1 if any(cell.strip() for cell in cells) else 0)
        elif any(_CONTROL.search(cell) for cell in cells):
            is_nul = any("\x00" in cell for cell in cells)
            collector.refuse(number, "nul_char" if is_nul else "control_char", csv_text(cells))
        else:
            collector.add(number, cells)
        if len(collector) >= rows:
            yield collector.take(0)
    yield collector.take(0)


def _chained(
    head: list[tuple[int, list[str]]], rest: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    yield from head
    yield from rest
