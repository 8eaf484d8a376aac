"""What phones carry beside a form: the households assigned to an enumerator, the areas within her reach.

Both are tables of texts in a fixed order, so that the same content has the same hash and is not loaded twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from django.db.models import Q

from khana.access import services as access
from khana.geo import lists as geo
from khana.intake.models import Assignment, Entity, Submission

PROPERTIES = ("household_number", "head_name", "village_name", "members")
HOUSEHOLDS, AREAS = "households.csv", "areas.csv"
Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def assigned_areas(on: date) -> list[str]:
    """Return the areas whose households the actor carries on a day."""
    mine = Assignment.objects.filter(user_id=access.actor_id(), valid_from__lte=on)
    mine = mine.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=on))
    return sorted(set(mine.values_list("area_path", flat=True)))


def household_table(on: date) -> Table:
    """Return the actor's households as the entity list of ODK: name, label, version, properties."""
    header = ("name", "label", "__version", *PROPERTIES)
    within = Q()
    paths = assigned_areas(on)
    if not paths:
        return header, []
    for path in paths:
        within |= Q(area_path__startswith=path)
    rows = Entity.objects.filter(within).order_by("label", "uuid").values_list("uuid", "label", "version", "properties")
    return header, [
        (str(uid), label, str(version), *(str(properties.get(name) or "") for name in PROPERTIES))
        for uid, label, version, properties in rows
    ]


def one_household(uid: str) -> Table:
    """Return the list with one household of the reader's area, for the desk; empty where there is none."""
    header = ("name", "label", "__version", *PROPERTIES)
    try:
        found = Entity.objects.filter(uuid=uuid.UUID(uid)).first()
    except ValueError:
        found = None
    if found is None:
        return header, []
    values = (str(found.properties.get(name) or "") for name in PROPERTIES)
    return header, [(str(found.uuid), found.label, str(found.version), *values)]


def area_table(reach: Sequence[str], language: str) -> Table:
    """Return the areas under some areas, with those above them: name is the code, with level and parent."""
    rows = geo.areas_within(reach, language)
    return ("name", "label", "level", "parent"), [
        (row.code, row.called_both(language), str(row.level), row.parent_code) for row in rows
    ]


def gone(ids: Sequence[uuid.UUID], on: date) -> dict[uuid.UUID, bool]:
    """Say of each household whether it has left the actor's list; one whose form is still under way has not."""
    _header, rows = household_table(on)
    there = {row[0] for row in rows}
    coming = set(Submission.objects.filter(entity_uuid__in=list(ids)).values_list("entity_uuid", flat=True))
    known = set(Entity.objects.filter(uuid__in=list(ids)).values_list("uuid", flat=True))
    return {one: str(one) not in there and not (one in coming and one not in known) for one in ids}
