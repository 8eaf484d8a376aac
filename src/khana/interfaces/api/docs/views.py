"""Show every operation of the API with its parameters and answers, from the document that the code itself makes.

No script and nothing from elsewhere: the page is drawn here. Who is not signed in meets the door, as on every page.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.interfaces.api.v1.document import describe
from khana.interfaces.api.v1.urls import api


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the operations."""
    found = describe(api)
    operations = [
        _operation(method, path, one, found)
        for path, methods in found["paths"].items()
        for method, one in methods.items()
    ]
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in operations:
        groups.setdefault(one["group"], []).append(one)
    return render(request, "apidocs/page.html", {"title": found["info"]["title"], "groups": list(groups.items())})


def _operation(method: str, path: str, one: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    answers = []
    for status, answer in one.get("responses", {}).items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        answers.append({"status": status, "fields": _fields(schema, document)})
    return {
        "method": method.upper(), "path": path, "summary": one.get("summary", ""), "text": one.get("description", ""),
        "group": (one.get("tags") or [""])[0], "parameters": [
            {"name": p["name"], "where": p["in"], "is_required": p.get("required", False), "kind": _kind(p["schema"])}
            for p in one.get("parameters", [])
        ], "answers": answers,
    }  # fmt: skip


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _fields(schema: dict[str, Any], document: dict[str, Any]) -> list[tuple[str, str]]:
    shown = _resolved(schema, document)
    return [(name, _kind(part)) for name, part in shown.get("properties", {}).items()]


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        return " | ".join(_kind(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"[{_kind(schema.get('items', {}))}]"
    return str(schema.get("format") or schema.get("type") or "any")


@require_GET
def document(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI document."""
    return JsonResponse(describe(api))
