"""The last step of the journey with whoever the form takes from another household: her move is proposed, and waits.

Nobody leaves a household on the word of one form: a second person who did not send it confirms on the page *Who lives with
whom*. What the move would do to scores and programmes is tried first, as for every other change of who lives with whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from khana.intake import opened as drafts
from khana.intake.draft import Note
from khana.intake.services import journey, movers
from khana.intake.services.match import match_lines
from khana.registry import files, known
from khana.registry.services import keep_restructuring
from khana.registry.services.restructure import Change, Mover
from khana.workflows import amendment_effect, restructure_household
from khana_methods.errors import Conflict, InputError

REFUSED = "CAME_FROM_REFUSED"


def step(rows: Sequence[Any], *, at: datetime) -> list[journey.Move]:
    """Register submissions, and propose the moves of members who come from elsewhere."""
    moves = amendment_effect.step(rows, at=at)
    for one in moves:
        if one.to == "REGISTERED":
            _propose(one, at)
    return moves


def _propose(one: journey.Move, at: datetime) -> None:
    """Propose a move for each household that somebody of the form comes from."""
    household = int(one.changes["household_id"])
    draft = drafts.of(one.row)
    coming = movers.arriving(draft, household)
    if not coming:
        return
    on_line = {place.line_no: place.person_id for place in files.members_of(household)}
    lines = match_lines(draft.members, known.households([household])[household].members).line_of
    there = {line: on_line[registered] for line, registered in lines.items() if registered in on_line}
    persons = {line: arriving.person_id for line, arriving in coming.items()}
    for source, who in movers.sources(coming).items():
        mine = {arriving.person_id for arriving in who}
        leaving = {place.person_id for place in files.members_of(source)} <= mine
        change = Change(
            "JOIN" if leaving else "MOVE", source, draft.survey_date,
            [_mover(arriving, persons, there, mine) for arriving in who], household,
        )  # fmt: skip
        waiting = [
            row for row in keep_restructuring.of_household(source) if not row.in_force_at and not row.withdrawn_at
        ]
        if any({person["person"] for person in row.persons} == mine for row in waiting):
            continue
        try:
            effect = restructure_household.effect_of(change, at)
        except (InputError, Conflict):  # such as an interview of the other household after this one: people settle it
            one.notes.extend(Note(REFUSED, "WARN", arriving.member.line_no) for arriving in who)
            continue
        effect["second_because"] = [*effect["second_because"], "SAID_ON_A_FORM"]
        keep_restructuring.keep(
            change=change, reason=f"Said on form {one.row.pk}: registered there before.", effect=effect, needs_second=True,
            proposer=(one.row.actor_id, one.row.actor_label), at=at,
        )  # fmt: skip


def _mover(arriving: movers.Arriving, persons: dict[int, int], there: dict[int, int], mine: set[int]) -> Mover:
    """Return one who goes, with her relation on the form and her spouse where she or he is in the household already."""
    facts = arriving.member.facts
    line = int(facts.get("spouse_line") or 0)
    spouse = persons.get(line) if persons.get(line) in mine else there.get(line)
    return Mover(arriving.person_id, str(facts.get("relation") or ""), spouse)
