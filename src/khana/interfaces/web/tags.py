"""Template filters: numbers, money, dates and codes as the reader's language writes them.

Formatting only. Personal numbers never come here in full: dossiers hand them over masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from babel.core import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from django import template
from django.utils import timezone
from django.utils.translation import get_language, get_language_bidi

register = template.Library()
_COUNT = re.compile(r"[0-9.,]{1,9}")
_LOCALES = {"en": "en", "ur": "ur_PK", "bn": "bn_BD"}
_BANGLA = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")
_RIGHT_TO_LEFT_MARK = "\u200f"
_ISOLATE, _POP = "\u2068", "\u2069"  # first strong isolate: what stands between keeps its own direction


def locale() -> Locale:
    """Return the locale of the reader's language."""
    return Locale.parse(_LOCALES.get((get_language() or "en")[:2], "en"))


def _digits(text: str) -> str:
    """Write figures as the language does: Bangla has its own, Urdu in Pakistan uses the Latin ones."""
    return text.translate(_BANGLA) if get_language() == "bn" else text


def joined(parts: Iterable[str]) -> str:
    """Join words with the comma of the language."""
    return (f"،{_RIGHT_TO_LEFT_MARK} " if get_language() == "ur" else ", ").join(part for part in parts if part)


def apart(text: str) -> str:
    """Keep a text of figures and letters together in a line from right to left, whatever stands beside it."""
    return f"{_ISOLATE}{text}{_POP}" if text and get_language_bidi() else text


def figures(text: str) -> str:
    """Write a day as the language does, and a count in its digits; anything else is left as it is.

    >>> figures("K-17")
    'K-17'
    """
    try:
        return (
            day(date.fromisoformat(text)) if text.count("-") == 2 else _digits(text) if _COUNT.fullmatch(text) else text
        )
    except ValueError:
        return text


def span(first: str, last: str) -> str:
    """Write a range so that it reads from the smaller to the bigger in either direction."""
    return f"\u2066{first} – {last}\u2069"


@register.filter
def number(value: int | float | Decimal | None) -> str:
    """Write a count or an amount with separators and digits of the language; absent is a dash."""
    if value is None or value == "":
        return "–"
    digits = "#,##0.##" if isinstance(value, float | Decimal) else None
    return _digits(format_decimal(value, format=digits, locale=locale()))


@register.filter
def whole(value: float | None) -> str:
    """Write an estimate as a whole number; absent is a dash."""
    return "–" if value is None else number(round(value))


@register.filter
def share(value: float | None) -> str:
    """Write a share between 0 and 1 as per cent with one decimal."""
    if value is None:
        return "–"
    return _digits(format_percent(value, format="#,##0.#%", locale=locale()))


@register.filter
def day(value: date | datetime | None) -> str:
    """Write a date in the language."""
    if value is None:
        return "–"
    return apart(_digits(format_date(value, format="medium", locale=locale())))


@register.filter
def moment(value: datetime | None) -> str:
    """Write a date and time in the language, in the server's time zone."""
    if value is None:
        return "–"
    local = timezone.localtime(value)
    return joined([day(local), _digits(f"{local:%H:%M}")])


@register.filter
def together(parts: Iterable[str]) -> str:
    """Join words with the comma of the language."""
    return joined(str(part) for part in parts)


@register.filter
def lookup(values: Mapping[str, Any] | None, key: str) -> Any:
    """Return one value of a mapping, or nothing."""
    return values.get(key) if values else None


@register.simple_tag(takes_context=True)
def with_query(context: Mapping[str, Any], **changes: Any) -> str:
    """Return the query string of this page with some values changed; an empty value leaves one out."""
    values = {**context["request"].GET.dict(), **changes}
    kept = {name: value for name, value in values.items() if value not in (None, "")}
    return f"?{urlencode(kept)}" if kept else "?"


@register.filter
def figure(value: object) -> str:
    """Write a value of a result: a number as a number, a text as it is."""
    return number(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else str(value)
