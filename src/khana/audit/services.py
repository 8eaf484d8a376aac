"""Record events and seal them: every write leaves one event in its own transaction.

The actor of an event is the one of the session, as the database knows it; nobody hands one in. The
sealer binds events in order into a hash chain and writes signed checkpoints beside the database, so
that an operator of the database who rewrites the chain cannot rewrite them too.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from django.db import connection
from django.db.utils import DatabaseError
from psycopg.types.json import Jsonb

from khana.audit import chain
from khana.platform import keys, places
from khana.platform.progress import Progress, silent
from khana_methods.errors import InputError, NotPermitted

_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_NOBODY = "You are not signed in, or your session has ended. Sign in and try again."
_LINKS = """SELECT s.id, s.event_id, s.previous_hash, s.hash,
    CASE WHEN e.id IS NOT NULL THEN khana_private.audit_payload(e) END
FROM audit_seal s LEFT JOIN audit_event e ON e.id = s.event_id
WHERE s.id > %s AND s.id <= %s ORDER BY s.id LIMIT %s"""
_LAST = "SELECT coalesce(max(id), 0) FROM audit_seal"
_EVENTS = "SELECT count(*) FROM audit_event"
_BEFORE = "SELECT id, hash FROM audit_seal WHERE id < %s ORDER BY id DESC LIMIT 1"
_MARKED = "SELECT id, hash FROM audit_seal WHERE id = ANY(%s)"
_HOW_MANY = "SELECT count(*) FROM audit_seal WHERE id < %s"
_RECORD = "SELECT khana_private.audit_record(%s, %s, %s, %s)"


class ActionUnnamed(InputError):
    """An action is a dotted name in lower case."""

    code: ClassVar[str] = "audit.action.unnamed"


class NoActor(NotPermitted):
    """Nobody is signed in: there is no actor to record."""

    code: ClassVar[str] = "audit.no_actor"


@dataclass(frozen=True)
class Verdict:
    """What a walk along the chain found.

    `broken_at` is the number of the first seal that does not hold and `event` that of its event, None where all hold;
    `reason` says in what way; `sealed` counts the seals before it; `unsealed` counts events that no seal binds yet.
    """

    sealed: int
    unsealed: int
    checkpoints: int
    broken_at: int | None
    reason: str
    event: int | None = None

    @property
    def holds(self) -> bool:
        """Say whether the whole chain and every checkpoint hold."""
        return self.broken_at is None and not self.reason


def _rows(statement: str, *parameters: Any) -> list[Any]:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
        return cursor.execute(statement.encode(), parameters or None).fetchall()


def record(*, action: str, subject: str, details: dict[str, Any] | None = None, at: datetime) -> int:
    """Add one event in the transaction that is open; return its number.

    Args:
        action: A dotted name, past tense: `registry.household.registered`, `beneficiaries.listed`.
        subject: What it is about, as `kind:id`: ids and codes only, never a name or number of a person.
        details: Ids, codes, counts and hashes; never a personal value.
        at: When.

    Raises:
        ActionUnnamed: The action is not a dotted name.
        NoActor: No live session (the owner and the worker may write under their own name).
    """
    if not _ACTION.fullmatch(action):
        raise ActionUnnamed("An action is a dotted name in lower case, such as 'registry.household.read'.")
    try:
        rows = _rows(_RECORD, action, subject, Jsonb(details or {}), at)
    except DatabaseError as error:
        if isinstance(error.__cause__, psycopg.Error) and error.__cause__.sqlstate == "KH403":
            raise NoActor(_NOBODY) from error
        raise
    return int(rows[0][0])


def seal_events(batch: int = 10_000) -> int:
    """Bind at most so many unsealed events into the chain; return how many were bound.

    One sealer at a time; a second one returns 0 at once.
    """
    return int(_rows("SELECT khana_private.audit_seal(%s)", batch)[0][0])


def checkpoint_file() -> Path:
    """Return the file of signed checkpoints of this database, beside it and out of its reach."""
    return places.folder("audit") / f"checkpoints.{connection.settings_dict['NAME']}.jsonl"


def write_checkpoint(*, at: datetime) -> int | None:
    """Sign the head of the chain into the checkpoint file; return its seal, None where nothing is sealed.

    Needs `audit.read`, or the owner.
    """
    head = _rows("SELECT id, hash FROM audit_seal ORDER BY id DESC LIMIT 1")
    if not head:
        return None
    seal, digest = int(head[0][0]), bytes(head[0][1])
    line = {"seal": seal, "hash": digest.hex(), "at": at.isoformat()}
    signed = {**line, "signature": keys.sign(json.dumps(line, sort_keys=True).encode()).hex()}
    with os.fdopen(os.open(checkpoint_file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as handle:
        handle.write(json.dumps(signed) + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    return seal


def _checkpoints() -> Iterator[tuple[int, bytes, bool]]:
    if not checkpoint_file().exists():
        return
    for text in checkpoint_file().read_text().splitlines():
        try:
            line = json.loads(text)
            signature = bytes.fromhex(line.pop("signature"))
            is_signed = keys.is_signed(json.dumps(line, sort_keys=True).encode(), signature)
            yield int(line["seal"]), bytes.fromhex(line["hash"]), is_signed
        except (ValueError, KeyError):
            yield -1, b"", False


def verify(*, slowly: bool = False, progress: Progress = silent) -> Verdict:
    """Walk the whole chain, recomputing every hash from the events as they are now.

    Needs `audit.read` for the whole country (an actor without it sees an empty chain), or the owner.
    Memory does not grow with the log.

    Args:
        slowly: Take every hash in this program, one seal after the other; else the database takes them, ranges of
            seals side by side, and only the place that breaks is looked at here. Both find the same.
        progress: Told as it goes.

    Returns:
        Where the chain breaks first, and how; or that it holds.
    """
    marks = {seal: (digest, is_signed) for seal, digest, is_signed in _checkpoints()}
    bad = [seal for seal, (_, is_signed) in marks.items() if not is_signed]
    if bad:
        return Verdict(0, 0, len(marks), bad[0], "a checkpoint is not signed by a key of this ring")
    if slowly:
        ((events,),) = _rows(_EVENTS)
        sealed, broken = _walk(0, chain.GENESIS, _rows(_LAST)[0][0], progress)
    else:
        checked = chain.check(ask=_rows, progress=progress)
        events, sealed, broken = checked.events, checked.seals, None
        if checked.broken_at is not None:
            broken = _looked_at(checked.broken_at)
    held = {int(number): bytes(digest) for number, digest in _rows(_MARKED, list(marks))} if marks else {}
    rewritten = min((number for number in held if held[number] != marks[number][0]), default=None)
    if broken and (rewritten is None or broken[0] <= rewritten):
        return _broken(len(marks), *broken)
    if rewritten is not None:
        return _broken(len(marks), rewritten, None, "the chain was rewritten: a signed checkpoint says otherwise")
    unsealed = int(events) - sealed
    if len(held) < len(marks):
        reason = "the chain is shorter than a signed checkpoint says"
        return Verdict(sealed, unsealed, len(marks), max(marks), reason)
    return Verdict(sealed, unsealed, len(marks), None, "")


def _broken(checkpoints: int, number: int, event: int | None, reason: str) -> Verdict:
    ((before,),) = _rows(_HOW_MANY, number)
    return Verdict(int(before), 0, checkpoints, number, reason, event)


def _looked_at(number: int) -> tuple[int, int | None, str]:
    """Say in what way a seal does not hold that the fast check found, by the slow walk over it alone."""
    before = _rows(_BEFORE, number)
    after, digest = (int(before[0][0]), bytes(before[0][1])) if before else (0, chain.GENESIS)
    _, broken = _walk(after, digest, number, silent)
    return broken or (number, None, "the database says that this seal does not hold, and looked at again it does")


def _walk(
    after: int, last: bytes, until: int, progress: Progress, step: int = 20_000
) -> tuple[int, tuple[int, int | None, str] | None]:
    """Walk seal by seal, each hash taken here; return how many held and (seal, event, reason) of the first that did not."""
    held = 0
    while True:
        rows = _rows(_LINKS, after, until, step)
        for number, event, previous, digest, text in rows:
            reason = ""
            if text is None:
                reason = "the event of a seal is gone"
            elif bytes(previous) != last:
                reason = "a seal does not follow the one before it"
            elif sha256(bytes(previous) + text.encode()).digest() != bytes(digest):
                reason = "an event was changed after it was sealed"
            if reason:
                return held, (int(number), int(event), reason)
            last, held = bytes(digest), held + 1
        if len(rows) < step:
            return held, None
        after = int(rows[-1][0])
        progress(after, until, "seals")
