"""Split, join, move, return: tried first within a savepoint, so that what it does to scores is known before it is done.

The guard against splits made for benefit: where after it more households, or more persons where a programme pays each,
would meet the rule of a programme for the poor than before, a second person confirms. A split under one roof, and one soon
after a score over a line, are said as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from khana.access import services as access
from khana.assessment import model_store, one_household, scores
from khana.platform import installation
from khana.programmes import selectors as programmes
from khana.registry import files
from khana.registry.services import keep_restructuring, restructure
from khana.registry.services.restructure import Change, Mover
from khana.workflows.eligible_now import RulesInForce

SOON = timedelta(days=365)


class _TakenBack(Exception):
    """Ends the savepoint: nothing of it stays."""


def propose(
    *, token: str, kind: str, household: str, target: str = "", lines: Sequence[int] = (), persons: Sequence[int] = (),
    relation: str = "", spouse_line: int | None = None, on: date, reason: str, same_dwelling: bool = True, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Propose a change of who lives with whom; it is in force at once where nobody has to confirm it.

    Args:
        token: In whose name; it needs registry.write for both households.
        kind: SPLIT, JOIN, MOVE or RETURN.
        household: Number on the slip of the household that people leave, or come back to.
        target: Number of the household that they go to (JOIN, MOVE).
        lines: Lines of who goes (SPLIT, MOVE).
        persons: Persons who come back (RETURN).
        relation: Of who goes, in the household that she comes to (MOVE with one person).
        spouse_line: Line of her spouse there (MOVE by marriage).
        on: From which day.
        reason: In words, for whoever confirms and audits.
        same_dwelling: A split stays under the same roof.
        at: When.

    Returns:
        proposal, state (IN_FORCE or WAITING), household (where they are), effect.

    Raises:
        RestructuringUnknown: No such household within the scope.
        RestructuringInvalid: It names nobody, or somebody who is not there.
    """
    with access.scoped(token):
        change = _change(kind, household, target, lines, persons, relation, spouse_line, on, same_dwelling)
        effect = effect_of(change, at)
        row = keep_restructuring.keep(
            change=change, reason=reason, effect=effect, needs_second=bool(effect["second_because"]), at=at
        )
        if row.needs_second:
            return {"proposal": row.pk, "state": "WAITING", "household": "", "effect": effect}
        there = restructure.apply(change, at=at)
        keep_restructuring.put_in_force(row=row, target=there, is_second=False, at=at)
        return {
            "proposal": row.pk,
            "state": "IN_FORCE",
            "household": files.household_number_of(there),
            "effect": effect,
        }


def confirm(*, token: str, proposal: int, at: datetime) -> dict[str, Any]:
    """Confirm a proposal as the second person: it is carried out now.

    Raises:
        RestructuringDecided: It is in force or withdrawn, or the same person proposed it.
        RestructuringInvalid: The household changed, so that it is no longer possible.
    """
    with access.scoped(token):
        row, change = keep_restructuring.open_one(proposal)
        there = restructure.apply(change, at=at)
        keep_restructuring.put_in_force(row=row, target=there, is_second=True, at=at)
        return {"proposal": proposal, "state": "IN_FORCE", "household": files.household_number_of(there)}


def _change(
    kind: str, household: str, target: str, lines: Sequence[int], persons: Sequence[int], relation: str, spouse_line: int | None,
    on: date, same_dwelling: bool,
) -> Change:  # fmt: skip
    source = files.household_id_of(household)
    goes_to = files.household_id_of(target) if target else None
    if source is None or (target and goes_to is None) or (kind in ("JOIN", "MOVE") and goes_to is None):
        raise keep_restructuring.RestructuringUnknown(
            "No such household, or it lies outside the area that you work for."
        )
    if kind not in ("SPLIT", "JOIN", "MOVE", "RETURN") or source == goes_to:
        raise restructure.RestructuringInvalid("It is a SPLIT, JOIN, MOVE or RETURN, between two households.")
    on_line = {place.line_no: place.person_id for place in files.members_of(source)}
    unknown = [line for line in lines if line not in on_line]
    if unknown:
        raise restructure.RestructuringInvalid("Nobody stands on that line.", lines=unknown)
    spouse = None
    if spouse_line is not None and goes_to is not None:
        spouse = {place.line_no: place.person_id for place in files.members_of(goes_to)}.get(spouse_line)
    movers = [
        Mover(on_line[line], relation if len(lines) == 1 else "", spouse if len(lines) == 1 else None) for line in lines
    ]
    movers += [Mover(person, relation if len(persons) == 1 else "") for person in persons]
    return Change(kind, source, on, movers, None if kind in ("SPLIT", "RETURN") else goes_to, same_dwelling)


def effect_of(change: Change, at: datetime) -> dict[str, Any]:
    """Return what a change would do: scores by household before and after, programmes gained, and why two must sign.

    It is tried within a savepoint of the open transaction; nothing of it stays.

    Raises:
        RestructuringInvalid: It is not possible.
    """
    day = max(installation.today(at), change.on)
    current = model_store.find_in_force(day)
    old = [change.source, *([change.target] if change.target is not None else [])]
    rules = RulesInForce(day, only_targeted=True)
    before = _scores(current, old, day, at)
    met_before = _met(rules, old, before, at)
    met_after: Counter[str] = Counter()
    after: dict[int, float | None] = {}
    target = change.source
    try:
        with transaction.atomic():
            target = restructure.apply(change, at=at)
            now = sorted({*old, target})
            after = _scores(current, now, day, at)
            met_after = _met(rules, now, after, at)
            raise _TakenBack
    except _TakenBack:
        pass
    limits = [float(row.max_score) for row in programmes.list_programmes() if row.max_score is not None]
    gained = sorted(code for code, benefits in met_after.items() if benefits > met_before[code])
    because = [f"GAINS:{code}" for code in gained]
    flags = []
    if change.kind == "SPLIT" and change.same_dwelling:
        flags.append("SAME_DWELLING")
    if change.kind == "SPLIT" and _was_over(change.source, limits, at):
        flags.append("SOON_AFTER_A_SCORE_OVER_A_LINE")
    return {
        "before": {str(one): value for one, value in before.items()}, "after": {("new" if one not in old else str(one)): v for one, v in after.items()},
        "gained": gained, "flags": flags, "second_because": because or (flags if len(flags) == 2 else []),
    }  # fmt: skip


def _scores(current: Any, households: Sequence[int], day: date, at: datetime) -> dict[int, float | None]:
    if current is None:
        return {}
    found = one_household.reckon_many(household_ids=households, known=current.known, as_of=day, known_at=at)
    return {number: one.score for number, one in found.items()}


def _met(rules: RulesInForce, households: Sequence[int], of: dict[int, float | None], at: datetime) -> Counter[str]:
    """Count by programme the benefits that households and members who meet its rule would draw."""
    found: Counter[str] = Counter()
    met = rules.met_by({household: of.get(household) for household in households}, known_at=at)
    for benefits in met.benefits.values():
        found.update(benefits)
    return found


def _was_over(household: int, limits: Sequence[float], at: datetime) -> bool:
    recent = [one for one in scores.scores_of(household) if at.date() - one.score_date <= SOON]
    return any(float(one.score) > limit for one in recent[:1] for limit in limits)
