"""Our OpenAPI document validates, only the signed-in see it, and fuzzing every operation meets no 5xx and no breach."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = 6  # for each operation
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]


@pytest.fixture(scope="module")
def token(tokens) -> str:  # type: ignore[no-untyped-def]
    return str(tokens("data_steward"))


@pytest.fixture(scope="module")
def served() -> Iterator[object]:
    from khana_settings.wsgi import application

    yield application


def test_the_document_is_given_to_live_sessions_only(token: str, database: str) -> None:
    client = Client()
    assert client.get("/api/v1/openapi.json").status_code == 401
    assert client.get("/api/v1/openapi.json", headers={"Authorization": "Bearer nobody"}).status_code == 401
    for path in ("/api/docs", "/api/docs/openapi.json"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/sign-in")
    for path in ("/api/v1/docs", "/api/v1/openapi"):
        assert client.get(path).status_code in (401, 404)
    found = client.get("/api/v1/openapi.json", headers={"Authorization": f"Bearer {token}"})
    assert found.status_code == 200 and len(found.json()["paths"]) >= 8


def test_the_document_is_valid_openapi(database: str) -> None:
    from khana.interfaces.api.v1.document import describe
    from khana.interfaces.api.v1.urls import api

    document = describe(api)
    assert str(document["openapi"]).startswith("3.1")
    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    broken = {**document, "paths": {"/x": {"get": {"parameters": [{"name": 1}], "responses": {}}}}}
    with pytest.raises(Exception, match=r"(?i)name|schema|valid"):
        schemathesis.openapi.from_dict(broken).validate()
    identifiers = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(identifiers) == len(set(identifiers))


def test_no_operation_answers_with_a_5xx_or_against_its_schema(token: str, served: object) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", served, headers=headers)
    walked = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        walked.add(operation.label)

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def fuzz(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        fuzz()
    assert len(walked) >= 8
