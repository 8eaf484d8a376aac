"""The page behind the picture code of a slip: no sign-in, no name, no number of a person."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.intake import slip
from khana.intake.reasons import say
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.errors.pages import wording as error_wording

TRIES = limits.Bucket(burst=30, per_minute=20)
TONES = {"REGISTERED": "good", "RETURNED": "bad", "WAITING": "warn"}


@session.public
@require_GET
def slip_state(request: HttpRequest, code: str) -> HttpResponse:
    """Say how far the form of a slip is."""
    try:
        TRIES.take(str(request.META.get("REMOTE_ADDR", "")))
        found = slip.read(code)
    except (slip.SlipUnknown, limits.TooMany) as error:
        return render(request, "intake/slip_state.html", {"error": error_wording(error)}, status=error.http_status)
    context = {
        "found": found, "state": wording.say(wording.SUBMISSION_STATE, found.state), "tone": TONES.get(found.state, "info"),
        "reasons": [say(one, wording.language()) for one in found.reasons], "number": code.partition("-")[0], "error": "",
    }  # fmt: skip
    return render(request, "intake/slip_state.html", context)
