"""Ask for one run over the whole register where a model is in use and nothing that this version can read is laid out for it.

So it is after an upgrade that reads names otherwise, after a move to another machine, or when a model came into use and nobody
asked: until then the desk looks by number and by like words only. Only the worker process may open the session.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from khana.access import selectors as who
from khana.access import services as access
from khana.linkage import laid_out, selectors
from khana.platform import jobs

KIND = "linkage_run"
_AGAIN = timedelta(days=1)  # a run that failed is asked for again on another day, at the next start


def ask_where_missing(*, at: datetime) -> bool:
    """Queue a whole run in the worker's own name; say whether it was queued now.

    Nothing is queued where no model is in use, where the register is laid out for the model, where a whole run waits or goes on
    already, or where this asked within a day.
    """
    token = str(access.call("linkage_open_matching")[0][0])
    try:
        with access.scoped(token):
            me, found = who.me(), selectors.find_active_card()
            if me is None or found is None or _is_laid_out(found[0]):
                return False
            for run in jobs.list_runs(limit=200):
                mine = run.actor_id == me.id and run.queued_at > at - _AGAIN
                if run.kind == KIND and (run.ended_at is None or mine):
                    return False
            jobs.enqueue(kind=KIND, arguments={}, actor=me, at=at)
            return True
    finally:
        access.sign_out(token=token)


def _is_laid_out(model_id: int) -> bool:
    try:
        return int(laid_out.open_register().base["model"]) == model_id
    except laid_out.NotLaidOut:
        return False
