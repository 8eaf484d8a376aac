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

from khana.deliveries.contracts.loading import ContractInvalid, parse_contract
from khana.deliveries.contracts.schema import REQUIRED, Layout
from khana.deliveries.reading.jsonlines import refuse_document
from khana.deliveries.reading.looks import are_amounts, are_births, are_names, attribute_by_look, looks_data
from khana.deliveries.reading.opening import find_encoding, opened, refuse_other_kind, text_pieces
from khana.deliveries.reading.refusals import FileEmpty
from khana.deliveries.reading.sheets import Workbook
from khana.deliveries.reading.splitting import head_records, sniff_delimiter
from khana_methods.rules.facts import load_facts
from khana_methods.standardise.digits import ascii_digits, comparison_key
from khana_methods.yaml_text import read_yaml

_ROWS = 200
_AREAS = ("province_name", "district_name", "tehsil_name")
_BENEFIT_ROLES = frozenset({"id_number", "name", "guardian_name", "birth_date", "sex"})
_END = r"\s*(?:[,;]|\s{2,}|$)"
_TITLES = {
    "province_name": r"\b(?:Province|Division)\s*:?\s+(?P<province_name>[^,;:]+?)" + _END,
    "district_name": r"\b(?:District|Zila)\s*:?\s+(?P<district_name>[^,;:]+?)" + _END,
    "tehsil_name": r"\b(?:Tehsil|Taluka|Upazila)\s*:?\s+(?P<tehsil_name>[^,;:]+?)" + _END,
    "period": r"\b(?:Period|Month|Quarter|Fortnight)\s*:\s*(?P<period>.+?)\s*(?:\s{2,}|$)",
}


def suggest_contract(path: Path, *, code: str = "", entity: str = "") -> dict[str, Any]:
    """Draft a contract.

    Args:
        path: Any file that Khana reads.
        code: Code of the contract; made from the file's name if empty.
        entity: Whose rows the file holds; seen from the headers if empty.

    Returns:
        A contract as a mapping that `parse_contract` accepts wherever the file shows enough for one.

    Raises:
        InputError: The file cannot be opened at all.
    """
    draft: dict[str, Any] = suggest(path, code=code, entity=entity)["contract"]
    return draft


def suggest(path: Path, *, code: str = "", entity: str = "") -> dict[str, Any]:
    """Draft a contract, and tell what it leaves out.

    Args:
        path: Any file that Khana reads.
        code: Code of the contract; made from the file's name if empty.
        entity: Whose rows the file holds; seen from the headers if empty.

    Returns:
        ``contract``, the draft; ``unrecognised``, the headers that it leaves out; ``problems``, what
        the draft lacks before it can be used, in words.

    Raises:
        InputError: The file cannot be opened at all.
    """
    layout, header, rows, titles = _looked_at(path)
    columns = [[row[i] if i < len(row) else "" for row in rows] for i in range(len(header))]
    attributes = [_attribute(name, column) for name, column in zip(header, columns, strict=True)]
    entity = entity or _entity({attribute for attribute in attributes if attribute})
    facts: dict[str, Any] = {}
    given: dict[str, Sequence[str]] = {}
    unrecognised = []
    if layout.get("header", {}).get("none"):
        facts = _by_position(columns, entity)
        given = {fact: columns[rule["position"] - 1] for fact, rule in facts.items()}
        header = []
    for name, attribute, column in zip(header, attributes, columns, strict=False):
        fact = _fact(attribute, name, entity)
        if fact and fact not in facts:
            facts[fact], given[fact] = _rule(fact, name, column, entity), column
        elif fact and _is_alternative(given[fact], column):
            facts[fact]["column"].append(" ".join(name.split()))
        elif name.strip():
            unrecognised.append(" ".join(name.split()))
    name = re.sub(r"[^a-z0-9]+", "-", path.name.split(".")[0].casefold()).strip("-") or "draft"
    draft: dict[str, Any] = {"code": code or name, "title": "", "entity": entity, "file": layout, "facts": facts}
    carried = [name for name in given if name in _AREAS and _is_carried(given[name])]
    if carried and layout["format"] == "xlsx":
        draft["carry_down"] = carried
    blocks = _title_patterns(titles, facts, entity)
    if blocks:
        draft["blocks"] = blocks
    if _has_own_benefits(given):
        draft["own_benefit_when_blank"] = ["beneficiary_name"]
    return {"contract": draft, "unrecognised": unrecognised, "problems": _problems(draft)}


def _by_position(columns: Sequence[Sequence[str]], entity: str) -> dict[str, Any]:
    """Map the columns of a file without a header by the look of their values; what has no look is left out."""
    facts: dict[str, Any] = {}
    for position, column in enumerate(columns, start=1):
        attribute = attribute_by_look(column) or (
            "name" if are_names(column) else "amount" if are_amounts(column) else ""
        )
        if attribute == "name" and f"{'beneficiary_' if entity == 'benefit' else ''}name" in facts:
            attribute = "guardian_name"
        if attribute == "birth_date" and not are_births(column):
            attribute = "payment_date"
        fact = _fact(attribute, "", entity) if attribute else ""
        if fact and fact not in facts:
            rule = _rule(fact, "", column, entity)
            facts[fact] = {"position": position, **{key: value for key, value in rule.items() if key != "column"}}
    return facts


