"""Read corrected rows again: under the contract of their file, and the line that they came from.

A row is corrected as the text that quarantine shows: a line of the file, or for sheets and Parquet
one JSON object by header. A correction is always a row: it is read or refused anew, never passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.chunk import Chunk, Parted, joined
from khana.deliveries.reading.collect import RowCollector
from khana.deliveries.reading.convert import Converter
from khana.deliveries.reading.header import Plan, plan_of_header
from khana.deliveries.reading.jsonlines import JsonParter
from khana.deliveries.reading.lines import LineRules
from khana.deliveries.reading.splitting import DELIMITERS, split_line
from khana_methods.standardise.areas import AreaResolver
from khana_methods.standardise.identifiers import IdentifierRules

_BATCH = 10_000
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Correction:
    """One corrected row: where it stood and what it says now."""

    line: int
    text: str
    sheet: str = ""


def read_corrections(
    corrections: Iterable[Correction],
    contract: Contract,
    header: Sequence[str],
    *,
    identifiers: IdentifierRules,
    areas: AreaResolver | None,
) -> Iterator[Chunk]:
    """Read corrected rows.

    Args:
        corrections: Rows as corrected, grouped by sheet.
        contract: The contract of the file that they came from.
        header: The header of that file, as `header_of` returns it; empty for JSON lines.
        identifiers: The personal numbers of the country.
        areas: Finds areas by name and code.

    Yields:
        Chunks as `read` yields them, under the original sheet and line.
    """
    converter = Converter(contract, identifiers, areas)
    is_json = contract.file.format == "jsonl"
    plan = None if is_json else plan_of_header(header, contract)
    for sheet, rows in groupby(corrections, key=lambda row: row.sheet):
        while batch := list(islice(rows, _BATCH)):
            parted = _parted_json(batch, contract) if plan is None else _parted(batch, sheet, contract, plan)
            yield converter.convert(parted)


def _parted_json(batch: Sequence[Correction], contract: Contract) -> Parted:
    parter = JsonParter(contract)
    return joined([parter.part([" ".join(row.text.splitlines()) or "{"], row.line, {}) for row in batch])


def _parted(batch: Sequence[Correction], sheet: str, contract: Contract, plan: Plan) -> Parted:
    rules = LineRules(contract, plan)
    rules.read_sheet_name(sheet)
    told = dict(rules.told)
    collector = RowCollector(contract, plan, rules, sheet=sheet, is_sheet=False)
    for row in batch:
        rules.told = dict(told)
        text = row.text.strip("\r\n")
        if _CONTROL.search(text):
            collector.refuse(row.line, "nul_char" if "\x00" in text else "control_char", row.text)
            continue
        cells = _cells(text, contract, plan, rules)
        spans_lines = "\n" in text and not text.startswith("{")
        collector.add(row.line, cells, row.text, spans_lines=spans_lines, is_surely_row=True)
    return collector.take(0)


def _cells(text: str, contract: Contract, plan: Plan, rules: LineRules) -> list[str]:
    """Return the cells of a corrected row, written as a line of the file or as a JSON object."""
    if text.lstrip().startswith("{"):
        try:
            record = json.loads(text)
        except json.JSONDecodeError:
            return [text]
        titles = record.pop("@titles", None)
        if isinstance(titles, dict):
            rules.told |= {str(key): str(value) for key, value in titles.items()}
        names = [" ".join(name.split()) or f"column {n}" for n, name in enumerate(plan.header, start=1)]
        return ["" if record.get(name) is None else str(record[name]) for name in names]
    quote, delimiter = contract.file.quote, contract.file.delimiter
    if delimiter == "auto":
        right = [sign for sign in DELIMITERS if len(split_line(text, sign, quote)) == plan.width]
        delimiter = right[0] if right else ","
    if "\n" in text and quote:
        text = text.replace("\r\n", "\n")
        parts = split_line(text.replace("\n", "\x1f"), delimiter, quote)
        return [part.replace("\x1f", "\n") for part in parts]
    return split_line(text, delimiter, quote)
