"""Find the table in a file: which line is the header, and which column gives which fact.

Headers are compared without case, spaces and points, so that `CNIC No.` and `cnic no` are one. A
column that is missing is named together with the nearest that the file has.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.refusals import (
    ColumnMissing,
    ContractForAnotherFile,
    HeaderTwice,
    TooManyColumns,
)
from khana_methods.standardise.digits import comparison_key

MOST_COLUMNS = 2_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the table stands and which position gives which fact.

    `index` is the position of the last header line among the lines looked at (-1: no header).
    """

    index: int
    header: tuple[str, ...]
    facts: dict[str, tuple[int, ...]]
    unmapped: dict[str, int]

    @property
    def width(self) -> int:
        """Return how many cells a record has."""
        return len(self.header)


def find_plan(records: Sequence[Sequence[str]], contract: Contract, *, is_sheet: bool = False) -> Plan:
    """Find the header among the first records of a file or sheet.

    Args:
        records: The first records, titles above the header among them.
        contract: What the file is read under.
        is_sheet: The records are rows of a sheet, which have blank cells to the right.

    Raises:
        ContractForAnotherFile: Hardly any mapped column is there.
        ColumnMissing: One or more mapped columns are not; each with the nearest header.
        HeaderTwice: Two columns bear the same name.
        TooManyColumns: More than two thousand columns.
    """
    layout = contract.file.header
    if layout.none:
        widths = [len(record) for record in records if any(cell.strip() for cell in record)]
        width = max(set(widths), key=widths.count, default=0)
        return _by_position(contract, tuple(f"column {n}" for n in range(1, width + 1)))
    best: tuple[int, int, tuple[str, ...]] = (-1, -1, ())
    candidates = [layout.line - 1] if layout.line else range(min(len(records), layout.search))
    for index in candidates:
        if index >= len(records) or index < layout.lines - 1:
            continue
        _refuse_too_many(records[index])
        header = _header_at(records, index, layout.lines, is_sheet)
        found, asked = _matches(header, contract)
        if found > best[0]:
            best = (found, index, header)
        if found == asked:
            break
    found, index, header = best
    return _checked_plan(contract, index, header, found)


def plan_of_header(header: Sequence[str], contract: Contract) -> Plan:
    """Return the plan of a header that was found before, such as that of a file whose rows are corrected.

    Raises:
        ColumnMissing, ContractForAnotherFile, HeaderTwice: As `find_plan`.
    """
    if contract.file.header.none:
        return _by_position(contract, tuple(header))
    found, _ = _matches(header, contract)
    return _checked_plan(contract, 0, tuple(header), found)


def match_columns(header: Sequence[str], contract: Contract) -> dict[str, tuple[int, ...]]:
    """Return the positions of each fact's columns in a header; facts without any are left out."""
    keys: dict[str, int] = {}
    leaves: dict[str, list[int]] = {}
    for position, name in enumerate(header):
        keys.setdefault(comparison_key(name), position)
        leaves.setdefault(comparison_key(name.rsplit("\n", 1)[-1]), []).append(position)
    facts: dict[str, tuple[int, ...]] = {}
    for name, rule in contract.facts.items():
        if rule.position is not None and rule.position <= len(header):
            facts[name] = (rule.position - 1,)
        positions = []
        for text in rule.column:
            key = comparison_key(text)
            if key in keys:
                positions.append(keys[key])
            elif len(leaves.get(key, ())) == 1:
                positions.append(leaves[key][0])
        if positions:
            facts[name] = tuple(positions)
    return facts


def _header_at(records: Sequence[Sequence[str]], index: int, lines: int, is_sheet: bool) -> tuple[str, ...]:
    """Return the header of one line, or of two with the upper one's groups carried to the right."""
    names = [cell.strip() for cell in records[index]]
    if lines == 2:
        group, joined_names = "", []
        above = [*records[index - 1], *[""] * len(names)]
        for upper, name in zip(above, names, strict=False):
            group = upper.strip() or group
            joined_names.append(f"{group}\n{name}" if group and name else name or group)
        names = joined_names
    if is_sheet:
        while names and not names[-1]:
            names.pop()
    return tuple(names)


