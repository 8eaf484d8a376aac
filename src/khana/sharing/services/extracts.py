"""Extracts: drafted under an agreement, checked by machine, approved by two, made as a job, delivered encrypted.

The file is made in the partner's own scope under the agreement's mandate, so that row security holds it to the
agreement's area; it is encrypted chunk by chunk to the partner's key (one JWE a line), named in a signed manifest,
counted, and gone when it expires. Each row bears a mark by which a leak names its recipient.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, BinaryIO, ClassVar

from django.db import transaction
from joserfc import jws

from khana.access import mandates
from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.platform import bulk, files
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.sharing import extract_rows, fields, own_keys, sealed_mail
from khana.sharing.models import Agreement, Approval, Extract, ExtractPerson
from khana.sharing.population import compile_rule
from khana.sharing.services import agreements
from khana_methods.errors import Conflict, InputError, KhanaError, NotFound

LIVES_FOR = timedelta(days=14)
_WHOSE = """INSERT INTO sharing_extractperson (extract_number, partner_user_id, person_id)
    SELECT %s, %s, person FROM unnest(%s::bigint[]) person"""
CHUNK = 20_000
_A_STEP = 50


class ExtractRefused(InputError):
    """The machine check found that the agreement does not allow what was asked."""

    code: ClassVar[str] = "sharing.extract.refused"


class ExtractUnknown(NotFound):
    """There is no extract of that number, or it is gone."""

    code: ClassVar[str] = "sharing.extract.unknown"


class ExtractNotReady(Conflict):
    """The extract is not in the state for this."""

    code: ClassVar[str] = "sharing.extract.not_ready"


def check(
    agreement: Agreement, *, chosen: Sequence[str], by: Sequence[str], area_path: str, rule: str, at: datetime
) -> list[str]:
    """Hold a request against its agreement; return what is wrong, empty where nothing is."""
    found = []
    if agreement.state != Agreement.State.IN_FORCE or not agreement.valid_from <= at < agreement.valid_to:
        found.append(f"The agreement {agreement.number} is not in force.")
    if agreement.level == Agreement.Level.ANSWER:
        found.append("The agreement gives answers about one person at a time, and no file.")
    beyond = sorted(set(chosen) | set(by) - {"age"} if by else set(chosen))
    beyond = [name for name in beyond if name not in agreement.fields]
    if beyond:
        found.append(f"The agreement does not have the fields {', '.join(beyond)}.")
    if agreement.level == Agreement.Level.AGGREGATE and not by:
        found.append("An aggregate needs its dimensions (--by).")
    if not area_path.startswith(agreement.area_path):
        found.append("The area lies outside the agreement's.")
    used = Extract.objects.filter(agreement=agreement).exclude(state=Extract.State.REFUSED).count()
    if used >= agreement.max_extracts:
        found.append(f"All {agreement.max_extracts} extracts of the agreement are used.")
    try:
        sealed_mail.encryption_key(agreement.partner.jwks)
        if rule:
            compile_rule(rule)
    except KhanaError as error:
        found.append(error.message)
    return found


@transaction.atomic
def draft(
    *, agreement: str, chosen: Sequence[str] = (), by: Sequence[str] = (), area_code: str = "", rule: str = "",
    reason: str = "", at: datetime,
) -> Extract:  # fmt: skip
    """Ask for an extract; it waits for two approvals. Needs `agreements.draft`.

    Args:
        agreement: Its number.
        chosen: Fields; all of the agreement if absent.
        by: Dimensions, for an aggregate.
        area_code: An area inside the agreement's; the whole of it if absent.
        rule: A population rule that narrows the agreement's.
        reason: What it is for.
        at: When.

    Raises:
        ExtractRefused: The machine check says why.
    """
    access.require("agreements.draft", everywhere=True)
    under = agreements.get(agreement)
    area_path = geo.get_path(area_code) if area_code else under.area_path
    wanted = fields.check(list(chosen) or list(under.fields), level=under.level)
    if wrong := check(under, chosen=wanted, by=by, area_path=area_path, rule=rule, at=at):
        raise ExtractRefused(" ".join(wrong), findings=len(wrong))
    made = Extract.objects.create(
        number=f"X{at:%y%m%d}-{secrets.token_hex(3)}", agreement=under, partner_user_id=under.partner_user_id, fields=wanted,
        by=list(by), area_path=area_path, population_rule=rule, reason=reason, asked_by=access.actor_id(), asked_at=at,
        findings=["checked against the agreement: nothing found"],
    )  # fmt: skip
    audit.record(action="sharing.extract_asked", subject=f"extract:{made.number}",
                 details={"agreement": agreement, "fields": wanted, "by": list(by)}, at=at)  # fmt: skip
    return made


def get(number: str) -> Extract:
    """Return an extract within the scope.

    Raises:
        ExtractUnknown: There is none.
    """
    found = Extract.objects.select_related("agreement", "agreement__partner").filter(number=number).first()
    if found is None:
        raise ExtractUnknown(f"There is no extract '{number}'. `khana extracts list` shows them.", extract=number)
    return found


@transaction.atomic
def approve(*, number: str, at: datetime) -> str:
    """Say yes to an extract; the second yes lets it be made. Needs `sharing.approve`. Returns the state afterwards."""
    access.require("sharing.approve", everywhere=True)
    agreements.add_approval(Approval(extract=get(number), actor_id=access.actor_id(), approved_at=at))
    audit.record(action="sharing.extract_approved", subject=f"extract:{number}", at=at)
    return get(number).state


def make(*, token: str, extract: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Make an approved extract and keep it encrypted; runs in a job.

    Args:
        token: Of whoever started the job; what is read is read in the partner's scope.
        extract: Its number.
        progress: Told at each chunk.
        at: When.

    Returns:
        `rows`, `suppressed`, `sha256`.

    Raises:
        AccessNotFound: It is not approved by two, or its agreement ended.
        ExtractRefused: More rows than agreed, or too many people would stand out.
    """
    with access.scoped(token):
        ((partner_token, agreement),) = access.call("sharing_adopt_extract", extract)
    try:
        with access.scoped(str(partner_token)):
            return _made(extract, str(agreement), progress, at)
    except KhanaError as error:
        with access.scoped(str(partner_token), require_session=False):
            Extract.objects.filter(number=extract).update(state=Extract.State.FAILED, message=error.message)
        raise
    finally:
        access.sign_out(token=str(partner_token))


