"""Read a person as the DCI standard writes her: of civil registration, of a functional or of a social registry.

Implementations nest and spell differently; what cannot be read is left out, never guessed. Source: SPDCI CRVS and FR
API v1.0.0, `CRVSPerson`, `FRPerson`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from khana.identity.gateways.protocol import Record

_SEX = {"male": "M", "m": "M", "female": "F", "f": "F", "others": "O", "other": "O", "o": "O"}


def body_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a record that describes the person."""
    for name in ("demographic_info", "person", "personal_details"):
        inner = record.get(name)
        if isinstance(inner, dict):
            return {**{key: value for key, value in record.items() if key != name}, **inner}
    return record


def numbers_of(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (type, number) of every identifier of a record."""
    body = body_of(record)
    for name in ("identifier", "member_identifier", "identifiers"):
        held = body.get(name)
        for one in held if isinstance(held, list) else [held]:
            if isinstance(one, dict) and isinstance(one.get("identifier_value"), str | int):
                yield str(one.get("identifier_type", "")), str(one["identifier_value"]).strip()


def name_of(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return a person's name, and in her own script where the record has it."""
    held = body_of(record).get("name")
    if isinstance(held, str):
        return held.strip()[:200], ""
    if not isinstance(held, dict):
        return "", ""
    parts = [held.get(part) for part in ("given_name", "second_name", "surname")]
    whole = " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
    native = held.get("full_name_native")
    return whole[:200], native.strip()[:200] if isinstance(native, str) else ""


def day_of(value: Any) -> date | None:
    """Return the day of a date or time as the standard writes it, None where it is none."""
    try:
        return date.fromisoformat(value.strip()[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def sex_of(record: Mapping[str, Any]) -> str:
    """Return M, F, O, or nothing."""
    value = body_of(record).get("sex")
    return _SEX.get(value.strip().lower(), "") if isinstance(value, str) else ""


def person_of(record: Mapping[str, Any]) -> Record:
    """Return what a record says of a person."""
    body = body_of(record)
    name, native = name_of(record)
    born, died = day_of(body.get("birth_date")), day_of(body.get("death_date"))
    year = born.year if born else body.get("birth_year")
    status = str(body.get("life_status") or body.get("status") or "").lower()
    return Record(
        name=name, name_native=native, sex=sex_of(record), birth_year=year if isinstance(year, int) else None,
        is_dead=died is not None or status in ("deceased", "dead"), death_date=died,
    )  # fmt: skip
