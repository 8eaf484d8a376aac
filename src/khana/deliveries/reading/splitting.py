"""Split lines into cells: one line, the head of a file, and the sign that parts its columns."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.header import match_columns
from khana.deliveries.reading.refusals import DelimiterWrong

DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "upright bar"}


def split_line(line: str, delimiter: str, quote: str) -> list[str]:
    """Part one line into cells, forgiving quotation marks that mean nothing."""
    if not quote or quote not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line.replace("\r", " ")], delimiter=delimiter, quotechar=quote), [""])
    except csv.Error:
        return line.split(delimiter)


def sniff_delimiter(lines: Sequence[str], quote: str = '"') -> str:
    """Return the sign that parts the most lines into the same number of cells."""

    def regularity(delimiter: str) -> tuple[int, int]:
        counts = [len(split_line(line, delimiter, quote)) for line in lines if line.strip()]
        usual = max(set(counts), key=counts.count, default=1)
        return (counts.count(usual) if usual > 1 else 0, usual)

    return max(DELIMITERS, key=regularity)


def head_records(lines: Sequence[str], delimiter: str, quote: str) -> list[tuple[int, list[str]]]:
    """Return the first records and for each the number of lines up to its end."""
    records: list[tuple[int, list[str]]] = []
    reader = csv.reader(
        (line.rstrip("\r").replace("\r", " ").replace("\x00", "") + "\n" for line in lines),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return records
        except csv.Error:
            continue
        records.append((reader.line_num, record))


def placed_at_lines(records: list[tuple[int, list[str]]], lines: Sequence[str]) -> list[list[str]]:
    """Place each record at the line on which it ends, so that positions are lines."""
    placed: list[list[str]] = [[] for _ in lines]
    for end, record in records:
        if end <= len(placed):
            placed[end - 1] = record
    return placed


def refuse_delimiter(lines: Sequence[str], contract: Contract, delimiter: str, path: Path) -> None:
    """Refuse the file by its delimiter where another one shows the columns that are asked for."""
    quote = contract.file.quote

    def columns_found(sign: str) -> int:
        records = (split_line(line.rstrip("\r"), sign, quote) for line in lines[: contract.file.header.search])
        return max((len(match_columns(record, contract)) for record in records), default=0)

    best = max(DELIMITERS, key=columns_found)
    if best != delimiter and columns_found(best) > columns_found(delimiter):
        raise DelimiterWrong(
            f"The columns of {path.name} are parted by a {_NAMES[best]}, not by a "
            f"{_NAMES.get(delimiter, repr(delimiter))} as the contract says. "
            f"Write 'delimiter: {'tab' if best == chr(9) else repr(best)}' in the contract.",
            found=best,
            wanted=delimiter,
        )
