"""The last step of the journey: households, persons and memberships are written, the list of phones moves on.

Many forms go in one transaction; of two that touch the same household or show the same number, the later one waits for the
next round and then meets what the earlier one wrote. The base version of the entity decides about conflicts under its lock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from khana.audit import services as audit
from khana.identity.services.stage_evidence import stage_evidence
from khana.intake import opened as drafts
from khana.intake.draft import AREAS, Draft, Member
from khana.intake.models import Entity, Submission
from khana.intake.reasons import outcome
from khana.intake.services import entities, movers
from khana.intake.services.journey import Move
from khana.intake.services.match import Lines, held_elsewhere, match_lines, target_of
from khana.intake.services.verify import token_of
from khana.platform import keys
from khana.registry import known as registry
from khana.registry.services.apply_evidence import apply_evidence
from khana.registry.services.register_households import (
    end_memberships,
    household_ids,
    issue_numbers,
    register_households,
)

_COLUMNS_OF_HOUSEHOLD = {
    "address",
    "latitude",
    "longitude",
    "contact_mobile_number",
    "consent",
    "household_number",
    *AREAS,
}
_COLUMNS_OF_PERSON = {
    "line_no", "name", "name_native", "guardian_name", "sex", "birth_year", "birth_month", "birth_day", "marital",
    "mobile_number", "relation", "is_member", "is_present", "spouse_line", "father_line", "mother_line", "id_number",
}  # fmt: skip
_ELSEWHERE = (98, 99)


@dataclass
class _Work:
    """One submission on its way into the registry."""

    row: Submission
    draft: Draft
    target: int | None
    entity: Entity | None
    known: registry.KnownHousehold | None = None
    lines: Lines = field(default_factory=Lines)
    number: str = ""
    is_conflict: bool = False
    coming: Mapping[int, int] = field(default_factory=dict)


def step(rows: Sequence[Submission], *, at: datetime) -> list[Move]:
    """Register submissions; return where each goes. One that has to wait for another of them is left where it is."""
    opened = [_open(row) for row in rows]
    households = registry.households([work.target for work in opened if work.target])
    tokens = {work.row.pk: {t for t in map(token_of, work.draft.members) if t} for work in opened}
    holders = registry.holders([token for found in tokens.values() for token in found])
    moves: list[Move] = []
    ready: list[_Work] = []
    touched: set[object] = set()
    for work in opened:
        mine: set[object] = {*tokens[work.row.pk], work.target or work.row.pk, work.row.entity_uuid or work.row.pk}
        if mine & touched:
            continue
        touched |= mine
        work.known = households.get(work.target) if work.target else None
        work.lines = match_lines(work.draft.members, work.known.members if work.known else [])
        work.coming = movers.sources_of(work.draft, work.target)
        codes = entities.conflict_codes(work.entity, work.draft.entity, work.target)
        work.is_conflict = "ENTITY_CONFLICT" in codes
        codes += ["NUMBER_HELD"] if held_elsewhere(work.draft, work.target, holders, work.coming) else []
        codes += ["MEMBERS_LEFT"] if work.lines.left else []
        state, stopping = outcome(codes, work.row.accepted)
        if state:
            moves.append(Move(work.row, state, stopping))
        else:
            ready.append(work)
    return moves + (_write(ready, at) if ready else [])


def _open(row: Submission) -> _Work:
    draft = drafts.of(row)
    uuid = draft.entity.uuid if draft.entity else None
    entity = Entity.objects.select_for_update(of=("self",)).filter(uuid=uuid).first() if uuid else None
    return _Work(row, draft, target_of(row, draft), entity)


def _write(ready: list[_Work], at: datetime) -> list[Move]:
    new = [work for work in ready if work.known is None]
    for work, number in zip(new, issue_numbers(len(new)) if new else [], strict=True):
        work.number = number
    for work in ready:
        work.number = work.known.number if work.known else work.number
    register_households(
        households=_table([_household(work) for work in ready], _HOUSEHOLD_TYPES),
        persons=_people(ready),
        at=at,
    )
    ids = household_ids([work.number for work in ready])
    for work in ready:
        if work.lines.left:
            end_memberships(household_id=ids[work.number], lines=work.lines.left, on=work.draft.survey_date, at=at)
    tokens = [token for work in ready for token in map(token_of, work.draft.members) if token]
    if tokens and stage_evidence(tokens):
        apply_evidence(at=at)
    moves = []
    for work in ready:
        household = ids[work.number]
        uuid = entities.record_change(
            entity=work.entity, part=work.draft.entity, household_id=household, number=work.number,
            area_path=work.row.area_path, facts=_listed(work), submission=work.row, is_conflict=work.is_conflict, at=at,
        )  # fmt: skip
        audit.record(
            action="registry.household.amended" if work.known else "registry.household.registered",
            subject=f"household:{household}",
            details={"submission": work.row.pk, "members": len(work.draft.members), "left": len(work.lines.left)},
            at=at,
        )
        moves.append(
            Move(work.row, Submission.State.REGISTERED.value, changes={"household_id": household, "entity_uuid": uuid})
        )
    return moves


def _listed(work: _Work) -> dict[str, str]:
    """Return what phones carry of a household: its head, village and size."""
    members = work.draft.members
    head = next((member for member in members if member.facts.get("relation") == "head"), members[0])
    return {
        "head_name": str(head.facts.get("name", "")),
        "village_name": str(work.draft.facts.get("village_name", "")),
        "members": str(len(members)),
    }


def _merged(known: Mapping[str, Any], stated: Mapping[str, Any], columns: set[str]) -> str:
    """Return facts as JSON: what was known, with what the form says now in its place."""
    facts = {name: value for name, value in stated.items() if name not in columns}
    return json.dumps({**known, **facts}, default=_plain, ensure_ascii=False)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _hex(value: object) -> str | None:
    return None if value is None else "\\x" + bytes(value).hex()  # type: ignore[call-overload]


def _sealed(text: object, scheme: str) -> tuple[str | None, str | None]:
    if not text:
        return None, None
    return _hex(keys.token(scheme, str(text))), _hex(keys.encrypt(str(text)))


def _household(work: _Work) -> dict[str, Any]:
    facts, known = work.draft.facts, work.known
    before = dict(known.columns) if known else {}
    token, closed = _sealed(facts.get("contact_mobile_number"), "MOBILE")
    return {
        "line": work.row.pk,
        "household_number": work.number,
        "area_code": work.draft.area_code,
        "valid_from": work.draft.survey_date.isoformat(),
        "address": facts.get("address") or before.get("address") or "",
        "latitude": facts.get("latitude", before.get("latitude")),
        "longitude": facts.get("longitude", before.get("longitude")),
        "mobile_token": token or _hex(before.get("mobile_token")),
        "mobile_ciphertext": closed or _hex(before.get("mobile_ciphertext")),
        "consent": facts.get("consent", before.get("consent")),
        "facts": _merged(known.facts if known else {}, facts, _COLUMNS_OF_HOUSEHOLD),
    }


def _people(ready: Sequence[_Work]) -> pa.Table:
    """Return the lines of rosters that are written; who comes from another household keeps her file and her line there."""
    rows = [row for work in ready for row in _persons(work)]
    stays = [member.line_no not in work.coming for work in ready for member in work.draft.members]
    return _table(rows, _PERSON_TYPES).filter(pa.array(stays))


def _persons(work: _Work) -> list[dict[str, Any]]:
    seen: set[bytes] = set()
    rows = []
    for place, member in enumerate(work.draft.members):
        token = token_of(member)
        shows = token is not None and token not in seen
        if token is not None:
            seen.add(token)
        rows.append(_person(work, member, work.row.pk * 1000 + place, shows))
    return rows


def _person(work: _Work, member: Member, line: int, shows_number: bool) -> dict[str, Any]:
    facts = member.facts
    known = work.lines.known_of.get(member.line_no)
    before: dict[str, Any] = dict(known.columns) if known else {}
    token, closed = _sealed(facts.get("mobile_number"), "MOBILE")
    number = member.number if shows_number else None
    # a pointer to somebody who comes from another household is made when she comes
    pointers = {name: work.lines.line_of.get(facts[name], facts[name] if facts[name] in _ELSEWHERE else None)
                for name in ("spouse_line", "father_line", "mother_line")
                if facts.get(name) is not None and facts[name] not in work.coming}  # fmt: skip
    return {
        "line": line,
        "household_number": work.number,
        "line_no": work.lines.line_of[member.line_no],
        "valid_from": work.draft.survey_date.isoformat(),
        "name": facts.get("name") or (known.name if known else ""),
        "name_native": facts.get("name_native") or before.get("name_native") or "",
        "guardian_name": facts.get("guardian_name") or before.get("guardian_name") or "",
        "sex": facts.get("sex") or (known.sex if known else ""),
        **_birth(facts, known, before, work.draft.survey_date),
        "marital": facts.get("marital") or before.get("marital") or "",
        "mobile_token": token or _hex(before.get("mobile_token")),
        "mobile_ciphertext": closed or _hex(before.get("mobile_ciphertext")),
        "relation": facts.get("relation") or before.get("relation") or "",
        "is_member": facts.get("is_member", True),
        "is_present": facts.get("is_present"),
        "spouse_line": pointers.get("spouse_line"),
        "father_line": pointers.get("father_line"),
        "mother_line": pointers.get("mother_line"),
        "id_number_type": number.type if number else None,
        "id_number_token": _hex(token_of(member)) if number else None,
        "id_number_ciphertext": _hex(keys.encrypt(number.canonical)) if number else None,
        "facts": _merged(known.facts if known else {}, facts, _COLUMNS_OF_PERSON),
    }


def _birth(
    facts: Mapping[str, Any], known: registry.KnownMember | None, before: Mapping[str, Any], on: date
) -> dict[str, int | None]:
    """Return the partial date: as stated, else as known, else the year that the age says."""
    if facts.get("birth_year"):
        return {name: facts.get(name) for name in ("birth_year", "birth_month", "birth_day")}
    if known is not None and known.birth_year:
        return {
            "birth_year": known.birth_year,
            "birth_month": before.get("birth_month"),
            "birth_day": before.get("birth_day"),
        }
    age = facts.get("age")
    return {"birth_year": on.year - age if isinstance(age, int) else None, "birth_month": None, "birth_day": None}


_HOUSEHOLD_TYPES = {
    "line": pa.int64(), "latitude": pa.float64(), "longitude": pa.float64(), "consent": pa.bool_(),
}  # fmt: skip
_PERSON_TYPES = {
    "line": pa.int64(), "line_no": pa.int32(), "birth_year": pa.int16(), "birth_month": pa.int16(), "birth_day": pa.int16(),
    "is_member": pa.bool_(), "is_present": pa.bool_(), "spouse_line": pa.int32(), "father_line": pa.int32(),
    "mother_line": pa.int32(),
}  # fmt: skip


def _table(rows: list[dict[str, Any]], types: Mapping[str, pa.DataType]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], types.get(name, pa.string())) for name in rows[0]})