def _attribute(name: str, column: Sequence[str]) -> str:
    """Return what a column probably means: by the lower line of its header, by all of it, by its values."""
    told, seen = _by_header(name.rsplit("\n", 1)[-1]) or _by_header(name), attribute_by_look(column)
    if told == "period" and are_amounts(column):
        return "amount"  # 'monthly allowance' tells a month by its words and money by its values
    return seen if seen and told in ("", "name") else told


def _is_alternative(first: Sequence[str], second: Sequence[str]) -> bool:
    """Tell whether two columns are one in two spellings: never filled in the same row."""
    pairs = list(zip(first, second, strict=True))
    return any(b for _, b in pairs) and not any(a.strip() and b.strip() for a, b in pairs)


def _has_own_benefits(given: dict[str, Sequence[str]]) -> bool:
    """Tell whether some rows name a payee and no beneficiary."""
    pairs = list(zip(given.get("beneficiary_name", ()), given.get("payee_name", ()), strict=False))
    own = sum(bool(payee.strip()) and not name.strip() for name, payee in pairs)
    return bool(pairs) and own * 20 >= len(pairs)


def _problems(draft: dict[str, Any]) -> list[str]:
    """Return what a draft lacks before it can be used."""
    if not draft["facts"]:
        return [f"no column is recognised; map {choice.replace('|', ' or ')}" for choice in REQUIRED[draft["entity"]]]
    try:
        parse_contract(draft)
    except ContractInvalid as error:
        return list(error.details.get("problems", []))
    return []


def _title_patterns(titles: Sequence[str], facts: dict[str, Any], entity: str) -> list[str]:
    """Return patterns for the title lines of a sheet: what they tell of the rows below, and the rest."""
    known = {item.name for item in load_facts().of_entity(entity)} - set(facts)
    telling = {fact: pattern for fact, pattern in _TITLES.items() if fact in known}
    patterns = [pattern for pattern in telling.values() if any(re.search(pattern, title) for title in titles)]
    silent = [title for title in titles if not any(re.search(pattern, title) for pattern in patterns)]
    openings = dict.fromkeys(" ".join(title.split()[:2]) for title in silent)
    return patterns + [f"^{re.escape(opening)}" for opening in openings if opening][:12]


def _looked_at(path: Path) -> tuple[dict[str, Any], list[str], list[list[str]], list[str]]:
    """Return the layout, the header, the first rows and the title lines of a file."""
    with path.open("rb") if path.is_file() else _refused(path) as stream:
        start = stream.read(4)
    if start.startswith(b"PK\x03\x04"):
        return _sheet(path)
    if start.startswith(b"PAR1"):
        table = pq.ParquetFile(path).schema_arrow.names
        return {"format": "parquet"}, list(table), [], []
    return (*_text(path), [])


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
    if next(line for line in lines if line.strip()).lstrip().startswith(("{", "[")):
        refuse_document(lines, path)
        return _json(lines, encoding)
    delimiter = sniff_delimiter(lines)
    records = [record for _, record in head_records(lines, delimiter, '"')]
    name = {"\t": "tab"}.get(delimiter, delimiter)
    found: dict[str, Any] = {"format": "csv", "encoding": encoding, "delimiter": name}
    if _has_no_header(records):
        return found | {"header": {"none": True}}, [""] * len(records[0]), records[:_ROWS]
    index = _header_index(records)
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
        elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            flat |= _flat(value[0], f"{prefix}{key}.0.")
        else:
            flat[f"{prefix}{key}"] = "" if value is None else str(value)
    return flat


def _sheet(path: Path) -> tuple[dict[str, Any], list[str], list[list[str]], list[str]]:
    with Workbook(path) as workbook:
        rows = [cells for _, cells in islice(workbook.rows(workbook.sheets[0]), _ROWS)]
    if not rows:
        raise FileEmpty(f"{path.name} has no filled cell in its first sheet.", file=path.name)
    index = _header_index(rows)
    header, layout = list(rows[index]), {"format": "xlsx", "sheets": "all"}
    above = rows[index - 1] if index else []
    filled = [cell for cell in above if cell.strip()]
    titles = [cells[0] for cells in rows if len([cell for cell in cells if cell.strip()]) == 1 and cells[0].strip()]
    if 2 <= len(filled) < len(header) and not any(looks_data(cell) for cell in filled):
        group, joined = "", []
        for upper, name in zip([*above, *[""] * len(header)], header, strict=False):
            group = upper.strip() or group
            joined.append(f"{group}\n{name}" if group and name else name or group)
        return layout | {"header": {"lines": 2}}, joined, rows[index + 1 :], titles
    return layout, header, rows[index + 1 :], titles


