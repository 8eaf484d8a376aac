"""The register of breaches: clocks from the moment of knowing, letters in three languages, who may keep it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from khana.access import breaches, services

from .world import World

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _connection(world: World, as_role) -> Iterator[None]:  # type: ignore[no-untyped-def]
    as_role("web")
    yield


def open_one(world: World, **more: object) -> str:
    values: dict[str, object] = {
        "country": "PAK", "what": "A laptop with an export was stolen from a desk", "kinds": ["names", "numbers"],
        "person_count": 412, "risk": "HIGH", "aware_at": NOW, "measures": "The account was closed", "at": NOW + HOUR, **more,
    }  # fmt: skip
    with services.scoped(world.tokens["protector"]):
        return breaches.add(**values)  # type: ignore[arg-type]


def states(world: World, number: str, at: datetime) -> dict[str, str]:
    with services.scoped(world.tokens["protector"]):
        return {one.audience: one.state for one in breaches.clocks(breaches.get(number), at=at)}


def test_the_clocks_run_from_when_somebody_knew(world: World) -> None:
    number = open_one(world)
    assert states(world, number, NOW + 72 * HOUR) == {"authority": "runs", "persons": "runs"}
    assert states(world, number, NOW + 73 * HOUR) == {"authority": "over", "persons": "over"}
    with services.scoped(world.tokens["protector"]):
        breaches.tell(number=number, audience="authority", at=NOW + 50 * HOUR)
    with services.scoped(world.tokens["protector"]), pytest.raises(breaches.BreachMoved):
        breaches.tell(number=number, audience="authority", at=NOW + 51 * HOUR)
    with services.scoped(world.tokens["protector"]), pytest.raises(breaches.BreachMoved, match="persons"):
        breaches.close(number=number, lesson="exports are encrypted now", at=NOW + 60 * HOUR)
    with services.scoped(world.tokens["protector"]):
        breaches.tell(number=number, audience="persons", at=NOW + 80 * HOUR)
        assert [one.state for one in breaches.clocks(breaches.get(number), at=NOW)] == ["told", "told_late"]
        breaches.close(number=number, lesson="exports are encrypted now", at=NOW + 90 * HOUR)


def test_where_harm_is_unlikely_persons_need_not_be_told(world: World) -> None:
    number = open_one(world, risk="UNLIKELY", country="BGD")
    assert states(world, number, NOW + 100 * HOUR) == {"authority": "over", "persons": "not_needed"}


@pytest.mark.parametrize(("language", "word"), [("en", "Notice of a breach"), ("ur", "خلاف ورزی"), ("bn", "লঙ্ঘনের")])
def test_letters_are_ready_in_three_languages(world: World, language: str, word: str) -> None:
    number = open_one(world)
    with services.scoped(world.tokens["protector"]):
        text = breaches.letter(number=number, audience="authority", language=language, contact="dpo@example.gov")
        told = breaches.letter(number=number, audience="persons", language=language, contact="dpo@example.gov")
    assert word in text and number in text and "412" in text and "2026-11-20 12:00" in text and "{" not in text + told
    assert "/my-file" in told and number in told


@pytest.mark.parametrize(
    "wrong",
    [{"country": "XXX"}, {"country": "letters"}, {"what": "stolen"}, {"kinds": []}, {"kinds": ["souls"]}, {"risk": "NONE"},
     {"aware_at": NOW + 5 * HOUR}, {"person_count": -1}],
)  # fmt: skip
def test_what_is_not_said_well_is_refused(world: World, wrong: dict[str, object]) -> None:
    with pytest.raises(breaches.BreachWrong):
        open_one(world, **wrong)


def test_the_register_is_the_officers_and_what_happened_stays_written(world: World, connect) -> None:  # type: ignore[no-untyped-def]
    number = open_one(world)
    for user in ("steward", "admin", "registrar_a", "analyst"):
        with services.scoped(world.tokens[user]), pytest.raises((services.PermissionMissing, breaches.BreachNotFound)):
            breaches.get(number)
    with services.scoped(world.tokens["auditor"]):
        assert breaches.get(number).person_count == 412
    with services.scoped(world.tokens["auditor"]), pytest.raises(services.PermissionMissing):
        breaches.tell(number=number, audience="authority", at=NOW)
    web = connect("web")
    web.execute("SELECT set_config('khana.token', %s, false)", [world.tokens["protector"]])
    for statement in (
        "UPDATE access_breach SET what = 'nothing'",
        "UPDATE access_breach SET aware_at = now()",
        "DELETE FROM access_breach",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute(statement)
        web.rollback()
        web.execute("SELECT set_config('khana.token', %s, false)", [world.tokens["protector"]])
