"""Part JSON lines into records: paths with alternatives, and lines that are no JSON refused one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.chunk import Parted, Refused
from khana.deliveries.reading.opening import opened, text_pieces
from khana.deliveries.reading.refusals import ColumnMissing, ContractForAnotherFile, FileEmpty, FormatWrong

_TRAILING_COMMA = re.compile(r",\s*[}\]]")
_CONTROL_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u00(?:0[0-8bcef]|1[0-9a-f]|7f)", re.IGNORECASE)
_ABSENT = object()
_LOOKED_AT = 200


class _NotANumber(ValueError):
    """NaN or Infinity stands where a number should."""


def json_blocks(path: Path, contract: Contract) -> Iterator[Parted]:
    """Yield the records of a file of JSON lines under a contract, block by block.

    Raises:
        FileEmpty: Nothing but blank lines.
        ColumnMissing: A mapped path is in none of the first records.
        ContractForAnotherFile: Hardly any mapped path is.
    """
    parter = JsonParter(contract)
    line = 1
    is_first = True
    with opened(path, contract.file) as (stream, stored):
        for piece in text_pieces(stream, stored, path, contract.file):
            lines = piece.data.decode("utf-8").split("\n")
            if lines and not lines[-1]:
                lines.pop()
            if line == 1:
                refuse_document(lines, path)
            block = parter.part(lines, line, piece.foreign)
            block.bytes_done = piece.bytes_done
            line += len(lines)
            if is_first and len(block):
                parter.refuse_other_paths()
                is_first = False
            yield block
    if not parter.count:
        raise FileEmpty(f"{path.name} holds nothing but blank lines.", file=path.name)


def refuse_document(lines: list[str], path: Path) -> None:
    """Refuse a file that is one JSON array or object over many lines: it cannot be read line by line."""
    filled = [text.strip() for text in lines if text.strip()]
    first = filled[0] if filled else ""
    is_array = first in ("[", "{") or (first.startswith("[") and (len(filled) == 1 or not first.endswith("]")))
    if is_array or _holds_records(first):
        raise FormatWrong(
            f"{path.name} is one JSON document, not JSON lines. Ask for one record a line, each with its own braces.",
            found="json",
            wanted="jsonl",
        )


def _holds_records(line: str) -> bool:
    """Tell whether a line is an object that wraps a list of records, such as `{"data": [{...}, {...}]}`."""
    record, fault = read_json_line(line)
    if fault or not isinstance(record, dict) or len(record) > 5:
        return False
    return any(
        isinstance(value, list) and len(value) > 1 and all(isinstance(item, dict) for item in value)
        for value in record.values()
    ) and not any(isinstance(value, dict) for value in record.values())


class JsonParter:
    """Parts lines of JSON into the texts of each fact."""

    def __init__(self, contract: Contract) -> None:
        """Prepare the paths that a contract maps."""
        self._contract = contract
        self._paths = {
            name: [tuple(text.split(".")) for text in rule.column]
            for name, rule in contract.facts.items()
            if rule.column
        }
        self._required = [[n for n in group if n in self._paths] for group in contract.required_facts()]
        self._seen: set[str] = set()
        self._tops = {path[0] for paths in self._paths.values() for path in paths}
        self.count = 0

    def part(self, lines: list[str], first_line: int, foreign: dict[int, str]) -> Parted:
        """Part some lines, the first of which is the given one of the file."""
        kept: list[str] = []
        numbers: list[int] = []
        values: dict[str, list[str]] = {name: [] for name in self._paths}
        others: list[str] = []
        refused: list[Refused] = []
        not_data = 0
        for number, line in enumerate(lines):
            text = line.strip()
            if number in foreign:
                refused.append(Refused("", first_line + number, "foreign_byte", foreign[number]))
                continue
            if not text:
                not_data += 1
                continue
            record, fault = read_json_line(text)
            row = self._values(record) if not fault else None
            if row is None:
                refused.append(Refused("", first_line + number, fault or "missing_holder", line.rstrip("\r")))
                continue
            numbers.append(first_line + number)
            kept.append(text)
            for name, value in zip(values, row, strict=True):
                values[name].append(value)
            if self._contract.keep_unmapped:
                rest = {key: item for key, item in record.items() if key not in self._tops}
                others.append(json.dumps(rest, ensure_ascii=False))
        self.count += len(kept) + len(refused)
        unmapped = {"@record": pa.array(others, pa.string())} if self._contract.keep_unmapped else {}
        return Parted(
            sheet="",
            lines=np.array(numbers, dtype=np.int64),
            texts={name: pa.array(column, pa.string()) for name, column in values.items()},
            raw_of=kept.__getitem__,
            unmapped=unmapped,
            refused=refused,
            not_data=not_data,
        )

    def _values(self, record: Any) -> list[str] | None:
        """Return the texts of all facts; None where the required ones are not even there."""
        row, present = [], set()
        for name, paths in self._paths.items():
            text = ""
            for path in paths:
                value = _at(record, path)
                if value is _ABSENT:
                    continue
                present.add(name)
                text = _text(value)
                if text:
                    break
            row.append(text)
        if any(group and not present & set(group) for group in self._required):
            return None
        self._seen |= present
        return row

    def refuse_other_paths(self) -> None:
        """Refuse the file where mapped paths were in none of its first records."""
        asked = [name for name in self._paths if not self._contract.facts[name].optional]
        missing = [name for name in asked if name not in self._seen]
        if len(missing) * 3 > len(asked) * 2:
            raise ContractForAnotherFile(
                f"This file is not one that contract {self._contract.code} is for: of {len(asked)} paths that it "
                f"maps, {len(asked) - len(missing)} are here. Choose the source's own contract.",
                contract=self._contract.code,
            )
        if missing:
            paths = ["|".join(self._contract.facts[name].column) for name in missing]
            raise ColumnMissing(
                f"No record has {', '.join(repr(path) for path in paths)}. Mend the path in contract "
                f"{self._contract.code}, or mark the fact 'optional: true'.",
                columns=paths,
            )


def read_json_line(text: str) -> tuple[Any, str]:
    """Read one line of JSON; return the record and what is wrong with it, empty where nothing is.

    Examples:
        >>> read_json_line('{"a": 1,}')[1], read_json_line('{"a": NaN}')[1], read_json_line('{"a": "b')[1]
        ('trailing_comma', 'nan_value', 'truncated_json')
    """
    try:
        record = json.loads(text, parse_constant=_refuse_constant)
    except _NotANumber:
        return None, "nan_value"
    except (json.JSONDecodeError, RecursionError) as error:
        message = str(error)
        if "Invalid control character" in message:
            return None, "nul_char" if "\x00" in text else "control_char"
        if _TRAILING_COMMA.search(text) and text.endswith(("}", "]")):
            return None, "trailing_comma"
        return None, "broken_json" if text.endswith("}") else "truncated_json"
    if not isinstance(record, dict):
        return None, "broken_json"
    if "\\u00" in text and _CONTROL_ESCAPE.search(text):
        return None, "nul_char" if "\\u0000" in text else "control_char"
    return record, ""


def _refuse_constant(_: str) -> Any:
    raise _NotANumber


def _at(record: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        if isinstance(record, list) and part.isdigit() and int(part) < len(record):
            record = record[int(part)]
            continue
        if not isinstance(record, dict) or part not in record:
            return _ABSENT
        record = record[part]
    return record


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e17 else repr(value)
    return json.dumps(value, ensure_ascii=False)
