"""The look-up of a desk or a partner: a person by number, a household by its number, masked.

One statement for a number, because a desk waits for it. Not being in the reader's scope and not being there are one and the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, ClassVar

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries import lookup as beneficiaries
from khana.platform import installation, keys
from khana.registry import lookup as registry
from khana_country.load import load_document
from khana_methods.disclosure.masking import mask
from khana_methods.errors import InputError, NotFound
from khana_methods.standardise.identifiers import IdentifierRules


class NumberMalformed(InputError):
    """The number is no personal number of this country."""

    code: ClassVar[str] = "dossiers.lookup.number_malformed"


class PersonNotFound(NotFound):
    """Nobody in the reader's scope holds the number."""

    code: ClassVar[str] = "dossiers.lookup.person_not_found"


class HouseholdNotFound(NotFound):
    """No household in the reader's scope has the number."""

    code: ClassVar[str] = "dossiers.lookup.household_not_found"


@lru_cache(maxsize=4)
def _rules(country: str) -> tuple[IdentifierRules, ...]:
    whole = IdentifierRules.parse(load_document(country, "identifiers"))
    return tuple(whole.only(kind) for kind in dict.fromkeys(form.kind for form in whole.forms))


def tokens_of(number: str, country: str) -> list[bytes]:
    """Return the tokens of a number under each kind of number that it fits.

    Raises:
        NumberMalformed: It fits none.
    """
    read = [rules.standardise(number) for rules in _rules(country)]
    found = {(one.scheme, one.canonical) for one in read if one.state == "OK"}
    if not found:
        raise NumberMalformed("This is no personal number of this country: check the digits and their count.")
    return [keys.token(scheme, canonical) for scheme, canonical in sorted(found)]


def get_person(
    *,
    number: str,
    session: str | None = None,
    as_of: date | None = None,
    as_known_at: datetime | None = None,
    at: datetime,
) -> dict[str, Any]:
    """Return who holds a number, as the reader may see her: numbers masked, with what she draws.

    Args:
        number: As it is written on the card: any script, any separators.
        session: Token of the reader, where no scope is open.
        as_of: The day that is asked about; today if absent.
        as_known_at: With what was known then; now if absent.
        at: Now; the event bears it.

    Returns:
        `persons` (more than one where a number is disputed) and `drawn`, the rows of lists; both
        empty where nobody in scope holds it: the event of a vain look-up must stay, so that it is
        for the caller to refuse after the transaction (`refuse_nobody`).

    Raises:
        NumberMalformed: It is no number of this country.
        NoSession, PermissionMissing: The reader is nobody, or may not read persons.
    """
    tokens = tokens_of(number, installation.read().get("country", "pak"))
    found = beneficiaries.look_up(
        tokens=tokens, as_of=as_of or at.date(), known_at=as_known_at or at, at=at, session=session
    )
    if found.outcome == "NOBODY":
        raise access.NoSession("You are not signed in, or your session has ended. Sign in and try again.")
    if found.outcome == "FORBIDDEN":
        raise access.PermissionMissing(
            "You may not do this: it needs the permission 'registry.read'.", permission="registry.read"
        )
    return {"persons": [_shown(one) for one in found.persons], "drawn": found.drawn}


def get_household(
    *, number: str, as_of: date | None = None, as_known_at: datetime | None = None, at: datetime
) -> dict[str, Any] | None:
    """Return a household with its members, as the reader may see it; None if none is in her scope.

    Raises:
        NoSession, PermissionMissing: The reader is nobody, or may not read households.
    """
    may, found = registry.find_household(number=number, as_of=as_of or at.date(), known_at=as_known_at or at)
    if not may:
        access.require("registry.read")
    audit.record(
        action="dossiers.household.looked_up",
        subject=f"household:{number}" if found else "household:none",
        details={"members": len(found["members"]) if found else 0},
        at=at,
    )
    if found is None:
        return None
    members = [{**one, "person": _shown(one["person"])} for one in found["members"]]
    return {"household": found["household"], "area": area_code(found["area_path"]), "members": members}


def refuse_nobody(found: Mapping[str, Any]) -> None:
    """Raise where a look-up by number found neither a person nor a row.

    Raises:
        PersonNotFound: Nobody in her scope holds it, and no list of her scope names it.
    """
    if not found["persons"] and not found["drawn"]:
        raise PersonNotFound("Nobody within your area holds this number.")


def area_code(path: str) -> str:
    """Return the code of the innermost area of a path.

    Examples:
        >>> area_code("PK.PK2.PK201."), area_code("")
        ('PK201', '')
    """
    return path.rstrip(".").rsplit(".", 1)[-1]


def _shown(person: Mapping[str, Any]) -> dict[str, Any]:
    out = {name: value for name, value in person.items() if name not in ("area_path", "identifiers")}
    return {**out, "area": area_code(person["area_path"]), "identifiers": _masked(person["identifiers"])}


def _masked(identifiers: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [
        {
            "type": one["type"],
            "status": one["status"],
            "number": mask(keys.decrypt(bytes.fromhex(one["ciphertext"])).decode()),
        }
        for one in identifiers
    ]
