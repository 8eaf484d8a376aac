"""Enumerators: trained and accredited until when, which telephone, how many households their areas are to reach."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import ClassVar

from django.db import IntegrityError, transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.intake.models import Accreditation, Device, Target
from khana_methods.errors import Conflict, InputError, NotFound


class StaffEntryInvalid(InputError):
    """A training, a device or a target cannot be so."""

    code: ClassVar[str] = "intake.field.invalid"


class DeviceTaken(Conflict):
    """The device is in somebody's hands; it is returned first."""

    code: ClassVar[str] = "intake.field.device_taken"


class StaffEntryUnknown(NotFound):
    """There is no such device or accreditation within the scope."""

    code: ClassVar[str] = "intake.field.unknown"


def _user(username: str) -> int:
    return int(access.call("intake_user_id", username)[0][0])


@transaction.atomic
def accredit(
    *, username: str, area_code: str, subject: str, kind: str = "ACCREDITATION", mark: float | None = None, granted_on: date,
    expires_on: date | None = None, at: datetime,
) -> Accreditation:  # fmt: skip
    """Record that an enumerator was trained or accredited, until a day.

    Raises:
        AccessNotFound: There is no such user.
        StaffEntryInvalid: It ends before it begins, or the mark is no per cent.
    """
    access.require("centres.manage")
    if kind not in Accreditation.Kind.values or not subject.strip() or (mark is not None and not 0 <= mark <= 100):
        raise StaffEntryInvalid("It is a TRAINING or an ACCREDITATION in something, with a mark of 0 to 100 per cent.")
    if expires_on is not None and expires_on <= granted_on:
        raise StaffEntryInvalid("It would end before it begins.")
    user = _user(username)
    row = Accreditation.objects.create(
        user_id=user, user_label=username, area_path=geo.get_path(area_code), kind=kind, subject=subject.strip()[:200], mark=mark,
        granted_on=granted_on, expires_on=expires_on, actor_id=access.actor_id(), recorded_at=at,
    )  # fmt: skip
    audit.record(action="intake.enumerator.accredited", subject=f"user:{user}", details={"kind": kind}, at=at)
    return row


@transaction.atomic
def withdraw_accreditation(*, number: int, on: date, at: datetime) -> None:
    """Withdraw an accreditation from a day on."""
    access.require("centres.manage")
    if not Accreditation.objects.filter(pk=number, withdrawn_on__isnull=True).update(withdrawn_on=on):
        raise StaffEntryUnknown("There is no such accreditation in your area, or it was withdrawn before.")
    audit.record(action="intake.enumerator.withdrawn", subject=f"accreditation:{number}", at=at)


@transaction.atomic
def issue_device(*, device_id: str, username: str, area_code: str, label: str = "", on: date, at: datetime) -> Device:
    """Put a telephone in an enumerator's hands.

    Raises:
        DeviceTaken: It is in somebody's hands.
    """
    access.require("centres.manage")
    if not device_id.strip():
        raise StaffEntryInvalid("Say the device's id as the form states it (`deviceid`).")
    user = _user(username)
    try:
        with transaction.atomic():
            row = Device.objects.create(
                device_id=device_id.strip()[:200], label=label[:100], user_id=user, user_label=username,
                area_path=geo.get_path(area_code), issued_on=on, actor_id=access.actor_id(), recorded_at=at,
            )  # fmt: skip
    except IntegrityError:
        raise DeviceTaken("This device is in somebody's hands. Record its return first.") from None
    audit.record(action="intake.device.issued", subject=f"user:{user}", details={"device": row.pk}, at=at)
    return row


@transaction.atomic
def return_device(*, device_id: str, state: str = "RETURNED", on: date, at: datetime) -> None:
    """Take a device back, or say that it is LOST or BROKEN."""
    access.require("centres.manage")
    if state not in ("RETURNED", "LOST", "BROKEN"):
        raise StaffEntryInvalid("A device is RETURNED, LOST or BROKEN.")
    if not Device.objects.filter(device_id=device_id, returned_on__isnull=True).update(returned_on=on, state=state):
        raise StaffEntryUnknown("There is no such device in use in your area.")
    audit.record(action="intake.device.returned", subject="device:one", details={"state": state}, at=at)


@transaction.atomic
def set_target(*, area_code: str, households: int, begins: date, ends: date, note: str = "", at: datetime) -> Target:
    """Say how many households an area is to reach between two days; said again, the newer number stands."""
    access.require("centres.manage")
    if households < 1 or ends <= begins:
        raise StaffEntryInvalid("A target is one household or more, and ends after it begins.")
    path = geo.get_path(area_code)
    values = {"households": households, "note": note[:500], "actor_id": access.actor_id(), "set_at": at}
    span = {"area_path": path, "begins": begins, "ends": ends}
    if not Target.objects.filter(**span).update(**values):
        Target.objects.create(**span, **values)
    row = Target.objects.get(**span)
    audit.record(
        action="intake.target.set",
        subject=f"target:{row.pk}",
        details={"area": area_code, "households": households},
        at=at,
    )
    return row


def lapsed(users: Collection[int], days: Mapping[int, date]) -> set[int]:
    """Return which users were accredited once and were not on their day.

    Args:
        users: Their numbers.
        days: The day that counts for each.

    Returns:
        Those whose every accreditation had ended or not begun; who was never accredited is not among them: a country that
        keeps no such list is not held up.
    """
    spans: dict[int, list[tuple[date, date | None]]] = {}
    rows = Accreditation.objects.filter(user_id__in=set(users), kind=Accreditation.Kind.ACCREDITATION)
    for user, begins, ends, withdrawn in rows.values_list("user_id", "granted_on", "expires_on", "withdrawn_on"):
        last = min((one for one in (ends, withdrawn) if one is not None), default=None)
        spans.setdefault(user, []).append((begins, last))
    return {
        user for user, of in spans.items()
        if not any(begins <= days[user] and (ends is None or days[user] < ends) for begins, ends in of)
    }  # fmt: skip
