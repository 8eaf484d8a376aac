"""Merge two files and split them again: a dated alias, nothing repointed.

One person proposes; where money hangs on either file another must confirm, and so for the end of such a
merge. The database writes who did which and refuses the same person twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.registry import files
from khana.registry.models import Alias, Person
from khana_methods.errors import Conflict, InputError, NotFound

LONGEST_REASON = 400


class FileUnknown(NotFound):
    """A file is not there, or lies outside the actor's scope."""

    code: ClassVar[str] = "registry.merge.file_unknown"


class MergeImpossible(InputError):
    """The two are one file already, or the merge would go in a circle."""

    code: ClassVar[str] = "registry.merge.impossible"


class MergedElsewhere(Conflict):
    """The file stands for another one already; end that merge first."""

    code: ClassVar[str] = "registry.merge.elsewhere"


class SecondPersonNeeded(Conflict):
    """Money hangs on it: somebody else must confirm."""

    code: ClassVar[str] = "registry.merge.second_person_needed"


class NotMerged(NotFound):
    """The file stands for no other."""

    code: ClassVar[str] = "registry.merge.not_merged"


@dataclass(frozen=True)
class Merged:
    """What a merge or split did: the alias and its state (PROPOSED, IN_FORCE, END_PROPOSED, ENDED, WITHDRAWN)."""

    alias_id: int
    person_id: int
    current_id: int
    state: str


@transaction.atomic
def merge(*, person_id: int, into: int, reason: str, needs_second: bool, at: datetime) -> Merged:
    """Let one file stand for another from now on, or confirm that somebody else said so.

    Args:
        person_id: The file that will stand for the other.
        into: The file that stays; where it was merged itself, its current file.
        reason: Why, in words for the next steward.
        needs_second: Money hangs on one of them: two people must say it.
        at: When.

    Raises:
        FileUnknown, MergeImpossible, MergedElsewhere.
        SecondPersonNeeded: The actor proposed it herself.
    """
    access.require("registry.merge")
    known = dict(Person.objects.filter(pk__in=[person_id, into]).values_list("pk", "area_path"))
    if person_id not in known or into not in known:
        raise FileUnknown("No such file, or it lies outside the area that you work for.", person=person_id, into=into)
    current = files.current_file(into)
    open_alias = Alias.objects.filter(person_id=person_id, valid_to__isnull=True).first()
    if open_alias is not None:
        return _confirm(open_alias, into, at)
    if current == person_id or current == files.current_file(person_id):
        raise MergeImpossible("These are one file already.", person=person_id, into=into)
    alias = Alias.objects.create(
        person_id=person_id, current_id=into, area_path=known[person_id], current_area_path=known[into],
        needs_second=needs_second, reason=reason[:LONGEST_REASON], proposed_at=at, valid_from=None if needs_second else at,
    )  # fmt: skip
    state = "PROPOSED" if needs_second else "IN_FORCE"
    _record("proposed" if needs_second else "merged", alias, at)
    return Merged(alias.pk, person_id, into, state)


def _confirm(alias: Alias, into: int, at: datetime) -> Merged:
    if alias.current_id != into or alias.valid_from is not None:
        raise MergedElsewhere(
            "This file stands for another one already. Split it first.",
            person=alias.person_id,
            current=alias.current_id,
        )
    if alias.proposed_by == access.actor_id():
        raise SecondPersonNeeded(
            "You proposed this merge; money hangs on it, so somebody else must confirm it.", person=alias.person_id
        )
    Alias.objects.filter(pk=alias.pk).update(valid_from=at)
    _record("merged", alias, at)
    return Merged(alias.pk, alias.person_id, alias.current_id, "IN_FORCE")


@transaction.atomic
def split(*, person_id: int, reason: str, at: datetime) -> Merged:
    """End the merge of a file, or withdraw its proposal; everything that hung on it is hers again.

    Raises:
        NotMerged: The file stands for no other within the scope.
        SecondPersonNeeded: The actor proposed the end herself.
    """
    access.require("registry.merge")
    alias = Alias.objects.filter(person_id=person_id, valid_to__isnull=True).first()
    if alias is None:
        raise NotMerged("This file stands for no other, or the other lies outside your area.", person=person_id)
    actor = access.actor_id()
    mine = Alias.objects.filter(pk=alias.pk)
    if alias.valid_from is None:
        mine.update(valid_to=at, end_reason=reason[:LONGEST_REASON])
        _record("withdrawn", alias, at)
        return Merged(alias.pk, person_id, alias.current_id, "WITHDRAWN")
    if alias.needs_second and alias.end_proposed_by is None:
        mine.update(end_proposed_by=actor, end_reason=reason[:LONGEST_REASON])
        _record("split_proposed", alias, at)
        return Merged(alias.pk, person_id, alias.current_id, "END_PROPOSED")
    if alias.needs_second and alias.end_proposed_by == actor:
        raise SecondPersonNeeded(
            "You proposed this split; money hangs on it, so somebody else must confirm it.", person=person_id
        )
    mine.update(valid_to=at, **({} if alias.needs_second else {"end_reason": reason[:LONGEST_REASON]}))
    _record("split", alias, at)
    return Merged(alias.pk, person_id, alias.current_id, "ENDED")


def _record(what: str, alias: Alias, at: datetime) -> None:
    audit.record(
        action=f"registry.person.{what}",
        subject=f"person:{alias.person_id}",
        details={"alias": alias.pk, "current": alias.current_id, "needs_second": alias.needs_second},
        at=at,
    )
