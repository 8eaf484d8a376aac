"""The journey of a filled form: received, checked, verified, matched, registered; or returned; or waiting for a steward.

Each step takes submissions of one state under lock and commits with their stamps, so that a kill at any point leaves every
submission in a state from which the next run goes on. One that breaks a step is set apart from the others and tried alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError

from khana.access import services as access
from khana.intake.services import check, entities, journey, match, verify
from khana.platform import clock, faults
from khana.platform.progress import Progress, silent
from khana.workflows import moves_on_form
from khana_methods.errors import KhanaError

_log = logging.getLogger(__name__)
Step = Callable[..., list[journey.Move]]
STEPS: tuple[tuple[str, Step], ...] = (
    ("RECEIVED", check.step),
    ("CHECKED", verify.step),
    ("VERIFIED", match.step),
    ("MATCHED", moves_on_form.step),
)
AT_ONCE = 100
# what one form can break: its own step stops, the forms beside it go on
FAULTS = (KhanaError, DatabaseError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def run(*, token: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Work off every submission that is under way.

    Args:
        token: Of who asks; the journey acts in its own name, and the event log names both.
        progress: Told how many were moved.
        at: When it was asked for; each stamp bears its own time.

    Returns:
        How many came to each state in this run, and `set_apart` where one could not be moved by a mistake of ours.
    """
    with access.scoped(token):
        own = journey.open_journey()
    counts: dict[str, int] = {}
    try:
        moved = True
        while moved:
            moved = False
            for state, step in STEPS:
                moved |= _work_off(own, state, step, counts, progress)
    finally:
        access.sign_out(token=own)
    return counts


def _work_off(own: str, state: str, step: Step, counts: dict[str, int], progress: Progress) -> bool:
    """Take one step with everything that stands in its state; say whether anything moved."""
    after, moved = 0, False
    while True:
        try:
            taken, moves = _batch(own, state, step, after, AT_ONCE)
        except access.NoSession:
            raise
        except FAULTS as error:  # one bad form must not hold up the others: each is tried alone
            _log.error("step %s: %s; its submissions are tried one by one", state, type(error).__name__)
            taken, moves = _one_by_one(own, state, step, after, counts)
        if not taken:
            return moved
        after = taken[-1]
        for one in moves:
            counts[one.to] = counts.get(one.to, 0) + 1
        moved |= bool(moves)
        progress(sum(counts.values()), 0, state.lower())
        faults.reach(f"journey.{state.lower()}.committed")


def _batch(own: str, state: str, step: Step, after: int, most: int) -> tuple[list[int], Sequence[journey.Move]]:
    with access.scoped(own):
        rows = journey.claim(state, most=most, after=after)
        if not rows:
            return [], ()
        now = clock.now()
        moves = step(rows, at=now)
        journey.move(moves, at=now)
        _wake(moves, now)
        faults.reach(f"journey.{state.lower()}.before_commit")
        return [row.pk for row in rows], moves


def _wake(moves: Sequence[journey.Move], now: datetime) -> None:
    """Let forms go on that waited for one which is registered now."""
    for one in moves:
        if one.to == "REGISTERED" and one.row.entity_uuid:
            waiting = entities.waiting_for(one.row.entity_uuid)
            journey.move([journey.Move(row, "RECEIVED") for row in waiting], at=now)


def _one_by_one(
    own: str, state: str, step: Step, after: int, counts: dict[str, int]
) -> tuple[list[int], list[journey.Move]]:
    taken: list[int] = []
    moves: list[journey.Move] = []
    while len(taken) < AT_ONCE:
        with access.scoped(own):
            rows = journey.claim(state, most=1, after=taken[-1] if taken else after)
        if not rows:
            break
        number = rows[0].pk
        taken.append(number)
        try:
            _, done = _batch(own, state, step, number - 1, 1)
            moves += done
        except FAULTS as error:
            _log.error("submission %s stays %s: %s", number, state, type(error).__name__)
            counts["set_apart"] = counts.get("set_apart", 0) + 1
    return taken, moves
