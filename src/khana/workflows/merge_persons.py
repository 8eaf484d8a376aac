"""Two files of one person: merged and split by stewards, by two of them where money hangs on it.

What is at stake is known to upper rooms: whether a row of any list names a number of either file. Nobody has to be told:
upper rooms read `registry.current_file`, and subscribers are told from the dated aliases themselves.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from khana.access import services as access
from khana.beneficiaries import lists
from khana.registry import files
from khana.registry.services import merge_files


def merge(*, person: int, into: int, reason: str, at: datetime) -> dict[str, Any]:
    """Say that two files are one person, or confirm it, in the scope that is open.

    Returns:
        alias_id, person_id, current_id, state (PROPOSED waits for a second person; IN_FORCE).
    """
    access.require("registry.merge")
    needs_second = money_hangs_on([person, into])
    return asdict(merge_files.merge(person_id=person, into=into, reason=reason, needs_second=needs_second, at=at))


def split(*, person: int, reason: str, at: datetime) -> dict[str, Any]:
    """Take a merge back, or confirm that somebody did, in the scope that is open."""
    return asdict(merge_files.split(person_id=person, reason=reason, at=at))


def money_hangs_on(people: list[int]) -> bool:
    """Say whether a row of a list names a number of any of these people's files; yes where the actor may not see that."""
    if not access.call("access_everything", "benefits.read")[0][0]:
        return True
    held = [file for person in people for file in files.files_of(files.current_file(person))]
    return bool(lists.benefits_of(files.tokens_of(held), limit=1))
