"""The second step of the journey: what the identity authority says of the numbers on the form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from khana.identity import evidence
from khana.intake import opened as drafts
from khana.intake.draft import Member, Note
from khana.intake.models import Submission
from khana.intake.reasons import outcome
from khana.intake.services.journey import Move
from khana.platform import keys

_YEARS = 1


def token_of(member: Member) -> bytes | None:
    """Return the token of a member's number."""
    return keys.token(member.number.scheme, member.number.canonical) if member.number else None


def step(rows: Sequence[Submission], *, at: datetime) -> list[Move]:
    """Hold the numbers of submissions against the authority's extract; return where each goes."""
    opened = {row.pk: drafts.of(row) for row in rows}
    tokens = {
        (number, member.line_no): token_of(member) for number, draft in opened.items() for member in draft.members
    }
    is_loaded = evidence.has_extract()
    known = evidence.of_tokens([token for token in tokens.values() if token]) if is_loaded else {}
    moves = []
    for row in rows:
        notes: list[Note] = []
        seen: set[bytes] = set()
        for member in opened[row.pk].members:
            token = tokens[row.pk, member.line_no]
            if token is None:
                continue
            if token in seen:
                notes.append(Note("NUMBER_TWICE", "WARN", member.line_no))
            seen.add(token)
            record = known.get(token)
            if record is None:
                notes += [Note("NID_NOT_FOUND", "WARN", member.line_no)] if is_loaded else []
                continue
            if record.status == "DECEASED":
                notes.append(Note("DECEASED", "WARN", member.line_no))
            born = member.facts.get("birth_year")
            if born and record.birth_year and abs(born - record.birth_year) > _YEARS:
                notes.append(Note("NID_DOB_MISMATCH", "WARN", member.line_no))
        state, stopping = outcome([note.code for note in notes], row.accepted)
        moves.append(Move(row, state or Submission.State.VERIFIED.value, stopping, notes))
    return moves
