"""Members of a form who were registered in another household: by marriage, a move, a household that parts or joins.

The form says the number on the slip of the household that she came from. Who is found there by her number, or by name, sex and
birth, keeps her file: she is not registered a second time, and her move waits for a second person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from khana.intake.draft import Draft, Member, Note
from khana.intake.services.same_person import is_same
from khana.registry import known as registry
from khana.registry.services.register_households import household_ids


@dataclass(frozen=True)
class Arriving:
    """One member who comes from another household: who she is there."""

    member: Member
    person_id: int
    source: int


def arriving(draft: Draft, target: int | None) -> dict[int, Arriving]:
    """Return the members who come from another household, by their line on the form.

    Args:
        draft: The form.
        target: The household that it changes; a member who names this one comes from nowhere.
    """
    named = sorted({member.came_from for member in draft.members if member.came_from})
    if not named:
        return {}
    ids = household_ids(named)
    houses = registry.households([one for one in ids.values() if one != target])
    found: dict[int, Arriving] = {}
    taken: set[int] = set()
    for member in draft.members:
        house = houses.get(ids.get(member.came_from, -1))
        if house is None:
            continue
        one = next((one for one in house.members if one.person_id not in taken and is_same(member, one)), None)
        if one is not None:
            taken.add(one.person_id)
            found[member.line_no] = Arriving(member, one.person_id, house.id)
    return found


def sources_of(draft: Draft, target: int | None) -> dict[int, int]:
    """Return the household that members come from, by their line on the form."""
    return {line: one.source for line, one in arriving(draft, target).items()}


def notes(draft: Draft, target: int | None) -> list[Note]:
    """Say of each member with an earlier household whether she was found there."""
    found = arriving(draft, target)
    return [
        Note("CAME_FROM_FOUND" if member.line_no in found else "CAME_FROM_UNKNOWN", "WARN", member.line_no)
        for member in draft.members
        if member.came_from
    ]


def sources(found: Mapping[int, Arriving]) -> dict[int, list[Arriving]]:
    """Return who comes, by the household that they come from."""
    by_source: dict[int, list[Arriving]] = {}
    for one in found.values():
        by_source.setdefault(one.source, []).append(one)
    return by_source
