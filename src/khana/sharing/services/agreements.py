"""Draft, approve and end agreements: what may leave, to whom, on what terms.

Two people who did not draft it approve; the database counts them and puts the agreement in force (see
`sql/agreements.sql`). Terms never change: a new agreement takes the old one's place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import psycopg
from django.db import transaction
from django.db.utils import DatabaseError

from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.sharing import fields, lean
from khana.sharing.models import Agreement, Approval, Extract
from khana.sharing.services import partners
from khana_methods.errors import Conflict, InputError, NotFound, NotPermitted

PURPOSES = ("eligibility", "enrolment", "payment", "verification", "case_management", "monitoring", "research",
            "statistics", "emergency")  # fmt: skip


class TermsWrong(InputError):
    """A term of an agreement is missing or contradicts another."""

    code: ClassVar[str] = "sharing.agreement.terms_wrong"


class AgreementUnknown(NotFound):
    """There is no agreement of that number."""

    code: ClassVar[str] = "sharing.agreement.unknown"


class NotWaiting(Conflict):
    """It is not waiting for approval, or was approved by you already."""

    code: ClassVar[str] = "sharing.approval.not_waiting"


class OwnDraft(NotPermitted):
    """Nobody approves what she drafted."""

    code: ClassVar[str] = "sharing.approval.own_draft"


@dataclass(frozen=True)
class Terms:
    """The terms of an agreement as an officer writes them."""

    number: str
    partner: str
    title: str
    level: str
    purpose: str
    legal_basis: str
    fields: Sequence[str]
    valid_from: datetime
    valid_to: datetime
    retention_days: int
    max_rows: int = 1000
    max_extracts: int = 12
    area_code: str = ""
    agency: str = ""
    programme: str = ""
    population_rule: str = ""
    needs_consent: bool = False
    onward_transfer: str = ""
    signatures: Sequence[Mapping[str, Any]] = ()


@transaction.atomic
def draft(*, terms: Terms, at: datetime) -> int:
    """Write an agreement down; it gives nothing until two others approve it. Needs `agreements.draft`.

    Raises:
        TermsWrong: A term is missing or wrong; the message names it.
        FieldUnknown: A field may not leave at that level.
        PartnerUnknown, AreaUnknown: See there.
    """
    access.require("agreements.draft", everywhere=True)
    partner = partners.get(terms.partner)
    _check(terms)
    made = Agreement.objects.create(
        number=terms.number, partner=partner, partner_user_id=partner.user_id, title=terms.title, level=terms.level,
        purpose=terms.purpose, legal_basis=terms.legal_basis, needs_consent=terms.needs_consent,
        fields=fields.check(terms.fields, level=terms.level),
        area_path=geo.get_path(terms.area_code) if terms.area_code else "", agency=terms.agency,
        programme=terms.programme, population_rule=terms.population_rule, max_rows=terms.max_rows,
        max_extracts=terms.max_extracts, valid_from=terms.valid_from, valid_to=terms.valid_to,
        retention_days=terms.retention_days, onward_transfer=terms.onward_transfer,
        signatures=[dict(one) for one in terms.signatures], drafted_by=access.actor_id(), drafted_at=at,
    )  # fmt: skip
    audit.record(action="sharing.agreement_drafted", subject=f"agreement:{terms.number}",
                 details={"partner": terms.partner, "level": terms.level, "fields": list(terms.fields)}, at=at)  # fmt: skip
    return int(made.pk)


def _check(terms: Terms) -> None:
    wrong = [
        (not terms.number.strip() or len(terms.number) > 60 or " " in terms.number, "a number without blanks"),
        (terms.level not in Agreement.Level.values, f"a level: {', '.join(Agreement.Level.values)}"),
        (terms.purpose not in PURPOSES, f"a purpose: {', '.join(PURPOSES)}"),
        (not terms.legal_basis.strip(), "a legal basis"),
        (not terms.fields, "at least one field"),
        (terms.valid_to <= terms.valid_from, "an end after its beginning"),
        ((terms.valid_to - terms.valid_from).days > 5 * 366, "an end within five years"),
        (terms.retention_days < 1, "days of retention"),
        (not 1 <= terms.max_rows <= 50_000_000, "a number of rows"),
        (terms.level == "LIST" and not terms.programme, "the one programme that the list is for"),
    ]
    for is_wrong, wanted in wrong:
        if is_wrong:
            raise TermsWrong(f"The agreement needs {wanted}.")
    if terms.population_rule:
        from khana.sharing.population import compile_rule

        compile_rule(terms.population_rule)
    if Agreement.objects.filter(number=terms.number).exists():
        raise NotWaiting(f"There is an agreement {terms.number} already.", agreement=terms.number)


def get(number: str) -> Agreement:
    """Return an agreement within the scope.

    Raises:
        AgreementUnknown: There is none.
    """
    found = Agreement.objects.select_related("partner").filter(number=number).first()
    if found is None:
        raise AgreementUnknown(
            f"There is no agreement '{number}'. `khana agreements list` shows them.", agreement=number
        )
    return found


@transaction.atomic
def approve(*, number: str, at: datetime) -> str:
    """Say yes to a drafted agreement; the second yes puts it in force. Needs `sharing.approve`.

    Returns:
        The state afterwards.

    Raises:
        NotWaiting: It is no draft, or the actor has said yes already.
        OwnDraft: The actor drafted it.
    """
    access.require("sharing.approve", everywhere=True)
    agreement = get(number)
    add_approval(Approval(agreement=agreement, actor_id=access.actor_id(), approved_at=at))
    audit.record(action="sharing.agreement_approved", subject=f"agreement:{number}", at=at)
    return get(number).state


def add_approval(approval: Approval) -> None:
    """Write one yes; the database refuses the drafter's and a second one of the same person."""
    try:
        with transaction.atomic():
            approval.save()
    except DatabaseError as error:
        cause = error.__cause__
        state = cause.sqlstate if isinstance(cause, psycopg.Error) else ""
        if state == "KH403":
            raise OwnDraft("You drafted this: two other people approve it.") from error
        if state in ("KH409", "23505"):
            raise NotWaiting(
                "This is not waiting for your approval: it is decided, or you approved it already."
            ) from error
        raise


