"""The read part of ODK Central's address, as pyodk asks it: sessions, projects, forms, submissions, entities; one project.

Staff with a second factor write its six digits after the password, with a blank between. Every reading of answers or of the
list is held to the reader's area and leaves an event.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from khana.access import selectors as who
from khana.access import services as access
from khana.audit import services as audit
from khana.intake import selectors
from khana.intake.services import entities as household_list
from khana.intake.tables import submission_table
from khana.interfaces.api.odk.door import for_analysts, token_of, told
from khana.interfaces.api.odk.openrosa import take
from khana.interfaces.api.odk.upload import PostMalformed
from khana.interfaces.api.v1.problems import answer, problem
from khana.platform import clock, files
from khana_methods.errors import NotFound

_CODE = re.compile(r"^(.*)\s(\d{6})$")
_HOURS = 8
_MOST = 500
PROJECT = 1


class ProjectUnknown(NotFound):
    """There is one project, number 1."""

    code = "odk.project.unknown"


def _moment(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if at else None


def _json(body: Any, status: int = 200) -> HttpResponse:
    response: HttpResponse = answer(status, body)
    return response


@require_POST
def sessions(request: HttpRequest) -> HttpResponse:
    """Sign in; the token holds for eight hours."""
    try:
        body = json.loads(request.body or b"{}")
        name, password = str(body["email"]), str(body["password"])
    except (ValueError, KeyError, TypeError):
        return problem(400, "odk.session.malformed", "Send email and password as JSON.")
    try:
        opened = _sign_in(name, password)
    except Exception as error:
        known = told(error)
        if known is None:
            return problem(500, "api.our_mistake", "A mistake of ours. Try again or tell us.")
        return problem(401, known.code, known.message)
    now = clock.now()
    return _json({
        "token": opened, "csrf": "", "createdAt": _moment(now), "expiresAt": _moment(now + timedelta(hours=_HOURS)),
    })  # fmt: skip


def _sign_in(name: str, password: str) -> str:
    """Open a session; of a password with a code behind it, the code is the second factor."""
    ttl = timedelta(hours=_HOURS)
    coded = _CODE.match(password)
    signed = access.sign_in(username=name, password=coded[1] if coded else password, kind="TOKEN", ttl=ttl)
    if signed.needs_second_factor:
        access.confirm_second_factor(token=signed.token, code=coded[2] if coded else "", at=clock.now())
    return signed.token


sessions.is_public = sessions.csrf_exempt = True  # type: ignore[attr-defined]


@for_analysts
@require_GET
def current_user(request: HttpRequest) -> HttpResponse:
    """Say who acts."""
    me = who.me()
    if me is None:
        raise access.NoSession("You are not signed in.")
    return _json(
        {
            "id": me.id,
            "type": "user",
            "displayName": me.display_name,
            "email": me.username,
            "createdAt": _moment(clock.now()),
        }
    )


def _project() -> dict[str, Any]:
    versions = selectors.list_versions()
    first = min((row.added_at for row in versions), default=clock.now())
    return {
        "id": PROJECT, "name": "Khana", "description": None, "archived": None, "keyId": None, "appUsers": 0,
        "forms": len({row.form_id for row in versions}), "lastSubmission": None, "createdAt": _moment(first),
        "updatedAt": None, "deletedAt": None,
    }  # fmt: skip


@for_analysts
@require_GET
def projects(request: HttpRequest, project: int = 0) -> HttpResponse:
    """Return the one project, in a list or alone."""
    if project not in (0, PROJECT):
        raise ProjectUnknown("There is one project, number 1.")
    access.require("forms.read")
    return _json(_project() if project else [_project()])


def _form(row: selectors.FormRow) -> dict[str, Any]:
    is_open = row.state == "ACTIVE"
    return {
        "projectId": PROJECT, "xmlFormId": row.form.code, "name": row.definition["title"], "version": row.version,
        "enketoId": None, "hash": row.xform_md5, "keyId": None, "state": "open" if is_open else "closed",
        "createdAt": _moment(row.form.created_at), "updatedAt": _moment(row.withdrawn_at), "publishedAt": _moment(row.added_at),
    }  # fmt: skip


@for_analysts
@require_GET
def forms(request: HttpRequest) -> HttpResponse:
    """List the forms, each in its newest version."""
    access.require("forms.read")
    newest: dict[int, selectors.FormRow] = {}
    for row in selectors.list_versions():
        newest.setdefault(row.form_id, row)
    return _json([_form(row) for row in newest.values()])


@for_analysts
@require_GET
def form(request: HttpRequest, form: str) -> HttpResponse:
    """Return one form in its newest version."""
    access.require("forms.read")
    return _json(_form(selectors.get_version(form)))


@for_analysts
@require_GET
def form_versions(request: HttpRequest, form: str) -> HttpResponse:
    """List the versions of a form."""
    access.require("forms.read")
    return _json([_form(row) for row in selectors.list_versions(form)])


@for_analysts
@require_GET
def form_file(request: HttpRequest, form: str, suffix: str) -> HttpResponse:
    """Return the newest version as XForm, or as the workbook that was sent."""
    access.require("forms.read")
    row = selectors.get_version(form)
    if suffix == "xml":
        return HttpResponse(row.xform, content_type="application/xml")
    with files.open(row.source.sha256) as kept:
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return HttpResponse(kept.read(), content_type=kind)


_REVIEW = {"REGISTERED": "approved", "RETURNED": "rejected", "WAITING": "hasIssues"}


def _submission(row: selectors.SubmissionRow) -> dict[str, Any]:
    return {
        "instanceId": row.instance_id, "submitterId": row.actor_id, "deviceId": row.device_id or None, "userAgent": None,
        "instanceName": None, "reviewState": _REVIEW.get(row.state), "createdAt": _moment(row.received_at),
        "updatedAt": _moment(row.state_at), "currentVersion": {"instanceId": row.instance_id, "current": True},
    }  # fmt: skip


@require_http_methods(["GET", "POST"])
def submissions(request: HttpRequest, form: str, key: str = "") -> HttpResponse:
    """List the submissions of a form, or take one as plain XML."""
    if request.method == "POST":
        return _create(request, form, key=key)
    return _list(request, form, key=key)


submissions.is_public = submissions.csrf_exempt = True  # type: ignore[attr-defined]


@for_analysts
def _list(request: HttpRequest, form: str) -> HttpResponse:
    access.require("submissions.read")
    return _json([_submission(row) for row in selectors.list_submissions(form=form, limit=_MOST)])


def _create(request: HttpRequest, form: str, key: str = "") -> HttpResponse:
    try:
        if request.headers.get("Content-Type", "").split(";")[0] not in ("application/xml", "text/xml"):
            raise PostMalformed("Send the answers as application/xml.")
        token = token_of(request, key)
        receipt = take(token, request.body, [], device_id=request.GET.get("deviceID", ""), form_code=form)
        if receipt.problem:
            return problem(
                409 if receipt.instance_id[:11] != "unreadable:" else 422, "intake.submission.refused", receipt.problem
            )
        with access.scoped(token):
            return _json(_submission(selectors.get_submission_row(receipt.number)))
    except Exception as error:
        known = told(error)
        if known is None:
            return problem(500, "api.our_mistake", "A mistake of ours. Nothing was half-written; try again or tell us.")
        return problem(
            401 if isinstance(known, access.NoSession) else known.http_status, known.code, known.message, known.details
        )


def _of_form(instance: str, form: str) -> selectors.SubmissionRow:
    row = selectors.get_submission(instance)
    if row.form_code != form:
        raise selectors.SubmissionUnknown("No submission of this form has this number.")
    return row


@for_analysts
@require_GET
def submission(request: HttpRequest, form: str, instance: str) -> HttpResponse:
    """Return what is known of one submission, without its answers."""
    access.require("submissions.read")
    return _json(_submission(_of_form(instance, form)))


@for_analysts
@require_GET
def submission_xml(request: HttpRequest, form: str, instance: str) -> HttpResponse:
    """Return the answers of one submission as they arrived."""
    access.require("submissions.read")
    row = _of_form(instance, form)
    audit.record(action="intake.submission.read", subject=f"submission:{row.pk}", at=clock.now())
    with files.open(row.sha256) as kept:
        return HttpResponse(kept.read(), content_type="application/xml", headers={"Cache-Control": "no-store"})


@for_analysts
@require_GET
def attachments(request: HttpRequest, form: str, instance: str) -> HttpResponse:
    """List the attachments of one submission, those that have not arrived too."""
    access.require("submissions.read")
    row = _of_form(instance, form)
    there = [part.name for part in selectors.parts_of(row.pk) if part.kind != "OTHER_ANSWERS"]
    names = dict.fromkeys([*row.media, *there])
    return _json([{"name": name, "exists": name in there} for name in names])


@for_analysts
@require_GET
def attachment(request: HttpRequest, form: str, instance: str, name: str) -> HttpResponse:
    """Return one attachment, to be kept and never shown as a page."""
    access.require("submissions.read")
    row = _of_form(instance, form)
    part = next((one for one in selectors.parts_of(row.pk) if one.name == name), None)
    if part is None:
        raise selectors.SubmissionUnknown("This submission has no such attachment.")
    audit.record(
        action="intake.attachment.read", subject=f"submission:{row.pk}", details={"sha256": part.sha256}, at=clock.now()
    )
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    with files.open(part.sha256) as kept:
        return HttpResponse(kept.read(), content_type="application/octet-stream", headers=headers)


@for_analysts
@require_GET
def submission_rows(request: HttpRequest, form: str, table: str) -> HttpResponse:
    """Return the answers of a form as OData rows: the main table, or one of a repeat."""
    access.require("submissions.read")
    top = min(int(request.GET.get("$top") or _MOST), _MOST)
    skip = int(request.GET.get("$skip") or 0)
    rows = selectors.list_submissions(form=form, limit=skip + top)[skip:]
    found = submission_table(rows, table)
    audit.record(
        action="intake.submissions.read",
        subject=f"form:{form}",
        details={"table": table, "submissions": len(rows)},
        at=clock.now(),
    )
    body = {"value": found, "@odata.context": request.build_absolute_uri(f"./$metadata#{table}")}
    if request.GET.get("$count") == "true":
        body["@odata.count"] = selectors.counts_by_form().get(form, {}).get("count", 0)
    return _json(body)


def _entity(row: selectors.EntityRow) -> dict[str, Any]:
    return {
        "uuid": str(row.uuid), "creatorId": row.actor_id, "createdAt": _moment(row.created_at),
        "updatedAt": _moment(row.updated_at), "deletedAt": None, "conflict": "soft" if row.has_conflict else None,
        "currentVersion": {
            "label": row.label, "current": True, "createdAt": _moment(row.updated_at), "creatorId": row.actor_id,
            "userAgent": "khana", "version": row.version, "baseVersion": None, "conflictingProperties": None,
            "data": row.properties,
        },
    }  # fmt: skip


def _listed(request: HttpRequest, name: str) -> list[selectors.EntityRow]:
    if name != "households":
        raise ProjectUnknown("There is one entity list: households.")
    access.require("entities.read")
    top, skip = min(int(request.GET.get("$top") or _MOST), _MOST), int(request.GET.get("$skip") or 0)
    rows = household_list.page(skip=skip, most=top)
    audit.record(
        action="intake.list.read", subject="list:households", details={"households": len(rows)}, at=clock.now()
    )
    return rows


@for_analysts
@require_GET
def datasets(request: HttpRequest) -> HttpResponse:
    """List the entity lists."""
    access.require("entities.read")
    return _json(
        [{"name": "households", "projectId": PROJECT, "createdAt": _moment(clock.now()), "approvalRequired": False}]
    )


@for_analysts
@require_GET
def entities(request: HttpRequest, name: str) -> HttpResponse:
    """List the households of the reader's area."""
    return _json([_entity(row) for row in _listed(request, name)])


@for_analysts
@require_GET
def entity(request: HttpRequest, name: str, uid: str) -> HttpResponse:
    """Return one household of the list."""
    access.require("entities.read")
    row = household_list.by_uuid(uid) if name == "households" else None
    if row is None:
        raise selectors.SubmissionUnknown("No household of the list within your area has this number.")
    audit.record(action="intake.list.read", subject=f"entity:{row.pk}", at=clock.now())
    return _json(_entity(row))


@for_analysts
@require_GET
def entity_rows(request: HttpRequest, name: str) -> HttpResponse:
    """Return the households of the list as OData rows."""
    value = [
        {
            "__id": str(row.uuid), "label": row.label, **row.properties,
            "__system": {
                "createdAt": _moment(row.created_at), "creatorId": str(row.actor_id), "creatorName": "", "updates": row.version - 1,
                "updatedAt": _moment(row.updated_at), "version": row.version, "conflict": "soft" if row.has_conflict else None,
            },
        }
        for row in _listed(request, name)
    ]  # fmt: skip
    return _json({"value": value, "@odata.context": request.build_absolute_uri("./$metadata#Entities")})
