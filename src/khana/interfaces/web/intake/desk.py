"""The desk: a number first, then the family, then the very same form that telephones fill, in the browser.

ODK Web Forms draws the form. It makes its styles as it goes and evaluates expressions in WebAssembly, so that this one page
allows both; nothing of it is fetched from elsewhere.
"""

from __future__ import annotations

import base64
import csv
import io
from typing import BinaryIO, cast

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from khana.audit import services as audit
from khana.dossiers import person_file as people
from khana.geo import area_names as geo
from khana.intake import lists, opened, prefill, selectors
from khana.intake.services import entities, receive
from khana.intake.services import entities as household_list
from khana.interfaces.web import limits, session, wording
from khana.platform import clock, keys
from khana.registry import files as registry
from khana.registry import known
from khana_methods.errors import NotFound

_LOOSER = {
    "script-src": ["'wasm-unsafe-eval'"], "style-src": ["'unsafe-inline'"], "img-src": ["blob:"], "connect-src": ["data:", "blob:"],
    "font-src": ["data:"], "worker-src": ["'self'", "blob:"], "media-src": ["blob:"],
}  # fmt: skip


class HouseholdUnknown(NotFound):
    """No household of that number lies within the scope."""

    code = "intake.household.unknown"


def _draft_key(request: HttpRequest) -> str:
    """Return the key that seals what its user types in a browser: hers, the same as long as the key ring stands."""
    return base64.b64encode(keys.pseudonym("desk-drafts", str(session.actor_of(request).id))[:32]).decode()


@session.needs("submissions.send")
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """Find the family by any number or name; offer its form, or a new one."""
    session.needs("registry.read")(lambda _request: HttpResponse())(request)
    text = request.GET.get("q", "").strip()[:120]
    forms = opened.forms_of_households(clock.today())
    context: dict[str, object] = {
        "q": "",
        "result": None,
        "forms": forms,
        "families": [],
        "draft_key": _draft_key(request),
        "may_check": session.may(request, "registry.write"),
    }
    if not text:
        return render(request, "intake/desk.html", context)
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    result = people.search(text, wording.language())
    audit.record(
        action="registry.searched",
        subject=f"search:{result.kind}",
        details={"found": len(result.hits), "at": "desk"},
        at=clock.now(),
    )
    families: dict[str, list[people.Hit]] = {}
    if result.household_number:
        families[result.household_number] = []
    for hit in result.hits:
        for number in hit.households:
            families.setdefault(number, []).append(hit)
    context |= {
        "q": text if result.kind in ("name", "short") else "",
        "result": result,
        "families": [{"number": number, "hits": hits} for number, hits in families.items()],
    }
    return render(request, "intake/desk.html", context)


def _form(code: str) -> selectors.FormRow:
    for row in opened.forms_of_households(clock.today()):
        if row.form.code == code:
            return row
    raise selectors.FormUnknown("This form is not to be filled today.", form=code)


@session.needs("submissions.send")
@require_POST
def open_form(request: HttpRequest, code: str) -> HttpResponse:
    """Open the form of one household: put it on the list first, where it is not there."""
    number = request.POST.get("household", "")
    household = registry.household_id_of(number)
    if household is None:
        raise HouseholdUnknown("No household within your area has this number.")
    uid = entities.put_on_list(household_id=household, at=clock.now())
    return redirect(f"{reverse('intake-fill', args=[code])}?household={uid}")


@csp_update(_LOOSER)
@session.needs("submissions.send")
@require_GET
def fill(request: HttpRequest, code: str) -> HttpResponse:
    """Show the form, empty or filled from what is known."""
    row = _form(code)
    context = {"form": row, "household": request.GET.get("household", "")[:36], "draft_key": _draft_key(request)}
    return render(request, "intake/fill.html", context)


@session.needs("submissions.send")
@require_GET
def fill_arrived(request: HttpRequest, code: str) -> HttpResponse:
    """Say whether a form of this instance id arrived: a draft whose answer was lost is not sent twice."""
    found = selectors.find_submission(request.GET.get("instance", "")[:200])
    slip = reverse("intake-slip", args=[found.pk]) if found is not None and found.form_code == code else ""
    return JsonResponse({"slip": slip})


@session.needs("submissions.send")
@require_GET
def fill_xform(request: HttpRequest, code: str) -> HttpResponse:
    """Return the XForm that the page draws."""
    return HttpResponse(_form(code).xform, content_type="text/xml; charset=utf-8")


@session.needs("registry.read")
@require_GET
def fill_known(request: HttpRequest, code: str, uid: str) -> HttpResponse:
    """Return the form as it is filled from what the registry knows of one household; who opened it is recorded."""
    entity = household_list.by_uuid(uid)
    if entity is None or entity.household_id is None:
        raise HouseholdUnknown("No household within your area has this number.")
    house = known.households([entity.household_id]).get(entity.household_id)
    if house is None:
        raise HouseholdUnknown("No household within your area has this number.")
    audit.record(
        action="registry.household.read", subject=f"household:{house.id}", details={"at": "desk"}, at=clock.now()
    )
    areas = {area.level: area.code for area in geo.way_down(house.area_path)}
    body = prefill.instance_xml(selectors.definition_of(_form(code)), house, entity, areas)
    return HttpResponse(body, content_type="text/xml; charset=utf-8")


@session.needs("submissions.send")
@require_GET
def fill_media(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """Return a list that the form needs: the areas of the operator, or the one household that is open."""
    _form(code)
    if name == lists.AREAS:
        reach = sorted({grant.area_path for grant in session.actor_of(request).grants})
        header, rows = lists.area_table(reach, wording.language())
    elif name == lists.HOUSEHOLDS:
        header, rows = lists.one_household(request.GET.get("household", ""))
    else:
        raise selectors.FormUnknown("The form needs no such file.", form=code)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")


@session.needs("submissions.send")
@require_POST
def fill_send(request: HttpRequest, code: str) -> HttpResponse:
    """Take the filled form in, as from a telephone."""
    now = clock.now()
    sent = request.FILES.get("xml_submission_file")
    if sent is None:
        return JsonResponse({"message": "no answers"}, status=422)
    others = [one for name in request.FILES for one in request.FILES.getlist(name) if one is not sent]
    arrived = [
        receive.keep_stream(cast(BinaryIO, one.file), name=str(one.name), at=now)
        for one in others
        if one.file is not None
    ]
    receipt = receive.receive(xml=sent.read(), attachments=arrived, device_id="desk", form_code=code, at=now)
    if receipt.problem:
        return JsonResponse({"message": receipt.problem}, status=422)
    return JsonResponse({"slip": reverse("intake-slip", args=[receipt.number])}, status=201)
