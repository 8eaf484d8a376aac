"""Add, and withdraw, versions of a questionnaire.

A version that no longer asks a fact which a model or a rule reads is refused with their names: the fact would go stale in
silence. Whoever means it lets the fact go by name, with a reason that is kept.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.intake.models import Form, FormVersion
from khana.intake.selectors import get_version
from khana.intake.xlsform.definition import Definition, from_json
from khana.intake.xlsform.diff import dropped_facts
from khana.platform import files
from khana_methods.errors import Conflict, InputError


class FormVersionTaken(Conflict):
    """This version of the form is there already with other questions."""

    code: ClassVar[str] = "intake.form.version_taken"


class FormDropsFacts(Conflict):
    """The new version would let facts go that models or rules read."""

    code: ClassVar[str] = "intake.form.drops_facts"


class FormWithoutVersion(InputError):
    """The workbook states no version, so phones could not tell it from another."""

    code: ClassVar[str] = "intake.form.without_version"


@dataclass(frozen=True)
class FactUse:
    """One model or rule that reads a fact."""

    fact: str
    kind: str
    name: str


@dataclass(frozen=True)
class Added:
    """A version as it stands now."""

    code: str
    version: str
    state: str
    is_new: bool
    dropped: tuple[str, ...]


@transaction.atomic
def add_version(
    *,
    definition: Definition,
    source: bytes,
    name: str,
    valid_from: date,
    checked_by: str,
    uses: Sequence[FactUse],
    let_go: Mapping[str, str],
    at: datetime,
) -> Added:
    """Add a version of a form; the same questions again change nothing.

    Args:
        definition: What it asks.
        source: The workbook, kept byte for byte.
        name: The name it came with.
        valid_from: The first day on which it is to be filled; the version before ends there.
        checked_by: Which checkers saw it.
        uses: Which models and rules read which facts.
        let_go: Fact -> why it is no longer asked.
        at: When.

    Raises:
        FormWithoutVersion: It states no version.
        FormVersionTaken: This version is there with other questions.
        FormDropsFacts: It no longer asks a fact in use that nobody let go by name.
    """
    access.require("forms.write")
    if not definition.version:
        raise FormWithoutVersion("The sheet 'settings' states no version. Give one that grows, such as 2026110101.")
    digest = hashlib.md5(definition.xform.encode(), usedforsecurity=False).hexdigest()
    form, _ = Form.objects.get_or_create(
        code=definition.form_id, defaults={"title": definition.title, "created_at": at}
    )
    known = FormVersion.objects.filter(form=form, version=definition.version).first()
    if known is not None:
        if known.xform_md5 != digest:
            raise FormVersionTaken(
                f"Version {definition.version} of '{form.code}' is there with other questions. Raise the version in 'settings'.",
                form=form.code, version=definition.version,
            )  # fmt: skip
        return Added(form.code, known.version, known.state, False, ())
    before = (
        FormVersion.objects.filter(form=form, state=FormVersion.State.ACTIVE).order_by("-valid_from", "-id").first()
    )
    dropped = _dropped(before, definition, uses, let_go)
    kept = files.keep(io.BytesIO(source), name=name, at=at)
    if (
        before is not None
        and (before.valid_to is None or before.valid_to > valid_from)
        and before.valid_from < valid_from
    ):
        FormVersion.objects.filter(pk=before.pk).update(valid_to=valid_from)
    FormVersion.objects.create(
        form=form, version=definition.version, valid_from=valid_from, definition=definition.as_json(),
        xform=definition.xform, xform_md5=digest, source_id=kept.id, checked_by=checked_by, added_at=at,
        dropped_facts=[{"fact": fact, "why": let_go.get(fact, "not in use")} for fact in dropped],
        actor_id=access.actor_id(),
    )  # fmt: skip
    audit.record(
        action="intake.form.added",
        subject=f"form:{form.code}",
        details={
            "version": definition.version,
            "questions": definition.asked(),
            "sha256": kept.sha256,
            "dropped": dropped,
        },
        at=at,
    )
    return Added(form.code, definition.version, FormVersion.State.ACTIVE.value, True, tuple(dropped))


def _dropped(
    before: FormVersion | None, definition: Definition, uses: Sequence[FactUse], let_go: Mapping[str, str]
) -> list[str]:
    if before is None:
        return []
    dropped = dropped_facts(from_json(before.definition), definition)
    users: dict[str, list[str]] = {}
    for use in uses:
        if use.fact in dropped and use.fact not in let_go:
            users.setdefault(use.fact, []).append(f"{use.kind} {use.name}")
    if users:
        said = "; ".join(f"{fact} (read by {', '.join(sorted(set(names)))})" for fact, names in users.items())
        raise FormDropsFacts(
            f"This version no longer asks what is in use: {said}. Ask it, or let it go by name with a reason.",
            facts=sorted(users), readers={fact: sorted(set(names)) for fact, names in users.items()},
        )  # fmt: skip
    return dropped


@transaction.atomic
def withdraw_version(*, code: str, version: str, at: datetime) -> None:
    """Withdraw a version: phones no longer load it; what was filled before still reads under it.

    Raises:
        FormUnknown: There is no such version.
    """
    access.require("forms.write")
    found = get_version(code, version)
    moved = FormVersion.objects.filter(pk=found.pk, state=FormVersion.State.ACTIVE).update(
        state=FormVersion.State.WITHDRAWN, withdrawn_at=at
    )
    if moved:
        audit.record(action="intake.form.withdrawn", subject=f"form:{code}", details={"version": version}, at=at)
