"""Hold a claimed member against the families of a household's listed members, as the national authority does.

She is VERIFIED where the authority's register ties her to a listed member: to the family she was born into (alpha:
parents, brothers and sisters) or founded (beta: spouse, children). She is REJECTED where the register knows her and her
relatives, and those of every listed member, and no tie is among them; or says that she is dead. All else is MANUAL.

Source: NADRA's verification of updates to the poverty registry (2017): auto-verified, not auto-verified, third class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.identity.gateways.offline import REGISTER
from khana.identity.models import ExtractLoad, FamilyCheck
from khana.platform import bulk
from khana.registry import files
from khana_methods.errors import Conflict, InputError, NotFound

YOUNGEST_PARENT, OLDEST_PARENT = 12, 75


class HouseholdUnknown(NotFound):
    """There is no such household within the scope."""

    code: ClassVar[str] = "identity.family.household_unknown"


class CheckDecided(Conflict):
    """The check is none that waits for a person, or was decided before."""

    code: ClassVar[str] = "identity.family.decided"


class DecisionWrong(InputError):
    """A decision is ACCEPTED or REFUSED, with a reason."""

    code: ClassVar[str] = "identity.family.decision_wrong"


@dataclass(frozen=True)
class Tie:
    """One row of `identity_ties`: the claimed number against one listed member."""

    is_known: bool
    is_dead: bool
    has_relatives: bool
    birth_year: int | None
    listed_person: int | None
    listed_known: bool
    listed_birth_year: int | None
    tie: str | None


@dataclass(frozen=True)
class Verdict:
    """What follows: VERIFIED, MANUAL or REJECTED, by which tie to whom, and why where there is none."""

    result: str
    tie: str = ""
    via: int | None = None
    why: str = ""


def judge(ties: Sequence[Tie]) -> Verdict:
    """Decide about one claimed member from what the register says.

    Examples:
        >>> judge([Tie(True, False, True, 1990, 7, True, 1988, "beta:spouse")])
        Verdict(result='VERIFIED', tie='beta:spouse', via=7, why='')
        >>> judge([Tie(True, False, True, 1990, 7, True, 1985, "beta:child")]).why
        'AGES_IMPOSSIBLE'
        >>> judge([Tie(True, False, True, 1990, 7, True, 1985, None)])
        Verdict(result='REJECTED', tie='', via=None, why='OF_ANOTHER_FAMILY')
    """
    first = ties[0]
    if not first.is_known:
        return Verdict("MANUAL", why="NUMBER_NOT_FOUND")
    if first.is_dead:
        return Verdict("REJECTED", why="DECEASED")
    if all(one.listed_person is None for one in ties):
        return Verdict("MANUAL", why="NOBODY_LISTED")
    tied = [one for one in ties if one.tie]
    if not all(_ages_fit(one) for one in tied):  # one impossible tie puts the others in doubt
        return Verdict("MANUAL", why="AGES_IMPOSSIBLE")
    if tied:
        return Verdict("VERIFIED", tied[0].tie or "", tied[0].listed_person)
    if not first.has_relatives:
        return Verdict("MANUAL", why="RELATIVES_UNKNOWN")
    if not all(one.listed_known for one in ties):
        return Verdict("MANUAL", why="LISTED_UNKNOWN")
    return Verdict("REJECTED", why="OF_ANOTHER_FAMILY")


def _ages_fit(one: Tie) -> bool:
    if one.birth_year is None or one.listed_birth_year is None:
        return True
    gap = one.birth_year - one.listed_birth_year  # years by which the claimed member is younger
    if one.tie == "beta:child":
        return YOUNGEST_PARENT <= gap <= OLDEST_PARENT
    if one.tie == "alpha:parent":
        return YOUNGEST_PARENT <= -gap <= OLDEST_PARENT
    return True


@transaction.atomic
def check(*, household_id: int, tokens: Sequence[bytes] = (), at: datetime) -> list[dict[str, Any]]:
    """Check claimed numbers, or every listed member's own, against a household; each check is kept.

    Args:
        household_id: Within the scope.
        tokens: Of the numbers that are claimed to belong to it; every member's against the others if none.
        at: When.

    Returns:
        One row a check: check, person_id (where she has a file), result, tie, via_person_id, why.

    Raises:
        HouseholdUnknown: It lies outside, or is none.
    """
    access.require("identity.verify")
    area = files.area_of_household(household_id)
    if area is None:
        raise HouseholdUnknown("No such household within the area that you work for.", household=household_id)
    holders = _holders(household_id, tokens)
    batch = ExtractLoad.objects.filter(register=REGISTER).order_by("-id").values_list("batch_id", flat=True).first()
    actor, made = access.actor_id(), []
    for token, person in holders:
        verdict = judge([Tie(*row) for row in access.call("identity_ties", token, household_id)])
        kept = FamilyCheck.objects.create(
            household_id=household_id, area_path=area, token=token, person_id=person, result=verdict.result,
            tie=verdict.tie, via_person_id=verdict.via, why=verdict.why, batch_id=batch, checked_at=at, actor_id=actor,
        )  # fmt: skip
        made.append({
            "check": kept.pk, "person_id": person, "result": verdict.result, "tie": verdict.tie,
            "via_person_id": verdict.via, "why": verdict.why,
        })  # fmt: skip
    counts = {name: sum(row["result"] == name for row in made) for name in FamilyCheck.Result.values}
    audit.record(action="identity.family_checked", subject=f"household:{household_id}", details=counts, at=at)
    return made


def _holders(household_id: int, tokens: Sequence[bytes]) -> list[tuple[bytes, int | None]]:
    """Return who is checked: claimed numbers with their file where one is in scope, else every member's first number."""
    if tokens:
        statement = """SELECT t.token, (SELECT i.person_id FROM registry_identifier i WHERE i.token = t.token
                AND i.retired_at IS NULL ORDER BY i.status = 'VERIFIED' DESC, i.id LIMIT 1)
            FROM unnest(%s::bytea[]) AS t(token)"""
        values: list[Any] = [list(tokens)]
    else:
        statement = """SELECT DISTINCT ON (m.person_id) i.token, m.person_id FROM registry_membership m
            JOIN registry_identifier i ON i.person_id = m.person_id AND i.retired_at IS NULL
            WHERE m.household_id = %s AND m.is_member AND m.valid_to IS NULL AND m.superseded_at IS NULL
            ORDER BY m.person_id, i.status = 'VERIFIED' DESC, i.id"""
        values = [household_id]
    return [
        (bytes(token), person) for token, person in bulk.raw_cursor().execute(statement.encode(), values).fetchall()
    ]


@transaction.atomic
def decide(*, check_id: int, decision: str, reason: str, at: datetime) -> None:
    """Decide about a claim that the register could not settle; needs `registry.write` for its area.

    Raises:
        DecisionWrong, CheckDecided.
    """
    access.require("registry.write")
    if decision not in ("ACCEPTED", "REFUSED") or not reason.strip():
        raise DecisionWrong("Say ACCEPTED or REFUSED, and why.")
    waiting = FamilyCheck.objects.filter(pk=check_id, result=FamilyCheck.Result.MANUAL, decision="")
    decided = {"decision": decision, "decision_reason": reason.strip()[:400], "decided_by": access.actor_id()}
    if not waiting.update(decided_at=at, **decided):
        raise CheckDecided("No such check waits for a decision within your area.", check=check_id)
    audit.record(
        action="identity.family_decided", subject=f"family_check:{check_id}", details={"decision": decision}, at=at
    )
