"""Opening hours of vans and centres: how many hours each day of the week, and what a day therefore registers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import ClassVar

from khana_methods.errors import InputError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(
    r"(?P<first>[a-z]{3})(-(?P<last>[a-z]{3}))?\s+(?P<opens>\d{1,2}(:\d\d)?)-(?P<closes>\d{1,2}(:\d\d)?)"
)
Hours = Mapping[int, tuple[time, time]]


class HoursUnreadable(InputError):
    """Opening hours are written `mon-thu 9-15, fri 9-12:30`."""

    code: ClassVar[str] = "coverage.hours_unreadable"


def read_hours(text: str) -> dict[int, tuple[time, time]]:
    """Read opening hours by day of the week, Monday is 0; a day that is not named is closed.

    Raises:
        HoursUnreadable: Another form, or a day that closes before it opens.

    Examples:
        >>> [(day, str(opens), str(closes)) for day, (opens, closes) in read_hours("mon-tue 9-15, fri 9-12:30").items()]
        [(0, '09:00:00', '15:00:00'), (1, '09:00:00', '15:00:00'), (4, '09:00:00', '12:30:00')]
    """
    made: dict[int, tuple[time, time]] = {}
    for part in filter(None, (one.strip().lower() for one in text.split(","))):
        found = _PART.fullmatch(part)
        if not found or found["first"] not in DAYS or (found["last"] or found["first"]) not in DAYS:
            raise HoursUnreadable("Opening hours are written `mon-thu 9-15, fri 9-12:30`.")
        first, last = DAYS.index(found["first"]), DAYS.index(found["last"] or found["first"])
        opens, closes = _time(found["opens"]), _time(found["closes"])
        if closes <= opens:
            raise HoursUnreadable("A day closes after it opens.")
        day = first
        while True:
            made[day] = (opens, closes)
            if day == last:
                break
            day = (day + 1) % 7
    if not made:
        raise HoursUnreadable("Opening hours name no day.")
    return made


def _time(text: str) -> time:
    hour, _, minute = text.partition(":")
    if int(hour) > 23 or int(minute or 0) > 59:
        raise HoursUnreadable("An hour lies between 0 and 23, a minute between 0 and 59.")
    return time(int(hour), int(minute or 0))


def hours_of(hours: Hours, day: date) -> float:
    """Return how many hours a day is open.

    Examples:
        >>> hours_of(read_hours("mon-thu 9-15, fri 9-12:30"), date(2026, 6, 26))
        3.5
    """
    if day.weekday() not in hours:
        return 0.0
    opens, closes = hours[day.weekday()]
    return (closes.hour * 60 + closes.minute - opens.hour * 60 - opens.minute) / 60


def per_day(hours: Hours, per_hour: float, days: Sequence[date]) -> float:
    """Return what a day registers on average over the days of a plan."""
    return per_hour * sum(hours_of(hours, day) for day in days) / max(1, len(days))


def closed_days(hours: Hours) -> tuple[int, ...]:
    """Return the days of the week that are not named."""
    return tuple(day for day in range(7) if day not in hours)
