"""Who lives with whom, changed with its history: split, join, move to another household (marriage), return.

Nothing is overwritten: memberships end on a day and begin anew, on both clocks; a person keeps her file and her numbers. Pointers
to parents and spouses follow where both stand in one household and are ended where they do not. Families are derived anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

import pyarrow as pa

from khana.access import services as access
from khana.audit import services as audit
from khana.platform import bulk
from khana.registry.models import Dwelling, Household, HouseholdVersion, Membership, Occupancy
from khana.registry.services.register_households import issue_numbers
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import Conflict, InputError
from khana_methods.quality.families import derive_families

_POINTERS = ("spouse_line", "father_line", "mother_line")
_CURRENT: dict[str, Any] = {"superseded_at__isnull": True, "valid_to__isnull": True}


class RestructuringInvalid(InputError):
    """The change names nobody, a person who is not a member, or a day before the household was known."""

    code: ClassVar[str] = "registry.structure.invalid"


class RestructuringMoved(Conflict):
    """Somebody changed the household in the meantime."""

    code: ClassVar[str] = "registry.structure.moved"


@dataclass(frozen=True)
class Mover:
    """One person who goes: her relation in the household that she comes to, and who her spouse is there."""

    person_id: int
    relation: str = ""
    spouse_id: int | None = None


@dataclass
class Change:
    """What a change is made of; `target` is made where a split has none."""

    kind: str
    source: int
    on: date
    movers: Sequence[Mover] = field(default_factory=tuple)
    target: int | None = None
    same_dwelling: bool = True


def apply(change: Change, *, at: datetime) -> int:
    """Carry out one change within the open transaction; return the household that people went to.

    Raises:
        RestructuringInvalid: It names nobody, or somebody who is not there.
    """
    access.require("registry.write")
    members = _members(change.source)
    if change.kind == "RETURN":
        return _return(change, at)
    movers = [Mover(row.person_id, row.relation) for row in members] if change.kind == "JOIN" else list(change.movers)
    there = {row.person_id: row for row in members}
    lost = [one.person_id for one in movers if one.person_id not in there]
    if not movers or lost:
        raise RestructuringInvalid("Name members of the household who go.", persons=len(lost))
    if change.kind == "SPLIT" and len(movers) >= len(members):
        raise RestructuringInvalid("A split leaves somebody behind; where all go the household moves.")
    if any(row.valid_from > change.on for row in members):
        raise RestructuringInvalid("The household was interviewed after that day: say a later one.")
    target = change.target if change.target is not None else _new_household(change, at)
    staying = {row.line_no: row.line_no for row in members if row.person_id not in {one.person_id for one in movers}}
    _write(change.source, [row for row in members if row.line_no in staying], staying, members, change.on, at)
    arrived = _arrive(target, movers, there, change, at)
    _end(change.source, [there[one.person_id] for one in movers], change.on, at)
    if change.kind == "JOIN":
        _close(change.source, change.on, at)
    for household in {change.source, target}:
        _families(household)
    details = {"kind": change.kind, "persons": len(movers), "to": target, "lines": sorted(arrived.values())}
    audit.record(action="registry.household.restructured", subject=f"household:{change.source}", details=details, at=at)
    return target


def _members(household: int) -> list[Membership]:
    found = list(Membership.objects.filter(household_id=household, **_CURRENT).order_by("line_no", "id"))
    if not found:
        raise RestructuringMoved("The household has no members now, or it lies outside your area.", household=household)
    return found


def _new_household(change: Change, at: datetime) -> int:
    """Make a household of its own number with what is known of the old one's dwelling and place."""
    (number,) = issue_numbers(1)
    old = HouseholdVersion.objects.filter(household_id=change.source, **_CURRENT).order_by("-id").first()
    if old is None:
        raise RestructuringMoved("Nothing is known of the household now.", household=change.source)
    made = Household.objects.create(number=number, area_path=old.area_path, created_at=at)
    HouseholdVersion.objects.create(
        household=made, area_path=old.area_path, valid_from=change.on, recorded_at=at, consent=old.consent, facts=old.facts,
        mobile_token=old.mobile_token, mobile_ciphertext=old.mobile_ciphertext,
        **({"address": old.address, "latitude": old.latitude, "longitude": old.longitude} if change.same_dwelling else {}),
    )  # fmt: skip
    if change.same_dwelling:
        for row in Occupancy.objects.filter(household_id=change.source, **_CURRENT):
            Occupancy.objects.create(
                household=made,
                dwelling_id=row.dwelling_id,
                area_path=row.area_path,
                valid_from=change.on,
                recorded_at=at,
            )
    return int(made.pk)


