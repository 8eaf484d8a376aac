"""`GET persons?number=` and `GET households/{number}`: the look-up of a desk or a partner."""

from __future__ import annotations

from datetime import date, datetime

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from khana.access import services as access
from khana.dossiers import lookups
from khana.interfaces.api.v1.problems import answer
from khana.platform import clock

router = Router(tags=["look-up"])


class Identifier(Schema):
    """One number, masked."""

    type: str
    number: str
    status: str


class InHousehold(Schema):
    """A place in a household."""

    household: str
    line_no: int
    relation: str
    is_member: bool


class Person(Schema):
    """One person's file as the reader may see it."""

    person: int
    area: str
    name: str | None
    name_native: str | None
    guardian_name: str | None
    sex: str | None
    birth_year: int | None
    birth_month: int | None
    birth_day: int | None
    marital: str | None
    identifiers: list[Identifier]
    households: list[InHousehold]


class Drawn(Schema):
    """One row of a ministry's list."""

    programme: str
    source: str
    agency: str
    period: str
    period_end: date | None
    amount: str | None
    is_beneficiary: bool | None
    is_payee: bool | None


class PersonAnswer(Schema):
    """Who holds the number, and what it draws."""

    persons: list[Person]
    drawn: list[Drawn]


class Member(Schema):
    """One line of a household."""

    line_no: int
    relation: str
    is_member: bool
    person: Person


class HouseholdAnswer(Schema):
    """One household with its members."""

    household: str
    area: str
    members: list[Member]


@router.get("/persons", response=PersonAnswer, summary="A person by number")
def get_person(
    request: HttpRequest, number: str, as_of: date | None = None, as_known_at: datetime | None = None
) -> HttpResponse:
    """Return who holds a personal number, within your area; numbers come masked and the look-up is audited."""
    bearer: str = request.auth  # type: ignore[attr-defined]
    found = lookups.get_person(number=number, session=bearer, as_of=as_of, as_known_at=as_known_at, at=clock.now())
    lookups.refuse_nobody(found)
    return answer(200, found)


@router.get("/households/{number}", response=HouseholdAnswer, summary="A household by its number")
def get_household(
    request: HttpRequest, number: str, as_of: date | None = None, as_known_at: datetime | None = None
) -> HttpResponse:
    """Return a household of your area with its members; numbers come masked and the look-up is audited."""
    with access.scoped(request.auth, require_session=False):  # type: ignore[attr-defined]
        found = lookups.get_household(number=number, as_of=as_of, as_known_at=as_known_at, at=clock.now())
    if found is None:
        raise lookups.HouseholdNotFound("No household within your area has this number.")
    return answer(200, found)
