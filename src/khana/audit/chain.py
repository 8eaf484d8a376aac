"""Hold every seal against its event, many at once: the fast check beside the slow walk of `services`.

A seal holds where its hash is SHA-256 of the hash before it and of the event's text. Seals hang together by their order
alone, so that ranges of them are checked side by side, each over a connection of its own in the scope of the caller.
What breaks here is looked at again by the slow walk, one seal at a time, with the hash taken outside the database.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection

from khana.platform.progress import Progress, silent

GENESIS = bytes(32)
STEP = 100_000  # seals of one range: what is joined at a time stays in the database's working memory
_MOST_AT_ONCE = 4

# the text of khana_private.audit_payload, written out: who may change functions of the database does not change it here
_TEXT = """CASE WHEN e.purpose = '' AND e.agreement = '' AND e.request = ''
    THEN jsonb_build_array(e.id, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor_id, e.actor_label, e.action,
                           e.subject, e.details)::text
    ELSE jsonb_build_array(e.id, (extract(epoch FROM e.at) * 1000000)::bigint, e.actor_id, e.actor_label, e.action,
                           e.subject, e.details, e.purpose, e.agreement, e.request)::text END"""
_HEADS = """SELECT coalesce((SELECT min(id) FROM public.audit_seal), 0),
    coalesce((SELECT max(id) FROM public.audit_seal), 0), (SELECT count(*) FROM public.audit_event)"""
_NEXT = "SELECT id FROM public.audit_seal WHERE id > %s ORDER BY id OFFSET %s LIMIT 1"
_BEFORE = "SELECT hash FROM public.audit_seal WHERE id <= %s ORDER BY id DESC LIMIT 1"
_ORDER = """SELECT count(*), min(event_id), max(event_id), min(id) FILTER (WHERE previous_hash IS DISTINCT FROM last)
FROM (SELECT id, event_id, previous_hash, lag(hash, 1, %s) OVER (ORDER BY id) AS last
      FROM public.audit_seal WHERE id > %s AND id <= %s) links"""
_EVENTS = f"""SELECT min(s.id) FROM public.audit_seal s
    LEFT JOIN public.audit_event e ON e.id = s.event_id AND e.id BETWEEN %s AND %s
    WHERE s.id > %s AND s.id <= %s
      AND (e.id IS NULL OR sha256(s.previous_hash || convert_to({_TEXT}, 'UTF8')) IS DISTINCT FROM s.hash)"""

Ask = Callable[..., list[Any]]


@dataclass(frozen=True)
class Checked:
    """What the fast check found: how many seals, how many events, and the first seal that does not hold."""

    seals: int
    events: int
    broken_at: int | None


def check(*, ask: Ask, progress: Progress = silent) -> Checked:
    """Check every seal that is there now.

    Args:
        ask: Runs one statement on the connection of the caller and returns its rows.
        progress: Told after each range.
    """
    ((first, last, events),) = ask(_HEADS)
    ranges = list(_ranges(ask, int(first) - 1, int(last))) if last else []
    if len(ranges) <= 1:
        found = [_range(ask, *one) for one in ranges]
    else:
        with _beside(min(len(ranges), _at_once())) as lenders:
            found = list(_side_by_side(ranges, lenders, progress))
    broken = [place for _, place in found if place is not None]
    return Checked(sum(seals for seals, _ in found), int(events), min(broken, default=None))


def _ranges(ask: Ask, after: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield (after, until] of about as many seals each, up to the last; numbers may have gaps of any size."""
    while after < last:
        following = ask(_NEXT, after, STEP - 1)
        until = min(int(following[0][0]), last) if following else last
        yield after, until
        after = until


def _at_once() -> int:
    return max(1, min(_MOST_AT_ONCE, os.cpu_count() or 1))


def _range(ask: Ask, after: int, until: int) -> tuple[int, int | None]:
    """Return the number of seals in (after, until] and the first of them that does not hold."""
    before = ask(_BEFORE, after)
    ((seals, low, high, out_of_order),) = ask(_ORDER, bytes(before[0][0]) if before else GENESIS, after, until)
    if not seals:
        return 0, None
    ((changed,),) = ask(_EVENTS, low, high, after, until)
    broken = [int(place) for place in (out_of_order, changed) if place is not None]
    return int(seals), min(broken, default=None)


def _side_by_side(
    ranges: Sequence[tuple[int, int]], lenders: Sequence[Ask], progress: Progress
) -> Iterator[tuple[int, int | None]]:
    """Check ranges in order, as many at once as there are connections; none that begins after the first break."""
    free: queue.SimpleQueue[Ask] = queue.SimpleQueue()
    for ask in lenders:
        free.put(ask)
    broken: list[int] = []

    def one(span: tuple[int, int]) -> tuple[int, int | None]:
        if broken and span[0] >= min(broken):
            return 0, None
        ask = free.get()
        try:
            seals, place = _range(ask, *span)
        finally:
            free.put(ask)
        if place is not None:
            broken.append(place)
        return seals, place

    with ThreadPoolExecutor(len(lenders)) as pool:
        for number, result in enumerate(pool.map(one, ranges), 1):
            progress(number, len(ranges), "ranges")
            yield result


@contextmanager
def _beside(number: int) -> Iterator[list[Ask]]:
    """Open so many more connections in the caller's role and scope, reading only; they are closed afterwards."""
    own: psycopg.Connection[Any] = connection.connection
    token = psycopg.Cursor(own).execute("SELECT current_setting('khana.token', true)").fetchall()[0][0]
    with ExitStack() as opened:
        lenders: list[Ask] = []
        for _ in range(number):
            more = opened.enter_context(psycopg.connect(own.info.dsn, password=own.info.password or None))
            more.read_only = True
            opened.enter_context(more.transaction(force_rollback=True))
            more.execute("SELECT set_config('khana.token', %s, true)", [token or ""])
            lenders.append(_asking(more))
        yield lenders


def _asking(more: psycopg.Connection[Any]) -> Ask:
    def ask(statement: str, *parameters: Any) -> list[Any]:
        return more.execute(statement.encode(), parameters or None).fetchall()

    return ask
