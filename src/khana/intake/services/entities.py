"""The list of households that phones carry: versions, conflicts by base version, who carries which area.

Rules of ODK Entities: an update names the version it was made upon. One made offline names a branch and the server's version
at its trunk; the telephone counts on from there, and each of its versions is the one that its earlier form became.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.intake.answers import EntityPart
from khana.intake.models import Assignment, Entity, EntityChange, Submission
from khana.platform import bulk


def label_of(head: str, number: str) -> str:
    """Return how a household reads on the list."""
    return f"{head} · {number}" if head else number


def base_of(entity: Entity, part: EntityPart) -> int | None:
    """Return the server's version upon which an update was made; None where its earlier form has not arrived."""
    base = part.base_version
    if base is None:
        return entity.version
    if part.branch and part.trunk_version is not None and base > part.trunk_version:
        return (
            EntityChange.objects.filter(entity=entity, branch=part.branch, branch_version=base)
            .values_list("version", flat=True)
            .first()
        )
    return base


def conflict_codes(entity: Entity | None, part: EntityPart | None, target: int | None) -> list[str]:
    """Return why an update cannot be taken as it is: made upon another version, or before its own earlier form."""
    if part is None or part.uuid is None:
        return []
    if part.is_create and entity is not None and target is not None:
        return ["ENTITY_CONFLICT"]
    if not part.is_update or entity is None:
        return []
    base = base_of(entity, part)
    if base is None:
        return ["ENTITY_OUT_OF_ORDER"]
    return ["ENTITY_CONFLICT"] if base != entity.version else []


def record_change(
    *,
    entity: Entity | None,
    part: EntityPart | None,
    household_id: int,
    number: str,
    area_path: str,
    facts: Mapping[str, str],
    submission: Submission,
    is_conflict: bool,
    at: datetime,
) -> uuids.UUID:
    """Bring the list to what was registered; forms that waited for this one go on. Return the entity's id."""
    entity = entity or Entity.objects.select_for_update(of=("self",)).filter(household_id=household_id).first()
    properties: dict[str, Any] = {**facts, "household_number": number}
    if entity is None:
        entity = Entity.objects.create(
            uuid=(part.uuid if part and part.uuid else None) or uuids.uuid4(), household_id=household_id, area_path=area_path,
            version=1, label=label_of(facts.get("head_name", ""), number), properties=properties, created_at=at, updated_at=at,
            actor_id=submission.actor_id,
        )  # fmt: skip
        base = None
    else:
        base = base_of(entity, part) if part else entity.version
        entity.version += 1
        entity.label, entity.area_path, entity.updated_at = label_of(facts.get("head_name", ""), number), area_path, at
        entity.properties, entity.has_conflict = {**entity.properties, **properties}, is_conflict
        entity.save(update_fields=["version", "label", "area_path", "updated_at", "properties", "has_conflict"])
    counted = (part.base_version or 0) + 1 if part and part.branch and part.base_version is not None else None
    EntityChange.objects.create(
        entity=entity, area_path=area_path, actor_id=submission.actor_id, version=entity.version, base_version=base,
        branch=part.branch if part else "", branch_version=counted, is_conflict=is_conflict, submission=submission, at=at,
    )  # fmt: skip
    return entity.uuid


def page(*, skip: int, most: int) -> list[Entity]:
    """Return one page of the households of the list within the scope, in the order in which they came."""
    return list(Entity.objects.order_by("id")[skip : skip + most])


def by_uuid(uid: str) -> Entity | None:
    """Return one household of the list; None where the scope holds none of that number."""
    return Entity.objects.filter(uuid=uid).first()


def waiting_for(entity_uuid: uuids.UUID) -> list[Submission]:
    """Lock and return the forms that wait for an earlier form of the same household."""
    found = Submission.objects.select_for_update(of=("self",)).filter(
        entity_uuid=entity_uuid, state=Submission.State.WAITING, reasons__contains=["ENTITY_OUT_OF_ORDER"]
    )
    return list(found.order_by("id"))


_LIST = """INSERT INTO intake_entity (uuid, household_id, area_path, version, label, properties, has_conflict, created_at,
                           updated_at, actor_id)
SELECT gen_random_uuid(), h.id, h.area_path, 1,
       concat_ws(' · ', nullif(p.name, ''), h.number),
       jsonb_strip_nulls(jsonb_build_object('household_number', h.number, 'head_name', p.name,
           'village_name', v.facts ->> 'village_name', 'members', c.members::text)),
       false, %(at)s, %(at)s, %(actor)s
FROM registry_household h
JOIN registry_householdversion v ON v.household_id = h.id AND v.superseded_at IS NULL AND v.valid_to IS NULL
LEFT JOIN LATERAL (
    SELECT m.person_id, count(*) OVER () AS members FROM registry_membership m
    WHERE m.household_id = h.id AND m.superseded_at IS NULL AND m.valid_to IS NULL
    ORDER BY m.relation = 'head' DESC, m.line_no LIMIT 1) c ON true
LEFT JOIN LATERAL (
    SELECT x.name FROM registry_personversion x
    WHERE x.person_id = c.person_id AND x.superseded_at IS NULL AND x.valid_to IS NULL LIMIT 1) p ON true
WHERE h.area_path ^@ %(path)s AND (%(household)s::bigint IS NULL OR h.id = %(household)s) AND NOT EXISTS (SELECT 1 FROM intake_entity e WHERE e.household_id = h.id)"""


@transaction.atomic
def assign(*, username: str, area_code: str, valid_from: date, valid_to: date | None, at: datetime) -> dict[str, int]:
    """Give an enumerator the households of an area for her telephone; return how many the list has and how many are new.

    Raises:
        AreaUnknown: There is no such area.
        AccessNotFound: There is no such user.
        OutsideScope: The area is not the actor's.
    """
    access.require("entities.write")
    path = geo.get_path(area_code)
    user = int(access.call("intake_user_id", username)[0][0])
    cursor = bulk.raw_cursor()
    cursor.execute(_LIST, {"at": at, "actor": access.actor_id(), "path": path, "household": None})
    new = cursor.rowcount
    Assignment.objects.create(
        user_id=user,
        area_path=path,
        valid_from=valid_from,
        valid_to=valid_to,
        actor_id=access.actor_id(),
        assigned_at=at,
    )
    listed = Entity.objects.filter(area_path__startswith=path).count()
    details = {"area": area_code, "households": listed, "new": new}
    audit.record(action="intake.list.assigned", subject=f"user:{user}", details=details, at=at)
    return {"households": listed, "new_on_the_list": new}


@transaction.atomic
def put_on_list(*, household_id: int, at: datetime) -> uuids.UUID:
    """Put one household on the list, where it is not there; return its id on the list."""
    access.require("entities.write")
    values = {"at": at, "actor": access.actor_id(), "path": "", "household": household_id}
    bulk.raw_cursor().execute(_LIST, values)
    return Entity.objects.get(household_id=household_id).uuid


@transaction.atomic
def end_assignment(*, number: int, on: date, at: datetime) -> None:
    """Take an area from an enumerator's telephone from a day on."""
    access.require("entities.write")
    Assignment.objects.filter(pk=number, valid_to__isnull=True).update(valid_to=on)
    audit.record(action="intake.list.ended", subject=f"assignment:{number}", at=at)
