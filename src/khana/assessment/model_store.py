"""Reads of the model store: versions, who signed them, and which one is in force on a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, ClassVar

from django.db.models import Q

from khana.assessment.models import Activation, ModelVersion
from khana_methods.errors import NotConfigured, NotFound
from khana_methods.pmt.model import PmtModel
from khana_methods.pmt.read import read_model
from khana_methods.yaml_text import read_yaml


class ModelUnknown(NotFound):
    """The store holds no such model or version."""

    code: ClassVar[str] = "assessment.model.unknown"


class NoModelInForce(NotConfigured):
    """No model is signed for that day: nobody can be scored."""

    code: ClassVar[str] = "assessment.model.none_in_force"


@dataclass(frozen=True)
class Signatures:
    """One activation: who signed, from when it counts, when an interview is due again."""

    id: int
    effective_from: date
    effective_to: date | None
    recertify_months: int
    note: str
    proposed_by: int
    proposed_label: str
    proposed_at: datetime
    confirmed_label: str
    confirmed_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Say whether it waits for its second signature."""
        return self.confirmed_at is None and self.withdrawn_at is None


@dataclass(frozen=True)
class KnownModel:
    """One version of the store with its reading."""

    id: int
    code: str
    version: int
    title: str
    sha256: str
    model: PmtModel
    words: Mapping[str, Mapping[str, str]]
    card: Mapping[str, Any]
    created_label: str
    created_at: datetime
    text: str

    def label(self, variable: str, language: str) -> str:
        """Return the words of a variable in a language, else those of the model's file."""
        found = self.words.get(language, {}).get(variable)
        return found or next((v.label for v in self.model.variables if v.code == variable), variable)


@dataclass(frozen=True)
class ModelInForce:
    """The model that counts on a day, and the signatures that say so."""

    known: KnownModel
    signatures: Signatures


@lru_cache(maxsize=32)
def _reading(sha256: str, text: str) -> PmtModel:
    return read_model(read_yaml(text))


def _known(row: ModelVersion) -> KnownModel:
    return KnownModel(
        row.pk, row.code, row.version, row.title, row.sha256, _reading(row.sha256, row.document), row.words, row.card,
        row.created_label, row.created_at, row.document,
    )  # fmt: skip


def _signatures(row: Activation) -> Signatures:
    return Signatures(
        row.pk, row.effective_from, row.effective_to, row.recertify_months, row.note, row.proposed_by, row.proposed_label,
        row.proposed_at, row.confirmed_label, row.confirmed_at, row.withdrawn_at,
    )  # fmt: skip


def list_models() -> list[KnownModel]:
    """Return every version, newest first."""
    return [_known(row) for row in ModelVersion.objects.order_by("code", "-version")[:500]]


def model_of_code(code: str, version: int | None = None) -> KnownModel:
    """Return one version of a model; the newest where no version is named.

    Raises:
        ModelUnknown: The store does not hold it.
    """
    found = ModelVersion.objects.filter(code=code)
    if version is not None:
        found = found.filter(version=version)
    row = found.order_by("-version").first()
    if row is None:
        number = "" if version is None else f" version {version}"
        raise ModelUnknown(
            f"The store holds no model {code}{number}. `khana models list` shows what it holds.", model=code
        )
    return _known(row)


def get_model_by_id(model_id: int) -> KnownModel:
    """Return the version of a number that a score or run names.

    Raises:
        ModelUnknown: The store does not hold it.
    """
    row = ModelVersion.objects.filter(pk=model_id).first()
    if row is None:
        raise ModelUnknown("The store holds no such model.", model=model_id)
    return _known(row)


def signatures_of(model_id: int) -> list[Signatures]:
    """Return the activations of one version, newest first."""
    return [_signatures(row) for row in Activation.objects.filter(model_id=model_id).order_by("-pk")[:50]]


def open_proposals() -> Sequence[tuple[KnownModel, Signatures]]:
    """Return the proposals that wait for a second signature, oldest first."""
    rows = Activation.objects.filter(confirmed_by__isnull=True, withdrawn_by__isnull=True).select_related("model")
    return [(_known(row.model), _signatures(row)) for row in rows.order_by("pk")[:50]]


def find_in_force(day: date) -> ModelInForce | None:
    """Return the model that counts on a day: of the signed ones the one with the latest first day."""
    rows = Activation.objects.filter(
        Q(effective_to__isnull=True) | Q(effective_to__gt=day), confirmed_at__isnull=False, effective_from__lte=day
    )
    row = rows.select_related("model").order_by("-effective_from", "-confirmed_at").first()
    return ModelInForce(_known(row.model), _signatures(row)) if row else None


def get_in_force(day: date) -> ModelInForce:
    """Return the model that counts on a day.

    Raises:
        NoModelInForce: None is signed for it.
    """
    found = find_in_force(day)
    if found is None:
        raise NoModelInForce(
            f"No model is in force on {day}. Two people sign one with `khana models activate`.", day=day.isoformat()
        )
    return found
