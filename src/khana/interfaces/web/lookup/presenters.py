"""From the dossiers of a person and a household to the words of their pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from khana.dossiers.benefit_lines import BenefitLine
from khana.dossiers.household_file import HouseholdFile
from khana.dossiers.person_file import PersonFile
from khana.geo.area_names import AreaName
from khana.interfaces.web import wording
from khana.interfaces.web.between import presenters as between
from khana.interfaces.web.programmes import words
from khana.interfaces.web.tags import joined
from khana.platform import installation
from khana.programmes import names as programmes
from khana_country.questionnaire import questions_by_fact


def place(way_down: Sequence[AreaName]) -> str:
    """Write an area from the smallest to the province."""
    return joined(area.called(wording.language()) for area in reversed(way_down[1:] or way_down))


def _appeals(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return appeals with their state in words and what their filters are called."""
    filters = words.filters() if rows else {}
    return [
        {"row": row, "state": wording.say(wording.APPEAL_STATE, row["state"]), "filter": filters.get(row["filter"])}
        for row in rows
    ]


def benefits(lines: Sequence[BenefitLine]) -> list[dict[str, Any]]:
    """Return benefit rows with their findings in words."""
    catalogue = programmes.catalogue()
    shown = []
    for line in lines:
        named = catalogue.get(line.row.programme)
        shown.append({
            "row": line.row,
            "programme": words.called(catalogue, line.row.programme),
            "kind": wording.say(wording.BENEFIT_TYPE, named.benefit_type) if named else "",
            "findings": [found(finding) for finding in line.findings],
        })  # fmt: skip
    return shown


def found(row: Any) -> dict[str, Any]:
    """Return one finding with its words."""
    return {
        **wording.finding(row.code), "severity": row.severity, "severity_text": wording.say(wording.SEVERITY, row.severity),
        "role": wording.say(wording.ROLE, row.role), "detail": row.detail.replace("_", " "), "row": row,
    }  # fmt: skip


def person(file: PersonFile) -> dict[str, Any]:
    """Return the values of the page of a person."""
    return {
        "file": file,
        "name": file.facts.name or file.facts.name_native,
        "sex": wording.say(wording.SEX, file.facts.sex),
        "marital": wording.say(wording.MARITAL, file.facts.marital),
        "place": place(file.way_down),
        "numbers": [{"held": held, "status": wording.say(wording.NUMBER_STATUS, held.status)} for held in file.numbers],
        "places": [{"place": one, "relation": wording.say(wording.RELATION, one.relation)} for one in file.places],
        "benefits": benefits(file.benefits),
        "enrolments": [between.enrolment(row) for row in file.enrolments],
        "stops": [between.stop(row) for row in file.stops],
        "cases": [
            {"row": row, "about": wording.say(wording.CASE_ABOUT, str(row["about"])),
             "state": wording.say(wording.CASE_OUTCOME, str(row["outcome"])) if row["outcome"] else ""}
            for row in file.cases
        ],
        "appeals": _appeals(file.appeals),
        "finding_count": sum(len(line.findings) for line in file.benefits),
        "merges": [
            {"merge": row, "state": wording.say(wording.MERGE_STATE, row.state),
             "other": row.person_id if row.current_id == file.person_id else row.current_id}
            for row in file.merges
        ],
        "sent": [{"row": row, "state": wording.say(wording.SUBMISSION_STATE, row.state)} for row in file.submissions],
        "pairs": [
            {"row": row, "kind": wording.say(wording.PAIR_KIND, row.kind), "state": wording.say(wording.PAIR_STATE, row.decision)}
            for row in file.pairs
        ],
        "versions": [
            {"facts": row, "sex": wording.say(wording.SEX, row.sex), "marital": wording.say(wording.MARITAL, row.marital)}
            for row in file.versions
        ],
    }  # fmt: skip


def household(file: HouseholdFile) -> dict[str, Any]:
    """Return the values of the page of a household: its members by family."""
    catalogue = programmes.catalogue()
    families: dict[int, list[dict[str, Any]]] = {}
    for member in file.members:
        families.setdefault(member.place.family_no or 0, []).append({
            "place": member.place, "facts": member.facts, "relation": wording.say(wording.RELATION, member.place.relation),
            "sex": wording.say(wording.SEX, member.facts.sex) if member.facts else "",
            "marital": wording.say(wording.MARITAL, member.facts.marital) if member.facts else "",
        })  # fmt: skip
    unserved = file.unserved
    return {
        "file": file,
        "place": place(file.way_down),
        "families": sorted(families.items()),
        "score": file.scores[0] if file.scores else None,
        "living": _living(file.facts.facts),
        "benefits": benefits(file.benefits),
        "eligible_for": [
            words.called(catalogue, code) for code in unserved.eligible_for
        ] if unserved else [],
    }  # fmt: skip


def _living(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return facts with the words of their questions in the reader's language; in English a fact is called by its name."""
    language = wording.language()
    asked = questions_by_fact(str(installation.read().get("country", "pak"))) if language != "en" else {}
    return [
        {"words": asked[fact][0].words.get(language, "") if fact in asked else "", "name": fact, "value": value}
        for fact, value in sorted(facts.items())
    ]
