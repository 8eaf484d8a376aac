"""The data-protection impact assessment, filled from the configuration: what is held, why, who reads, what leaves, for how long.

Every statement is read from the models' own declarations, the catalogue of facts, the roles, the agreements, the rules of
retention and breaches, and the state of the installation on the day. What a machine cannot know (necessity, consultation,
the decision) stands as an open question for the officer to answer.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Any

from django.apps import apps

from khana.access import breaches, offices, retention
from khana.access import services as access
from khana.access.roles import catalogue
from khana.access.selectors import list_users
from khana.audit import services as audit
from khana.sharing.selectors import list_agreements
from khana_methods.rules.facts import load_facts

_PII = re.compile(r"\.\. pii: *(.+?)(?:\n\s*\n|\Z)", re.S)
OPEN_QUESTIONS = (
    "Is each purpose below necessary, and could it be reached with less data?",
    "Who was consulted (people registered, civil society, the authority), when, and what did they say?",
    "Which decisions about a person are made without a person, and how does she object?",
    "Which risks remain after the measures below, who accepts them, and until when?",
)


def holdings() -> list[dict[str, str]]:
    """Return every table that holds personal data, and what, in the words of its own model."""
    out = []
    for model in apps.get_models():
        room = model._meta.app_label
        found = _PII.search(model.__doc__ or "") if model.__module__.startswith("khana.") else None
        if found:
            out.append({"room": room, "table": model._meta.db_table, "holds": " ".join(found.group(1).split())})
    return sorted(out, key=lambda row: (row["room"], row["table"]))


def assess(*, at: datetime) -> dict[str, Any]:
    """Return the assessment as it stands now; needs `audit.read`, `users.read` and `alarms.read` for the whole country."""
    for permission in ("audit.read", "users.read", "alarms.read"):
        access.require(permission, everywhere=True)
    roles = catalogue()
    held = Counter(grant.role for user in list_users() if user.is_active for grant in user.grants if not grant.waits)
    register = breaches.list_all()
    agreements = [one for one in list_agreements() if one["state"] == "IN_FORCE"]
    audit.record(action="dossiers.impact_assessment.made", subject="installation:all", details={}, at=at)
    return {
        "made_at": at,
        "open_questions": list(OPEN_QUESTIONS),
        "holdings": holdings(),
        "facts": dict(Counter(fact.pii for fact in load_facts().facts.values())),
        "purposes": roles.purposes,
        "roles": [
            {"role": one.name, "meaning": one.meaning, "holders": held[one.name], "strong": one.strong,
             "shows_people": bool(roles.people() & set(one.permissions))}
            for one in roles.roles.values()
        ],
        "agreements": agreements,
        "retention": [{"rule": one.code, "days": one.days, "what": one.what, "basis": one.basis} for one in retention.rules()],
        "holds": sum(one.ended_at is None for one in retention.holds()),
        "breaches": {"all": len(register), "open": sum(one.closed_at is None for one in register)},
        "alarms_open": len(offices.alarm_rows(is_open=True)),
        "notice": {
            country: {"authority": rule["authority"]["name"], "hours": rule["authority"]["hours"], "mark": rule["authority"]["mark"]}
            for country, rule in breaches.rules().items() if country != "letters"
        },
    }  # fmt: skip


def as_markdown(found: dict[str, Any]) -> str:
    """Return the assessment as a document with places for the answers that a person must give."""
    lines = [
        "# Data-protection impact assessment",
        "",
        f"Filled from the installation on {found['made_at']:%Y-%m-%d}.",
        "",
    ]
    lines += ["## For a person to answer", ""]
    for number, question in enumerate(found["open_questions"], 1):
        lines += [f"{number}. {question}", "", "   ______________________________________________", ""]
    lines += ["## Purposes", "", *[f"- **{name}**: {words}" for name, words in found["purposes"].items()], ""]
    classes = ", ".join(f"{count} {name}" for name, count in sorted(found["facts"].items()))
    lines += ["## What is held", "", f"Facts of the catalogue by class: {classes}.", ""]
    lines += _table(("room", "table", "holds"), found["holdings"])
    lines += ["## Who reads", "", *_table(("role", "meaning", "holders", "strong", "shows_people"), found["roles"])]
    lines += ["## What leaves, and on what terms", ""]
    lines += _table(("agreement", "partner", "level", "purpose", "valid_to"), found["agreements"]) or [
        "Nothing is agreed.",
        "",
    ]
    lines += ["## For how long", "", *_table(("rule", "days", "what", "basis"), found["retention"])]
    lines += [f"Legal holds in force: {found['holds']}.", "", "## When something goes wrong", ""]
    lines += [
        f"- {country}: {one['authority']} within {one['hours']} hours (how sure: {one['mark']})"
        for country, one in found["notice"].items()
    ]
    register = found["breaches"]
    lines += ["", f"Breaches: {register['all']}, open {register['open']}. Open alarms: {found['alarms_open']}.", ""]
    return "\n".join(lines)


def _table(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    cells = [[str(row[name]).replace("|", "\\|").replace("\n", " ") for name in columns] for row in rows]
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return [*head, *(f"| {' | '.join(row)} |" for row in cells), ""]
