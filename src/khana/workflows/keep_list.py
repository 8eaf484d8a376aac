"""A ministry without an MIS keeps its list in Khana: each row that is added is a small delivery.

The row is written as a file under the source's own contract and goes the way of every file: kept
whole, read, checked, loaded or put into quarantine. So a kept list and a sent one are one thing.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from khana.access import services as access
from khana.beneficiaries.services.sources import get_source
from khana.deliveries import services as deliveries
from khana.deliveries.contracts.loading import parse_contract
from khana.platform import places
from khana.workflows import import_file
from khana_methods.errors import InputError


class ListNotKeepable(InputError):
    """The contract is not for a plain table with a header, or the row is empty."""

    code: ClassVar[str] = "workflows.keep_list.not_keepable"


@dataclass(frozen=True)
class ListField:
    """One field of the form: a fact, and the header under which the contract finds it."""

    fact: str
    label: str


def fields_of(body: Mapping[str, Any]) -> Sequence[ListField]:
    """Return the fields of a row under a contract; none where it is not a table with a header."""
    if not body or "facts" not in body:
        return ()
    contract = parse_contract(dict(body), where="contract")
    if contract.file.format != "csv" or contract.file.header.none:
        return ()
    return tuple(ListField(fact, rule.column[0]) for fact, rule in contract.facts.items() if rule.column)


def add_row(*, token: str, source: str, values: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """Add one row to a list that is kept here; return what the import counted.

    Raises:
        ListNotKeepable: The contract has no fields for a form, or every field is empty.
    """
    with access.scoped(token):
        body = deliveries.get_contract(code=get_source(source).contract_code).body
    fields = fields_of(body)
    if not fields or not any(values.get(field.fact, "").strip() for field in fields):
        raise ListNotKeepable("Fill in the row first.", source=source)
    contract = parse_contract(dict(body), where="contract")
    delimiter = contract.file.delimiter if contract.file.delimiter != "auto" else ","
    encoding = contract.file.encoding if contract.file.encoding != "auto" else "utf-8"
    name = f"{source}-{at:%Y%m%dT%H%M%S%f}.csv"
    with tempfile.TemporaryDirectory(dir=places.folder("uploads")) as folder:
        path = Path(folder) / name
        with path.open("w", encoding=encoding, newline="") as target:
            writer = csv.writer(target, delimiter=delimiter, quotechar=contract.file.quote or '"')
            writer.writerow([field.label for field in fields])
            writer.writerow([values.get(field.fact, "") for field in fields])
        return import_file.run(token=token, path=path, entity="benefit", source=source, name=name, at=at)
