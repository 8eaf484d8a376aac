"""A little country with partners of each profile and agreements in force."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.test import Client
from tests.interfaces.api.dci import PROFILES, Signer


@dataclass
class Friend:
    """A partner as the tests know it."""

    code: str
    signer: Signer
    token: str
    secret: str

    def send(self, path: str, body: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
        signed, headers = self.signer.sign(body, self.code, **more)
        return self.post(path, signed, **headers)

    def post(self, path: str, body: Any, token: str | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
        given = {"Authorization": f"Bearer {self.token if token is None else token}", **headers}
        text = body if isinstance(body, str | bytes) else json.dumps(body, ensure_ascii=False)
        response = Client().post(path, text, content_type="application/json", headers=given)
        return response.status_code, json.loads(response.content)


FIELDS = ("identifier", "name", "name_native", "sex", "birth_date", "age", "relation", "registered", "household_number",
          "district", "group_size", "poverty_score", "score_class", "members", "programmes", "registration_date")  # fmt: skip


@pytest.fixture(scope="module")
def officers(database: str, tokens) -> dict[str, str]:
    from tests.factories import little_country

    from khana.platform import embedded, places

    places.folder("static")
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        little_country.build(connection)
        connection.execute(
            "UPDATE registry_personversion SET name = 'Amna খাতুন', name_native = 'آمنہ بی بی' WHERE name = 'Amna'"
        )
        connection.execute(
            "INSERT INTO assessment_score (household_id, area_path, score, score_date, model_code, recorded_at, class_name, facts_mark)"
            " SELECT id, area_path, 10 + row_number() OVER (ORDER BY id), '2026-01-01', 'PMT', now(), '', '' FROM registry_household"
        )
    return {role: tokens(role) for role in ("administrator", "data_steward", "data_protection_officer")}


@pytest.fixture(scope="module")
def agree(officers: dict[str, str]) -> Callable[..., None]:
    from khana.access import services as access
    from khana.sharing.services import agreements

    def _agree(number: str, partner: str, **more: Any) -> None:
        at = datetime.now(UTC)
        terms: dict[str, Any] = {
            "level": "RECORD", "purpose": "case_management", "legal_basis": "Act", "fields": FIELDS, "max_rows": 1000,
            "valid_from": at - timedelta(days=1), "valid_to": at + timedelta(days=30), "retention_days": 30,
        }  # fmt: skip
        with access.scoped(officers["data_steward"]):
            agreements.draft(
                terms=agreements.Terms(number=number, partner=partner, title="t", **{**terms, **more}), at=at
            )
        for role in ("administrator", "data_protection_officer"):
            with access.scoped(officers[role]):
                agreements.approve(number=number, at=at)

    return _agree


@pytest.fixture(scope="module")
def befriend(officers: dict[str, str]) -> Callable[..., Friend]:
    from khana.access import services as access
    from khana.sharing.services import partners

    def _befriend(code: str, profile: str = "jws-compact", **more: Any) -> Friend:
        signer = Signer(profile)
        keys = more.pop("jwks", signer.jwks())
        with access.scoped(officers["administrator"]):
            made = partners.add(code=code, name=code, profile=profile, jwks=keys, at=datetime.now(UTC),
                                **{"per_second": 1000, **more})  # fmt: skip
        return Friend(code, signer, made.access_token, made.client_secret)

    return _befriend


@pytest.fixture(scope="module")
def friends(befriend, agree) -> dict[str, Friend]:
    made = {}
    for profile in PROFILES:
        made[profile] = befriend(f"of-{profile}", profile, callback_hosts=["127.0.0.1:39999", "localhost:39999"])
        agree(f"A-{profile}", f"of-{profile}")
    return made


@pytest.fixture
def friend(friends: dict[str, Friend]) -> Iterator[Friend]:
    yield friends["jws-compact"]
