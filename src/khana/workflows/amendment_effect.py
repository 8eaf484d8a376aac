"""Before an amendment is committed: what it does to the score, and whether a second person has to look.

The form is registered within a savepoint, scored by the very functions of the registry, and taken back: what is shown is what
would be. A line is crossed where the class changes, or a programme's highest score lies between before and after.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from khana.assessment import model_store, one_household
from khana.assessment.one_household import Reckoned
from khana.intake.services import effects, journey, register, second_person
from khana.platform import installation
from khana.programmes import selectors as programmes


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
    before = one_household.reckon_many(household_ids=ids, **clocks)
    after: dict[int, Reckoned] = {}
    done: set[int] = set()
    try:
        with transaction.atomic():
            done = {move.row.pk for move in register.step(rows, at=at) if move.to == "REGISTERED"}
            after = one_household.reckon_many(household_ids=ids, **clocks)
            raise _TakenBack
    except _TakenBack:
        pass
    limits = [
        (entry.code, float(entry.max_score), list(entry.areas))
        for entry in programmes.list_programmes()
        if entry.max_score is not None
    ]
    found = {}
    for row in rows:
        household = targets[row.pk]
        if row.pk not in done or household not in before or household not in after:
            continue
        one, other = before[household], after[household]
        gains, loses = crossed(one.score, other.score, limits, other.area_path)
        found[row.pk] = effects.Effect(
            household_id=household, area_path=other.area_path, model_label=f"{known.code}/{known.version}", score_before=one.score,
            score_after=other.score, class_before=one.class_name, class_after=other.class_name, members_before=one.members,
            members_after=other.members, gains=gains, loses=loses,
        )  # fmt: skip
    return found


def crossed(
    before: float | None, after: float | None, limits: Iterable[tuple[str, float, Sequence[str]]], area_path: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the programmes under whose highest score a household comes, and those over whose it goes.

    Args:
        before: Score now; None where the model refuses the household.
        after: Score afterwards.
        limits: Code, highest score, areas (empty: everywhere) of each programme.
        area_path: Where the household lives.

    Examples:
        >>> crossed(33.1, 29.4, [("CASH", 32.0, []), ("POWER", 40.0, [])], "PK.PK1.")
        (('CASH',), ())
        >>> crossed(29.4, None, [("CASH", 32.0, []), ("ELSEWHERE", 32.0, ["PK2"])], "PK.PK1.")
        ((), ('CASH',))
    """
    gains, loses = [], []
    codes = set(area_path.split("."))
    for code, limit, areas in limits:
        if areas and not codes & set(areas):
            continue
        was, is_now = before is not None and before <= limit, after is not None and after <= limit
        if is_now and not was:
            gains.append(code)
        elif was and not is_now:
            loses.append(code)
    return tuple(sorted(gains)), tuple(sorted(loses))
