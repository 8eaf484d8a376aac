"""Long work as job runs: ask, start, tell progress, cancel, finish, resume.

A *run* is one row that pages read; the queue holds only its number. Progress and heartbeats are
committed on a short connection of their own, so that others see them while the transaction of
the work is open, and so that a rolled-back work still says why. Work is idempotent: a run whose
heartbeat stopped (a kill, a power cut) is queued again and starts from the beginning of its work.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

import psycopg
from django.db import connection, transaction
from procrastinate import App
from procrastinate.contrib.django.django_connector import DjangoConnector

from khana.platform import clock
from khana.platform.models import JobRun
from khana.platform.progress import Cancelled
from khana_methods.errors import Conflict, NotFound

QUEUE = "khana"
TASK = "khana.run"
BEAT_SECONDS = 3.0
STALE_SECONDS = 20.0
TOLD_EVERY_SECONDS = 0.4


class JobNotFound(NotFound):
    """No run has that number."""

    code: ClassVar[str] = "platform.job.not_found"


class JobMoved(Conflict):
    """The run is no longer in a state from which this is possible."""

    code: ClassVar[str] = "platform.job.moved"


class Asker(Protocol):
    """Who asks for the work: the actor of the open scope."""

    @property
    def id(self) -> int:
        """Return the number of the user."""

    @property
    def username(self) -> str:
        """Return the name to show."""


def queue_app() -> App:
    """Return the queue on Django's own connection: what is put in it commits with the caller."""
    return App(connector=DjangoConnector(alias="default"))


def _defer(run_uuid: uuid.UUID) -> None:
    queue_app().configure_task(TASK, allow_unknown=True, queue=QUEUE).defer(run=str(run_uuid))


def enqueue(*, kind: str, arguments: Mapping[str, Any], actor: Asker, at: datetime) -> uuid.UUID:
    """Ask for one piece of long work; it starts when the caller's transaction has committed.

    Args:
        kind: Name of the work, as the registry of jobs knows it.
        arguments: Codes, dates, ids and hashes; never a name or a number of a person.
        actor: Who asks; the work runs in her scope.
        at: When she asked.

    Returns:
        The number of the run, for pages and machines.
    """
    with transaction.atomic():
        run = JobRun.objects.create(
            kind=kind, arguments=dict(arguments), actor_id=actor.id, actor_label=actor.username, queued_at=at
        )
        _defer(run.uuid)
    return run.uuid


def get(run_uuid: uuid.UUID | str) -> JobRun:
    """Return one run.

    Raises:
        JobNotFound: No run has that number.
    """
    try:
        return JobRun.objects.get(uuid=uuid.UUID(str(run_uuid)))
    except (JobRun.DoesNotExist, ValueError):
        raise JobNotFound("No job has that number. Look at the list of jobs.", uuid=str(run_uuid)) from None


def _sources(to: JobRun.State) -> list[str]:
    return [str(state) for state, targets in JobRun.TRANSITIONS.items() if to in targets]


def _move(run_uuid: uuid.UUID, to: JobRun.State, *, source: list[str] | None = None, **fields: Any) -> None:
    moved = JobRun.objects.filter(uuid=run_uuid, state__in=source or _sources(to)).update(state=to, **fields)
    if not moved:
        state = get(run_uuid).state
        raise JobMoved(f"The job is {state.lower()}: it cannot become {to.lower()}.", uuid=str(run_uuid), state=state)


def start(run_uuid: uuid.UUID, *, at: datetime) -> JobRun:
    """Take one queued run for this worker.

    Raises:
        JobMoved: Another worker has it, or it was cancelled while it waited.
    """
    _move(
        run_uuid, JobRun.State.RUNNING, started_at=at, heartbeat_at=at, ended_at=None, error_code="",
        message="", phase="", progress_done=0, progress_total=0,
    )  # fmt: skip
    return get(run_uuid)


def finish(run_uuid: uuid.UUID, *, result: Mapping[str, Any], at: datetime) -> None:
    """Close one run as done, with counts and codes for the page."""
    _move(
        run_uuid,
        JobRun.State.DONE,
        result=json.loads(json.dumps(result, default=str)),
        ended_at=at,
        message="",
        cancel_requested=False,
    )


def fail(run_uuid: uuid.UUID, *, code: str, message: str, at: datetime) -> None:
    """Close one run as failed; the message is one of ours and holds no personal value."""
    _move(run_uuid, JobRun.State.FAILED, error_code=code, message=message, ended_at=at)


def close_cancelled(run_uuid: uuid.UUID, *, at: datetime) -> None:
    """Close one run that stopped because it was asked to."""
    _move(run_uuid, JobRun.State.CANCELLED, ended_at=at, error_code=Cancelled.code, cancel_requested=False)


def request_cancel(run_uuid: uuid.UUID | str, *, at: datetime) -> None:
    """Ask one run to stop: at once if it waits, at its next progress point if it runs.

    Raises:
        JobMoved: It has ended already.
    """
    with transaction.atomic():
        run = get(run_uuid)
        waiting = JobRun.objects.filter(uuid=run.uuid, state=JobRun.State.QUEUED)
        if waiting.update(state=JobRun.State.CANCELLED, ended_at=at, error_code=Cancelled.code):
            return
        if not JobRun.objects.filter(uuid=run.uuid, state=JobRun.State.RUNNING).update(cancel_requested=True):
            raise JobMoved(
                "The job has ended already: there is nothing to cancel.", uuid=str(run.uuid), state=run.state
            )


