"""The roster checks of the methods over many drafts at once; their findings come back by submission.

A finding is data. Only one of severity REFUSE sends a form back; the others stay with the submission for people to see.
"""

from __future__ import annotations

from collections.abc import Mapping

from khana.intake.draft import Draft, Note


def roster_notes(drafts: Mapping[int, Draft]) -> dict[int, list[Note]]:
    """Return what the checks find, by the row number of the submission.

    Until the checks of rosters are there, exactly one is made here: a household has one head.
    """
    found: dict[int, list[Note]] = {}
    for number, draft in drafts.items():
        heads = [member for member in draft.members if member.facts.get("relation") == "head"]
        if draft.members and not heads:
            found.setdefault(number, []).append(Note("HEAD_NONE", "REFUSE"))
        if len(heads) > 1:
            found.setdefault(number, []).append(Note("HEAD_SEVERAL", "REFUSE", heads[1].line_no))
    return found