def _made(number: str, agreement: str, progress: Progress, at: datetime) -> dict[str, Any]:
    one = get(number)
    under = one.agreement
    mandates.name(mandate=agreement, purpose=under.purpose, request=number)
    plan = extract_rows.Plan(
        partner=under.partner.code, group=under.partner.join_group or under.partner.code, extract=number,
        level=under.level, fields=tuple(one.fields), by=tuple(one.by), area_path=one.area_path,
        rules=tuple(rule for rule in (under.population_rule, one.population_rule) if rule), programme=under.programme,
        needs_consent=under.needs_consent, max_rows=under.max_rows, today=at.date(),
    )  # fmt: skip
    with workplace("files", "extract") as folder:
        path = folder / "sealed"
        with path.open("wb") as target:
            made = _write(target, plan, under.partner.jwks, progress)
        still = Agreement.objects.filter(pk=under.pk, state=Agreement.State.IN_FORCE, valid_to__gt=at).exists()
        if not still:
            raise ExtractRefused("The agreement ended while the extract was made.")
        kept = files.keep(path, name=f"{number}.jwe", at=at)
    manifest = {
        "extract": number, "agreement": agreement, "partner": under.partner.code, "purpose": under.purpose,
        "level": under.level, "fields": list(one.fields), "by": list(one.by), "rows": made["rows"],
        "suppressed": made["suppressed"], "sha256": kept.sha256, "sha256_of_content": made["content"],
        "format": "one compact JWE a line; each opens to a part of one CSV file in UTF-8", "made_at": at.isoformat(),
        "expires_at": (at + LIVES_FOR).isoformat(), "destroy_by": (at + timedelta(days=under.retention_days)).isoformat(),
        "onward_transfer": under.onward_transfer or "none",
    }  # fmt: skip
    key, kid = own_keys.signing_key("jws-compact")
    signature = jws.serialize_compact({"alg": "EdDSA", "kid": kid}, json.dumps(manifest), key, algorithms=["EdDSA"])
    Extract.objects.filter(pk=one.pk).update(
        state=Extract.State.DELIVERED, rows=made["rows"], sha256=kept.sha256, manifest={**manifest, "jws": signature},
        delivered_at=at, expires_at=at + LIVES_FOR, message="",
    )  # fmt: skip
    audit.record(action="sharing.extract_made", subject=f"extract:{number}",
                 details={"rows": made["rows"], "sha256": kept.sha256, "suppressed": made["suppressed"]}, at=at)  # fmt: skip
    return {"rows": made["rows"], "suppressed": made["suppressed"], "sha256": kept.sha256}


