"""Job runs on a real database: transactional asking, visible progress, cancel, resume."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from khana.access import selectors
from khana.access import services as access
from khana.interfaces.jobs.work import work
from khana.platform import clock, jobs
from khana.platform.models import JobRun
from khana.platform.progress import Cancelled, Progress

AT = datetime(2026, 4, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def steward(tokens) -> str:  # type: ignore[no-untyped-def]
    return tokens("data_steward")


@pytest.fixture(autouse=True)
def worker(as_role) -> Iterator[None]:  # type: ignore[no-untyped-def]
    as_role("worker")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


@pytest.fixture
def ask(steward: str) -> Callable[..., uuid.UUID]:
    def _ask(kind: str = "consolidate", **arguments: object) -> uuid.UUID:
        with access.scoped(steward):
            return jobs.enqueue(kind=kind, arguments=arguments, actor=selectors.me(), at=clock.now())  # type: ignore[arg-type]

    return _ask


def queued() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
        return cursor.fetchone()[0]  # type: ignore[index,no-any-return]


def test_asking_commits_or_vanishes_with_the_caller(ask) -> None:
    before = JobRun.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ask()
        raise ZeroDivisionError
    assert (JobRun.objects.count(), queued()) == (before, 0)
    ask()
    assert (JobRun.objects.count(), queued()) == (before + 1, 1)


def test_the_web_role_may_ask_in_its_own_name_only(as_role, steward, tokens, ask) -> None:
    number = ask()
    as_role("web")
    with access.scoped(steward):
        assert jobs.get(number).state == "QUEUED"
        mine = jobs.enqueue(kind="consolidate", arguments={}, actor=selectors.me(), at=clock.now())
    stranger = tokens("registrar")
    with access.scoped(stranger), pytest.raises(jobs.JobNotFound):
        jobs.get(mine)
    as_role("web")
    somebody = SimpleNamespace(id=jobs_actor(steward), username="steward")
    with pytest.raises(access.OutsideScope), access.scoped(stranger):
        jobs.enqueue(kind="consolidate", arguments={}, actor=somebody, at=clock.now())
    as_role("worker")


def jobs_actor(token: str) -> int:
    with access.scoped(token):
        return access.actor_id()


def test_progress_is_seen_while_the_work_is_open(ask, connect) -> None:  # type: ignore[no-untyped-def]
    number = ask()
    jobs.start(number, at=clock.now())
    watcher = connect("worker", autocommit=True)
    with jobs.Reporter(number) as progress, transaction.atomic():
        progress(10, 100, "reading")
        row = watcher.execute(
            "SELECT progress_done, progress_total, phase FROM platform_jobrun WHERE uuid = %s", [number]
        ).fetchone()
    assert row == (10, 100, "reading")


def test_cancel_stops_at_the_next_progress_point(ask) -> None:
    number = ask()
    jobs.start(number, at=clock.now())
    with jobs.Reporter(number) as progress:
        progress(1, 10, "reading")
        jobs.request_cancel(number, at=clock.now())
        with pytest.raises(Cancelled):
            progress(2, 10, "matching")
    jobs.close_cancelled(number, at=clock.now())
    assert jobs.get(number).state == "CANCELLED"
    jobs.retry(number, at=clock.now())
    assert jobs.get(number).state == "QUEUED"


def test_cancel_of_a_waiting_run_and_of_an_ended_one(ask) -> None:
    number = ask()
    jobs.request_cancel(number, at=AT)
    assert jobs.get(number).state == "CANCELLED"
    with pytest.raises(jobs.JobMoved):
        jobs.start(number, at=AT)
    with pytest.raises(jobs.JobMoved):
        jobs.request_cancel(number, at=AT)


def test_a_run_whose_heart_stopped_is_queued_again(ask) -> None:
    number = ask()
    jobs.start(number, at=AT)
    assert number not in jobs.requeue_stale(at=AT + timedelta(seconds=5))
    assert number in jobs.requeue_stale(at=AT + timedelta(minutes=1))
    assert jobs.get(number).state == "QUEUED"
    assert queued() == 2


def test_done_stays_done(ask) -> None:
    number = ask()
    jobs.start(number, at=AT)
    jobs.finish(number, result={"rows": 3}, at=AT)
    assert jobs.get(number).result == {"rows": 3}
    with pytest.raises(jobs.JobMoved):
        jobs.fail(number, code="x", message="y", at=AT)


def test_no_such_run() -> None:
    with pytest.raises(jobs.JobNotFound):
        jobs.get("not-a-number")


def test_work_runs_in_the_scope_of_who_asked(ask, tokens, steward, monkeypatch) -> None:
    seen: dict[str, object] = {}

    def workflow(*, token: str, progress: Progress, at: datetime, word: str) -> dict[str, object]:
        with access.scoped(token):
            seen["actor"] = access.actor_id()
        progress(1, 2, "reading")
        return {"word": word, "at": at}

    monkeypatch.setattr("khana.workflows.consolidate.run", workflow)
    number = ask(word="once")
    work(number)
    run = jobs.get(number)
    assert (run.state, run.result["word"], run.phase) == ("DONE", "once", "reading")
    assert seen["actor"] == jobs_actor(steward) == run.actor_id
    work(number)  # a second worker that got the same number does nothing
    assert jobs.get(number).state == "DONE"


def test_failures_are_classed(ask, monkeypatch) -> None:
    def refused(**_: object) -> None:
        raise access.PermissionMissing("You may not do this.")

    def broken(**_: object) -> None:
        raise ZeroDivisionError("secret value 8220312345671")

    for function, code in ((refused, "access.permission.missing"), (broken, "interfaces.jobs.our_mistake")):
        monkeypatch.setattr("khana.workflows.consolidate.run", function)
        number = ask()
        work(number)
        run = jobs.get(number)
        assert (run.state, run.error_code) == ("FAILED", code)
        assert "secret" not in run.message
    unknown = ask(kind="no_such_kind")
    work(unknown)
    assert jobs.get(unknown).error_code == "interfaces.jobs.unknown_kind"


def test_cancelled_work_is_rolled_back_and_closed(ask, monkeypatch) -> None:
    def workflow(*, token: str, progress: Progress, **_: object) -> dict[str, object]:
        progress(1, 9, "reading")
        jobs.request_cancel(numbers[0], at=clock.now())
        progress(9, 9, "reading")
        return {}

    monkeypatch.setattr("khana.workflows.consolidate.run", workflow)
    numbers = [ask()]
    work(numbers[0])
    assert jobs.get(numbers[0]).state == "CANCELLED"


def test_a_stopping_worker_gives_its_run_back(ask, monkeypatch) -> None:
    monkeypatch.setattr("khana.workflows.consolidate.run", lambda *, progress, **_: progress(1, 9, "reading"))
    number = ask()
    work(number, is_stopping=lambda: True)
    assert jobs.get(number).state == "QUEUED"


def test_the_worker_process_takes_the_queue_and_ends(ask, database) -> None:
    number = ask(kind="no_such_kind")
    environment = {**os.environ, "KHANA_DB_ROLE": "worker", "PYTHONPATH": "src"}
    done = subprocess.run(
        [sys.executable, "-m", "khana", "worker", "--once"],
        env=environment,
        timeout=60,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert jobs.get(number).error_code == "interfaces.jobs.unknown_kind"


def worker_once(**more: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "KHANA_DB_ROLE": "worker", "PYTHONPATH": "src", **more}
    command = [sys.executable, "-m", "khana.interfaces.jobs", "--once"]
    return subprocess.run(command, env=environment, timeout=90, check=False, capture_output=True)


def test_a_killed_worker_loses_nothing_and_the_next_one_goes_on(ask) -> None:
    number = ask()
    killed = worker_once(KHANA_FAULT="consolidate.started")
    assert killed.returncode == -9
    assert jobs.get(number).state == "RUNNING"
    JobRun.objects.filter(uuid=number).update(heartbeat_at=clock.now() - timedelta(minutes=1))
    done = worker_once()
    assert done.returncode == 0, done.stderr
    run = jobs.get(number)
    assert (run.state, run.error_code, run.message) == ("DONE", "", "")
