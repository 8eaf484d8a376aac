"""Errors as problem JSON `{code, message, details}` with the status of their kind."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from khana.access.services import NoSession
from khana.interfaces import refusals
from khana.interfaces.api.v1.bearer import TokenMissing
from khana.interfaces.errors import translate
from khana_methods.errors import KhanaError

_log = logging.getLogger(__name__)


def answer(status: int, body: dict[str, Any]) -> HttpResponse:
    """Return one JSON body; nothing of people is kept by a cache."""
    text = json.dumps(body, default=str, ensure_ascii=False).encode()
    headers = {"Cache-Control": "no-store", "Content-Length": str(len(text))}
    return HttpResponse(text, status=status, content_type="application/json", headers=headers)


def problem(status: int, code: str, message: str, details: dict[str, Any] | None = None) -> HttpResponse:
    """Return one problem."""
    response = answer(status, {"code": code, "message": message, "details": details or {}})
    response._has_been_logged = True  # type: ignore[attr-defined]  # an answer, not an accident: no line in the log
    return response


def add_handlers(api: NinjaAPI) -> None:
    """Teach an API the one table of errors."""

    @api.exception_handler(KhanaError)
    def _known(request: HttpRequest, error: KhanaError) -> HttpResponse:
        refusals.note(error, request, token=str(getattr(request, "auth", "") or ""))
        status = 401 if isinstance(error, NoSession | TokenMissing) else error.http_status
        return problem(status, error.code, error.message, error.details)

    @api.exception_handler(ValidationError)
    def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
        places = [{"at": ".".join(str(part) for part in one["loc"]), "problem": one["type"]} for one in error.errors]
        return problem(422, "api.invalid", "The request is not as it should be; see details.", {"fields": places})

    @api.exception_handler(HttpError)
    def _http(_request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, "api.refused", "The request was refused.")

    @api.exception_handler(Exception)
    def _unknown(_request: HttpRequest, error: Exception) -> HttpResponse:
        known = translate(error)
        if known is not None:
            return problem(known.http_status, known.code, known.message, known.details)
        _log.error("a mistake of ours: %s", type(error).__name__)
        return problem(500, "api.our_mistake", "A mistake of ours. Nothing was half-written; try again or tell us.")
