"""The first step of the journey: is it a form that is known, a place of the sender's, a list of members, a household of hers?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from khana.geo import selectors as geo
from khana.intake import opened as drafts
from khana.intake.draft import AREAS, Draft, Note
from khana.intake.models import Device, Entity, FormVersion, Submission, SubmissionPart
from khana.intake.reasons import outcome
from khana.intake.selectors import find_version
from khana.intake.services import field_staff, movers
from khana.intake.services.journey import Move
from khana.intake.services.match import target_of
from khana.intake.services.roster import roster_notes

LIST = "households"


def step(rows: Sequence[Submission], *, at: datetime) -> list[Move]:
    """Check submissions; return where each goes: on, back to its sender, or to a steward."""
    for row in rows:
        if row.form_version is None:
            row.form_version = find_version(row.form_code, row.version)
    opened = {row.pk: drafts.of(row) for row in rows if row.form_version is not None}
    codes_of = {
        number: [str(draft.facts[name]) for name in AREAS if draft.facts.get(name)] for number, draft in opened.items()
    }
    paths = geo.paths_of({code for codes in codes_of.values() for code in codes})
    entities = {entity.uuid: entity for entity in _entities(opened.values())}
    arrived: dict[int, set[str]] = {}
    for number, name in SubmissionPart.objects.filter(submission__in=rows).values_list("submission_id", "name"):
        arrived.setdefault(number, set()).add(name)
    found = roster_notes(opened)
    lapsed, carried = _of_senders(rows, opened)
    moves = []
    for row in rows:
        draft = opened.get(row.pk)
        if draft is None:
            moves.append(_decided(row, ["FORM_UNKNOWN"], [], {}))
            continue
        notes = [*draft.notes, *found.get(row.pk, [])]
        notes += [Note("ATTACHMENT_MISSING", "WARN") for name in row.media if name not in arrived.get(row.pk, set())]
        notes += movers.notes(draft, target_of(row, draft)) if any(one.came_from for one in draft.members) else []
        codes, changes = _codes(row, draft, paths, entities)
        codes += ["NOT_ACCREDITED"] if row.pk in lapsed else []
        if carried.get(row.actor_id) and row.device_id not in {*carried[row.actor_id], "desk"}:
            notes.append(Note("DEVICE_UNKNOWN", "WARN"))
        if any(note.severity == "REFUSE" for note in notes):
            codes.append("CHECK_REFUSED")
        changes["form_version_id"] = row.form_version_id
        moves.append(_decided(row, codes, notes, changes))
    return moves


def _of_senders(rows: Sequence[Submission], opened: Mapping[int, Draft]) -> tuple[set[int], dict[int, set[str]]]:
    """Return the submissions whose sender's accreditation had lapsed on the day, and the devices that senders carry."""
    late: set[int] = set()
    by_day: dict[date, list[Submission]] = {}
    for row in rows:
        if row.pk in opened:
            by_day.setdefault(opened[row.pk].survey_date, []).append(row)
    for day, of_day in by_day.items():
        gone = field_staff.lapsed({row.actor_id for row in of_day}, {row.actor_id: day for row in of_day})
        late |= {row.pk for row in of_day if row.actor_id in gone}
    carried: dict[int, set[str]] = {}
    in_use = Device.objects.filter(user_id__in={row.actor_id for row in rows}, returned_on__isnull=True)
    for user, device in in_use.values_list("user_id", "device_id"):
        carried.setdefault(user, set()).add(device)
    return late, carried


def _decided(row: Submission, codes: list[str], notes: list[Note], changes: dict[str, Any]) -> Move:
    state, stopping = outcome(codes, row.accepted)
    return Move(row, state or Submission.State.CHECKED.value, stopping, notes, changes)


def _entities(opened: Iterable[Draft]) -> list[Entity]:
    wanted = [draft.entity.uuid for draft in opened if draft.entity and draft.entity.uuid]
    return list(Entity.objects.filter(uuid__in=wanted))


def within(path: str, reach: Sequence[str]) -> bool:
    """Say whether an area lies under one of some areas; an empty one is the whole country."""
    return any(path.startswith(one) for one in reach)


def _codes(
    row: Submission, draft: Draft, paths: Mapping[str, str], entities: Mapping[Any, Entity]
) -> tuple[list[str], dict[str, Any]]:
    asked = drafts.definition(row)
    if asked is not None and not asked.facts():
        return ["FORM_FILLS_NO_FACT"], {}
    if draft.consent is False:
        return ["CONSENT_REFUSED"], {}
    codes: list[str] = []
    changes: dict[str, Any] = {}
    version = row.form_version
    withdrawn = version.withdrawn_at if version and version.state == FormVersion.State.WITHDRAWN else None
    if withdrawn and draft.survey_date > withdrawn.date():
        codes.append("FORM_WITHDRAWN")
    if not draft.members:
        codes.append("NO_MEMBERS")
    if not draft.area_code:
        codes.append("AREA_MISSING")
    elif draft.area_code not in paths:
        codes.append("AREA_UNKNOWN")
    elif not within(paths[draft.area_code], row.reach):
        codes.append("OUT_OF_AREA")
    else:
        changes["area_path"] = paths[draft.area_code]
    return codes + _of_entity(row, draft, entities), changes


def _of_entity(row: Submission, draft: Draft, entities: Mapping[Any, Entity]) -> list[str]:
    part = draft.entity
    if part is None or not part.is_update:
        return []
    if part.dataset != LIST or part.uuid is None:
        return ["ENTITY_UNKNOWN"]
    known = entities.get(part.uuid)
    if known is not None:
        return [] if within(known.area_path, row.reach) else ["ENTITY_FOREIGN"]
    others = Submission.objects.filter(entity_uuid=part.uuid).exclude(pk=row.pk)
    return ["ENTITY_OUT_OF_ORDER" if others.exists() else "ENTITY_UNKNOWN"]