def retry(run_uuid: uuid.UUID | str, *, at: datetime) -> None:
    """Queue one failed or cancelled run again, with the same arguments and in the same scope.

    Args:
        run_uuid: The run.
        at: When; until then nothing has a heartbeat to be missed.

    Raises:
        JobMoved: It waits, runs or is done.
    """
    with transaction.atomic():
        run = get(run_uuid)
        again = [JobRun.State.FAILED.value, JobRun.State.CANCELLED.value]
        _move(run.uuid, JobRun.State.QUEUED, source=again, cancel_requested=False, ended_at=None, heartbeat_at=at)
        _defer(run.uuid)


def give_back(run_uuid: uuid.UUID) -> None:
    """Queue one running run again because its worker is stopping."""
    with transaction.atomic():
        _move(run_uuid, JobRun.State.QUEUED, source=[JobRun.State.RUNNING.value])
        _defer(run_uuid)


def requeue_stale(*, at: datetime, stale_seconds: float = STALE_SECONDS) -> list[uuid.UUID]:
    """Queue again every running run whose heartbeat stopped; return their numbers.

    A run that was asked to stop is closed as cancelled instead.
    """
    limit = at - timedelta(seconds=stale_seconds)
    resumed: list[uuid.UUID] = []
    with transaction.atomic():
        stale = JobRun.objects.select_for_update(of=("self",), skip_locked=True).filter(
            state=JobRun.State.RUNNING, heartbeat_at__lt=limit
        )
        for run in stale.order_by("id"):
            if run.cancel_requested:
                close_cancelled(run.uuid, at=at)
                continue
            give_back(run.uuid)
            resumed.append(run.uuid)
    return resumed


def is_waiting(*, kind: str, actor_id: int) -> bool:
    """Tell whether a job of a kind that this user asked for has not begun yet."""
    return JobRun.objects.filter(kind=kind, state=JobRun.State.QUEUED, actor_id=actor_id).exists()


def last_done(*, kind: str, actor_id: int) -> JobRun | None:
    """Return the newest finished job of a kind that this user asked for."""
    found = JobRun.objects.filter(kind=kind, state=JobRun.State.DONE, actor_id=actor_id)
    return found.order_by("-id").first()


def list_runs(*, limit: int = 50, actor_id: int | None = None) -> list[JobRun]:
    """Return the newest runs first, of one asker or of all."""
    runs = JobRun.objects.all() if actor_id is None else JobRun.objects.filter(actor_id=actor_id)
    return list(runs.order_by("-id")[:limit])


def short_connection() -> psycopg.Connection[tuple[Any, ...]]:
    """Open a second connection as this process's role: it commits apart from Django's."""
    parameters = dict(connection.get_connection_params())
    for name in ("cursor_factory", "context", "pool", "autocommit"):
        parameters.pop(name, None)
    return psycopg.connect(**parameters, autocommit=True)


_TELL = (
    "UPDATE platform_jobrun SET progress_done = %s, progress_total = %s, phase = %s, heartbeat_at = %s "
    "WHERE uuid = %s AND state = 'RUNNING' RETURNING cancel_requested"
)
_BEAT = "UPDATE platform_jobrun SET heartbeat_at = %s WHERE uuid = %s AND state = 'RUNNING'"


class Reporter:
    """Tells one run's progress, keeps its heart beating, and raises `Cancelled` when asked to.

    Used as a context manager around the work; itself is the `progress` that the work calls.
    """

    def __init__(self, run_uuid: uuid.UUID, *, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """Remember the run; connections open with the context."""
        self._uuid = run_uuid
        self._is_stopping = is_stopping
        self._over = threading.Event()
        self._told_at = 0.0
        self._phase = ""

    def __enter__(self) -> Reporter:
        """Open the two short connections and start the heartbeat."""
        self._connection = short_connection()
        self._beating = threading.Thread(target=self._beat, args=(short_connection(),), daemon=True)
        self._beating.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop the heartbeat and close both connections."""
        self._over.set()
        self._beating.join(timeout=BEAT_SECONDS)
        self._connection.close()

    def __call__(self, done: int, total: int, phase: str) -> None:
        """Commit how far the work is, a few times a second at most and at each new phase.

        Raises:
            Cancelled: Somebody asked the run to stop, or the worker itself is stopping.
        """
        if self._is_stopping():
            raise WorkerStopping("The worker is stopping; the job goes on when it starts again.", uuid=str(self._uuid))
        moment = time.monotonic()
        if phase == self._phase and done != total and moment - self._told_at < TOLD_EVERY_SECONDS:
            return
        self._told_at, self._phase = moment, phase
        row = self._connection.execute(_TELL, [done, total, phase, clock.now(), self._uuid]).fetchone()
        if row is None or row[0]:
            raise Cancelled("The job was cancelled; nothing of it was written.", uuid=str(self._uuid))

    def _beat(self, beating: psycopg.Connection[tuple[Any, ...]]) -> None:
        with beating:
            while not self._over.wait(BEAT_SECONDS):
                try:
                    beating.execute(_BEAT, [clock.now(), self._uuid])
                except psycopg.Error:
                    return  # the database went away: the work finds out by itself, the run is resumed later


class WorkerStopping(Cancelled):
    """The worker was told to stop; the run goes back into the queue."""

    code: ClassVar[str] = "platform.job.worker_stopping"
