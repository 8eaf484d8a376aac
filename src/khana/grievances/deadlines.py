"""By which day a complaint is to be answered: the country's own deadline, in calendar or working days.

Working days leave out the weekend and holidays on a fixed day; those that go by the moon are announced each year and are
not known here, so that a day given may lie a little too early, never too late for her.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from khana.platform import installation
from khana_country.load import load_pack
from khana_country.pack import CountryPack

STEP = "grievance"
UNSTATED_DAYS = 30


def due_on(lodged: date) -> date:
    """Return the day by which a complaint of a day is to be answered in this installation's country."""
    pack = load_pack(str(installation.read().get("country", "pak")))
    found = [one for one in pack.deadlines if one.step == STEP and one.valid_from <= lodged]
    if not found:
        return lodged + timedelta(days=UNSTATED_DAYS)
    newest = max(found, key=lambda one: one.valid_from)
    if newest.kind == "calendar":
        return lodged + timedelta(days=newest.days)
    return after_working_days(lodged, newest.days, weekend=_weekend(pack, lodged), holidays=_holidays(pack))


def after_working_days(
    start: date, days: int, *, weekend: Collection[int], holidays: Collection[tuple[int, int]]
) -> date:
    """Return the day so many working days after a day.

    Args:
        start: The first day, which does not count.
        days: Working days.
        weekend: Days of the week off, Monday is 0.
        holidays: (month, day) off.

    Examples:
        >>> after_working_days(date(2026, 11, 20), 2, weekend={5, 6}, holidays=set())  # a Friday
        datetime.date(2026, 11, 24)
        >>> after_working_days(date(2026, 11, 20), 2, weekend={4, 5}, holidays={(11, 22)})
        datetime.date(2026, 11, 24)
    """
    day = start
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() not in weekend and (day.month, day.day) not in holidays
    return day


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _weekend(pack: CountryPack, on: date) -> set[int]:
    held = [one for one in pack.weekends if one.valid_from <= on]
    return {_DAYS.index(day) for day in max(held, key=lambda one: one.valid_from).days} if held else set()


def _holidays(pack: CountryPack) -> set[tuple[int, int]]:
    return {(one.month, one.day) for one in pack.holidays}
