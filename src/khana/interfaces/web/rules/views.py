"""The page of the editor, and the part that answers while somebody writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from khana.assessment import rule_desk
from khana.audit import services as audit
from khana.interfaces.web import limits, session
from khana.interfaces.web.errors.pages import in_words
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock, installation
from khana_methods.rules.explain import Clause
from khana_methods.rules.facts import Fact, load_facts
from khana_methods.rules.snapshot import UNREAD

EXAMPLES = (
    "score <= 32",
    "score <= 37 and any_member(disability is not null)",
    "any_member(age >= 65 and sex = 'F') and rooms_per_head < 0.5",
    "children_out_of_school > 0 and land_owned_acres < 1",
)
WORDS = (
    "any_member(", "all_members(", "count_members(", "sum_members(", "min_members(", "max_members(", "amount(", "coalesce(",
    "per_month(", "per_year(", "is null", "is not null", "between", "and", "or", "not",
)  # fmt: skip
ENTITIES = ("household", "person")


@session.needs("results.read")
@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """Show the editor; without JavaScript the button sends the rule here."""
    context = {
        "facts": [_fact(fact) for fact in _readable()],
        "derived": [{"name": name} for name in rule_desk.derived(installation.today(clock.now()))],
        "words": WORDS,
        "examples": EXAMPLES,
        "may_household": session.may(request, "registry.read"),
        **_tried(request),
    }
    return render(request, "rules/rules.html", context)


@session.needs("results.read")
@require_POST
def attempt(request: HttpRequest) -> HttpResponse:
    """Answer one writing of the rule: what is wrong, who satisfies it, why on one household."""
    return render(request, "rules/tried.html", _tried(request))


def _readable() -> list[Fact]:
    catalogue = load_facts()
    plain = {"text", "integer", "decimal", "boolean", "date", "code", "money", "area"}
    found = [*catalogue.of_entity("household"), *catalogue.of_entity("person"), catalogue.get("score")]
    known = {fact.name: fact for fact in found if fact.type in plain and fact.name not in UNREAD}
    return list(known.values())


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "name": fact.name, "whose": fact.entity, "kind": fact.type, "unit": " ".join(x for x in (fact.unit, fact.period) if x),
        "meaning": fact.meaning, "codes": ", ".join(fact.codes), "is_of_person": fact.entity == "person",
    }  # fmt: skip


def _tried(request: HttpRequest) -> dict[str, Any]:
    sent = request.POST if request.method == "POST" else request.GET
    text = sent.get("text", "")[:4000]
    entity = sent.get("entity", "") if sent.get("entity", "") in ENTITIES else "household"
    number = request.POST.get("household", "").strip()[:40] if session.may(request, "registry.read") else ""
    asked = {"text": text, "entity": entity, "household": ""}  # a number is shown back only where it is hers to read
    if not text.strip():
        return {"asked": asked, "tried": None}
    if number:
        limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    now = clock.now()
    try:
        found = rule_desk.try_rule(text, entity=entity, household=number, on=installation.today(now), at=now)
    except rule_desk.HouseholdUnknown as error:
        found = rule_desk.try_rule(text, entity=entity, on=installation.today(now), at=now)
        problem = in_words(found.problem_code, found.problem)
        return {
            "asked": asked, "tried": found, "problem": problem, "no_household": error_wording(error), "as_file": _as_file(text, entity)
        }  # fmt: skip
    if found.clause is not None:
        asked["household"] = number
        audit.record(action="registry.household.rule_tried", subject=f"household:{number}", at=now)
    return {
        "asked": asked, "tried": found, "problem": in_words(found.problem_code, found.problem), "clauses": list(_clauses(found.clause)) if found.clause else [],
        "as_file": "" if found.problem else _as_file(text, entity),
    }  # fmt: skip


def _clauses(clause: Clause, depth: int = 0) -> Iterator[dict[str, Any]]:
    words = {"holds": _("holds"), "fails": _("fails"), "unknown": _("not known"), "known": _("is known")}
    tones = {"holds": "good", "fails": "bad", "unknown": "warn", "known": "info"}
    yield {
        "text": clause.text, "outcome": words[clause.outcome], "tone": tones[clause.outcome],
        "because": "; ".join(clause.because), "depth": depth,
    }  # fmt: skip
    for below in clause.clauses:
        yield from _clauses(below, depth + 1)


def _as_file(text: str, entity: str) -> str:
    """Return the rule as an entry of a rule file, to be dated, cited and given cases."""
    entry = {
        "code": "NEW-RULE", "name": "…", "entity": entity, "kind": "eligibility", "gives": "boolean",
        "versions": [
            {"valid_from": installation.today(clock.now()), "expression": " ".join(text.split()), "mark": "A", "source": "…"}
        ],
    }  # fmt: skip
    return str(yaml.safe_dump({"rules": [entry]}, sort_keys=False, allow_unicode=True, width=100))