def _matches(header: Sequence[str], contract: Contract) -> tuple[int, int]:
    """Count the facts whose columns are in a header, and those that are asked for."""
    found = match_columns(header, contract)
    asked = [name for name, rule in contract.facts.items() if rule.constant is None and not rule.optional]
    return sum(name in found for name in asked), len(asked)


def _checked_plan(contract: Contract, index: int, header: tuple[str, ...], found: int) -> Plan:
    facts = match_columns(header, contract)
    asked = [name for name, rule in contract.facts.items() if rule.constant is None and not rule.optional]
    missing = [name for name in asked if name not in facts]
    if missing and found * 3 < len(asked):
        raise ContractForAnotherFile(
            f"This file is not one that contract {contract.code} is for: of {len(asked)} columns that it maps, "
            f"{found} are here. Choose the source's own contract, or draft one with 'khana sources suggest'.",
            contract=contract.code,
            found=found,
            asked=len(asked),
        )
    if missing:
        raise _missing_error(contract, header, missing)
    _refuse_twice(header)
    taken = {position for positions in facts.values() for position in positions}
    unmapped = {
        (" ".join(name.split()) or f"column {position + 1}"): position
        for position, name in enumerate(header)
        if position not in taken
    }
    return Plan(index, header, facts, unmapped)


def _by_position(contract: Contract, header: tuple[str, ...]) -> Plan:
    facts = match_columns(header, contract)
    missing = [
        name
        for name, rule in contract.facts.items()
        if rule.constant is None and not rule.optional and name not in facts
    ]
    if missing:
        wanted = max(rule.position or 0 for rule in contract.facts.values())
        raise ColumnMissing(
            f"The contract reads column {wanted}, and this file has {len(header)} columns.",
            columns=missing,
            width=len(header),
        )
    taken = {position for positions in facts.values() for position in positions}
    unmapped = {name: position for position, name in enumerate(header) if position not in taken}
    return Plan(-1, header, facts, unmapped)


def _missing_error(contract: Contract, header: Sequence[str], missing: Sequence[str]) -> ColumnMissing:
    names = {comparison_key(name): " ".join(name.split()) for name in header if name}
    told = []
    nearest: dict[str, str] = {}
    for fact in missing:
        column = contract.facts[fact].column[0] if contract.facts[fact].column else "?"
        near = difflib.get_close_matches(comparison_key(column), names, n=1, cutoff=0.4)
        nearest[column] = names[near[0]] if near else ""
        told.append(f"'{column}'" + (f" (the nearest is '{names[near[0]]}')" if near else ""))
    is_one = len(told) == 1
    return ColumnMissing(
        f"The column{'' if is_one else 's'} {', '.join(told)} {'is' if is_one else 'are'} not in this file. "
        f"Add the header to contract {contract.code} as an alternative, or ask the office for the column.",
        columns=list(nearest),
        nearest=nearest,
    )


def _refuse_twice(header: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for position, name in enumerate(header, start=1):
        key = comparison_key(name) or name.strip()
        if key and key in seen:
            raise HeaderTwice(
                f"Two columns are headed '{' '.join(name.split())}': number {seen[key]} and number {position}. "
                "Give each its own name, so that neither is taken for the other.",
                header=" ".join(name.split()),
                positions=[seen[key], position],
            )
        seen[key] = position


def _refuse_too_many(record: Sequence[str]) -> None:
    if len(record) > MOST_COLUMNS:
        raise TooManyColumns(
            f"This file has {len(record):,} columns; a list of people has at most {MOST_COLUMNS:,}. "
            "Check the delimiter in the contract, or send the list with one row a person.",
            columns=len(record),
            most=MOST_COLUMNS,
        )
