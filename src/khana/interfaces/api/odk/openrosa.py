"""OpenRosa 1.0 for ODK Collect: form list, form, manifest, media, integrity of entities, submission.

Source: OpenRosa Form List, Form Submission and Metadata APIs 1.0; ODK Entities 2024.1; what Collect reads of them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from khana.access import selectors as who
from khana.access import services as access
from khana.audit import services as audit
from khana.intake import lists, selectors
from khana.intake.services import receive
from khana.interfaces.api.odk.door import XML, for_phones, message
from khana.interfaces.api.odk.upload import MOST_BYTES, read_post
from khana.platform import clock, installation
from khana_country.load import load_pack
from khana_methods.errors import NotFound

_FORMS = "http://openrosa.org/xforms/xformsList"
_FILES = "http://openrosa.org/xforms/xformsManifest"


class MediaUnknown(NotFound):
    """The form needs no such file."""

    code = "odk.media.unknown"


def _address(request: HttpRequest, route: str, token: str, **arguments: str) -> str:
    """Return an address of this server as the client asked it: with the token where the client's has one."""
    if request.resolver_match and "key" in request.resolver_match.kwargs:
        return request.build_absolute_uri(reverse(f"odk-key:{route}", kwargs={**arguments, "key": token}))
    return request.build_absolute_uri(reverse(f"odk:{route}", kwargs=arguments))


@for_phones
@require_safe
def form_list(request: HttpRequest, token: str) -> HttpResponse:
    """List the forms that are to be filled today."""
    wanted = request.GET.get("formID", "")
    with access.scoped(token):
        access.require("forms.read")
        forms = [row for row in selectors.in_force(clock.today()) if not wanted or row.form.code == wanted]
    entries = []
    for row in forms:
        manifest = _address(request, "manifest", token, form=row.form.code) if row.definition["media"] else ""
        entries.append(
            f"<xform><formID>{escape(row.form.code)}</formID><name>{escape(row.definition['title'])}</name>"
            f"<version>{escape(row.version)}</version><hash>md5:{row.xform_md5}</hash>"
            f"<downloadUrl>{escape(_address(request, 'form-xml', token, form=row.form.code))}</downloadUrl>"
            + (f"<manifestUrl>{escape(manifest)}</manifestUrl>" if manifest else "")
            + "</xform>"
        )
    return HttpResponse(f'<?xml version="1.0"?><xforms xmlns="{_FORMS}">{"".join(entries)}</xforms>', content_type=XML)


def _in_force(form: str) -> selectors.FormRow:
    """Return the version of a form that is to be filled today."""
    for row in selectors.in_force(clock.today()):
        if row.form.code == form:
            return row
    raise selectors.FormUnknown("This form is not to be filled today.", form=form)


@for_phones
@require_safe
def form_xml(request: HttpRequest, token: str, form: str) -> HttpResponse:
    """Return the XForm of the version in force."""
    with access.scoped(token):
        access.require("forms.read")
        return HttpResponse(_in_force(form).xform, content_type=XML)


def _media(name: str) -> Callable[[], lists.Table]:
    """Return what makes a file that a form needs; inside a scope."""
    if name == lists.HOUSEHOLDS:
        return lambda: lists.household_table(clock.today())
    if name == lists.AREAS:
        return _areas
    raise MediaUnknown("The form needs no such file.", name=name)


def _areas() -> lists.Table:
    me = who.me()
    language = load_pack(installation.read().get("country", "pak")).languages[0].code
    return lists.area_table(sorted({grant.area_path for grant in me.grants}) if me else [], language)


def _csv(table: lists.Table) -> bytes:
    header, rows = table
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


@for_phones
@require_safe
def manifest(request: HttpRequest, token: str, form: str) -> HttpResponse:
    """List the files that the form needs, with their hashes."""
    entries = []
    with access.scoped(token):
        access.require("forms.read")
        for name in _in_force(form).definition["media"]:
            if name not in (lists.HOUSEHOLDS, lists.AREAS):
                continue
            digest = hashlib.md5(_csv(_media(name)()), usedforsecurity=False).hexdigest()
            is_list = name == lists.HOUSEHOLDS
            where = _address(request, "media", token, form=form, name=name)
            checked = f"<integrityUrl>{escape(_address(request, 'integrity', token))}</integrityUrl>" if is_list else ""
            entries.append(
                f"<mediaFile{' type=' + chr(34) + 'entityList' + chr(34) if is_list else ''}><filename>{escape(name)}</filename>"
                f"<hash>md5:{digest}</hash><downloadUrl>{escape(where)}</downloadUrl>{checked}</mediaFile>"
            )
    return HttpResponse(
        f'<?xml version="1.0"?><manifest xmlns="{_FILES}">{"".join(entries)}</manifest>', content_type=XML
    )


@for_phones
@require_safe
def media(request: HttpRequest, token: str, form: str, name: str) -> HttpResponse:
    """Return a file that the form needs; a list of households leaves a trace."""
    with access.scoped(token):
        access.require("forms.read")
        table = _media(name)()
        if name == lists.HOUSEHOLDS:
            audit.record(
                action="intake.list.carried",
                subject=f"form:{form}",
                details={"households": len(table[1])},
                at=clock.now(),
            )
    return HttpResponse(_csv(table), content_type="text/csv; charset=utf-8")


@for_phones
@require_safe
def integrity(request: HttpRequest, token: str) -> HttpResponse:
    """Say of each household whether it has left the list."""
    ids = []
    for text in request.GET.get("id", "").split(",")[:5000]:
        try:
            ids.append(uuid.UUID(text.strip()))
        except ValueError:
            continue
    with access.scoped(token):
        access.require("entities.read")
        found = lists.gone(ids, clock.today())
    entries = "".join(
        f'<entity id="{one}"><deleted>{"true" if is_gone else "false"}</deleted></entity>'
        for one, is_gone in found.items()
    )
    return HttpResponse(f'<?xml version="1.0"?><data><entities>{entries}</entities></data>', content_type=XML)


@for_phones
@require_http_methods(["GET", "HEAD", "POST"])
def submission(request: HttpRequest, token: str) -> HttpResponse:
    """Take one post: on disk and committed before the 201."""
    if request.method != "POST":
        with access.scoped(token):
            access.require("submissions.send")
        return HttpResponse(status=204, headers={"X-OpenRosa-Accept-Content-Length": str(MOST_BYTES)})
    with access.scoped(token):  # before a hundred megabytes are read for nobody
        access.require("submissions.send")
    xml, files = read_post(request)
    receipt = take(token, xml, files, device_id=request.GET.get("deviceID", ""))
    if receipt.problem:
        return message(409 if receipt.instance_id[:11] != "unreadable:" else 422, receipt.problem, "submit_error")
    return message(201, "Received. Its journey can be followed in Khana.", "submit_success")


def take(token: str, xml: bytes, files: list[Any], *, device_id: str = "", form_code: str = "") -> receive.Receipt:
    """Keep every file of a post, then take it in."""
    now = clock.now()
    with access.scoped(token):
        arrived = []
        for one in files:
            kept = receive.keep_stream(one.file, name=str(one.name), at=now)
            one.close()
            arrived.append(kept)
        return receive.receive(xml=xml, attachments=arrived, device_id=device_id, form_code=form_code, at=now)
