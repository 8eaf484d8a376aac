"""The third step of the journey: which household it is, which member stands on which line, who holds the numbers already.

An update names its household by the entity that the telephone carried; its members are found by number, then by name, sex and
birth. Lines of the form become lines of the registry here, pointers with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from khana.intake import opened as drafts
from khana.intake.draft import Draft, Member
from khana.intake.models import Entity, Submission
from khana.intake.reasons import outcome
from khana.intake.services import movers
from khana.intake.services.journey import Move
from khana.intake.services.same_person import alike, born_near, same_number, same_person
from khana.intake.services.verify import token_of
from khana.registry import known as registry


@dataclass
class Lines:
    """Which line of the registry each line of the form is, and which registered lines are no longer on the form."""

    line_of: dict[int, int] = field(default_factory=dict)
    known_of: dict[int, registry.KnownMember] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)


def target_of(row: Submission, draft: Draft) -> int | None:
    """Return the household that a submission changes, None for a new one."""
    if row.deprecated_id:
        before = Submission.objects.filter(instance_id=row.deprecated_id, household__isnull=False).first()
        if before is not None:
            return before.household_id
    part = draft.entity
    if part is None or part.uuid is None:
        return None
    return Entity.objects.filter(uuid=part.uuid).values_list("household_id", flat=True).first()


def match_lines(members: Sequence[Member], known: Sequence[registry.KnownMember]) -> Lines:
    """Find each member of the form among those who are registered.

    Args:
        members: Of the form.
        known: Current members of the household.

    Returns:
        Lines; a member who is nobody's gets the next free line.
    """
    found = Lines()
    free = {member.line_no: member for member in known}
    for test in (same_number, same_person, _same_line):
        for member in members:
            if member.line_no in found.line_of:
                continue
            match = next((one for one in free.values() if test(member, one)), None)
            if match is not None:
                found.line_of[member.line_no] = match.line_no
                found.known_of[member.line_no] = match
                del free[match.line_no]
    found.left = sorted(free)
    taken = {one.line_no for one in known} | set(found.line_of.values())
    for member in members:
        if member.line_no not in found.line_of:
            line = member.line_no if member.line_no not in taken else max(taken, default=0) + 1
            found.line_of[member.line_no] = line
            taken.add(line)
    return found


def _same_line(member: Member, known: registry.KnownMember) -> bool:
    return (
        member.line_no == known.line_no
        and member.facts.get("sex") == known.sex
        and born_near(member, known)
        and alike(str(member.facts.get("name", "")), known.name) >= 0.4
    )


# months after which a household is assessed again, by the reason on the form
# Source: BISP, dynamic registration: the ineligible after two years, beneficiaries after three
REASSESSED_AFTER = {"again_ineligible": 24, "again_beneficiary": 36}


def is_early(draft: Draft, house: registry.KnownHousehold) -> bool:
    """Say whether a reassessment comes before its day."""
    months = REASSESSED_AFTER.get(str(draft.facts.get("registration_reason") or ""))
    last = house.columns.get("valid_from")
    if months is None or not isinstance(last, date):
        return False
    year, month = last.year + (last.month - 1 + months) // 12, (last.month - 1 + months) % 12 + 1
    due = date(year, month, min(last.day, 28))
    return draft.survey_date < due


def held_elsewhere(
    draft: Draft, target: int | None, holders: Mapping[bytes, set[int]], sources: Mapping[int, int] | None = None
) -> bool:
    """Say whether a current member of another household shows one of the form's numbers.

    Args:
        draft: The form.
        target: The household that it changes.
        holders: By number, the households in which it is shown.
        sources: By line of the form, the household that the member comes from: there her number may be.
    """
    for member in draft.members:
        token = token_of(member)
        if token and holders.get(token, set()) - {target, (sources or {}).get(member.line_no)}:
            return True
    return False


def step(rows: Sequence[Submission], *, at: datetime) -> list[Move]:
    """Match submissions to households, members to lines; return where each goes."""
    opened = {row.pk: drafts.of(row) for row in rows}
    targets = {row.pk: target_of(row, opened[row.pk]) for row in rows}
    known = registry.households([target for target in targets.values() if target])
    tokens = [token for draft in opened.values() for token in map(token_of, draft.members) if token]
    holders = registry.holders(tokens)
    sources = {row.pk: movers.sources_of(opened[row.pk], targets[row.pk]) for row in rows}
    moves = []
    for row in rows:
        draft, target = opened[row.pk], targets[row.pk]
        codes = ["NUMBER_HELD"] if held_elsewhere(draft, target, holders, sources[row.pk]) else []
        if target and target in known and match_lines(draft.members, known[target].members).left:
            codes.append("MEMBERS_LEFT")
        if target and target in known and is_early(draft, known[target]):
            codes.append("REASSESSMENT_EARLY")
        state, stopping = outcome(codes, row.accepted)
        moves.append(Move(row, state or Submission.State.MATCHED.value, stopping))
    return moves
