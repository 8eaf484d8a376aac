"""A new key without downtime: old values are closed anew by a job that may be killed, and only by a key owner's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from khana.access import resealing, services
from khana.platform import files, jobs, keys, places
from khana.platform.progress import Cancelled
from khana.workflows import reseal_values

from .world import World

NOW = datetime.now(UTC)


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_role) -> Iterator[Path]:  # type: ignore[no-untyped-def]
    """A ring of its own, so that other modules keep theirs."""
    as_role("worker")
    kept = places.var() / "keys"
    monkeypatch.setattr(keys, "folder", lambda: tmp_path / "keys")
    monkeypatch.setattr(places, "folder", _folder_in(tmp_path))
    monkeypatch.setattr(files, "path_of", lambda sha: tmp_path / "files" / sha[:2] / sha)
    monkeypatch.setattr(places, "var", lambda: tmp_path)
    keys._ring.cache_clear()
    yield kept
    keys._ring.cache_clear()


def _folder_in(base: Path):  # type: ignore[no-untyped-def]
    def folder(*parts: str) -> Path:
        made = base.joinpath(*parts)
        made.mkdir(parents=True, exist_ok=True, mode=0o700)
        return made

    return folder


def test_every_value_is_closed_anew_and_a_kill_costs_one_step(
    world: World,
    root: psycopg.Connection,
    ring: Path,
    as_role,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    monkeypatch.setattr(resealing, "STEP", 2)
    token = world.tokens["keeper"]
    with services.scoped(token):
        columns = resealing.columns()
    assert len(columns) >= 15 and ("assessment_snapshot", "content") in {(c.place, c.named) for c in columns}
    for column in columns:  # every row of every such table holds a value that opens
        rows = root.execute(f"SELECT ctid::text, {column.named} FROM {column.place}").fetchall()  # type: ignore[arg-type]
        with root.transaction():
            root.execute("SET LOCAL session_replication_role = replica")
            for number, (place, _) in enumerate(rows):
                closed = keys.encrypt(f"{column.place}{number}", column.purpose)
                root.execute(f"UPDATE {column.place} SET {column.named} = %s WHERE ctid = %s::tid", [closed, place])  # type: ignore[arg-type]
    with services.scoped(world.tokens["steward"]):
        kept = files.keep(io.BytesIO(b"a list that arrived"), name="list.csv", at=NOW)
    before = keys.ring()
    keys.add("aes"), keys.add("totp")
    keys._ring.cache_clear()
    newest = {purpose: keys.mark_of(keys.ring().current(purpose)) for purpose in ("aes", "totp")}  # type: ignore[arg-type]

    def left() -> int:
        with services.scoped(token):
            return sum(one.held for one in resealing.counts() if one.mark != newest[one.purpose])

    total = left()
    assert total >= 70
    with pytest.raises(services.PermissionMissing):  # she herself never gets a value, only a job does
        reseal_values.run(token=token, at=NOW)
    from khana.access.selectors import me

    def job_token() -> str:
        with services.scoped(token):
            actor = me()
            assert actor is not None
            run = jobs.enqueue(kind="reseal_values", arguments={}, actor=actor, at=NOW)
        return services.adopt_job(job=run)

    steps = 0

    def killed(done: int, total: int, phase: str) -> None:
        nonlocal steps
        steps += 1
        if steps == 9:
            raise Cancelled("killed")

    with pytest.raises(Cancelled):
        reseal_values.run(token=job_token(), progress=killed, at=NOW)
    assert 0 < left() < total
    done = reseal_values.run(token=job_token(), at=NOW)
    assert (left(), done["files"]) == (0, 1)
    assert done["values"] < total, "what was done before the kill is not done again"
    for column in columns:
        for (value,) in root.execute(
            f"SELECT {column.named} FROM {column.place} WHERE {column.named} IS NOT NULL"
        ).fetchall():  # type: ignore[arg-type]
            assert keys.decrypt(bytes(value), column.purpose).decode().startswith(column.place)
    with files.open(kept.sha256) as handle:
        assert handle.read() == b"a list that arrived"
    assert files.closed_with_older_keys() == []
    keys.retire("aes", 1)
    filled = [
        one for one in columns if root.execute(f"SELECT 1 FROM {one.place} WHERE {one.named} IS NOT NULL").fetchone()
    ]  # type: ignore[arg-type]
    for column in filled[:3]:
        (value,) = root.execute(
            f"SELECT {column.named} FROM {column.place} WHERE {column.named} IS NOT NULL LIMIT 1"
        ).fetchone()  # type: ignore[arg-type, misc]
        assert keys.decrypt(bytes(value), column.purpose)
    assert before.keys["aes"][0] not in keys.ring().keys["aes"]


def test_only_a_key_owners_job_gets_ciphertext(world: World, as_role) -> None:  # type: ignore[no-untyped-def]
    as_role("worker")
    for user in ("steward", "admin", "auditor", "protector"):
        with services.scoped(world.tokens[user]):
            for call in (
                lambda: resealing.counts(),
                lambda: services.call("reseal_take", "registry_identifier", "ciphertext", b"xxxx", None, 5),
            ):
                with pytest.raises(services.PermissionMissing):
                    from django.db import transaction

                    with transaction.atomic():
                        call()


def test_another_process_opens_what_a_new_key_closed(ring: Path) -> None:
    closed_before = keys.encrypt(b"old")
    other = keys.ring()  # what a web server read when it started
    keys.add("aes")
    closed_after = keys.encrypt(b"new")
    assert closed_before[1:5] != closed_after[1:5]
    keys._ring.cache_clear()
    import functools

    fresh = keys._ring

    calls = []

    @functools.lru_cache(maxsize=4)
    def stale(where: str, given: str) -> keys.Ring:
        calls.append(1)
        return other if len(calls) == 1 else fresh(where, given)

    keys._ring = stale  # type: ignore[assignment]
    try:
        assert keys.decrypt(closed_before) == b"old"
        assert keys.decrypt_many([closed_before, closed_after]) == [b"old", b"new"]
        assert len(calls) == 2, "the ring is read again once"
    finally:
        keys._ring = fresh
