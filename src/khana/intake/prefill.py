"""A form that is filled from what the registry knows, for an update: the same questions, the answers of before.

Facts go back into answers under the version in force. Numbers of cards are not put in: they are asked and seen again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from khana.intake.models import Entity
from khana.intake.xlsform.definition import Definition, Question
from khana.intake.xlsform.units import FACTORS
from khana.registry.known import KnownHousehold, KnownMember
from khana_methods.rules.facts import load_facts

_NOT_PUT_IN = {
    "id_number",
    "mobile_number",
    "contact_mobile_number",
    "survey_date",
    "consent",
    "household_number",
    "interview_minutes",
}


def instance_xml(form: Definition, house: KnownHousehold, entity: Entity, areas: Mapping[int, str]) -> str:
    """Return an instance of a form for one household.

    Args:
        form: The version in force.
        house: What is known.
        entity: The household on the list.
        areas: Code of its area on each level.
    """
    levels = {"province_code": 1, "district_code": 2, "tehsil_code": 3, "union_code": 4}
    facts: dict[str, Any] = {**house.facts, "address": house.columns.get("address")}
    facts |= {name: areas.get(level) for name, level in levels.items()}
    said: dict[str, Any] = {"visit": "known", "household": str(entity.uuid), "members_declared": len(house.members)}
    tree: dict[str, Any] = {}
    for question in form.questions:
        if question.repeat:
            _put(tree, question.repeat, [_line(form, question.repeat, member) for member in house.members])
            continue
        _put(tree, question.path, said.get(question.name, _answer(question, facts)))
    for gate in form.questions:  # a question that only opens others: yes where one of these is known
        if not gate.facts and not gate.repeat and "yes" in gate.choices:
            opens = [one for one in form.questions if not one.repeat and f"${{{gate.name}}} = 'yes'" in one.relevant]
            if any(_answer(one, facts) for one in opens):
                _put(tree, gate.path, "yes")
    entity_xml = (
        f'<entity dataset="households" id={quoteattr(str(entity.uuid))} update="1" create="" baseVersion="{entity.version}"'
        f' trunkVersion="" branchId=""><label>{escape(entity.label)}</label></entity>'
    )
    meta = f"<meta><instanceID>uuid:{uuid.uuid4()}</instanceID>{entity_xml}</meta>"
    return f"<data id={quoteattr(form.form_id)} version={quoteattr(form.version)}>{_xml(tree)}{meta}</data>"


def _line(form: Definition, repeat: str, member: KnownMember) -> dict[str, Any]:
    facts: dict[str, Any] = {
        **member.facts, **member.columns, "line_no": member.line_no, "name": member.name, "sex": member.sex,
        "birth_year": member.birth_year,
    }  # fmt: skip
    row: dict[str, Any] = {}
    for question in form.questions:
        if question.repeat == repeat:
            _put(row, question.path.removeprefix(repeat + "/"), _answer(question, facts))
    return row


def _answer(question: Question, facts: Mapping[str, Any]) -> str:
    """Return what a question would be answered by what is known; empty where nothing is."""
    if len(question.facts) != 1 or question.facts[0] in _NOT_PUT_IN:
        return ""
    fact = load_facts().facts[question.facts[0]]
    value = facts.get(f"birth_{question.part}" if question.part else fact.name)
    if value is None or value == "":
        return ""
    if fact.type == "boolean":
        return "yes" if value else "no"
    if question.unit and (question.unit, fact.unit) in FACTORS:
        value = round(float(value) / FACTORS[question.unit, fact.unit], 4)
    return str(value)


def _put(tree: dict[str, Any], path: str, value: Any) -> None:
    *groups, name = path.split("/")
    for group in groups:
        tree = tree.setdefault(group, {})
    tree[name] = value


def _xml(tree: Mapping[str, Any]) -> str:
    out = []
    for name, value in tree.items():
        if isinstance(value, list):
            out += [f"<{name}>{_xml(row)}</{name}>" for row in value]
        else:
            out.append(f"<{name}>{_xml(value) if isinstance(value, dict) else escape(str(value))}</{name}>")
    return "".join(out)
