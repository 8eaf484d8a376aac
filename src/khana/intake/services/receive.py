"""Take in what phones and desks send: on disk first, then a row, then the journey is asked for.

A submission is known by its instance id: the same again changes nothing, more files are added to it. Bytes are kept in the
encrypted store before they are read; what cannot be read is kept too and returned with its reason.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, ClassVar

from django.db import transaction
from django.db.utils import IntegrityError

from khana.access import selectors as who
from khana.access import services as access
from khana.access.roles import catalogue
from khana.audit import services as audit
from khana.intake.answers import Instance, SubmissionUnreadable, read_instance
from khana.intake.models import Stamp, Submission, SubmissionPart
from khana.intake.selectors import find_version
from khana.platform import files, jobs
from khana_methods.errors import Conflict, NotFound

JOURNEY = "register_submissions"


class InstanceChanged(Conflict):
    """The same instance id came with other answers; both are kept, the first one stands."""

    code: ClassVar[str] = "intake.submission.instance_changed"


class FormNotSent(NotFound):
    """The answers name another form than the address they were sent to."""

    code: ClassVar[str] = "intake.submission.other_form"


@dataclass(frozen=True)
class Arrived:
    """One file that came with a submission and is in the store by now."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Receipt:
    """What became of one post."""

    number: int
    instance_id: str
    state: str
    is_new: bool
    new_parts: int
    problem: str = ""


def keep(data: bytes, *, name: str, at: datetime) -> Arrived:
    """Put bytes into the encrypted store before anything reads them."""
    kept = files.keep(io.BytesIO(data), name=name, at=at)
    return Arrived(name, kept.sha256, kept.size)


def keep_stream(source: BinaryIO, *, name: str, at: datetime) -> Arrived:
    """Put a file of any size into the encrypted store, a piece at a time."""
    kept = files.keep(source, name=name, at=at)
    return Arrived(name, kept.sha256, kept.size)


def receive(
    *, xml: bytes, attachments: Sequence[Arrived], device_id: str = "", form_code: str = "", at: datetime
) -> Receipt:
    """Take one post of a submission; it is whole on disk and in the database when the caller's transaction commits.

    Args:
        xml: The answers.
        attachments: Files of this post, in the store already.
        device_id: What the telephone calls itself.
        form_code: The form of the address, where the address names one.
        at: When it arrived.

    Returns:
        The receipt; `problem` is a sentence where the answers could not be read.

    Raises:
        PermissionMissing: The sender may not send.
        InstanceChanged: Other answers under an instance id that is there; they are kept beside the first.
        FormNotSent: The address is another form's.
    """
    access.require("submissions.send")
    me = who.me()
    if me is None:
        raise access.NoSession("You are not signed in, or your session has ended. Sign in and try again.")
    stored = keep(xml, name="submission.xml", at=at)
    reach = _reach(me)
    try:
        instance: Instance | None = read_instance(xml)
        problem = ""
    except SubmissionUnreadable as error:
        instance, problem = None, error.message
    if instance is not None and form_code and instance.form_code != form_code:
        raise FormNotSent("The answers belong to another form than this address.", form=form_code)
    row, is_new = _row(instance, stored, reach, me, device_id[:200], at)
    changed = instance is not None and row.sha256 != stored.sha256
    if changed:
        _add_parts(
            row, [Arrived("submission.xml", stored.sha256, stored.size)], at, kind=SubmissionPart.Kind.OTHER_ANSWERS
        )
    new_parts = _add_parts(row, attachments, at)
    if is_new:
        Stamp.objects.create(
            submission=row, actor_id=me.id, actor_label=me.username, state=row.state, reasons=row.reasons, at=at
        )
        audit.record(
            action="intake.submission.received",
            subject=f"submission:{row.pk}",
            details={"form": row.form_code, "version": row.version, "sha256": row.sha256, "parts": new_parts},
            at=at,
        )
        if row.state == Submission.State.RECEIVED:
            ask_for_journey(at=at)
    return Receipt(row.pk, row.instance_id, row.state, is_new, new_parts, problem if not changed else _CHANGED)


_CHANGED = "Other answers under this instance id were received before. Both are kept; the first ones stand."


def _reach(me: who.Me) -> list[str]:
    """Return the areas in which the sender may send; an empty path is the whole country."""
    roles = catalogue().roles
    return sorted({
        grant.area_path for grant in me.grants
        if grant.role in roles and "submissions.send" in roles[grant.role].permissions
    })  # fmt: skip


def _row(
    instance: Instance | None, stored: Arrived, reach: list[str], me: who.Me, device_id: str, at: datetime
) -> tuple[Submission, bool]:
    instance_id = instance.instance_id if instance else f"unreadable:{stored.sha256}"
    known = Submission.objects.filter(instance_id=instance_id).first()
    if known is not None:
        return known, False
    readable = instance is not None
    version = find_version(instance.form_code, instance.version) if instance else None
    values: dict[str, Any] = {
        "form_code": instance.form_code[:200] if instance else "",
        "version": instance.version[:200] if instance else "",
        "form_version": version,
        "area_path": reach[0] if reach else "",
        "reach": reach,
        "actor_id": me.id,
        "actor_label": me.username,
        "device_id": device_id,
        "sha256": stored.sha256,
        "size": stored.size,
        "received_at": at,
        "deprecated_id": instance.deprecated_id if instance else "",
        "state": Submission.State.RECEIVED if readable else Submission.State.RETURNED,
        "state_at": at,
        "reasons": [] if readable else ["XML_UNREADABLE"],
        "media": list(instance.media) if instance else [],
        "entity_uuid": instance.entity.uuid if instance and instance.entity else None,
    }
    try:
        with transaction.atomic():
            return Submission.objects.create(instance_id=instance_id, **values), True
    except IntegrityError:  # the same post at the same moment, or somebody else's
        known = Submission.objects.filter(instance_id=instance_id).first()
        if known is None:
            raise InstanceChanged("This instance id was received from somebody else.") from None
        return known, False


def _add_parts(row: Submission, arrived: Sequence[Arrived], at: datetime, kind: str = "") -> int:
    """Add files to a submission; the same file again changes nothing. Return how many are new."""
    known = set(SubmissionPart.objects.filter(submission=row).values_list("name", "sha256"))
    new = [one for one in dict.fromkeys(arrived) if (one.name[:200], one.sha256) not in known]
    SubmissionPart.objects.bulk_create(
        [
            SubmissionPart(
                submission=row, actor_id=access.actor_id(), name=one.name[:200], sha256=one.sha256, size=one.size, received_at=at,
                kind=kind or (SubmissionPart.Kind.AUDIT if one.name == "audit.csv" else SubmissionPart.Kind.ATTACHMENT),
            )
            for one in new
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return len(new)


def ask_for_journey(*, at: datetime) -> None:
    """Ask the worker to work off what has arrived; once for each sender who waits."""
    me = who.me()
    if me is None:
        return
    if not jobs.is_waiting(kind=JOURNEY, actor_id=me.id):
        jobs.enqueue(kind=JOURNEY, arguments={}, actor=me, at=at)
