"""Turn YAML into a contract or a manifest, or say what is wrong with it in words.

Every mistake is told at once, each with the place where it stands and, for a misspelt key, the
nearest that exists. Messages hold keys and places only, never a value of a row.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from khana.deliveries.contracts.manifest import Manifest
from khana.deliveries.contracts.schema import Contract
from khana_methods.errors import InputError, NotFound
from khana_methods.yaml_text import read_yaml

M = TypeVar("M", bound=BaseModel)


class ContractInvalid(InputError):
    """The contract says something that Khana cannot follow; nothing is read under it."""

    code: ClassVar[str] = "deliveries.contract.invalid"


class ManifestInvalid(InputError):
    """The manifest says something that Khana cannot follow; nothing of it is loaded."""

    code: ClassVar[str] = "deliveries.manifest.invalid"


class DocumentMissing(NotFound):
    """There is no such contract or manifest to read."""

    code: ClassVar[str] = "deliveries.document.missing"


def load_contract(path: Path) -> Contract:
    """Read one contract from a YAML file.

    Raises:
        DocumentMissing: There is no such file.
        ContractInvalid: It is no YAML, or it says something that cannot be followed.
    """
    return parse_contract(_document(path, ContractInvalid), where=path.name)


def parse_contract(document: Any, *, where: str = "contract") -> Contract:
    """Check one contract that is already a mapping, such as the one kept in the database.

    Raises:
        ContractInvalid: It says something that cannot be followed; all mistakes are told at once.
    """
    return _checked(Contract, document, ContractInvalid, where)


def load_manifest(path: Path) -> Manifest:
    """Read one manifest from a YAML file.

    Raises:
        DocumentMissing: There is no such file.
        ManifestInvalid: It is no YAML, or it says something that cannot be followed.
    """
    return _checked(Manifest, _document(path, ManifestInvalid), ManifestInvalid, path.name)


def contract_json_schema() -> dict[str, Any]:
    """Return the JSON Schema that every contract keeps to."""
    return _titled(Contract, "https://khana.example/schema/contract.json")


def manifest_json_schema() -> dict[str, Any]:
    """Return the JSON Schema that every manifest keeps to."""
    return _titled(Manifest, "https://khana.example/schema/manifest.json")


def _titled(model: type[BaseModel], address: str) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        **model.model_json_schema(),
    }


def _document(path: Path, refusal: type[InputError]) -> Any:
    try:
        return read_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DocumentMissing(f"There is no file {path}.", path=str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        place = f" near line {line}" if line else ""
        raise refusal(f"{path.name} is no YAML{place}. Check indentation and quotes.", line=line) from error


def _checked(model: type[M], document: Any, refusal: type[InputError], where: str) -> M:
    if not isinstance(document, Mapping):
        raise refusal(f"{where} must be a mapping of keys, such as 'code:' and 'file:'.")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problems = [_sentence(model, item) for item in error.errors(include_input=False, include_url=False)]
        raise refusal(f"{where}: {'; '.join(problems)}.", problems=problems) from error


def _sentence(model: type[BaseModel], item: Any) -> str:
    path = [part for part in item["loc"] if part != "all" and not str(part).startswith("tuple[")]
    place = ".".join(str(part) for part in path)
    kind = item["type"]
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), _keys_at(model, path[:-1]), n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return f"'{place}' is no key here{hint}"
    if kind == "missing":
        return f"'{place}' is missing"
    message = str(item["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{place}: {message}" if place else message


def _keys_at(model: type[BaseModel], path: list[Any]) -> list[str]:
    """Return the keys that are allowed at a place of the document."""
    current: type[BaseModel] = model
    for part in path:
        field = current.model_fields.get(str(part))
        if field is None:
            continue
        found = _model_in(field.annotation)
        if found is not None:
            current = found
    return list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