def _row(row: Membership, household: int, line: int, on: date, at: datetime, **more: Any) -> Membership:
    values = {name: getattr(row, name) for name in ("area_path", "relation", "is_member", "is_present", *_POINTERS)}
    return Membership(
        **{
            **values,
            "household_id": household,
            "person_id": row.person_id,
            "line_no": line,
            "valid_from": on,
            "recorded_at": at,
            **more,
        }
    )


def _write(
    household: int,
    rows: Sequence[Membership],
    lines: Mapping[int, int],
    before: Sequence[Membership],
    on: date,
    at: datetime,
) -> None:
    """Give those who stay new versions where a pointer of theirs went away."""
    changed = [
        row
        for row in rows
        if any(getattr(row, name) and getattr(row, name) < 90 and getattr(row, name) not in lines for name in _POINTERS)
    ]
    _end(household, changed, on, at)
    Membership.objects.bulk_create(
        [
            _row(row, household, row.line_no, on, at, **{
                name: getattr(row, name) if not getattr(row, name) or getattr(row, name) >= 90 or getattr(row, name) in lines else None
                for name in _POINTERS
            })
            for row in changed
        ]
    )  # fmt: skip


def _arrive(
    target: int, movers: Sequence[Mover], there: Mapping[int, Membership], change: Change, at: datetime
) -> dict[int, int]:
    """Write those who come on free lines of the target; return the line of each person."""
    known = list(Membership.objects.filter(household_id=target, superseded_at__isnull=True))
    taken = {row.line_no for row in known}
    current = {row.person_id: row.line_no for row in known if row.valid_to is None}
    line_of: dict[int, int] = {}
    for one in movers:
        line = next(n for n in range(1, 1000) if n not in taken)
        taken.add(line)
        line_of[one.person_id] = line
    old_line = {there[one.person_id].line_no: one.person_id for one in movers}
    area = Household.objects.get(pk=target).area_path
    rows = []
    for one in movers:
        row = there[one.person_id]
        pointers = {
            name: line_of.get(old_line.get(getattr(row, name), -1))
            if getattr(row, name) and getattr(row, name) < 90
            else getattr(row, name)
            for name in _POINTERS
        }
        if one.spouse_id is not None:
            spouse = line_of.get(one.spouse_id) or current.get(one.spouse_id)
            if spouse is None:
                raise RestructuringInvalid("The spouse is not in the household that she comes to.")
            pointers["spouse_line"] = spouse
        relation = one.relation or row.relation
        rows.append(
            _row(
                row,
                target,
                line_of[one.person_id],
                change.on,
                at,
                area_path=area,
                relation=relation,
                family_no=None,
                **pointers,
            )
        )
    if change.kind == "SPLIT" and not any(row.relation == "head" for row in rows):
        rows[0].relation = "head"
    wed = {one.spouse_id: line_of[one.person_id] for one in movers if one.spouse_id is not None}
    for row in rows:  # both came: each points at the other
        row.spouse_line = row.spouse_line or wed.get(row.person_id)
    Membership.objects.bulk_create(rows)
    _point_back(target, {person: line for person, line in wed.items() if person not in line_of}, change.on, at)
    return line_of


def _point_back(target: int, wed: Mapping[int, int], on: date, at: datetime) -> None:
    """Give who was there before the line of the spouse who came; a line of somebody who still lives there stays."""
    rows = list(Membership.objects.filter(household_id=target, **_CURRENT))
    lines = {row.line_no for row in rows}
    for row in rows:
        if row.person_id not in wed or row.spouse_line in lines:
            continue
        day = max(on, row.valid_from)
        if row.valid_from < day:
            _end(target, [row], day, at)
        else:  # known since that very day: said anew, never untrue for a time
            Membership.objects.filter(pk=row.pk).update(superseded_at=at)
        _row(row, target, row.line_no, day, at, family_no=row.family_no, spouse_line=wed[row.person_id]).save()


def _end(household: int, rows: Sequence[Membership], on: date, at: datetime) -> None:
    """End memberships on a day: a version that says so, and the old one superseded."""
    ended = [
        _row(row, household, row.line_no, row.valid_from, at, valid_to=max(on, row.valid_from), family_no=row.family_no)
        for row in rows
    ]
    Membership.objects.filter(pk__in=[row.pk for row in rows]).update(superseded_at=at)
    Membership.objects.bulk_create(ended)


def _close(household: int, on: date, at: datetime) -> None:
    """End a household that was joined to another: its last version ends on the day."""
    for row in HouseholdVersion.objects.filter(household_id=household, **_CURRENT):
        HouseholdVersion.objects.filter(pk=row.pk).update(superseded_at=at)
        row.pk, row.recorded_at, row.valid_to = None, at, max(on, row.valid_from)
        row.save(force_insert=True)
    Occupancy.objects.filter(household_id=household, **_CURRENT).update(valid_to=on)


