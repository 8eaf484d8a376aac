"""`GET openapi.json`: the description of the API for programs that bear a token."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from khana.access import services as access
from khana.interfaces.api.v1.document import describe
from khana.interfaces.api.v1.problems import answer

router = Router(tags=["description"])


@router.get("/openapi.json", summary="This description", include_in_schema=False)
def get_openapi(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI document to a live session."""
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        return answer(200, describe())
