"""A desk asks for a file outside its area to be opened; a steward of the file's area answers, once.

The asker never learns which file it is or where: the database keeps that. What the desk stated of the person stands
beside the file when the steward decides; what she opens is what the asker then reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction

from khana.access import services as access
from khana.access.functions import raw
from khana.audit import services as audit
from khana.linkage import selectors
from khana.linkage.models import Opening
from khana.platform import keys
from khana_methods.errors import Conflict, InputError


class NothingToOpen(Conflict):
    """No file outside the asker's area is like her, or every one was asked for already."""

    code: ClassVar[str] = "linkage.nothing_to_open"


class OpeningAnswered(Conflict):
    """Somebody has answered this question already."""

    code: ClassVar[str] = "linkage.opening_answered"


class AnswerUnknown(InputError):
    """An answer is OPENED or REFUSED."""

    code: ClassVar[str] = "linkage.answer_unknown"


@transaction.atomic
def ask(*, said: Mapping[str, Any], tokens: Sequence[bytes], people: Sequence[int], at: datetime) -> int:
    """Ask for the files outside the actor's area that may be this person's to be opened.

    Args:
        said: What is known of her: name, guardian_name, sex, birth_year; kept encrypted for the steward who answers.
        tokens: Of the number that she shows.
        people: Files that the model in use named.
        at: When.

    Returns:
        For how many files a question was put.

    Raises:
        NothingToOpen: For none.
    """
    access.require("registry.write")
    sealed = keys.encrypt(json.dumps(dict(said), ensure_ascii=False))
    ((made,),) = raw(
        "SELECT khana_private.linkage_ask_opening(%s, %s, %s, %s, %s, %s, %s, %s)",
        said.get("name", ""), said.get("guardian_name", ""), said.get("sex", ""), said.get("birth_year"), list(tokens),
        list(people), sealed, at,
    )  # fmt: skip
    if not made:
        raise NothingToOpen("No file outside your area is like hers, or you asked for it already.")
    audit.record(action="linkage.opening.asked", subject="person:new", details={"files": int(made)}, at=at)
    return int(made)


@transaction.atomic
def answer(*, opening_id: int, outcome: str, shows: Mapping[str, Any], at: datetime) -> str:
    """Answer one question: OPENED tells the asker what `shows` says of the file, REFUSED that it is somebody else's.

    Raises:
        AnswerUnknown, OpeningNotFound, OpeningAnswered.
    """
    access.require("linkage.review")
    if outcome not in (Opening.State.OPENED, Opening.State.REFUSED):
        raise AnswerUnknown("An answer is OPENED or REFUSED.", opening=opening_id)
    found = selectors.get_opening(opening_id)
    if found.state != Opening.State.ASKED:
        raise OpeningAnswered("This question has been answered already.", opening=opening_id)
    opened = keys.encrypt(json.dumps(dict(shows), ensure_ascii=False)) if outcome == Opening.State.OPENED else b""
    Opening.objects.filter(pk=found.pk).update(state=outcome, answered_at=at, answer=opened)
    audit.record(
        action=f"linkage.opening.{outcome.lower()}",
        subject=f"person:{found.person_id}",
        details={"opening": found.pk, "asked_by": found.asked_by},
        at=at,
    )
    return outcome