@transaction.atomic
def end(*, number: str, certificate: str = "", at: datetime) -> None:
    """End an agreement in force now, with its mandate; or refuse a draft. Needs `agreements.draft`.

    Args:
        number: Of the agreement.
        certificate: SHA-256 of the partner's destruction certificate, where it is there.
        at: When.
    """
    access.require("agreements.draft", everywhere=True)
    agreement = get(number)
    if agreement.state not in (Agreement.State.DRAFT, Agreement.State.IN_FORCE):
        raise NotWaiting(f"The agreement {number} is {agreement.state} already.", agreement=number)
    state = Agreement.State.REFUSED if agreement.state == Agreement.State.DRAFT else Agreement.State.ENDED
    Agreement.objects.filter(pk=agreement.pk).update(state=state, ended_at=at, destruction_certificate=certificate)
    audit.record(action="sharing.agreement_ended", subject=f"agreement:{number}", details={"state": state}, at=at)


def in_force(*, partner_user_id: int, at: datetime) -> list[Agreement]:
    """Return the agreements of a partner that are in force at a moment, oldest first."""
    return lean.rows(
        Agreement,
        "partner_user_id = %s AND state = %s AND valid_from <= %s AND valid_to > %s ORDER BY id",
        (partner_user_id, Agreement.State.IN_FORCE.value, at, at),
    )


def approvals_of(extract: Extract) -> int:
    """Count the people who said yes to an extract."""
    return Approval.objects.filter(extract=extract).count()