def _header_index(records: Sequence[Sequence[str]]) -> int:
    """Return the record that looks most like a header: many recognised names, no data."""

    def likeness(record: Sequence[str]) -> float:
        filled = [cell for cell in record if cell.strip()]
        known = sum(bool(_by_header(cell)) for cell in filled if len(cell) < 60)
        return known * 3 + len(set(filled)) - 4 * sum(looks_data(cell) for cell in filled)

    candidates = range(min(len(records), 40))
    return max(candidates, key=lambda index: (likeness(records[index]), -index), default=0)


def _has_no_header(records: Sequence[Sequence[str]]) -> bool:
    """Tell whether a file begins with data at once: its first record looks like the others, and no cell is a known name."""
    first = records[0]
    filled = [cell for cell in first if cell.strip()]
    if len(filled) < 2 or any(_by_header(cell) for record in records[:40] for cell in record if len(cell) < 60):
        return False
    alike = [record for record in records[1:] if len(record) == len(first)]
    return sum(looks_data(cell) for cell in filled) * 2 >= len(filled) and len(alike) * 10 >= len(records[1:]) * 9


@cache
def _patterns() -> tuple[dict[str, re.Pattern[str]], dict[str, re.Pattern[str]]]:
    document = read_yaml(Path(__file__).with_name("headers.yaml").read_text(encoding="utf-8"))

    def compiled(part: str) -> dict[str, re.Pattern[str]]:
        return {name: re.compile(_keyed(pattern)) for name, pattern in document[part].items()}

    return compiled("attributes"), compiled("roles")


def _keyed(pattern: str) -> str:
    """Write the native words of a pattern in the form in which headers are compared."""
    return re.sub(r"[^\x00-\x7f]+", lambda match: comparison_key(match[0]) or match[0], pattern)


def _by_header(name: str) -> str:
    """Return the attribute that a header's words tell; empty where none."""
    key = comparison_key(name)
    if not key:
        return ""
    return next((attribute for attribute, pattern in _patterns()[0].items() if pattern.search(key)), "")


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


def _fact(attribute: str, header: str, entity: str) -> str:
    """Return the fact of a column for the entity; empty where it has none."""
    known = {item.name for item in load_facts().of_entity(entity)}
    fact = attribute
    named = "_".join(comparison_key(header.rsplit("\n", 1)[-1]).split())
    if named in known:
        return named
    if entity == "benefit" and attribute in _BENEFIT_ROLES:
        roles = _patterns()[1]
        is_payee = bool(roles["payee"].search(comparison_key(header)))
        fact = f"{'payee' if is_payee else 'beneficiary'}_{attribute}"
    elif entity == "score" and attribute == "office_score":
        fact = "score"
    return fact if fact in known else ""


def _rule(fact: str, header: str, column: Sequence[str], entity: str) -> Any:
    """Return the rule of one fact: the header alone where that says it all."""
    name = " ".join(header.split())
    kind = load_facts().get(fact, entity).type
    values = [ascii_digits(value).strip() for value in column if value.strip()]
    if kind in ("date", "partial_date"):
        order = _order(values)
        return {"column": [name], "order": order} if order != "dmy" else {"column": [name]}
    if kind in ("money", "decimal") and _has_decimal_comma(values):
        return {"column": [name], "decimal": ","}
    if fact.endswith("sex"):
        known = {"b": "M", "boy": "M", "g": "F", "girl": "F", "1": "M", "2": "F", "3": "O"}
        table = {value: known[value.casefold()] for value in sorted(set(values)) if value.casefold() in known}
        return {"column": [name], "values": table} if table else {"column": [name]}
    wordings = sorted({value.strip() for value in column if value.strip()})
    if fact == "programme" and len(wordings) <= 12 and any(" " in word or not word.isascii() for word in wordings):
        return {"column": [name], "values": {word: word for word in wordings}}
    if fact == "attendance_share" and any(_number(value) > 1 for value in values):
        return {"column": [name], "scale": 0.01}
    return {"column": [name]}


def _has_decimal_comma(values: Sequence[str]) -> bool:
    """Tell whether numbers are written as 1.234,50: a comma before one or two last digits, never a point there."""
    commas = sum(bool(re.fullmatch(r"-?(?:\d{1,3}(?:\.\d{3})+|\d+),\d{1,2}", value)) for value in values)
    return commas > 0 and not any(re.search(r",\d{3}(?!\d)|\.\d{1,2}$", value) for value in values)


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


def _is_carried(column: Sequence[str]) -> bool:
    """Tell whether a column's cells seem merged downwards: most are blank, the first is not."""
    filled = sum(bool(cell.strip()) for cell in column)
    return bool(column) and bool(column[0].strip()) and filled * 2 < len(column)
