"""From homes, trials, stops and referrals to the words of their pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from khana.beneficiaries.state_reads import StopRow
from khana.dossiers.officer_home import OfficerHome
from khana.dossiers.referral import Referral
from khana.interfaces.web import wording
from khana.interfaces.web.programmes import words
from khana.interfaces.web.sources.presenters import FRESHNESS
from khana.interfaces.web.tags import joined
from khana.programmes import names as programmes


def _named(code: str) -> str:
    known = programmes.catalogue().get(code)
    return known.called(wording.language()) if known else code


def home(found: OfficerHome) -> dict[str, Any]:
    """Return the values of an officer's home."""
    return {
        "programmes": [
            {
                "name": line.programme.called(wording.language()), "code": line.programme.code, "recipients": line.recipients,
                "states": [(wording.say(wording.ENROLMENT_STATE, state), n) for state, n in line.states.items()],
            }
            for line in found.programmes
        ],
        "sources": [
            {"line": line, "freshness": str(FRESHNESS[line.freshness][0]), "tone": FRESHNESS[line.freshness][1],
             "frequency": wording.say(wording.FREQUENCY, line.source.frequency)}
            for line in found.sources
        ],
        "appeals": [stop(row) for row in found.appeals],
        "reopened": [{**row, "name": _named(row["programme"]), "how": wording.say(wording.CORRECTED, row["what"])} for row in found.reopened],
        "follow_ups": [{**row, "name": _named(row["programme"])} for row in found.follow_ups],
    }  # fmt: skip


def trial_line(row: Any) -> dict[str, Any]:
    """Return one trial for the list."""
    return {
        "row": row, "state": wording.say(wording.TRIAL_STATE, row.state), "rules": joined(rule["code"] for rule in row.rules),
        "stops": row.summary.get("benefits_stopped"), "persons": row.summary.get("persons_losing"),
    }  # fmt: skip


def trial(row: Any, stops: list[StopRow]) -> dict[str, Any]:
    """Return the values of one trial's page."""
    told = row.summary
    parts = [
        (name, [{**one, "label": _label(name, str(one.get(name, "")))} for one in told.get(f"by_{name}", ())])
        for name in ("rule", "programme", "area", "sex", "poverty")
    ]
    return {
        **trial_line(row), "trial_state": wording.say(wording.TRIAL_STATE, row.state), "told": told, "parts": parts, "stop_rows": [stop(one) for one in stops],
        "last": stops[-1].id if len(stops) == 50 else None,
        "states": [(code, str(words)) for code, words in wording.STOP_STATE.items()],
    }  # fmt: skip


def _label(name: str, value: str) -> str:
    vocabularies: dict[str, Mapping[str, Any]] = {"sex": wording.SEX, "poverty": wording.POVERTY}
    words = vocabularies.get(name)
    if words is not None:
        return wording.say(words, value)
    return _named(value) if name == "programme" else value


def stop(row: StopRow) -> dict[str, Any]:
    """Return one stop in words."""
    moves = [
        {**move, "state": wording.say(wording.STOP_STATE, move["to"]), "who": wording.say(wording.MOVED_BY, move["by"])}
        for move in row.moves
    ]
    return {
        "row": row, "name": _named(row.programme), "state": wording.say(wording.STOP_STATE, row.state), "moves": moves,
        "poverty": wording.say(wording.POVERTY, row.poverty),
    }  # fmt: skip


def enrolment(row: Any) -> dict[str, Any]:
    """Return one enrolment in words, with the reason of its state."""
    moves = [
        {**move, "state": wording.say(wording.ENROLMENT_STATE, move["to"]), "why": wording.say(wording.MOVE_REASON, move["reason"]),
         "who": wording.say(wording.MOVED_BY, move["by"])}
        for move in row.moves
    ]  # fmt: skip
    return {
        "row": row, "name": _named(row.programme), "state": wording.say(wording.ENROLMENT_STATE, row.state),
        "why": wording.say(wording.MOVE_REASON, row.reason) if row.reason else "", "who": wording.say(wording.MOVED_BY, row.changed_by),
        "moves": moves,
    }  # fmt: skip


def entitlements(found: Referral) -> dict[str, Any]:
    """Return the values of the page of a family's entitlements, in the language of the page."""
    tongue = wording.language()

    def line(one: programmes.ProgrammeName) -> dict[str, Any]:
        newest = max(one.amounts, key=lambda amount: str(amount.get("from", "")), default=None)
        return {
            "name": one.called(tongue), "agency": one.agency, "kind": wording.say(wording.BENEFIT_TYPE, one.benefit_type),
            "amount": newest.get("amount") if newest else None,
            "per": wording.say(wording.PER, str(newest.get("per", ""))) if newest else "",
        }  # fmt: skip

    return {
        "number": found.number,
        "place": joined(area.called(tongue) for area in reversed(found.way_down[1:] or found.way_down)),
        "drawn": [line(one) for one in found.drawn],
        "offered": [line(one) for one in found.offered],
        "kept_from": [(line(one), [words.named(each) for each in filters]) for one, filters in found.kept_from],
        "lacking": list(
            dict.fromkeys(
                wording.say(wording.LACKING, fact if fact in wording.LACKING else "other") for fact in found.lacking
            )
        ),
        "choices": settings.LANGUAGES,
    }