def _write(target: BinaryIO, plan: extract_rows.Plan, jwks: dict[str, Any], progress: Progress) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    source = extract_rows.parts(plan, CHUNK)
    for number, part in enumerate(source):
        content = part.text.encode()
        digest.update(content)
        line = sealed_mail.seal(content, jwks, about={"cty": "text/csv", "typ": f"{plan.extract}.{number}"})
        target.write(line.encode() + b"\n")
        rows += part.rows
        if rows > plan.max_rows:
            raise ExtractRefused(f"More than the {plan.max_rows} rows that the agreement allows.", rows=rows)
        if part.persons:
            bulk.raw_cursor().execute(_WHOSE, [plan.extract, access_user(), list(part.persons)])
        progress(rows, max(rows, plan.max_rows), "rows")
    return {"rows": rows, "suppressed": source.suppressed, "content": digest.hexdigest()}


def access_user() -> int:
    """Return the user in scope: the partner's."""
    return access.actor_id()


@transaction.atomic
def fetch(*, number: str, at: datetime) -> Extract:
    """Hand an extract out to its partner (or show it to an officer), counted and audited.

    Raises:
        ExtractNotReady: It is not delivered, or has expired.
    """
    one = get(number)
    if one.state != Extract.State.DELIVERED or one.expires_at is None or one.expires_at <= at:
        raise ExtractNotReady("The extract is not there: it is not made yet, or has expired.", extract=number)
    Extract.objects.filter(pk=one.pk).update(fetched_count=one.fetched_count + 1)
    audit.record(action="sharing.extract_fetched", subject=f"extract:{number}", details={"sha256": one.sha256}, at=at)
    return one


def expire(*, at: datetime) -> int:
    """Mark what has outlived its days and remove its files, a few at a time; return how many.

    The worker does it by itself every night; an officer needs `agreements.draft` for the whole country.
    """
    expired = 0
    while True:
        with transaction.atomic():
            gone = access.call("sharing_expire_extracts", at, _A_STEP)
            for _, sha256 in gone:
                files.remove(str(sha256))
        expired += len(gone)
        if len(gone) < _A_STEP:
            return expired


@transaction.atomic
def trace(*, marks: Sequence[str], at: datetime) -> list[dict[str, Any]]:
    """Say from which extracts some row marks of a leaked file come; needs `agreements.read`."""
    access.require("agreements.read", everywhere=True)
    wanted, found = set(marks), []
    for one in Extract.objects.select_related("agreement__partner").exclude(delivered_at=None).order_by("id"):
        persons = ExtractPerson.objects.filter(extract_number=one.number).values_list("person_id", flat=True)
        met = sum(
            extract_rows.mark(one.agreement.partner.code, one.number, person) in wanted for person in persons.iterator()
        )
        if met:
            found.append({"extract": one.number, "partner": one.agreement.partner.code, "marks": met,
                          "agreement": one.agreement.number})  # fmt: skip
    audit.record(
        action="sharing.leak_traced",
        subject="extract:unknown",
        details={"marks": len(wanted), "found": len(found)},
        at=at,
    )
    return found
