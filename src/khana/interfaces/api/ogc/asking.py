"""What a request for features asks: box, time, limit, offset and equality of properties; anything else is refused by name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from django.http import QueryDict

from khana.interfaces.api.ogc.collections import Collection
from khana_methods.errors import InputError

MOST, FEW = 10_000, 100
_OWN = ("bbox", "datetime", "limit", "offset", "f", "crs", "bbox-crs")
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?")


class QuestionWrong(InputError):
    """A parameter is unknown to OGC API Features, or its value is none that it takes."""

    code: ClassVar[str] = "ogc.question_wrong"


@dataclass(frozen=True)
class Question:
    """A checked request for features."""

    limit: int = FEW
    offset: int = 0
    box: tuple[float, float, float, float] | None = None
    is_when: bool = True
    equal: Mapping[str, str] = field(default_factory=dict)


def read(fields: QueryDict, collection: Collection) -> Question:
    """Read the parameters of a request.

    Raises:
        QuestionWrong: One is unknown or has no such value (OGC 17-069r4, 7.15: answered with 400).
    """
    known = collection.queryables
    strange = sorted(set(fields) - set(_OWN) - set(known))
    if strange:
        raise QuestionWrong(
            f"These are no parameters here: {', '.join(strange)}. Properties that may be asked: {', '.join(known)}."
        )
    for name in ("crs", "bbox-crs"):
        if name in fields and fields[name] != _CRS84:
            raise QuestionWrong(f"{name} is {_CRS84} and no other.")
    return Question(
        limit=min(MOST, _whole(fields, "limit", FEW, 1)), offset=_whole(fields, "offset", 0, 0),
        box=_box(str(fields["bbox"])) if "bbox" in fields else None, is_when=_holds(fields.get("datetime", ""), collection.as_of),
        equal={name: str(fields[name]) for name in known if name in fields},
    )  # fmt: skip


def _whole(fields: QueryDict, name: str, default: int, least: int) -> int:
    text = fields.get(name, "")
    if not text:
        return default
    if not text.isdigit() or len(text) > 9 or int(text) < least:
        raise QuestionWrong(f"{name} is a whole number of {least} or more.")
    return int(text)


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        parts = [float(part) for part in text.split(",")]
    except ValueError:
        parts = []
    if len(parts) == 6:
        parts = [*parts[:2], *parts[3:5]]
    if len(parts) != 4 or not all(math.isfinite(part) for part in parts) or parts[1] > parts[3]:
        raise QuestionWrong("bbox is west,south,east,north in degrees.")
    return (parts[0], parts[1], parts[2], parts[3])


def _holds(text: str, as_of: str) -> bool:
    """Tell whether the day of the figures lies in an instant or an interval; an open end is `..` or nothing."""
    if not text:
        return True
    ends = text.split("/")
    if len(ends) > 2:
        raise QuestionWrong("datetime is an instant, or two with / between.")
    day = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
    made = [_instant(end) for end in ends]
    if len(made) == 1:
        return made[0] is not None and made[0].date() == day.date()
    low, high = made
    if low is not None and high is not None and low > high:
        raise QuestionWrong("datetime ends before it begins.")
    return (low is None or low.date() <= day.date()) and (high is None or day.date() <= high.date())


def _instant(text: str) -> datetime | None:
    if text in ("", ".."):
        return None
    if not _INSTANT.fullmatch(text):
        raise QuestionWrong("An instant is written 2026-06-30 or 2026-06-30T00:00:00Z.")
    try:
        found = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    except ValueError:
        raise QuestionWrong("There is no such day.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def meets(question: Question, collection: Collection) -> list[int]:
    """Return the places of the features that a request asks for, in order, before limit and offset."""
    if not question.is_when:
        return []
    made = []
    for at, feature in enumerate(collection.features):
        properties = feature["properties"]
        if any(str(properties.get(name)) != value for name, value in question.equal.items()):
            continue
        if question.box is not None and not _crosses(question.box, collection.boxes[at]):
            continue
        made.append(at)
    return made


def _crosses(box: tuple[float, float, float, float], own: tuple[float, float, float, float] | None) -> bool:
    if own is None:
        return False
    west, south, east, north = box
    if own[3] < south or own[1] > north:
        return False
    if west > east:  # over the date line
        return own[2] >= west or own[0] <= east
    return own[2] >= west and own[0] <= east
