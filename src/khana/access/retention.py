"""Erasure by rule, and legal holds: what is over goes, what a court or an audit needs stays.

The rules are data (`retention_rules.yaml`); one step is one statement in the database, which asks for the permission and
for holds itself, and commits by itself: a run that was killed goes on where it stopped. Lists and their files go by steps of
their own (`tombstones`). The event log holds ids only: nothing of it is erased and its chain is not touched.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from django.db import transaction

from khana.access import services as access
from khana.access import tombstones
from khana.access.functions import call
from khana.access.models import Erasure, LegalHold
from khana.access.tombstones import Scope, alone
from khana.audit import services as audit
from khana.platform.progress import Progress, silent
from khana_methods.errors import InputError, NotFound
from khana_methods.yaml_text import read_yaml

STEP = 5_000


class RuleUnknown(InputError):
    """There is no rule of retention with this code, or a hold says too little."""

    code: ClassVar[str] = "access.retention.rule_unknown"


class HoldNotFound(NotFound):
    """No hold in force has this number."""

    code: ClassVar[str] = "access.retention.hold_not_found"


@dataclass(frozen=True)
class Rule:
    """One rule: after how many days what is erased, and why."""

    code: str
    days: int
    what: str
    basis: str
    held_by: str


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Return the rules."""
    found = read_yaml((Path(__file__).parent / "retention_rules.yaml").read_text(encoding="utf-8"))
    return tuple(Rule(code, **body) for code, body in found.items())


def run(
    *, at: datetime, progress: Progress = silent, scope: Scope = alone, most_leftovers: int | None = None
) -> dict[str, int]:
    """Erase what is over, rule by rule, a step of rows at a time; return how many rows or files each rule erased.

    Args:
        at: When.
        progress: Told what is erased, at every step.
        scope: Opens the transaction of one step, under the token of somebody with `retention.run`; the worker may without
            anybody, and `alone` is a transaction under whatever token is set.
        most_leftovers: Most contents that the rule LEFTOVERS, which comes last, may take; any number if absent.

    Raises:
        LeftoversMany: There are more of them; everything else is erased.
    """
    return {
        rule.code: _erase(rule.code, at - timedelta(days=rule.days), progress, scope, most_leftovers)
        for rule in rules()
    }


def _erase(rule: str, before: datetime, progress: Progress, scope: Scope, most_leftovers: int | None) -> int:
    if rule == "LISTS":
        return tombstones.erase_lists(before=before, progress=progress, scope=scope)
    if rule in ("FILES", "UNREAD"):
        return tombstones.erase_files(rule, before=before, progress=progress, scope=scope)
    if rule == "LEFTOVERS":
        return tombstones.erase_leftovers(before=before, most=most_leftovers, progress=progress, scope=scope)
    erased = 0
    while True:
        progress(erased, 0, "erasing")
        with scope():
            done = int(call("retention_run", rule, before, STEP)[0][0])
        erased += done
        if done < STEP:
            return erased


def preview(*, on: datetime, progress: Progress = silent) -> list[tombstones.Due]:
    """Say what the rules would erase on a day, today or to come, and what keeps the rest: a dry run that writes nothing.

    Inside `scoped` of somebody with `retention.run`. Every rule has a row; lists and files have one for each delivery.
    """
    out: list[tombstones.Due] = []
    for number, rule in enumerate(rules()):
        progress(number, len(rules()), "reading")
        found = tombstones.preview(rule.code, before=on - timedelta(days=rule.days))
        out += found or [tombstones.Due(rule.code, None, "", "", 0, 0, 0, "")]
    return out


@transaction.atomic
def hold(*, rule: str, subject: str = "", reason: str, at: datetime) -> int:
    """Keep what a rule would erase: everything, or what belongs to one batch, partner, area or person; return the number.

    Args:
        rule: Code of a rule, or `*`.
        subject: `batch:12`, `partner:3`, `person:4711` (their numbers) or `area:PK.PK5.`; empty for everything.
        reason: Who asked for it and why, at least ten characters.
        at: When.
    """
    access.require("alarms.decide", everywhere=True)
    if rule != "*" and rule not in {one.code for one in rules()}:
        raise RuleUnknown(
            f"There is no rule {rule}. There are: {', '.join(one.code for one in rules())}, and * for all."
        )
    kind = subject.partition(":")[0]
    if len(reason.strip()) < 10 or (subject and kind not in ("batch", "partner", "area", "person")):
        raise RuleUnknown(
            "Say why, and name a batch:NUMBER, a partner:NUMBER, a person:NUMBER, an area:PATH or nothing."
        )
    made = LegalHold.objects.create(
        rule=rule, subject=subject, reason=reason.strip(), placed_by=access.actor_id(), placed_at=at
    )
    audit.record(action="access.hold.placed", subject=f"hold:{made.pk}", details={"rule": rule, "of": subject}, at=at)
    return int(made.pk)


@transaction.atomic
def release(*, number: int, at: datetime) -> None:
    """End a hold; what was over meanwhile is erased at the next run."""
    access.require("alarms.decide", everywhere=True)
    if not LegalHold.objects.filter(pk=number, ended_at=None).update(ended_at=at):
        raise HoldNotFound("No hold in force has this number.")
    audit.record(action="access.hold.ended", subject=f"hold:{number}", details={}, at=at)


def holds() -> list[LegalHold]:
    """Return every hold, newest first; needs `alarms.read`."""
    access.require("alarms.read", everywhere=True)
    return list(LegalHold.objects.order_by("-id"))


@transaction.atomic
def ask_erasure(*, person: int, reason: str, at: datetime) -> int:
    """Ask that one person's file be erased by her own wish; a second officer carries it out. Return the number.

    Needs `retention.run` for the whole country.

    Args:
        person: The number of her file.
        reason: By which right and paper, at least ten characters; no name and no number of a person.
        at: When.

    Raises:
        RuleUnknown: The reason says too little.
    """
    access.require("retention.run", everywhere=True)
    if len(reason.strip()) < 10 or person < 1:
        raise RuleUnknown("Say which file, and by which right and paper it is to be erased; never who she is.")
    made = Erasure.objects.create(
        person_id=person, rule="REQUEST", reason=reason.strip(), asked_by=access.actor_id(), asked_at=at
    )
    audit.record(action="access.erasure.asked", subject=f"person:{person}", details={"erasure": made.pk}, at=at)
    return int(made.pk)


@transaction.atomic
def confirm_erasure(*, number: int) -> dict[str, int]:
    """Erase the file that somebody else asked for; return the rows that went, by table.

    Needs `retention.run` for the whole country. The event log, decisions and lists keep the number of the file, which
    leads to nobody.

    Raises:
        AccessNotFound: No erasure of that number waits.
        OfficeRefused: One asked for it oneself; or a hold, a household, a merge or a programme stands against it.
    """
    ((rows,),) = call("erasure_confirm", number)
    erased: dict[str, int] = json.loads(rows) if isinstance(rows, str) else rows
    return erased


def erasures() -> list[Erasure]:
    """Return what was asked for and what was erased, newest first; needs `alarms.read`."""
    access.require("alarms.read", everywhere=True)
    return list(Erasure.objects.order_by("-id"))


def stands_against(number: int) -> str:
    """Return the code of what stands against an erasure that waits, empty where nothing does; needs `alarms.read`."""
    return str(call("erasure_against", number)[0][0] or "")
