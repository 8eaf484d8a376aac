"""Reads of what pages ask instead of the registry; opened once a process and kept by number.

A number never changes its content, so what is kept in memory cannot be stale; whether the reader may
see it is asked of the database each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

import pyarrow as pa

from khana.assessment.models import Snapshot
from khana.platform import keys
from khana_methods.errors import NotFound
from khana_methods.targeting.simulate import Cube, Survey


class NothingPrepared(NotFound):
    """No snapshot of this kind was made yet."""

    code: ClassVar[str] = "assessment.snapshot.none"


class SnapshotUnknown(NotFound):
    """No snapshot has that number any more."""

    code: ClassVar[str] = "assessment.snapshot.unknown"


@dataclass(frozen=True)
class KnownSnapshot:
    """One snapshot without its content."""

    id: int
    kind: str
    run_id: int | None
    summary: Mapping[str, Any]
    created_at: datetime


def list_snapshots(kind: str) -> list[KnownSnapshot]:
    """Return the snapshots of a kind, newest first."""
    rows = Snapshot.objects.filter(kind=kind).defer("content").order_by("-pk")[:50]
    return [KnownSnapshot(row.pk, row.kind, row.run_id, row.summary, row.created_at) for row in rows]


def get_snapshot(kind: str, number: int | None = None) -> KnownSnapshot:
    """Return one snapshot of a kind, the newest where no number is named.

    Raises:
        NothingPrepared: There is none of this kind.
        SnapshotUnknown: That one is gone.
    """
    found = list_snapshots(kind)
    if not found:
        raise NothingPrepared(
            "Nothing is prepared yet. Score the registry, or run `khana simulate prepare`.", kind=kind
        )
    if number is None:
        return found[0]
    for one in found:
        if one.id == number:
            return one
    raise SnapshotUnknown("That snapshot is gone; open the page again for the newest.", snapshot=number)


def _frames(number: int) -> dict[str, pa.Table]:
    content = Snapshot.objects.filter(pk=number).values_list("content", flat=True).first()
    if content is None:
        raise SnapshotUnknown("That snapshot is gone; open the page again for the newest.", snapshot=number)
    return unpack(keys.decrypt(bytes(content)))


def unpack(data: bytes) -> dict[str, pa.Table]:
    """Read frames that `services.keep_snapshot.pack` wrote."""
    tables, at = {}, 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        name = data[at + 2 : at + 2 + length].decode()
        at += 2 + length
        size = int.from_bytes(data[at : at + 8], "big")
        tables[name] = pa.ipc.open_stream(pa.py_buffer(data[at + 8 : at + 8 + size])).read_all()
        at += 8 + size
    return tables


@lru_cache(maxsize=4)
def _cube(database: str, number: int) -> Cube:
    return Cube.of(_frames(number)["cube"])


@lru_cache(maxsize=4)
def _survey(database: str, number: int) -> Survey:
    return Survey.of(_frames(number)["survey"])


@lru_cache(maxsize=1)
def _facts(database: str, number: int) -> dict[str, pa.Table]:
    return _frames(number)


def cube_of(snapshot: KnownSnapshot) -> Cube:
    """Return the cells of a cube, ready to be asked."""
    return _cube(database_name(), snapshot.id)


def survey_of(snapshot: KnownSnapshot) -> Survey:
    """Return the households of a survey, ready to be asked."""
    return _survey(database_name(), snapshot.id)


def facts_of(snapshot: KnownSnapshot) -> Mapping[str, pa.Table]:
    """Return the sample of facts: `household` and `member`."""
    return _facts(database_name(), snapshot.id)


def database_name() -> str:
    """Return which database this process asks: numbers of snapshots are its own."""
    from django.db import connection

    return str(connection.settings_dict["NAME"])
