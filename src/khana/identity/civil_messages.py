"""Read one event of a DCI notify: what happened, when, to whom; what cannot be read is said so, never guessed.

Registries name events in their own ways (`spdci-common:RegistryEventType:LiveBirth`, `DEATH_REGISTERED`); the last word
decides. Source: SPDCI CRVS API v1.0.0 `NotifyEventRequest`; OpenCRVS topics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from khana.identity.gateways.standard_person import body_of, day_of, name_of, numbers_of, sex_of

KINDS = {
    "livebirth": "BIRTH", "birth": "BIRTH", "death": "DEATH", "marriage": "MARRIAGE", "divorce": "DIVORCE",
    "annulment": "DIVORCE",
}  # fmt: skip
DATES = {"BIRTH": "birth_date", "DEATH": "death_date", "MARRIAGE": "marriage_date", "DIVORCE": "divorce_date"}


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it was read; `why` says what is missing where `kind` cannot be used."""

    kind: str
    day: date | None
    numbers: tuple[str, ...] = ()
    spouse: tuple[str, ...] = ()
    parents: tuple[tuple[str, ...], ...] = ()
    registration: str = ""
    why: str = ""


def record_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record of an item of `notify_event`, empty where there is none."""
    data = item.get("data")
    held = data.get("reg_records") if isinstance(data, dict) else None
    if isinstance(held, list):
        held = held[0] if len(held) == 1 else None
    return held if isinstance(held, dict) else {}


def kind_of(item: Mapping[str, Any]) -> str:
    """Return BIRTH, DEATH, MARRIAGE or DIVORCE, or nothing for another event."""
    data = item.get("data")
    named = data.get("reg_event_type") if isinstance(data, dict) else None
    word = str(named or "").rsplit(":", 1)[-1].lower().replace("registered", "")
    return KINDS.get("".join(sign for sign in word if sign.isalpha()), "")


def _numbers(value: Any) -> tuple[str, ...]:
    """Return the numbers of a relative: an identifier, a list of them, a person, or the number itself."""
    if isinstance(value, str | int):
        return (str(value).strip(),)
    if isinstance(value, list):
        return tuple(number for one in value for number in _numbers(one))
    if isinstance(value, dict):
        if isinstance(value.get("identifier_value"), str | int):
            return (str(value["identifier_value"]).strip(),)
        return tuple(number for _kind, number in numbers_of(value))
    return ()


def _relatives(body: Mapping[str, Any], *names: str) -> Iterator[tuple[str, ...]]:
    for name in names:
        found = _numbers(body.get(name))
        if found:
            yield found


def read(item: Mapping[str, Any], *, today: date) -> Told:
    """Read one item.

    Args:
        item: Of `notify_event`, its frame held already.
        today: No event is later.
    """
    kind, record = kind_of(item), record_of(item)
    if not kind:
        return Told("", None, why="KIND_UNKNOWN")
    if not record:
        return Told(kind, None, why="NO_RECORD")
    body = body_of(record)
    day = day_of(body.get(DATES[kind])) or (day_of(item.get("event_date")))
    if day is None or day > today or day.year < 1900:
        return Told(kind, None, why="NO_DATE" if day is None else "DATE_IMPOSSIBLE")
    own = tuple(number for _kind, number in numbers_of(record))
    spouse = next(_relatives(body, "spouse_identifier", "spouse", "partner", "bride", "groom"), ())
    parents = tuple(
        _relatives(body, "mother_identifier", "mother", "father_identifier", "father", "parent1_identifier",
                   "parent2_identifier")
    )[:2]  # fmt: skip
    registration = str(record.get("registration_number") or body.get("registration_number") or "")[:99]
    if kind == "BIRTH" and not parents:
        return Told(kind, day, own, why="NO_PARENTS")
    if kind != "BIRTH" and not own:
        return Told(kind, day, why="NO_NUMBER")
    return Told(kind, day, own, spouse, parents, registration)


def newborn_of(item: Mapping[str, Any]) -> dict[str, str]:
    """Return name, name in her own script and sex of a child that was born."""
    record = record_of(item)
    name, native = name_of(record)
    return {"name": name, "name_native": native, "sex": sex_of(record)}
