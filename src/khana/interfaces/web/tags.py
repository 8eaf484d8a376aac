"""Template filters: numbers, money, dates and codes as the reader's language writes them.

Formatting only. Personal numbers never come here in full: dossiers hand them over masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from babel.core import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_compact_decimal, format_decimal, format_percent
from django import template
from django.utils import timezone
from django.utils.translation import get_language

register = template.Library()
_LOCALES = {"en": "en", "ur": "ur_PK", "bn": "bn_BD"}


def locale() -> Locale:
    """Return the locale of the reader's language."""
    return Locale.parse(_LOCALES.get((get_language() or "en")[:2], "en"))


@register.filter
def number(value: int | float | Decimal | None) -> str:
    """Write a count or an amount with separators and digits of the language; absent is a dash."""
    if value is None or value == "":
        return "–"
    digits = "#,##0.##" if isinstance(value, float | Decimal) else None
    return str(format_decimal(value, format=digits, locale=locale(), numbering_system="default"))


@register.filter
def compact(value: int | float | Decimal | None) -> str:
    """Write a big number short: 1.2 M."""
    if value is None:
        return "–"
    return str(format_compact_decimal(value, fraction_digits=1, locale=locale(), numbering_system="default"))


@register.filter
def share(value: float | None) -> str:
    """Write a share between 0 and 1 as per cent with one decimal."""
    if value is None:
        return "–"
    return str(format_percent(value, format="#,##0.#%", locale=locale(), numbering_system="default"))


@register.filter
def day(value: date | datetime | None) -> str:
    """Write a date in the language."""
    if value is None:
        return "–"
    return str(format_date(value, format="medium", locale=locale()))


@register.filter
def moment(value: datetime | None) -> str:
    """Write a date and time in the language, in the server's time zone."""
    if value is None:
        return "–"
    return f"{day(timezone.localtime(value))}, {format_time(timezone.localtime(value), format='short', locale=locale())}"


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
