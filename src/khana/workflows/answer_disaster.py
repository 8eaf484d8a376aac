"""Answer a disaster: families of the notified areas by score or damage, drawn in minutes, and again for the missed.

Whoever stands selected on a list of the same event is left out before the draw, by family and by person; the
database refuses a second benefit even where two draws run at once. The missed are registered as anybody else (with their
own reason) and come with the next draw.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from khana.access import services as access
from khana.platform.progress import Progress, silent
from khana.programmes import lists
from khana.workflows import draw_list
from khana.workflows.draw_list import Wish


def run(
    *, token: str, event: str, wish: Wish, as_of: date | None = None, progress: Progress = silent, at: datetime
) -> dict[str, Any]:
    """Draw a list for an event; see `draw_list.run`. Without places or budget every family is drawn.

    Raises:
        EventUnknown: No such disaster was notified.
    """
    with access.scoped(token):
        known = lists.get_event(event)
        number = (
            len([one for one in lists.list_lists(programme=known.programme, limit=1000) if one.event_id == known.id])
            + 1
        )
    code = wish.code or f"{event}-{number}"
    seed = wish.seed or f"{event}-{number}"
    wanted = replace(
        wish, programme=known.programme, code=code, seed=seed, title=wish.title or known.title, reserve=wish.reserve
    )
    return draw_list.run(token=token, wish=wanted, as_of=as_of, event=event, progress=progress, at=at)


def draw(*, token: str, event: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Draw for an event by the catalogue's terms, as a page asks for it: every family of the notified areas that may have it.

    Raises:
        EventUnknown: No such disaster was notified.
    """
    return run(token=token, event=event, wish=Wish(programme="", leave_out_recipients=False), progress=progress, at=at)
