"""Addresses under `/api/v1/`; the description of the API is given to who bears a token (see `document`)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI

from khana.access import services as access
from khana.interfaces.api.v1 import enrolments, linkage, persons, work
from khana.interfaces.api.v1.bearer import Bearer
from khana.interfaces.api.v1.document import describe
from khana.interfaces.api.v1.problems import add_handlers, answer

api = NinjaAPI(
    title="Khana",
    version="1",
    description="The social registry and the single registry of a country.",
    urls_namespace="api-v1",
    auth=Bearer(),
    docs_url=None,
    openapi_url=None,
)
add_handlers(api)
api.add_router("", persons.router)
api.add_router("", work.router)
api.add_router("", linkage.router)
api.add_router("", enrolments.router)


@api.get("/openapi.json", summary="This description", include_in_schema=False)
def get_openapi(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI document to a live session."""
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        return answer(200, describe(api))


def _open(pattern: URLPattern | URLResolver) -> URLPattern | URLResolver:
    if isinstance(pattern, URLPattern) and callable(pattern.callback):
        # the bearer token is asked for here, not the pages' sign-in
        vars(pattern.callback)["is_public"] = True
    return pattern


app_name = "ninja"
urlpatterns = [_open(pattern) for pattern in api.urls[0]]
