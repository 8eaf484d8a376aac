"""One run from start to end: adopt its asker's scope, call the workflow, close the run.

Failures are classed here: one of ours closes the run with its code and sentence; a database
that went away leaves the run to be resumed; anything else is a mistake of ours and says so.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

from django.db import DatabaseError

from khana.access import services as access
from khana.interfaces.errors import translate
from khana.interfaces.jobs import registry
from khana.platform import clock, jobs
from khana.platform.progress import Cancelled
from khana_methods.errors import KhanaError, Unavailable

_log = logging.getLogger(__name__)
OUR_MISTAKE = "interfaces.jobs.our_mistake"


def work(run_uuid: uuid.UUID, *, is_stopping: Callable[[], bool] = lambda: False) -> None:
    """Do the work of one queued run and close it; does nothing if somebody else has it.

    Raises:
        Unavailable: The database went away. The run stays as it is and is resumed later.
    """
    try:
        run = jobs.start(run_uuid, at=clock.now())
    except jobs.JobMoved:
        return
    try:
        kind = registry.get(run.kind)
        keywords = registry.as_keywords(run.arguments)
        token = access.adopt_job(job=run.uuid)
        try:
            with jobs.Reporter(run.uuid, is_stopping=is_stopping) as progress:
                if kind.tells_progress:
                    keywords["progress"] = progress
                if kind.opens_scope:
                    result = kind.load()(token=token, **keywords, at=clock.now())
                else:
                    with access.scoped(token):
                        result = kind.load()(**keywords, at=clock.now())
        finally:
            _give_up(token)
        jobs.finish(run.uuid, result=result, at=clock.now())
    except jobs.WorkerStopping:
        jobs.give_back(run.uuid)
    except Cancelled:
        jobs.close_cancelled(run.uuid, at=clock.now())
    except Exception as error:
        _close_failed(run.uuid, error)


def _give_up(token: str) -> None:
    try:
        access.sign_out(token=token)
    except DatabaseError as error:  # the session ends by itself; what happened before matters more
        _log.warning("a job's session was left to end by itself: %s", type(error).__name__)


def _close_failed(run_uuid: uuid.UUID, error: Exception) -> None:
    known = error if isinstance(error, KhanaError) else translate(error)
    if known is None:
        _log.error("job %s: a mistake of ours: %s", run_uuid, type(error).__name__)
        message = f"A mistake of ours ({type(error).__name__}). Nothing was half-written; try again or tell us."
        jobs.fail(run_uuid, code=OUR_MISTAKE, message=message, at=clock.now())
        return
    if isinstance(known, Unavailable) and known.code == "interfaces.database_gone":
        raise known from error
    jobs.fail(run_uuid, code=known.code, message=known.message, at=clock.now())
