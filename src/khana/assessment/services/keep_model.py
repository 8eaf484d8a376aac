"""Bring in one version of a model from its cited file: kept byte for byte, read whole, never changed.

The same file again changes nothing; another file under the same code and version is refused. A
model that nobody has signed may be looked at and tried, and scores nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import yaml
from django.db import transaction

from khana.access import selectors
from khana.access import services as access
from khana.assessment.models import ModelVersion
from khana.audit import services as audit
from khana.platform import files
from khana_methods.errors import Conflict, InputError
from khana_methods.pmt.model import PmtModel
from khana_methods.pmt.read import ModelInvalid, read_model
from khana_methods.yaml_text import read_yaml

LANGUAGES = ("en", "ur", "bn")


class VersionTaken(Conflict):
    """Another file is kept under this code and version: a version never changes."""

    code: ClassVar[str] = "assessment.model.version_taken"


class WordsInvalid(InputError):
    """The file of words is not labels by language and variable."""

    code: ClassVar[str] = "assessment.model.words_invalid"


@dataclass(frozen=True)
class KeptModel:
    """A model version that is in the store."""

    id: int
    code: str
    version: int
    sha256: str
    is_new: bool


@transaction.atomic
def keep_model(
    *, path: Path, words: Path | None = None, card: Mapping[str, Any] | None = None, at: datetime
) -> KeptModel:
    """Keep a model file and make it a version of the store.

    Args:
        path: YAML or JSON as `khana_methods.pmt.read` reads it.
        words: YAML with labels of the variables by language, for letters in Urdu and Bangla.
        card: Figures of the fit, where it was fitted; shown on the model's card.
        at: When.

    Raises:
        ModelInvalid: The file contradicts itself or names unknown facts; all mistakes at once.
        VersionTaken: Another file is kept under this code and version.
        WordsInvalid: The words are of no use.
    """
    access.require("models.write", everywhere=True)
    actor = selectors.me()
    body = path.read_bytes()
    text, model, title = _read(body, path.name)
    labels = _words(words, model) if words else {}
    sha256 = hashlib.sha256(body).hexdigest()
    known = ModelVersion.objects.filter(code=model.code, version=model.version).first()
    if known is not None:
        if known.sha256 != sha256:
            raise VersionTaken(
                f"Model {model.code} version {model.version} is kept already, from another file. "
                "A version never changes: give yours the next number.",
                model=model.code, version=model.version,
            )  # fmt: skip
        return KeptModel(known.pk, known.code, known.version, sha256, is_new=False)
    files.keep(path, name=path.name, at=at)
    row = ModelVersion.objects.create(
        code=model.code, version=model.version, title=title, document=text, words=labels, sha256=sha256,
        card=dict(card or {}), source=model.source, mark=model.mark, valid_from=model.valid_from, valid_to=model.valid_to,
        created_by=access.actor_id(), created_label=actor.username if actor else "", created_at=at,
    )  # fmt: skip
    audit.record(
        action="assessment.model.kept", subject=f"model:{model.code}/{model.version}",
        details={"sha256": sha256, "variables": len(model.variables)}, at=at,
    )  # fmt: skip
    return KeptModel(row.pk, model.code, model.version, sha256, is_new=True)


def _read(body: bytes, name: str) -> tuple[str, PmtModel, str]:
    """Read the bytes of a model file; return its text, the model and its title."""
    try:
        text = body.decode("utf-8")
        document = read_yaml(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelInvalid(f"The file {name} is not YAML in UTF-8.", file=name) from error
    model = read_model(document)
    return text, model, " ".join(model.source.split())[:120]


def _words(path: Path, model: PmtModel) -> dict[str, dict[str, str]]:
    try:
        found = read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WordsInvalid(f"The file {path.name} is not YAML in UTF-8.", file=path.name) from error
    variables = {variable.code for variable in model.variables}
    if not isinstance(found, dict) or not set(found) <= set(LANGUAGES):
        raise WordsInvalid(f"The words stand by language: {', '.join(LANGUAGES)}.", file=path.name)
    strange = sorted({str(code) for labels in found.values() for code in (labels or {})} - variables)
    if strange:
        raise WordsInvalid(f"The words name variables that the model does not have: {', '.join(strange)}.")
    return {tongue: {str(k): str(v) for k, v in (labels or {}).items()} for tongue, labels in found.items()}
