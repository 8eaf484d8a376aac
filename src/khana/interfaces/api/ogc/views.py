"""OGC API Features 1.0 (OGC 17-069r4): landing page, conformance, definition, collections, features, one feature."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from khana.interfaces.api.ogc import asking
from khana.interfaces.api.ogc.collections import Collection, collections_of
from khana.interfaces.api.v1.bearer import Limit, TooMany
from khana.monitoring import publications
from khana.platform import clock
from khana_methods.errors import KhanaError

CONFORMANCE = [
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{part}" for part in ("core", "oas30", "geojson")
]
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
JSON, GEOJSON = "application/json", "application/geo+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"


_LIMIT = Limit(burst=300, per_second=10.0)  # a map of every district in one go, then a steady pace, by address


def _public(view: Any) -> Any:
    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            _LIMIT.take(hashlib.sha256(str(request.META.get("REMOTE_ADDR", "")).encode()).digest()[:16])
        except TooMany as error:
            response = _problem(429, "TooManyRequests", error.message)
            response["Retry-After"] = "5"
            return response
        answer: HttpResponse = view(request, *args, **kwargs)
        return answer

    limited.is_public = True  # type: ignore[attr-defined]
    return require_GET(limited)


def _answer(document: Mapping[str, Any], kind: str = JSON, status: int = 200) -> HttpResponse:
    response = HttpResponse(
        json.dumps(document, ensure_ascii=False, separators=(",", ":")), content_type=kind, status=status
    )
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = "public, max-age=60" if status == 200 else "no-store"
    return response


def _problem(status: int, code: str, text: str) -> HttpResponse:
    return _answer({"code": code, "description": text}, status=status)


def _link(request: HttpRequest, path: str, rel: str, kind: str = JSON, title: str = "") -> dict[str, str]:
    made = {"href": request.build_absolute_uri(f"/ogc{path}"), "rel": rel, "type": kind}
    return {**made, "title": title} if title else made


def _collections() -> dict[str, Collection]:
    head = publications.find_open()
    return collections_of(head.id) if head else {}


@_public
def landing(request: HttpRequest) -> HttpResponse:
    """Return the landing page: where everything else is."""
    head = publications.find_open()
    return _answer({
        "title": head.title if head else "Khana", "description": "Areas and published figures. Nothing is published yet." if head is None else "Areas and published figures.",
        "links": [
            _link(request, "/", "self", title="This document"), _link(request, "/api", "service-desc", OPENAPI, "The definition"),
            _link(request, "/conformance", "conformance", title="What it conforms to"), _link(request, "/collections", "data", title="The collections"),
        ],
    })  # fmt: skip


@_public
def conformance(request: HttpRequest) -> HttpResponse:
    """Return the classes of the standard that are met."""
    return _answer({"conformsTo": CONFORMANCE})


@_public
def collections(request: HttpRequest) -> HttpResponse:
    """Return every collection."""
    made = [_described(request, one) for one in _collections().values()]
    return _answer({"links": [_link(request, "/collections", "self")], "collections": made})


@_public
def collection(request: HttpRequest, name: str) -> HttpResponse:
    """Return one collection."""
    found = _collections().get(name)
    if found is None:
        return _problem(404, "NotFound", "There is no such collection. /ogc/collections lists them.")
    return _answer(_described(request, found))


def _described(request: HttpRequest, one: Collection) -> dict[str, Any]:
    day = f"{one.as_of}T00:00:00Z"
    return {
        "id": one.id, "title": one.title, "description": one.description, "itemType": "feature", "crs": [CRS84],
        "extent": {"spatial": {"bbox": [list(one.extent)], "crs": CRS84},
                   "temporal": {"interval": [[day, day]], "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"}},
        "links": [_link(request, f"/collections/{one.id}", "self"), _link(request, f"/collections/{one.id}/items", "items", GEOJSON)],
    }  # fmt: skip


@_public
def items(request: HttpRequest, name: str) -> HttpResponse:
    """Return features of a collection, a page at a time."""
    found = _collections().get(name)
    if found is None:
        return _problem(404, "NotFound", "There is no such collection. /ogc/collections lists them.")
    try:
        question = asking.read(request.GET, found)
    except KhanaError as error:
        return _problem(400, "InvalidParameterValue", error.message)
    places = asking.meets(question, found)
    page = places[question.offset : question.offset + question.limit]
    path = f"/collections/{name}/items"
    links = [_link(request, f"{path}{_query(request)}", "self", GEOJSON)]
    if question.offset + question.limit < len(places):
        links.append(
            _link(request, f"{path}{_query(request, offset=question.offset + question.limit)}", "next", GEOJSON)
        )
    if question.offset:
        links.append(
            _link(request, f"{path}{_query(request, offset=max(0, question.offset - question.limit))}", "prev", GEOJSON)
        )
    links.append(_link(request, f"/collections/{name}", "collection"))
    return _answer(_features([found.features[at] for at in page], links, len(places)), GEOJSON)


def _features(made: Sequence[Mapping[str, Any]], links: Sequence[Mapping[str, str]], matched: int) -> dict[str, Any]:
    return {
        "type": "FeatureCollection", "features": list(made), "links": list(links), "numberMatched": matched,
        "numberReturned": len(made), "timeStamp": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip


def _query(request: HttpRequest, **changes: int) -> str:
    fields = request.GET.copy()
    for name, value in changes.items():
        fields[name] = str(value)
    return f"?{fields.urlencode()}" if fields else ""


@_public
def item(request: HttpRequest, name: str, code: str) -> HttpResponse:
    """Return one feature."""
    found = _collections().get(name)
    if found is None or code not in found.by_id:
        return _problem(404, "NotFound", "There is no such feature.")
    path = f"/collections/{name}"
    links = [_link(request, f"{path}/items/{code}", "self", GEOJSON), _link(request, path, "collection")]
    return _answer({**found.features[found.by_id[code]], "links": links}, GEOJSON)


@_public
def definition(request: HttpRequest) -> HttpResponse:
    """Return the definition of this API as OpenAPI 3.0."""
    text = {"schema": {"type": "string"}}
    where = [
        {"name": "bbox", "in": "query", "style": "form", "explode": False, "required": False, "description": "west,south,east,north",
         "schema": {"type": "array", "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}], "items": {"type": "number"}}},
        {"name": "datetime", "in": "query", "style": "form", "explode": False, "required": False, **text},
        {"name": "limit", "in": "query", "style": "form", "explode": False, "required": False,
         "schema": {"type": "integer", "minimum": 1, "maximum": asking.MOST, "default": asking.FEW}},
        {"name": "offset", "in": "query", "required": False, "schema": {"type": "integer", "minimum": 0, "default": 0}},
    ]  # fmt: skip
    paths: dict[str, Any] = {"/": _got("landing", "Landing page"), "/conformance": _got("conformance", "Conformance"), "/collections": _got("collections", "Collections")}  # fmt: skip
    for name, one in _collections().items():
        own = [
            {"name": key, "in": "query", "required": False, "schema": {"type": kind}}
            for key, kind in one.queryables.items()
        ]
        paths[f"/collections/{name}"] = _got(f"collection_{name}", one.title)
        paths[f"/collections/{name}/items"] = _got(f"items_{name}", f"Features: {one.title}", [*where, *own], GEOJSON)
        key = {"name": "featureId", "in": "path", "required": True, **text}
        paths[f"/collections/{name}/items/{{featureId}}"] = _got(
            f"item_{name}", f"One feature: {one.title}", [key], GEOJSON
        )
    return _answer(
        {"openapi": "3.0.3", "info": {"title": "Areas and published figures", "version": "1.0.0"},
         "servers": [{"url": request.build_absolute_uri("/ogc")}], "paths": paths}, OPENAPI,
    )  # fmt: skip


def _got(name: str, summary: str, parameters: Sequence[Mapping[str, Any]] = (), kind: str = JSON) -> dict[str, Any]:
    answer = {"description": summary, "content": {kind: {"schema": {"type": "object"}}}}
    failed = {"description": "What is wrong", "content": {JSON: {"schema": {"type": "object"}}}}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": list(parameters),
            "responses": {"200": answer, "400": failed, "404": failed},
        }
    }
