"""Notify a disaster: its programme, days, and areas by P-codes or by an outline that is held against the areas' own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from django.db import IntegrityError, transaction

from khana.access import selectors
from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.programmes import catalogue
from khana.programmes.models import DisasterEvent
from khana_methods.errors import Conflict, InputError


class EventInvalid(InputError):
    """A notification names its number, its days and areas that exist."""

    code: ClassVar[str] = "programmes.disaster.invalid"


class EventThere(Conflict):
    """A disaster of that code was notified already; a further notification is another one."""

    code: ClassVar[str] = "programmes.disaster.there"


@transaction.atomic
def notify(
    *, code: str, title: str, programme: str, notification: str, starts_on: date, ends_on: date | None = None,
    areas: Sequence[str] = (), outline: Mapping[str, Any] | None = None, level: int = 2, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Keep a notification; with an outline, the areas of a level that it covers in good part are notified.

    Args:
        code: Short, such as FLOOD-2022.
        title: In words.
        programme: The programme that answers it.
        notification: Number and day of the notification.
        starts_on: First day.
        ends_on: Last day, where it is known.
        areas: P-codes.
        outline: GeoJSON (a geometry, a feature or a collection), EPSG:4326.
        level: Of the areas that the outline is held against.
        at: When.

    Raises:
        EventInvalid: Nothing is notified, an area is unknown, or the days lie the wrong way round.
        EventThere: The code is taken.
    """
    access.require("lists.draw", everywhere=True)
    entry = catalogue.entry_of(programme)
    if (ends_on is not None and ends_on < starts_on) or len(notification.strip()) < 3:
        raise EventInvalid("A notification has a number, a first day, and a last day that does not come before it.")
    named = list(dict.fromkeys(areas))
    unknown = sorted(set(named) - set(geo.paths_of(named)))
    if unknown:
        raise EventInvalid(
            f"No areas are called {', '.join(unknown[:10])}. `khana areas list` shows the codes.", areas=unknown
        )
    if outline:
        named = sorted({*named, *geo.areas_under(outline, level=level)})
    if not named:
        raise EventInvalid("Say where: P-codes, or an outline that covers an area.")
    actor = selectors.me()
    try:
        with transaction.atomic():
            row = DisasterEvent.objects.create(
                code=code, title=title, programme=programme, agency=entry["agency"], notification=notification.strip(),
                areas=named, outline=dict(outline or {}), starts_on=starts_on, ends_on=ends_on, created_by=access.actor_id(),
                created_label=actor.username if actor else "", created_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        raise EventThere(f"A disaster {code} was notified already.", event=code) from error
    audit.record(action="programmes.disaster.notified", subject=f"event:{code}", details={"areas": len(named)}, at=at)
    return {"event": code, "areas": named, "id": row.pk}