def _return(change: Change, at: datetime) -> int:
    """Bring back who left: on her old line, where it is free."""
    taken = {row.line_no for row in _members(change.source)}
    rows = []
    for one in change.movers:
        last = (
            Membership.objects.filter(
                household_id=change.source, person_id=one.person_id, superseded_at__isnull=True, valid_to__isnull=False
            )
            .order_by("-valid_to", "-id")
            .first()
        )
        elsewhere = Membership.objects.filter(person_id=one.person_id, **_CURRENT).exists()
        if last is None or elsewhere or (last.valid_to is not None and last.valid_to > change.on):
            raise RestructuringInvalid("She never left this household before that day, or lives in another one now.")
        line = last.line_no if last.line_no not in taken else next(n for n in range(1, 1000) if n not in taken)
        taken.add(line)
        rows.append(
            _row(
                last,
                change.source,
                line,
                change.on,
                at,
                is_present=True,
                relation=one.relation or last.relation,
                family_no=None,
            )
        )
    if not rows:
        raise RestructuringInvalid("Name who came back.")
    Membership.objects.bulk_create(rows)
    _families(change.source)
    details = {"kind": "RETURN", "persons": len(rows), "lines": sorted(row.line_no for row in rows)}
    audit.record(action="registry.household.restructured", subject=f"household:{change.source}", details=details, at=at)
    return change.source


def _families(household: int) -> None:
    """Number the families of one household anew, by the one method."""
    rows = (
        bulk.raw_cursor()
        .execute(
            """SELECT m.id, m.household_id, m.line_no, v.marital, m.spouse_line, m.father_line, m.mother_line, m.is_member
               FROM registry_membership m JOIN registry_personversion v
                 ON v.person_id = m.person_id AND v.superseded_at IS NULL AND v.valid_to IS NULL
               WHERE m.household_id = %s AND m.superseded_at IS NULL AND m.valid_to IS NULL ORDER BY m.line_no""",
            [household],
        )
        .fetchall()
    )
    if not rows:
        return
    kinds = {"household_id": pa.int64(), "line_no": pa.int64(), "marital": pa.string(), "spouse_line": pa.int64(),
             "father_line": pa.int64(), "mother_line": pa.int64(), "is_member": pa.bool_()}  # fmt: skip
    table = pa.table(
        {name: pa.array([row[n] for row in rows], kind) for n, (name, kind) in enumerate(kinds.items(), start=1)}
    )
    with Engine(memory_mib=256, threads=1) as engine:
        found = derive_families(engine, table).to_pylist()
    family = {row["line_no"]: row["family"] for row in found}
    for row in rows:
        Membership.objects.filter(pk=row[0]).update(family_no=family.get(row[2]))


def put_in_dwelling(
    *,
    household: int,
    code: str,
    kind: str = "HOUSE",
    name: str = "",
    position: tuple[float, float] | None = None,
    on: date,
    at: datetime,
) -> Dwelling:
    """Say in which dwelling a household lives from a day on; the dwelling is made where it is not known.

    Raises:
        RestructuringInvalid: It is no kind of dwelling.
    """
    access.require("registry.write")
    if kind not in Dwelling.Kind.values or not code.strip():
        raise RestructuringInvalid("A dwelling has a code and is a HOUSE, TENT, NOMADIC or INSTITUTION.")
    row = Household.objects.get(pk=household)
    dwelling = Dwelling.objects.filter(code=code.strip()).first()
    if dwelling is None:
        dwelling = Dwelling.objects.create(
            code=code.strip()[:80], kind=kind, name=name[:200], area_path=row.area_path, latitude=position[0] if position else None,
            longitude=position[1] if position else None, actor_id=access.actor_id(), recorded_at=at,
        )  # fmt: skip
    for old in Occupancy.objects.filter(household=row, **_CURRENT):
        if old.dwelling_id == dwelling.pk:
            return dwelling
        Occupancy.objects.filter(pk=old.pk).update(superseded_at=at)
        old.pk, old.recorded_at, old.valid_to = None, at, max(on, old.valid_from)
        old.save(force_insert=True)
    Occupancy.objects.create(household=row, dwelling=dwelling, area_path=row.area_path, valid_from=on, recorded_at=at)
    audit.record(
        action="registry.household.housed", subject=f"household:{household}", details={"kind": dwelling.kind}, at=at
    )
    return dwelling


def sharing(household: int) -> list[int]:
    """Return the other households of the dwelling that a household lives in."""
    mine = Occupancy.objects.filter(household_id=household, **_CURRENT).values_list("dwelling_id", flat=True)
    found = Occupancy.objects.filter(dwelling_id__in=list(mine), **_CURRENT).exclude(household_id=household)
    return sorted(set(found.values_list("household_id", flat=True)))
