"""A ministry's system asks before it enrols and reports afterwards: one number, or up to a thousand at once."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from khana.access import services as access
from khana.beneficiaries.services import reports
from khana.dossiers import ask_before_enrol, lookups
from khana.geo import selectors as geo
from khana.interfaces.api.v1.problems import answer
from khana.platform import clock, installation
from khana_methods.errors import InputError

router = Router(tags=["enrolment"])
MOST = 1000


class Question(Schema):
    """One number and the programme that it would join; a partner names its agreement."""

    number: str
    programme: str
    agreement: str = ""


class Questions(Schema):
    """Numbers and the programme that they would join."""

    numbers: list[str]
    programme: str
    agreement: str = ""


class Said(Schema):
    """YES, NO with reasons, or UNKNOWN with what is missing."""

    id: int | None
    programme: str
    answer: str
    reasons: list[dict[str, Any]]


class SaidOfAll(Schema):
    """Answers in the order of the numbers."""

    answers: list[Said]


class Report(Schema):
    """What became of a number on a programme: ENROLLED, SUSPENDED, EXITED, GRADUATED or DECLINED."""

    number: str
    programme: str
    state: str
    day: date
    reason: str = ""
    area: str = ""


class Reported(Schema):
    """The enrolment that the report moved."""

    enrolment: int
    state: str


@router.post("/enrolments/may-join", response=Said, summary="May this number join that programme?")
def post_may_join(request: HttpRequest, body: Question) -> HttpResponse:
    """Ask before you enrol; the answer is kept. It says which rule speaks, never what else the person draws."""
    bearer: str = request.auth  # type: ignore[attr-defined]
    now = clock.now()
    if not body.agreement:
        return answer(200, ask_before_enrol.ask(number=body.number, programme=body.programme, session=bearer, at=now))
    with access.scoped(bearer):
        ask_before_enrol.name_agreement(
            number=body.agreement, programme=body.programme, actor_id=access.actor_id(), at=now
        )
        return answer(200, ask_before_enrol.ask(number=body.number, programme=body.programme, at=now))


@router.post("/enrolments/may-join/many", response=SaidOfAll, summary="May these numbers join that programme?")
def post_may_join_many(request: HttpRequest, body: Questions) -> HttpResponse:
    """Ask for up to a thousand numbers at once; answers come in their order."""
    if len(body.numbers) > MOST:
        raise InputError(f"Ask for at most {MOST} numbers at once.", most=MOST)
    now = clock.now()
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        if body.agreement:
            ask_before_enrol.name_agreement(
                number=body.agreement, programme=body.programme, actor_id=access.actor_id(), at=now
            )
        found = list(ask_before_enrol.ask_many(numbers=body.numbers, programme=body.programme, at=now))
    return answer(200, {"answers": found})


@router.post("/enrolments/reports", response=Reported, summary="Report what became of a number on a programme")
def post_report(request: HttpRequest, body: Report) -> HttpResponse:
    """Report afterwards; the same report again changes nothing."""
    tokens = lookups.tokens_of(body.number, installation.read().get("country", "pak"))
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        made = reports.report_state(
            tokens=tokens, programme=body.programme, state=body.state.upper(), day=body.day, reason=body.reason.upper(),
            area_path=geo.get_path(body.area) if body.area else "", at=clock.now(),
        )  # fmt: skip
    return answer(200, {"enrolment": made, "state": body.state.upper()})
