"""Draft a contract from a file: its kind, encoding, delimiter, header, and what its columns may mean.

A draft is a proposal that somebody reads: headers in English, Urdu and Bangla are recognised by
their words, other columns by the look of their values. What is not recognised is left out, not guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from khana.deliveries.contracts.loading import ContractInvalid, parse_contract
from khana.deliveries.contracts.schema import REQUIRED, Layout
from khana.deliveries.reading.delimited import head_records, sniff_delimiter
from khana.deliveries.reading.opening import find_encoding, opened, refuse_other_kind, text_pieces
from khana.deliveries.reading.refusals import FileEmpty
from khana.deliveries.reading.sheets import Workbook
from khana_methods.rules.facts import load_facts
from khana_methods.standardise.digits import ascii_digits, comparison_key

_ROWS = 200
_AREAS = ("province_name", "district_name", "tehsil_name")
_BENEFIT_ROLES = frozenset({"id_number", "name", "guardian_name", "birth_date", "sex"})
_LOOKS = (
    ("id_number", re.compile(r"\d{5}-\d{7}-\d|\d{13}|\d{17}|\d{10}")),
    ("mobile_number", re.compile(r"(?:\+?92|0)?3\d{2}-?\d{7}|(?:\+?88)?01[3-9]\d{8}|\+\d{2,3}[ \d]{9,}")),
    ("account_number", re.compile(r"[A-Z]{2}\d{2}[A-Z]{4}[A-Z0-9]{10,}")),
    ("birth_date", re.compile(r"\d{1,2}[-/.]\w{2,3}[-/.](?:19|20)\d{2}|(?:19|20)\d{2}-\d{2}-\d{2}")),
)


def suggest(path: Path) -> dict[str, Any]:
    """Draft a contract.

    Args:
        path: Any file that Khana reads.

    Returns:
        A contract as a mapping that `parse_contract` accepts, wherever the file shows enough for one;
        ``unrecognised`` beside it lists the headers that were left out.

    Raises:
        InputError: The file cannot be opened at all.
    """
    layout, header, rows = _looked_at(path)
    columns = [[row[i] if i < len(row) else "" for row in rows] for i in range(len(header))]
    attributes = [
        _by_header(name) or _by_look(column) for name, column in zip(header, columns, strict=True)
    ]
    entity = _entity({attribute for attribute in attributes if attribute})
    facts: dict[str, Any] = {}
    unrecognised = []
    for name, attribute, column in zip(header, attributes, columns, strict=True):
        fact = _fact(attribute, name, entity, facts) if attribute else ""
        if fact:
            facts[fact] = _rule(fact, name, column, entity)
        elif name.strip():
            unrecognised.append(" ".join(name.split()))
    code = re.sub(r"[^a-z0-9]+", "-", path.name.split(".")[0].casefold()).strip("-") or "draft"
    draft: dict[str, Any] = {"code": code, "title": "", "entity": entity, "file": layout, "facts": facts}
    carried = [name for name in facts if name in _AREAS and _is_carried(facts[name], header, columns)]
    if carried and layout["format"] == "xlsx":
        draft["carry_down"] = carried
    return {"contract": _valid(draft), "unrecognised": unrecognised}


def _valid(draft: dict[str, Any]) -> dict[str, Any]:
    """Keep only what a contract may say; a draft that lacks what is required stays as it is."""
    try:
        parse_contract(draft)
    except ContractInvalid as error:
        draft["missing"] = error.details.get("problems", [])
        choice = [text.replace("|", " or ") for text in REQUIRED[draft["entity"]]]
        draft["missing"] = [f"map {', '.join(choice)}"] if not draft["facts"] else draft["missing"]
    return draft


def _looked_at(path: Path) -> tuple[dict[str, Any], list[str], list[list[str]]]:
    """Return the layout, the header and the first rows of a file."""
    with path.open("rb") if path.is_file() else _refused(path) as stream:
        start = stream.read(4)
    if start.startswith(b"PK\x03\x04"):
        return _sheet(path)
    if start.startswith(b"PAR1"):
        table = pq.ParquetFile(path).schema_arrow.names
        return {"format": "parquet"}, list(table), []
    return _text(path)


def _refused(path: Path) -> Any:
    refuse_other_kind(path, Layout(format="csv"))
    raise FileEmpty(f"{path.name} cannot be opened.")


def _text(path: Path) -> tuple[dict[str, Any], list[str], list[list[str]]]:
    layout = Layout(format="csv", delimiter="auto")
    refuse_other_kind(path, layout)
    with opened(path, layout) as (stream, stored):
        start = stream.read(1 << 18)
    encoding = find_encoding(start, layout)[0].removesuffix("-le").removesuffix("-be")
    with opened(path, layout) as (stream, stored):
        piece = next(text_pieces(stream, stored, path, layout), None)
    lines = piece.data.decode("utf-8", "replace").split("\n")[: _ROWS + 60] if piece else []
    if not any(line.strip() for line in lines):
        raise FileEmpty(f"{path.name} holds nothing but blank lines.", file=path.name)
    if next(line for line in lines if line.strip()).lstrip().startswith("{"):
        return _json(lines, encoding)
    delimiter = sniff_delimiter(lines)
    records = [record for _, record in head_records(lines, delimiter, '"')]
    index = _header_index(records)
    name = {"\t": "tab"}.get(delimiter, delimiter)
    found = {"format": "csv", "encoding": encoding, "delimiter": name}
    return found, records[index], [r for r in records[index + 1 :] if len(r) == len(records[index])][:_ROWS]


def _json(lines: Sequence[str], encoding: str) -> tuple[dict[str, Any], list[str], list[list[str]]]:
    """Return the paths of the first records as a header; a flat and a nested spelling are alternatives."""
    records: list[dict[str, str]] = []
    for line in lines[:_ROWS]:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(record, dict):
            records.append(_flat(record))
    header = list(dict.fromkeys(path for record in records for path in record))
    rows = [[record.get(path, "") for path in header] for record in records]
    return {"format": "jsonl", "encoding": encoding}, header, rows


def _flat(record: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = "" if value is None else str(value)
    return flat


def _sheet(path: Path) -> tuple[dict[str, Any], list[str], list[list[str]]]:
    with Workbook(path) as workbook:
        rows = [cells for _, cells in islice(workbook.rows(workbook.sheets[0]), _ROWS)]
    if not rows:
        raise FileEmpty(f"{path.name} has no filled cell in its first sheet.", file=path.name)
    index = _header_index(rows)
    header, layout = list(rows[index]), {"format": "xlsx", "sheets": "all"}
    above = rows[index - 1] if index else []
    filled = [cell for cell in above if cell.strip()]
    if 2 <= len(filled) < len(header) and not any(_looks_data(cell) for cell in filled):
        group, joined = "", []
        for upper, name in zip([*above, *[""] * len(header)], header, strict=False):
            group = upper.strip() or group
            joined.append(f"{group} {name}".strip())
        return layout | {"header": {"lines": 2}}, joined, rows[index + 1 :]
    return layout, header, rows[index + 1 :]


def _header_index(records: Sequence[Sequence[str]]) -> int:
    """Return the record that looks most like a header: many recognised names, no data."""

    def likeness(record: Sequence[str]) -> float:
        filled = [cell for cell in record if cell.strip()]
        known = sum(bool(_by_header(cell)) for cell in filled if len(cell) < 60)
        return known * 3 + len(set(filled)) - 4 * sum(_looks_data(cell) for cell in filled)

    candidates = range(min(len(records), 40))
    return max(candidates, key=lambda index: (likeness(records[index]), -index), default=0)


def _looks_data(cell: str) -> bool:
    digits = sum(character.isdigit() for character in cell)
    return digits >= 4 or (digits > 0 and digits == len(cell.strip()))


@cache
def _patterns() -> tuple[dict[str, re.Pattern[str]], dict[str, re.Pattern[str]]]:
    document = yaml.safe_load(Path(__file__).with_name("headers.yaml").read_text(encoding="utf-8"))

    def compiled(part: str) -> dict[str, re.Pattern[str]]:
        return {name: re.compile(_keyed(pattern)) for name, pattern in document[part].items()}

    return compiled("attributes"), compiled("roles")


def _keyed(pattern: str) -> str:
    """Write the native words of a pattern in the form in which headers are compared."""
    return "|".join(part if part.isascii() else comparison_key(part) or part for part in _alternatives(pattern))


def _alternatives(pattern: str) -> list[str]:
    """Split a pattern at the bars that stand outside brackets."""
    parts, depth = [""], 0
    for character in pattern:
        depth += (character == "(") - (character == ")")
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _by_header(name: str) -> str:
    """Return the attribute that a header's words tell; empty where none."""
    key = comparison_key(name)
    if not key:
        return ""
    return next((attribute for attribute, pattern in _patterns()[0].items() if pattern.search(key)), "")


