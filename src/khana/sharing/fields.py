"""The catalogue of what may leave: which field, how sensitive, from which level of disclosure on.

`fields.yaml` is the only source; an agreement names fields of it, and nothing else can be filtered, sorted by or
given. An unknown name is refused, never passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from khana_methods.errors import InputError
from khana_methods.yaml_text import read_yaml


class FieldUnknown(InputError):
    """There is no such field, or it may not leave at this level of disclosure."""

    code: ClassVar[str] = "sharing.field.unknown"


@dataclass(frozen=True, slots=True)
class Field:
    """One field that may leave."""

    name: str
    of: str
    sensitivity: str
    levels: tuple[str, ...]
    spdci: tuple[str, ...]


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Field]:
    """Read `fields.yaml`."""
    document = read_yaml((Path(__file__).parent / "fields.yaml").read_text())["fields"]
    return {
        name: Field(name, row["of"], row["class"], tuple(row["levels"]), tuple(row["spdci"]))
        for name, row in document.items()
    }


@lru_cache(maxsize=1)
def by_standard_name() -> dict[str, str]:
    """Return field by the names that the standard's messages use."""
    found = {alias: name for name, field in catalogue().items() for alias in field.spdci}
    return {**found, **{name: name for name in catalogue()}}


def check(names: Sequence[str], *, level: str) -> list[str]:
    """Return the fields, once each, or say which may not leave at this level.

    Raises:
        FieldUnknown: A name is no field, or the level does not reach it.
    """
    held = catalogue()
    unknown = [name for name in names if name not in held]
    if unknown:
        raise FieldUnknown(f"There is no field {', '.join(unknown)}. Fields are: {', '.join(held)}.", fields=unknown)
    beyond = [name for name in names if level not in held[name].levels]
    if beyond:
        raise FieldUnknown(f"At the level {level} these may not leave: {', '.join(beyond)}.", fields=beyond)
    return list(dict.fromkeys(names))
