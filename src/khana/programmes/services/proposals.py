"""Local government proposes households by its minutes, the ministry answers; visits to listed households are kept.

The Brazilian way of the minutes: proposal, ministry, registry. A visit is evidence: it changes no file; what it found is the
programme's baseline, and where it differs from the registry the household is marked for assessment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from django.db import IntegrityError, transaction

from khana.access import selectors
from khana.access import services as access
from khana.audit import services as audit
from khana.programmes import catalogue, lists
from khana.programmes.models import Proposal, Recheck
from khana.registry import files
from khana_methods.errors import Conflict, InputError, NotFound, NotPermitted
from khana_methods.rules.facts import load_facts

OUTCOMES = ("CONFIRMED", "DIFFERENT", "NOT_FOUND", "MOVED")


class ProposalInvalid(InputError):
    """A proposal names its minutes and households that are registered within the proposer's area."""

    code: ClassVar[str] = "programmes.proposal.invalid"


class ProposalUnknown(NotFound):
    """No proposal has that number within the scope."""

    code: ClassVar[str] = "programmes.proposal.unknown"


class ProposalMoved(Conflict):
    """It is answered already, or the household is proposed already."""

    code: ClassVar[str] = "programmes.proposal.moved"


class OwnProposal(NotPermitted):
    """Who proposed does not answer."""

    code: ClassVar[str] = "programmes.proposal.same_person"


class RecheckInvalid(InputError):
    """A visit has a day, an outcome, and facts of the catalogue."""

    code: ClassVar[str] = "programmes.recheck.invalid"


@transaction.atomic
def propose(*, programme: str, households: Sequence[str], minutes: str, at: datetime) -> dict[str, int]:
    """Propose registered households of one's own area for a programme; return how many, and how many were proposed before.

    Raises:
        ProposalInvalid: The minutes lack, or a household is not registered within the area; none is proposed.
    """
    access.require("lists.propose")
    entry = catalogue.entry_of(programme)
    if len(minutes.strip()) < 3:
        raise ProposalInvalid("Name the minutes of the meeting: number and day.")
    actor, me = selectors.me(), access.actor_id()
    rows, strange = [], []
    for line, number in enumerate(dict.fromkeys(households), start=1):
        household = files.household_id_of(number)
        found = files.household_at(household) if household is not None else None
        if household is None or found is None:
            strange.append(line)
            continue
        rows.append(
            Proposal(
                programme=programme, agency=entry["agency"], area_path=found.area_path, household_id=household,
                household_number=number, minutes=minutes.strip()[:200], proposed_by=me,
                proposed_label=actor.username if actor else "", proposed_at=at,
            )
        )  # fmt: skip
    if strange or not rows:
        raise ProposalInvalid(
            f"Households {', '.join(map(str, strange[:20])) or '(none)'} of the list are not registered within your area. "
            "Register the missed first.", lines=strange[:200],
        )  # fmt: skip
    there = set(
        Proposal.objects.filter(
            programme=programme, state__in=("PROPOSED", "ACCEPTED"), household_id__in=[row.household_id for row in rows]
        ).values_list("household_id", flat=True)
    )
    new = [row for row in rows if row.household_id not in there]
    Proposal.objects.bulk_create(new)
    audit.record(
        action="programmes.proposal.made", subject=f"programme:{programme}", details={"households": len(new)}, at=at
    )
    return {"proposed": len(new), "proposed_before": len(rows) - len(new)}


@transaction.atomic
def answer(*, proposal: int, accepted: bool, reason: str = "", at: datetime) -> None:
    """Answer a proposal for the ministry: accepted, the household may be drawn; refused, with the reason.

    Raises:
        ProposalUnknown: There is none within the scope.
        OwnProposal: The actor proposed it.
        ProposalMoved: It is answered already.
    """
    access.require("lists.approve")
    row = Proposal.objects.filter(pk=proposal).first()
    if row is None:
        raise ProposalUnknown("No proposal has that number, or it is another agency's.", proposal=proposal)
    me, actor = access.actor_id(), selectors.me()
    if row.proposed_by == me:
        raise OwnProposal("You proposed this household yourself: another person answers.", proposal=proposal)
    if not accepted and len(reason.strip()) < 5:
        raise ProposalInvalid("Say why it is refused.")
    state = Proposal.State.ACCEPTED if accepted else Proposal.State.REFUSED
    try:
        with transaction.atomic():
            moved = Proposal.objects.filter(pk=proposal, state=Proposal.State.PROPOSED).update(
                state=state,
                decided_by=me,
                decided_label=actor.username if actor else "",
                decided_at=at,
                reason=reason[:2000],
            )
    except IntegrityError as error:
        raise ProposalMoved("The household is accepted already.", proposal=proposal) from error
    if not moved:
        raise ProposalMoved("This proposal is answered already.", proposal=proposal)
    audit.record(
        action=f"programmes.proposal.{state.lower()}",
        subject=f"proposal:{proposal}",
        details={"programme": row.programme},
        at=at,
    )


@transaction.atomic
def record_recheck(
    *, code: str, unit: str, visited_on: date, outcome: str, facts: Mapping[str, Any] | None = None, at: datetime
) -> dict[str, Any]:
    """Keep what a visit to a listed household found, and what of it the registry states otherwise.

    Returns:
        `recheck`, `differs` (names of facts) and `needs_assessment`.

    Raises:
        RecheckInvalid: The outcome is none, the day lies ahead, or a fact is not of the catalogue.
        EntryUnknown: The list has no such unit within the scope.
    """
    from khana.programmes.services.lists import EntryUnknown

    if not access.call("access_has", "lists.propose")[0][0]:
        access.require("lists.approve")
    seen = dict(facts or {})
    known_facts = {fact.name for fact in load_facts().of_entity("household")}
    strange = sorted(set(seen) - known_facts)
    if outcome not in OUTCOMES or visited_on > at.date() or strange:
        named = f" No facts of a household: {', '.join(strange)}." if strange else ""
        raise RecheckInvalid(f"A visit is {', '.join(OUTCOMES)} and lies not ahead.{named}")
    known = lists.get_list(code)
    entry = lists.find_entry(known.id, unit)
    if entry is None:
        raise EntryUnknown("The list has no such unit, or it lies outside the area that you work for.", list=code)
    home = files.household_at(entry.household_id)
    stated = dict(home.facts) if home else {}
    differs = sorted(name for name, value in seen.items() if str(stated.get(name)) != str(value))
    needs = bool(differs) or outcome in ("DIFFERENT", "MOVED")
    actor = selectors.me()
    row = Recheck.objects.create(
        list_id=known.id, agency=entry.agency, area_path=entry.area_path, unit=unit, household_id=entry.household_id,
        household_number=entry.household_number, visited_on=visited_on, outcome=outcome, facts=seen, differs=differs,
        needs_assessment=needs, recorded_by=access.actor_id(), recorded_label=actor.username if actor else "", recorded_at=at,
    )  # fmt: skip
    audit.record(
        action="programmes.recheck.recorded", subject=f"list:{code}",
        details={"recheck": row.pk, "outcome": outcome, "differs": len(differs)}, at=at,
    )  # fmt: skip
    return {"recheck": row.pk, "differs": differs, "needs_assessment": needs}