def _by_look(column: Sequence[str]) -> str:
    """Return the attribute that nearly all values of a column look like; empty where none."""
    values = [ascii_digits(value).strip() for value in column if value.strip()]
    if len(values) < 5:
        return ""
    for attribute, pattern in _LOOKS:
        if sum(bool(pattern.fullmatch(value)) for value in values) * 10 >= len(values) * 8:
            return attribute
    return ""


def _entity(attributes: set[str]) -> str:
    """Return whose list this probably is."""
    if "employee_number" in attributes:
        return "employee"
    if "exit_date" in attributes:
        return "exit"
    if {"household_number", "line_no"} <= attributes:
        return "person"
    if "household_number" in attributes and "office_score" in attributes and "amount" not in attributes:
        return "score"
    if "household_number" in attributes and "name" not in attributes:
        return "household"
    if "death_date" in attributes:
        return "identity"
    return "mobile" if attributes <= {"mobile_number", "id_number"} and len(attributes) == 2 else "benefit"


def _fact(attribute: str, header: str, entity: str, taken: dict[str, Any]) -> str:
    """Return the fact of an attribute for the entity; empty where it has none or it is taken."""
    fact = attribute
    if entity == "benefit" and attribute in _BENEFIT_ROLES:
        roles = _patterns()[1]
        is_payee = bool(roles["payee"].search(comparison_key(header)))
        fact = f"{'payee' if is_payee else 'beneficiary'}_{attribute}"
    elif entity == "score" and attribute == "office_score":
        fact = "score"
    known = {item.name for item in load_facts().of_entity(entity)}
    return fact if fact in known and fact not in taken else ""


