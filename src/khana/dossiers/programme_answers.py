"""What one household is entitled to: each programme's answer for each of its members, clause by clause.

The slow interpreter over the same versions, the same rules and the same exclusion filters as the evaluation of the whole
registry; read under the caller's scope, and shown to who may read the household.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from khana.access import services as access
from khana.assessment import frames as assessment
from khana.assessment.rule_desk import HouseholdUnknown
from khana.audit import services as audit
from khana.platform.frames import OwnSource
from khana.programmes import catalogue
from khana.programmes import frames as programmes
from khana.registry import files
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.overlap import evaluate
from khana_methods.overlap.one_unit import Hit, NotKnown, Seat, Standing, WeighedFilter, read_filters, weigh
from khana_methods.rules import snapshot
from khana_methods.rules.decide import decide_one
from khana_methods.rules.explain import explain, in_words
from khana_methods.rules.reference import Situation
from khana_methods.rules.rulebook import read_rules


@dataclass(frozen=True)
class Answer:
    """One programme's answer for one household or one of its members; `line` is None for a household's rule.

    Attributes:
        outcome: `eligible`, `excluded` (a filter tells against who would be), `not_eligible` or `unknown`.
        why: The clause that fails, the filter, or the facts that are missing.
        filters: Filters that tell against her and by whom (`VEHICLE by spouse`), whether she is eligible or not yet known to be.
        not_known: Filters of which it is not known whether they tell; they keep nobody out.
    """

    programme: str
    name: str
    line: int | None
    outcome: str
    why: str
    clauses: str
    filters: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()


def answers_for(*, household: str, on: date, at: datetime, programme: str = "") -> list[Answer]:
    """Return every programme's answer for one household, its members line by line.

    Raises:
        HouseholdUnknown: No household of that number lies within the scope.
    """
    access.require("registry.read")
    number = files.household_id_of(household)
    if number is None:
        raise HouseholdUnknown("No household of that number, or it lies outside the area that you work for.")
    entries = [
        e for e in catalogue.programme_entries() if catalogue.is_in_force(e, on) and programme in ("", e["programme"])
    ]
    book = read_rules([entry["rule"] for entry in entries])
    rules = evaluate.read_programmes(entries, book, on)
    filters = _filters({one.code for one in rules}, on)
    read = {name for one in rules for name in one.rule.facts}
    read |= {name for own in filters.values() for one in own for name in one.rule.facts}
    home, members, path = _facts(number, read, on, at)
    standing = _standing(number, on, at)
    facts_of = {member["person_id"]: member for member in members}
    names = {entry["programme"]: entry["rule"].get("name", entry["programme"]) for entry in entries}
    found = []
    for one in rules:
        people: list[tuple[int | None, dict[str, Any] | None]] = (
            [(int(m["line_no"]), m) for m in members] if one.is_of_persons else [(None, None)]
        )
        for line, person in people:
            at_ = Situation(home, members, person)
            outcome, why = _decided(one, at_, path)
            hits: tuple[Hit, ...] = ()
            unsure: tuple[NotKnown, ...] = ()
            if outcome in (evaluate.ELIGIBLE, evaluate.UNKNOWN):
                whose, own = person["person_id"] if person else None, filters.get(one.code, ())
                hits, unsure = weigh(own, Situation(home, members), facts_of, person=whose, standing=standing)
            if hits and outcome == evaluate.ELIGIBLE:
                outcome, why = evaluate.EXCLUDED, hits[0].filter
            told = tuple(f"{hit.filter} by {hit.subject}" for hit in hits)
            clauses = in_words(explain(one.rule.rule, at_))
            not_known = tuple(each.filter for each in unsure)
            found.append(Answer(one.code, names[one.code], line, outcome, why, clauses, told, not_known))
    audit.record(
        action="programmes.answers.read", subject=f"household:{number}", details={"programmes": len(rules)}, at=at
    )
    return found


def _decided(one: evaluate.ProgrammeRule, at: Situation, path: str) -> tuple[str, str]:
    """Return outcome and reason by the rule and the areas of a programme."""
    if one.areas and not any(f".{code}." in f".{path}" for code in one.areas):
        return evaluate.NOT_ELIGIBLE, "area"
    return evaluate.in_words(one, decide_one(one.rule, at))


def _filters(programmes_asked: set[str], on: date) -> Mapping[str, Sequence[WeighedFilter]]:
    """Return by programme the exclusion filters that are in force on a day, in the order of application."""
    entries = [one for one in catalogue.filter_entries() if programmes_asked & set(one["programmes"])]
    known = {one.code: one for one in read_filters(entries, read_rules([one["rule"] for one in entries]), on)}
    found: dict[str, list[WeighedFilter]] = {}
    for entry in entries:
        for programme in entry["programmes"] if entry["filter"] in known else ():
            found.setdefault(programme, []).append(known[entry["filter"]])
    return found


def _standing(number: int, on: date, at: datetime) -> Standing:
    """Return where members stand, the appeals that were upheld and what other registers tell of them."""
    rows = registry.place_at_frame(
        OwnSource(evaluate.place_frame), as_of=on, known_at=at, household_id=number
    ).read_all()
    against = programmes.standing_against_frame(
        OwnSource(programmes.against_frame), households=[number], known_at=at
    ).read_all().to_pylist()  # fmt: skip
    return Standing(
        seats=tuple(Seat(row["person_id"], row["line_no"], row["spouse_line"]) for row in rows.to_pylist()),
        upheld={(row["filter"], row["person_id"], row["told_id"]) for row in against if row["kind"] == "UPHELD"},
        registers={(row["person_id"], row["filter"]) for row in against if row["kind"] == "REGISTER"},
    )


def _facts(number: int, wanted: set[str], on: date, at: datetime) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    """Return the typed facts of a household and its members as they stood on a day, and the path of its area."""
    clocks: dict[str, Any] = {"as_of": on, "known_at": at, "household_id": number}
    with Engine(memory_mib=256, threads=1) as engine:
        engine.register(
            "household_text", registry.household_text_frame(OwnSource(snapshot.household_text_frame), **clocks),
            schema=snapshot.household_text_frame,
        )  # fmt: skip
        engine.register(
            "member_text", registry.member_text_frame(OwnSource(snapshot.member_text_frame), **clocks),
            schema=snapshot.member_text_frame,
        )  # fmt: skip
        snapshot.type_facts(engine, as_of=on, wanted=wanted | {"line_no"})
        homes = engine.table("SELECT * FROM household").to_pylist()
        members = engine.table("SELECT * FROM member ORDER BY line_no").to_pylist()
    if not homes:
        raise HouseholdUnknown("Nothing was known of this household on that day.")
    home = homes[0]
    home["score"] = assessment.score_of(number, as_of=on)
    return home, members, str(home.pop("area_path"))
