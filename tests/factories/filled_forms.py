"""Filled forms as a telephone writes them: XML of any form version from a few answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from khana.intake.xlsform.definition import Definition

Answers = Mapping[str, object]
PLACE = {"province_code": "PK1", "district_code": "PK101", "tehsil_code": "PK10101", "village_name": "Chak 12"}


def member(line: int, name: str, sex: str, year: int, relation: str = "child", **more: object) -> dict[str, object]:
    """Return the answers of one line of the roster."""
    return {
        "line_no": line, "name": name, "sex": sex, "birth_year": year, "age": 2026 - year, "relation": relation,
        "marital": "S", "id_type": "none", "is_member": "yes", "is_present": "yes", **more,
    }  # fmt: skip


def family(number: int = 1, **head: object) -> list[dict[str, object]]:
    """Return a couple with one child; the adults' numbers come from `number`."""
    man, woman = f"35202{number:07d}1", f"35202{number:07d}2"
    card = {"id_type": "card_seen", "marital": "M"}
    return [
        member(
            1, f"Akram {'abcdefghij'[number % 10]}", "M", 1980, "head", spouse_line=2, id_number=man, **card, **head
        ),
        member(2, "Nasreen Bibi", "F", 1985, "spouse", spouse_line=1, id_number=woman, **card),
        member(3, "Sana", "F", 2014, father_line=1, mother_line=2, is_attending="yes"),
    ]


def filled(
    form: Definition,
    members: Sequence[Answers],
    *,
    instance_id: str = "",
    entity: str = "",
    base: int | None = None,
    trunk: int | None = None,
    branch: str = "",
    version: str = "",
    deprecated: str = "",
    photo: str = "",
    **answers: object,
) -> bytes:
    """Return the XML of a household; without an entity it is a new one.

    Args:
        form: The version that is filled.
        members: Answers by line.
        instance_id: The telephone's number of it; made up where absent.
        entity: Id of the household on the list: an update.
        base: Version that it was changed upon, with trunk and branch where offline.
        trunk: The server's version when the branch began.
        branch: Id of the offline branch.
        version: Another version than the form's own.
        deprecated: The instance that it corrects.
        photo: Name of a picture that it speaks of.
        answers: Of the household, by question.
    """
    said: dict[str, object] = {
        "visit": "known" if entity else "new", "consent": "yes", "survey_date": "2026-11-20", "members_declared": len(members),
        "rooms": 2, "wall": "brick", "start": "2026-11-20T09:00:00.000+05:00", "end": "2026-11-20T09:31:00.000+05:00",
        **PLACE, **answers,
    }  # fmt: skip
    if photo:
        said["damage_photo"] = photo
    tree: dict[str, object] = {}
    for question in form.questions:
        if question.repeat:
            group, repeat = question.repeat.rsplit("/", 1)
            _put(tree, f"{group}/{repeat}", [])
        elif question.name in said:
            _put(tree, question.path, said[question.name])
    for path in {question.repeat for question in form.questions if question.repeat}:
        rows = []
        for one in members:
            row: dict[str, object] = {}
            for question in form.questions:
                if question.repeat == path and question.name in one:
                    _put(row, question.path.removeprefix(path + "/"), one[question.name])
            rows.append(row)
        _put(tree, path, rows)
    offline = "".join(
        f" {name}={quoteattr(str(value))}"
        for name, value in (("baseVersion", base), ("trunkVersion", trunk), ("branchId", branch))
        if value not in (None, "")
    )
    kind = f'update="1"{offline}' if entity else 'create="1"'
    consents = said.get("consent") == "yes"
    meta = (
        (
            f'<entity dataset="households" id="{entity or uuid.uuid4()}" {kind}><label>x</label></entity>'
            if consents
            else ""
        )
        + f"<instanceID>{instance_id or f'uuid:{uuid.uuid4()}'}</instanceID>"
        + (f"<deprecatedID>{deprecated}</deprecatedID>" if deprecated else "")
    )
    body = _xml(tree)
    return (
        f'<?xml version="1.0"?><data id="{form.form_id}" version="{version or form.version}">{body}<meta>{meta}</meta></data>'
    ).encode()


def _put(tree: dict[str, object], path: str, value: object) -> None:
    *groups, name = path.split("/")
    for group in groups:
        tree = tree.setdefault(group, {})  # type: ignore[assignment]
    tree[name] = value


def _xml(tree: Mapping[str, object]) -> str:
    out = []
    for name, value in tree.items():
        if isinstance(value, list):
            out += [f"<{name}>{_xml(row)}</{name}>" for row in value]
        else:
            out.append(f"<{name}>{_xml(value) if isinstance(value, dict) else escape(str(value))}</{name}>")
    return "".join(out)
