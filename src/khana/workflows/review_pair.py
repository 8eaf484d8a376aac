"""One outcome for one pair, and what follows: where it says one person, her files are merged or the merge proposed.

A pair of two files that is decided LINKED by a person gets a merge of the younger file into the older one,
if the actor may merge and asked for it; where money hangs on it a second person confirms.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from khana.linkage import selectors
from khana.linkage.services import review
from khana.workflows import merge_persons


def run(*, pair: int, outcome: str, origin: str, merges: bool = False, at: datetime) -> dict[str, Any]:
    """Give the actor's outcome, in the scope that is open.

    Args:
        pair: The pair.
        outcome: SAME, DIFFERENT, UNSURE or ASK_FIELD.
        origin: PAGE, API or FILE.
        merges: Propose to merge the two files where the pair is decided as one person.
        at: When.

    Returns:
        pair_id, decision, waits_for_second, and `merge` with the state of the alias where one was made.
    """
    done = review.give_outcome(pair_id=pair, outcome=outcome, origin=origin, at=at)
    result: dict[str, Any] = asdict(done)
    if merges and done.decision == selectors.LINKED:
        found = selectors.get_pair(pair)
        if found.left_kind == "PERSON":
            merged = merge_persons.merge(
                person=max(found.left_id, found.right_id), into=min(found.left_id, found.right_id),
                reason=f"pair {pair}", at=at,
            )  # fmt: skip
            result["merge"] = merged
    return result
