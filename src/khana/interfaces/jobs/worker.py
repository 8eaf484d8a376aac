"""The worker process: takes runs from the queue, one at a time, as the role `khana_worker`.

Started by `khana worker` as a process of its own (`python -m khana.interfaces.jobs`), so
that it holds its own secret only. A stop signal ends the running work at its next progress
point and puts it back; a kill leaves it to the next worker, which sees that its heart stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import uuid
from collections.abc import Iterator

WATCH_SECONDS = 5.0
STOP_SECONDS = 8.0
NIGHT = (1, 5)
ORDER_SECONDS = 600.0
MOST_LEFTOVERS = 20  # more are no killed loads: the database may be older than the folder, after a restore
ERASES_AT = 20  # UTC: after midnight where Khana is used
TELL_SECONDS = 30.0
_FORGET = (
    "UPDATE procrastinate_jobs SET status = 'failed' "
    "WHERE status = 'doing' AND worker_id IS NULL AND task_name = 'khana.run'"
)
_log = logging.getLogger("khana.worker")


@contextlib.contextmanager
def _tried(failure: str) -> Iterator[None]:
    """Let what stands inside fail without ending the worker, which tries again: the log has the failure and a code, no text of it."""
    from django.db import connection

    from khana.interfaces.errors import translate
    from khana_methods.errors import KhanaError

    try:
        yield
    except Exception as error:
        known = error if isinstance(error, KhanaError) else translate(error)
        _log.error("%s: %s", failure, known.code if known else type(error).__name__)
    finally:
        connection.close()


def recover() -> None:
    """Queue stale runs again, forget what a dead worker held, and seal the event log."""
    from django.db import connection

    from khana.audit import services as audit
    from khana.platform import clock, jobs

    with _tried("the watch failed"):
        resumed = jobs.requeue_stale(at=clock.now())
        with connection.cursor() as cursor:
            cursor.execute(_FORGET)
        audit.seal_events()
        for run_uuid in resumed:
            _log.warning("job %s is resumed", run_uuid)


def keep_order() -> None:
    """Close idle users and look for unusual reading, every ten minutes."""
    from khana.access import offices

    with _tried("keeping order failed"):
        closed, raised = offices.close_idle(), offices.watch(os.environ.get("KHANA_TIME_ZONE", "UTC"))
        if closed or raised:
            _log.warning("%s idle users closed, %s alarms raised", closed, raised)


def erase_over() -> None:
    """Erase what is over, rule by rule; each step stands by itself, and what failed is tried again."""
    from khana.access import retention
    from khana.platform import clock

    with _tried("erasing failed"):
        erased = {
            rule: rows for rule, rows in retention.run(at=clock.now(), most_leftovers=MOST_LEFTOVERS).items() if rows
        }
        if erased:
            _log.warning("erased by rule: %s", erased)


def expire_extracts() -> None:
    """Let extracts expire that partners have had their days to fetch; what failed is tried again."""
    from khana.platform import clock
    from khana.sharing.services import extracts

    with _tried("extracts did not expire"):
        expired = extracts.expire(at=clock.now())
        if expired:
            _log.warning("%s extracts expired", expired)


def _erase(stopping: threading.Event) -> None:
    """Erase at night in a thread of its own: a long list must not hold the watch."""
    from khana.platform import clock

    while not stopping.wait(ORDER_SECONDS):
        if clock.now().hour == ERASES_AT:
            expire_extracts()
            erase_over()


def fetch_keys() -> None:
    """Fetch the keys of the government's sign-in provider, where one is set; a provider that is away is asked again later."""
    from khana.access import provider

    with _tried("the provider's keys were not fetched"):
        provider.refresh()


def ask_nightly(hour: int | None = None) -> bool:
    """Between one and five at night queue the checks of the day's filled forms; once a day. Say whether they were queued."""
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from khana.intake.services import reviews
    from khana.platform import clock

    now = clock.now()
    here = now.astimezone(ZoneInfo(os.environ.get("KHANA_TIME_ZONE", "UTC"))) if hour is None else now.astimezone(UTC)
    if hour is None and os.environ.get("KHANA_ENV") in ("test", "bench"):
        return False  # a test that runs at night is not to find other people's work in its queue
    if not NIGHT[0] <= (here.hour if hour is None else hour) < NIGHT[1]:
        return False
    with _tried("the nightly checks were not queued"):
        return reviews.ask_for_tonight(at=now)
    return False


def ask_matching(*, in_tests: bool = False) -> bool:
    """When the worker starts, queue a run over the register where a model is in use and nothing is laid out. Say whether it was."""
    from khana.linkage.services import compare_once
    from khana.platform import clock

    if os.environ.get("KHANA_ENV") in ("test", "bench") and not in_tests:
        return False  # a test is not to find other people's work in its queue
    with _tried("matching was not queued"):
        return compare_once.ask_where_missing(at=clock.now())
    return False


def _watch(stopping: threading.Event) -> None:
    rounds = 0
    while not stopping.wait(WATCH_SECONDS):
        recover()
        if rounds == 0:
            ask_matching()
        if rounds % int(ORDER_SECONDS / WATCH_SECONDS) == 0:
            keep_order()
            fetch_keys()
            ask_nightly()
        rounds += 1


def tell_subscribers() -> None:
    """Tell partners what they subscribed to; a failure is told and the next round tries again."""
    from khana.platform import clock
    from khana.sharing.services import notifying

    with _tried("telling subscribers failed"):
        notifying.sweep(at=clock.now())


def _tell(stopping: threading.Event) -> None:
    """Tell subscribers in a thread of its own: a partner that is slow must not hold the watch."""
    while not stopping.wait(TELL_SECONDS):
        tell_subscribers()


async def _serve(stopping: threading.Event, *, wait: bool) -> None:
    from django.db import connection
    from procrastinate import App
    from procrastinate.contrib.django.utils import connector_params
    from procrastinate.psycopg_connector import PsycopgConnector

    from khana.interfaces.jobs.work import work
    from khana.platform import jobs

    app = App(connector=PsycopgConnector(kwargs=connector_params()))

    @app.task(name=jobs.TASK, queue=jobs.QUEUE)
    def run_job(run: str, **_ignored: object) -> None:
        try:
            work(uuid.UUID(run), is_stopping=stopping.is_set)
        finally:
            connection.close()

    async with app.open_async():
        serving = asyncio.create_task(
            app.run_worker_async(
                queues=[jobs.QUEUE], wait=wait, concurrency=1, install_signal_handlers=False,
                shutdown_graceful_timeout=STOP_SECONDS, delete_jobs="successful",
                fetch_job_polling_interval=2.0,
            )
        )  # fmt: skip

        def stop() -> None:
            stopping.set()
            serving.cancel()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        with contextlib.suppress(asyncio.CancelledError):
            await serving


def main(*, wait: bool = True) -> None:
    """Serve the queue until a stop signal; with `wait=False` until it is empty."""
    os.environ["KHANA_DB_ROLE"] = "worker"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "khana_settings.settings")
    import django

    django.setup()
    recover()
    stopping = threading.Event()
    watching = threading.Thread(target=_watch, args=(stopping,), daemon=True)
    watching.start()
    threading.Thread(target=_tell, args=(stopping,), daemon=True).start()
    threading.Thread(target=_erase, args=(stopping,), daemon=True).start()
    try:
        asyncio.run(_serve(stopping, wait=wait))
    finally:
        stopping.set()
    sys.stdout.flush()
    os._exit(0)  # a thread in a long statement must not hold the process: its run is resumed
