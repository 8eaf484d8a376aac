"""By which day a complaint should be answered: the standard in force, in calendar or working days of the country.

Weekends and holidays are those of the pack on the day itself. Holidays by the moon are announced each year and are not in the
pack: a standard in working days is then too strict by those days, never too lax.
"""

from __future__ import annotations

from datetime import date, timedelta

from khana_country.pack import CountryPack, Deadline

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def standard_of(pack: CountryPack, steps: tuple[str, ...], on: date) -> Deadline | None:
    """Return the standard in force on a day for the first of several steps that has one."""
    for step in steps:
        found = [one for one in pack.deadlines if one.step == step and one.valid_from <= on]
        if found:
            return max(found, key=lambda one: one.valid_from)
    return None


def due_on(pack: CountryPack, standard: Deadline, received: date) -> date:
    """Return the last day on which an answer is in time; the day of receipt does not count.

    Examples:
        >>> from khana_country.load import load_pack
        >>> bgd = load_pack("bgd")
        >>> due_on(bgd, standard_of(bgd, ("appeal",), date(2026, 6, 1)), date(2026, 6, 4))  # a Thursday; 20 working days
        datetime.date(2026, 7, 2)
    """
    if standard.kind != "working":
        return received + timedelta(days=standard.days)
    day, left = received, standard.days
    while left:
        day += timedelta(days=1)
        if not is_rest(pack, day):
            left -= 1
    return day


def is_rest(pack: CountryPack, day: date) -> bool:
    """Say whether a day is of the weekend or a holiday on a fixed day of the year."""
    weekends = [one for one in pack.weekends if one.valid_from <= day]
    if weekends and _DAYS[day.weekday()] in max(weekends, key=lambda one: one.valid_from).days:
        return True
    return any((one.month, one.day) == (day.month, day.day) and one.valid_from <= day for one in pack.holidays)
