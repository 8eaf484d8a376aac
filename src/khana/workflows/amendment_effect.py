"""Before an amendment is committed: what it does to the score, and whether a second person has to look.

The form is registered within a savepoint, scored by the very functions of the registry, held against the rule of every programme,
and taken back: what is shown is what would be. A line is crossed where the class changes, or a programme's rule is met, and no
exclusion filter tells against who meets it, on one side only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from khana.assessment import model_store, one_household
from khana.assessment.one_household import Reckoned
from khana.intake.services import effects, journey, register, second_person
from khana.platform import installation
from khana.workflows.eligible_now import Met, RulesInForce


class _TakenBack(Exception):
    """Ends the savepoint: nothing of it stays."""


def step(rows: Sequence[Any], *, at: datetime) -> list[journey.Move]:
    """Register submissions as the last step of the journey; those whose effect crosses a line wait for a second person."""
    day = installation.today(at)
    current = model_store.find_in_force(day)
    targets = effects.targets(rows) if current is not None else {}
    if current is None or not targets:
        return register.step(rows, at=at)
    amending = [row for row in rows if row.pk in targets]
    day = max([day, *(one for one in effects.survey_days(amending) if isinstance(one, date))])
    found = _what_if(amending, targets, current.known, day, at)
    held = {row.pk for row in amending if row.pk in found and effects.keep(row, found[row.pk], at=at)}
    waiting = [journey.Move(row, "WAITING", [second_person.CROSSES]) for row in amending if row.pk in held]
    rest = [row for row in rows if row.pk not in held]
    return waiting + (register.step(rest, at=at) if rest else [])


def _what_if(
    rows: Sequence[Any], targets: dict[int, int], known: model_store.KnownModel, day: date, at: datetime
) -> dict[int, effects.Effect]:
    """Return the effect of each form that would be registered now, by its row number."""
    ids = sorted({targets[row.pk] for row in rows})
    clocks: dict[str, Any] = {"known": known, "as_of": day, "known_at": at}
    rules = RulesInForce(day)
    before = one_household.reckon_many(household_ids=ids, **clocks)
    met_before = rules.met_by({household: one.score for household, one in before.items()}, known_at=at)
    after: dict[int, Reckoned] = {}
    met_after = Met({})
    done: set[int] = set()
    try:
        with transaction.atomic():
            done = {move.row.pk for move in register.step(rows, at=at) if move.to == "REGISTERED"}
            after = one_household.reckon_many(household_ids=ids, **clocks)
            met_after = rules.met_by({household: one.score for household, one in after.items()}, known_at=at)
            raise _TakenBack
    except _TakenBack:
        pass
    found = {}
    for row in rows:
        household = targets[row.pk]
        if row.pk not in done or household not in before or household not in after:
            continue
        one, other = before[household], after[household]
        was, would_be = met_before.benefits[household].keys(), met_after.benefits[household].keys()
        told = {code: met_after.filters[household].get(code, []) for code in was - would_be}
        told |= {code: met_before.filters[household].get(code, []) for code in would_be - was}
        found[row.pk] = effects.Effect(
            household_id=household, area_path=other.area_path, model_label=f"{known.code}/{known.version}", score_before=one.score,
            score_after=other.score, class_before=one.class_name, class_after=other.class_name, members_before=one.members,
            members_after=other.members, gains=tuple(sorted(would_be - was)), loses=tuple(sorted(was - would_be)),
            filters={code: filters for code, filters in sorted(told.items()) if filters},
        )  # fmt: skip
    return found
