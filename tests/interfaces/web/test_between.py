"""Pages of rules between programmes, of a programme officer and of a family's entitlements: who, what, in three languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.interfaces.web.conftest import PASSWORD
from tests.interfaces.web.test_browser import Visit

CAP = {"code": "cap-1", "kind": "cap", "most": 1, "valid_from": "2026-01-01", "source": "a decision"}


@pytest.fixture(scope="module")
def trial(country: dict[str, Any]) -> dict[str, Any]:
    """A trial with notice given, an appeal that waits and a person who was stopped."""
    from khana.access import services as access
    from khana.beneficiaries import state_reads
    from khana.beneficiaries.services import trials
    from khana.workflows import try_cross_rules

    at = datetime.now(UTC)
    steward, admin = (country["users"][name].token for name in ("steward", "admin"))
    made = try_cross_rules.run(
        token=steward, rules=[CAP], on=datetime(2026, 11, 1, tzinfo=UTC).date(), at=at, memory_mib=256
    )
    with access.scoped(admin):
        trials.approve_trial(trial_id=made["trial"], at=at)
    with access.scoped(steward):
        trials.give_notice(trial_id=made["trial"], appeal_days=7, at=at)
        stops = [row for row in state_reads.stops_of_trial(made["trial"]) if row.person_id]
        trials.appeal(stop_id=stops[0].id, note="she never drew it", at=at + timedelta(minutes=1))
    return {"trial": made["trial"], "stop": stops[0], "other": stops[1]}


def enter(user: str) -> Client:
    client = Client()
    assert client.post("/sign-in", {"username": user, "password": PASSWORD}).status_code == 302
    return client


def pages(trial: dict[str, Any]) -> dict[str, str]:
    return {
        "home": "/enrolments", "trials": "/trials", "trial": f"/trials/{trial['trial']}", "stop": f"/stops/{trial['stop'].id}",
        "letter": f"/stops/{trial['stop'].id}/letter", "entitlements": "/household/900000000/entitlements",
        "person": f"/person/{trial['stop'].person_id}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("user", "sees"),
    [
        ("steward", "home trials trial stop letter entitlements person"), ("officer", "home trials trial"),
        ("registrar", "trials trial entitlements"), ("analyst", "trials trial"), ("admin", "trials trial"),
    ],
)  # fmt: skip
def test_who_opens_what(trial: dict[str, Any], user: str, sees: str) -> None:
    client = enter(user)
    found = {name for name, path in pages(trial).items() if client.get(path).status_code == 200}
    assert set(sees.split()) <= found and (
        user == "steward" or "letter" not in found - set(sees.split()) or user == "officer"
    )
    assert ("home" in found) == (user in ("steward", "officer"))


def test_an_officer_sees_stops_of_her_agency_alone(trial: dict[str, Any], country: dict[str, Any]) -> None:
    from khana.access import services as access
    from khana.beneficiaries import state_reads

    with access.scoped(country["users"]["steward"].token):
        stops = state_reads.stops_of_trial(trial["trial"], limit=1000)
    shown = enter("officer").get(f"/trials/{trial['trial']}").content.decode()
    hers = {row.id for row in stops if row.agency == "ZAKAT"}
    told = {row.id for row in stops if f'/stops/{row.id}"' in shown}
    assert told <= hers and len(stops) > len(hers)


def test_appeal_and_decision_on_the_page(trial: dict[str, Any]) -> None:
    client = enter("steward")
    path = f"/stops/{trial['other'].id}"
    assert b"Lodge her appeal" in client.get(path).content
    client.post(f"{path}/act", {"what": "appeal", "note": "it was her sister"})
    assert b"Decide the appeal" in client.get(path).content
    client.post(f"{path}/act", {"what": "allow", "note": "proved by her card"})
    assert b"she keeps it" in client.get(path).content
    client.post(f"/trials/{trial['trial']}/act", {"what": "apply"})
    assert b"nothing takes effect before" in client.get(f"/trials/{trial['trial']}").content
    assert enter("analyst").post(f"/trials/{trial['trial']}/act", {"what": "apply"}).status_code == 403


def test_rules_with_mistakes_are_told_on_the_page(trial: dict[str, Any]) -> None:
    client = enter("steward")
    refused = client.post("/trials/start", {"text": "rules:\n- {code: a, kind: cup}"})
    assert refused.status_code == 422 and b"kind is cap" in refused.content
    started = client.post(
        "/trials/start", {"text": "rules:\n- {code: a, kind: cap, most: 2, valid_from: 2026-01-01, source: s}"}
    )
    assert started.status_code == 302 and "/jobs/" in started.headers["Location"]


def test_the_letter_and_the_entitlements_speak_her_language(trial: dict[str, Any]) -> None:
    client = enter("steward")
    for language, word in (("ur", "امداد"), ("bn", "ভাতা")):
        letter = client.get(f"/stops/{trial['stop'].id}/letter?in={language}").content.decode()
        assert f'lang="{language}"' in letter and word in letter
        assert f'lang="{language}"' in client.get(f"/household/900000000/entitlements?in={language}").content.decode()


def test_a_family_is_offered_what_it_may_get_and_does_not_draw(country: dict[str, Any]) -> None:
    from datetime import date

    from khana.access import services as access
    from khana.dossiers import referral

    with access.scoped(country["users"]["steward"].token):
        found = [referral.referral(str(900000000 + n), on=date(2026, 11, 1), at=datetime.now(UTC)) for n in range(20)]
    assert any(one.offered for one in found) and any(one.drawn for one in found)
    for one in found:
        drawn = {programme.code for programme in one.drawn}
        assert not drawn & {programme.code for programme in one.offered}
        assert not any(drawn & set(programme.incompatible_with) for programme in one.offered)


def test_what_a_filter_keeps_from_a_family_is_told_with_the_filter(country: dict[str, Any], connect) -> None:  # type: ignore[no-untyped-def]
    import json
    from datetime import date

    from khana.access import services as access
    from khana.dossiers import referral

    def told(number: str) -> referral.Referral:
        with access.scoped(country["users"]["steward"].token):
            return referral.referral(number, on=date(2026, 11, 1), at=datetime.now(UTC))

    before = next(one for n in range(20) if (one := told(str(900000000 + n))).offered)
    codes = [programme.code for programme in before.offered]
    version = {"valid_from": "2020-01-01", "expression": "household_size >= 1", "mark": "A", "source": "a test"}
    rule = {
        "code": "EVERYBODY",
        "name": "x",
        "entity": "household",
        "kind": "exclusion",
        "gives": "boolean",
        "versions": [version],
    }
    with connect("owner", autocommit=True) as owner:
        owner.execute(
            "INSERT INTO programmes_exclusionfilter (code, name, names, agency, programmes, rule, place, reported, source, withdrawn_reason, recorded_at)"
            " VALUES ('EVERYBODY', 'Lives in a house', '{\"ur\": \"گھر میں رہتی ہے\"}', 'X', %s, %s, -1, '{}', '', '', now())", [json.dumps(codes), json.dumps(rule)],
        )  # fmt: skip
        try:
            after = told(before.number)
            shown = enter("steward").get(f"/household/{before.number}/entitlements?in=ur").content.decode()
        finally:
            owner.execute("DELETE FROM programmes_exclusionfilter WHERE code = 'EVERYBODY'")
    assert not after.offered and before.kept_from == []
    assert [(one.code, [each.name for each in names]) for one, names in after.kept_from] == [
        (code, ["Lives in a house"]) for code in codes
    ]
    assert "ایک فلٹر راستے میں ہے" in shown and '<bdi lang="ur">گھر میں رہتی ہے</bdi>' in shown


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "ur", "bn"])
def test_every_page_draws_and_axe_finds_nothing(chrome, site: str, trial: dict[str, Any], language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", language)
    problems = [line for name, path in pages(trial).items() for line in visit.problems(f"between-{name}", path)]
    problems += visit.wrong
    visit.close()
    assert problems == []
