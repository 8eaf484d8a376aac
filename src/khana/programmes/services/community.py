"""What a community's verdicts come to, taken into an open list: each as a recorded change with the minutes of the meeting.

Who is dropped leaves the list, who is added takes a place that fell free in her own quota's area, and what is left of free
places goes to those who come next. What asks for a look by two officers changes nothing here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from django.db import transaction

from khana.audit import services as audit
from khana.programmes import lists
from khana.programmes.models import ListEntry
from khana.programmes.services.lists import change
from khana_methods.errors import InputError

OUTCOMES = ("SELECTED", "ADDED", "REVIEW", "DROPPED", "NOT_SELECTED")
MOST = 20_000


class OutcomesUnclear(InputError):
    """What was settled names outcomes that exist, for at most so many households of one meeting."""

    code: ClassVar[str] = "programmes.community.outcomes_unclear"


@transaction.atomic
def take_over(*, code: str, outcomes: Mapping[str, str], minutes: str, at: datetime) -> dict[str, int]:
    """Record the outcomes of a settled community list on an open selection list.

    Args:
        code: The selection list.
        outcomes: Number of each household and what `targeting.validation.settle_lists` says of it.
        minutes: Number and day of the minutes.
        at: When.

    Returns:
        `removed` and `added` units, `promoted` who came next, `without_place` (added, but no place of the area is free),
        `to_look_at` households and `not_on_list` households.

    Raises:
        OutcomesUnclear: An outcome is none, or there are too many.
        ListMoved: The list is no longer open.
        ChangeInvalid: The minutes lack.
    """
    strange = sorted(set(outcomes.values()) - set(OUTCOMES))
    if strange or not outcomes or len(outcomes) > MOST:
        raise OutcomesUnclear(
            f"Outcomes are {', '.join(OUTCOMES)}, of at least one household and at most {MOST:,}.",
            outcomes=strange[:10],
        )
    known = lists.get_list(code)
    units: dict[str, list[lists.Entry]] = defaultdict(list)
    for entry in lists.entries_of_households(known.id, list(outcomes)):
        units[entry.household_number].append(entry)
    done: Counter[str] = Counter({"not_on_list": len(outcomes) - len(units)})
    free: Counter[str] = Counter()
    done["to_look_at"] = sum(outcomes[number] == "REVIEW" for number in units)

    def record(entry: lists.Entry, to_state: str, reason: str) -> None:
        change(
            code=code, unit=entry.unit, to_state=to_state, kind="COMMUNITY", reason=reason, minutes=minutes, promote=False, at=at
        )  # fmt: skip

    for number, entries in sorted(units.items()):
        for entry in entries if outcomes[number] == "DROPPED" else ():
            if entry.state != ListEntry.State.REMOVED:
                record(entry, ListEntry.State.REMOVED, "The community: not in need.")
                done["removed"] += 1
                free[entry.quota_area] += entry.state == ListEntry.State.SELECTED
    for number, entries in sorted(units.items()):
        waiting = [entry for entry in entries if entry.state in (ListEntry.State.RESERVE, ListEntry.State.WAITING)]
        for entry in waiting[:1] if outcomes[number] == "ADDED" else ():
            if known.terms.get("limited") and not free[entry.quota_area]:
                done["without_place"] += 1
                continue
            record(entry, ListEntry.State.SELECTED, "The community: in need.")
            free[entry.quota_area] -= 1
            done["added"] += 1
    for area, places in sorted(free.items()) if known.terms.get("limited") else ():
        for _ in range(places):
            following = lists.next_in_line(known.id, area)
            if following is None:
                break
            record(following, ListEntry.State.SELECTED, "Comes next where the community took somebody out.")
            done["promoted"] += 1
    counts = {
        name: done[name] for name in ("removed", "added", "promoted", "without_place", "to_look_at", "not_on_list")
    }
    audit.record(action="programmes.list.settled", subject=f"list:{code}", details=counts, at=at)
    return counts
