"""The OpenAPI document of the API: what the code declares, with the problems that every operation may answer.

Who bears a token gets it at `/api/v1/openapi.json`; who is signed in reads it at `/api/docs`.
"""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI

PROBLEM = {
    "type": "object",
    "required": ["code", "message", "details"],
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": {"type": "object"}},
}
PROBLEMS = {
    "401": "No token, or one that opens nothing", "403": "Not permitted", "404": "Nothing here, or not within the scope",
    "409": "The state has moved", "422": "What was sent is wrong", "429": "Too many requests",
    "503": "Something that is needed does not answer", "400": "Not to be understood", "405": "Not this verb",
}  # fmt: skip


def describe(api: NinjaAPI) -> dict[str, Any]:
    """Return the document of an API."""
    found: dict[str, Any] = dict(api.get_openapi_schema())
    found["servers"] = [{"url": "/"}]
    found.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for methods in found["paths"].values():
        for one in methods.values():
            one["responses"] = {str(status): answer for status, answer in one["responses"].items()}
            for status, words in PROBLEMS.items():
                body = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                one["responses"].setdefault(status, {"description": words, "content": body})
    return found
