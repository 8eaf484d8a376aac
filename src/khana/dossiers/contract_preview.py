"""What a contract makes of the first rows of a file, for somebody who is writing it.

Personal numbers, telephones and accounts are shown masked: whether they are read is seen from
their state beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from khana.deliveries.contracts.loading import parse_contract
from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.read import preview
from khana.geo.name_resolver import name_resolver
from khana.platform import files, installation
from khana_country.load import areas_cut_from, pack_folder
from khana_methods.disclosure.masking import mask
from khana_methods.errors import InputError
from khana_methods.standardise.identifiers import IdentifierRules
from khana_methods.yaml_text import read_yaml

_HIDDEN = ("id_number", "mobile_number", "account_number", "consumer_number")
_PASSED_OVER = ("_scheme", "_type", "_prefix", "notes", "area_level")


class ContractUnreadable(InputError):
    """The text is not YAML: the place is named."""

    code: ClassVar[str] = "dossiers.contract.unreadable"


@dataclass(frozen=True)
class Preview:
    """The first rows as facts, the rows that would go to quarantine, and lines that are no rows."""

    header: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    quarantined: Sequence[Mapping[str, Any]]
    not_data: int


def read_contract(text: str) -> Contract:
    """Read a contract from YAML text.

    Raises:
        ContractUnreadable: It is not YAML.
        ContractInvalid: It says something that cannot be followed.
    """
    try:
        document = read_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ContractUnreadable(
            f"The text cannot be read as YAML{place}. Look at indents and colons there."
        ) from error
    return parse_contract(document, where="contract")


def write_contract(body: Mapping[str, Any]) -> str:
    """Return a contract as YAML text in the order of its schema, one column as a plain word."""
    ordered = {name: body[name] for name in Contract.model_fields if name in body}
    ordered["facts"] = {fact: _short(rule) for fact, rule in body.get("facts", {}).items()}
    return yaml.safe_dump(ordered, allow_unicode=True, sort_keys=False, width=110)


def _short(rule: Any) -> Any:
    if isinstance(rule, Mapping) and set(rule) == {"column"}:
        names = rule["column"]
        return names[0] if len(names) == 1 else list(names)
    return dict(rule) if isinstance(rule, Mapping) else rule


def preview_contract(contract: Contract, *, sha256: str = "", path: Path | None = None, rows: int = 12) -> Preview:
    """Read the first rows of a kept file, or of a file just sent, under a contract."""
    if path is not None:
        return _preview(contract, path, rows)
    with files.plain_copy(sha256) as copy:
        return _preview(contract, copy, rows)


def _preview(contract: Contract, path: Path, rows: int) -> Preview:
    country = contract.country or installation.read().get("country", "pak")
    areas = name_resolver(areas_cut_from(country))
    identifiers = IdentifierRules.load(pack_folder(country) / "identifiers.yaml")
    found = preview(path, contract, identifiers=identifiers, areas=areas, rows=rows)
    columns = [
        name
        for name in (found["rows"][0] if found["rows"] else {})
        if not name.endswith(_PASSED_OVER) and any(row.get(name) not in (None, "", []) for row in found["rows"])
    ]
    shown = [[_cell(name, row.get(name)) for name in columns] for row in found["rows"]]
    refused = [
        {name: row.get(name) for name in ("line", "sheet", "column", "code", "detail")} for row in found["quarantined"]
    ]
    return Preview(found["header"], columns, shown, refused, found["not_data"])


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    return mask(str(value)) if name.endswith(_HIDDEN) else str(value)
