"""Reads of who is due: by the area of a centre, by the stops of a van's route, the longest overdue first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from khana.intake.models import Invitation
from khana.platform import bulk
from khana.registry import known

NOT_AGAIN = (Invitation.Outcome.REFUSED.value, Invitation.Outcome.MOVED_AWAY.value)
# rows as interfaces name them: a room's models stay its own
OUTCOMES = tuple(Invitation.Outcome.values)
PAGE = 50


@dataclass(frozen=True)
class DueFamily:
    """One family that is due.

    Attributes:
        household_id: In the registry.
        number: On its slip.
        area_path: Where it lives.
        head: Its head's name, as the registry knows it.
        address: Where to call.
        facts: Names of the facts that are too old.
        stated_on: When the oldest of them was stated.
        best_before: Until when it was good.
        called: How often it was called since.
        last_outcome: What came of the last call; empty where there was none.
        last_at: When that was.
    """

    household_id: int
    number: str
    area_path: str
    head: str
    address: str
    facts: tuple[str, ...]
    stated_on: date
    best_before: date
    called: int
    last_outcome: str
    last_at: datetime | None


# a family that was registered or renewed since the reckoning is no longer due, whatever the list of the night says
_OPEN = """NOT EXISTS (SELECT FROM intake_submission s WHERE s.household_id = d.household_id AND s.state = 'REGISTERED'
                       AND s.received_at > d.reckoned_at)"""
_CALLS = """LEFT JOIN LATERAL (SELECT count(*)::int AS called, (array_agg(i.outcome ORDER BY i.made_at DESC, i.id DESC))[1] AS outcome,
    max(i.made_at) AS made_at FROM intake_invitation i WHERE i.household_id = d.household_id AND i.made_at > d.stated_on) c ON true"""
_LIST = f"""SELECT d.household_id, d.area_path, d.facts, d.stated_on, d.best_before, c.called, coalesce(c.outcome, ''), c.made_at
FROM intake_duevisit d {_CALLS}
WHERE d.area_path ^@ ANY (%(paths)s) AND {_OPEN} AND (%(all)s OR coalesce(c.outcome, '') <> ALL (%(not_again)s))
  AND (%(day)s::date IS NULL OR (d.best_before, d.household_id) > (%(day)s::date, %(after)s))
ORDER BY d.best_before, d.household_id LIMIT %(limit)s"""
_COUNTS = f"""SELECT p.path, (SELECT count(*) FROM intake_duevisit d WHERE d.area_path ^@ p.path AND {_OPEN})::int
FROM unnest(%s::text[]) AS p(path)"""


def due_at(
    paths: Sequence[str], *, after: tuple[date, int] | None = None, everybody: bool = False, limit: int = PAGE
) -> list[DueFamily]:
    """Return the families that are due in some areas, the longest overdue first.

    Args:
        paths: Paths of the areas: of a centre, or of a stop.
        after: Best-before day and household of the last family of the page before.
        everybody: Also those who moved away or refuse.
        limit: At most so many.
    """
    day, household = after or (None, 0)
    values: dict[str, Any] = {
        "paths": list(paths), "all": everybody, "not_again": list(NOT_AGAIN), "day": day, "after": household, "limit": limit,
    }  # fmt: skip
    rows = bulk.raw_cursor().execute(_LIST, values).fetchall()
    homes = known.households([row[0] for row in rows])
    found = []
    for household_id, path, facts, stated_on, best_before, called, outcome, made_at in rows:
        home = homes.get(household_id)
        if home is None:  # the reader sees that somebody is due there, not who
            continue
        head = next((one for one in home.members if one.columns["relation"] == "head"), None)
        one = head or next(iter(home.members), None)
        found.append(
            DueFamily(
                household_id, home.number, path, one.name if one else "", str(home.columns["address"] or ""), tuple(facts.split()),
                stated_on, best_before, called, outcome, made_at,
            )
        )  # fmt: skip
    return found


def counts(paths: Sequence[str]) -> dict[str, int]:
    """Return how many families are due in each of some areas."""
    wanted = sorted(set(paths))
    return dict(bulk.raw_cursor().execute(_COUNTS, [wanted]).fetchall()) if wanted else {}


def reckoned_at(paths: Sequence[str]) -> datetime | None:
    """Return when the list of some areas was last reckoned; nothing where nobody is due or it never was."""
    row = (
        bulk.raw_cursor()
        .execute("SELECT max(reckoned_at) FROM intake_duevisit WHERE area_path ^@ ANY (%s)", [list(paths)])
        .fetchone()
    )
    found: datetime | None = row[0] if row else None
    return found