def _rule(fact: str, header: str, column: Sequence[str], entity: str) -> Any:
    """Return the rule of one fact: the header alone where that says it all."""
    name = " ".join(header.split())
    kind = load_facts().get(fact, entity).type
    values = [ascii_digits(value).strip() for value in column if value.strip()]
    if kind in ("date", "partial_date"):
        order = _order(values)
        return {"column": [name], "order": order} if order != "dmy" else {"column": [name]}
    if fact.endswith("sex"):
        known = {"b": "M", "boy": "M", "g": "F", "girl": "F", "1": "M", "2": "F", "3": "O"}
        table = {value: known[value.casefold()] for value in sorted(set(values)) if value.casefold() in known}
        return {"column": [name], "values": table} if table else {"column": [name]}
    if fact == "programme" and len(set(column)) <= 12:
        return {"column": [name], "values": {value: value for value in sorted(set(filter(None, column)))}}
    if fact == "attendance_share" and any(_number(value) > 1 for value in values):
        return {"column": [name], "scale": 0.01}
    return {"column": [name]}


def _order(values: Sequence[str]) -> str:
    """Return the order of day and month that the values show; days first where they do not."""
    parts = [re.split(r"[-/. ]", value) for value in values]
    numbers = [(int(p[0]), int(p[1])) for p in parts if len(p) == 3 and p[0].isdigit() and p[1].isdigit()]
    if any(first > 31 for first, _ in numbers):
        return "ymd"
    is_mdy = any(second > 12 for _, second in numbers) and not any(first > 12 for first, _ in numbers)
    return "mdy" if is_mdy else "dmy"


def _number(text: str) -> float:
    try:
        return float(text.rstrip("% "))
    except ValueError:
        return 0.0


def _is_carried(rule: dict[str, Any], header: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Tell whether a column's cells seem merged downwards: most are blank, the first is not."""
    names = [" ".join(name.split()) for name in header]
    column = columns[names.index(rule["column"][0])]
    filled = sum(bool(cell.strip()) for cell in column)
    return bool(column) and bool(column[0].strip()) and filled * 2 < len(column)
