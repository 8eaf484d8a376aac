"""Choose whose number is asked about, weigh what an authority said, keep it as evidence, and move the number's status.

An answer *counts* when it speaks of a moment younger than the authority's `max_age_days`, is not of the future, and does
not raise the dead. A match that counts makes the number VERIFIED (room `registry`); nothing else changes a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.identity.gateways.protocol import Answer, Question
from khana.identity.models import Authority
from khana.platform import bulk, keys
from khana.registry.services.apply_evidence import SAME_NAME, mark_verified

SKEW = timedelta(minutes=5)
PURPOSE = "identity_verification"
_CONSENT = """(SELECT c.id FROM identity_consent c WHERE c.person_id = i.person_id AND c.purpose = %(purpose)s
    AND c.given_at IS NOT NULL AND c.good_until > %(at)s AND NOT EXISTS (SELECT 1 FROM identity_verification u
        WHERE u.consent_id = c.id AND u.authority = %(authority)s AND u.outcome <> 'UNANSWERED') ORDER BY c.id DESC LIMIT 1)"""
_DUE = """registry_identifier i WHERE i.retired_at IS NULL AND i.id > %(after)s AND i.area_path ^@ %(area)s
    AND (%(person)s::bigint IS NULL OR i.person_id = %(person)s)
    AND (%(again)s OR NOT EXISTS (SELECT 1 FROM identity_verification v WHERE v.token = i.token AND v.person_id = i.person_id
        AND v.authority = %(authority)s AND v.outcome NOT IN ('UNANSWERED', 'UNRELIABLE') AND v.asked_at > %(since)s))"""


@dataclass(frozen=True, slots=True)
class Claim:
    """One number that one person shows, to be asked about."""

    identifier_id: int
    person_id: int
    area_path: str
    token: bytes
    consent_id: int | None
    question: Question


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose numbers a run is about."""

    area_path: str = ""
    person_id: int | None = None
    again: bool = False  # also those with an answer that is young enough


def _values(authority: Authority, whose: Whose, after: int, at: datetime) -> dict[str, Any]:
    return {
        "after": after, "area": whose.area_path, "person": whose.person_id, "again": whose.again, "purpose": PURPOSE,
        "authority": authority.code, "since": at - timedelta(days=authority.max_age_days), "at": at,
    }  # fmt: skip


def count_due(authority: Authority, whose: Whose, *, at: datetime) -> int:
    """Return how many numbers within the scope have no young answer of an authority."""
    row = (
        bulk.raw_cursor().execute(f"SELECT count(*) FROM {_DUE}".encode(), _values(authority, whose, 0, at)).fetchone()
    )
    return int(row[0]) if row else 0


def choose(authority: Authority, whose: Whose, *, after: int, at: datetime) -> list[Claim]:
    """Return the next numbers to ask about, by id: what a run that starts again has answered already is left out.

    Args:
        authority: Who will be asked; where it needs consent, only those who gave it are taken.
        whose: Of whom.
        after: Id of the last number of the round before.
        at: Now.
    """
    access.require("identity.verify")
    consent = f"AND {_CONSENT} IS NOT NULL" if authority.needs_consent else ""
    rows = (
        bulk.raw_cursor()
        .execute(
            f"""SELECT i.id, i.person_id, i.area_path, i.token, i.type, i.ciphertext, v.name, v.sex, v.birth_year,
                       v.birth_month, v.birth_day, {_CONSENT}
                FROM (SELECT i.* FROM {_DUE} {consent} ORDER BY i.id LIMIT %(most)s) i
                LEFT JOIN LATERAL (SELECT v.* FROM registry_personversion v WHERE v.person_id = i.person_id
                    AND v.superseded_at IS NULL AND v.valid_to IS NULL ORDER BY v.id DESC LIMIT 1) v ON true
                ORDER BY i.id""".encode(),
            {**_values(authority, whose, after, at), "most": authority.batch_size},
        )
        .fetchall()
    )
    opened = keys.decrypt_many([row[5] for row in rows])
    return [
        Claim(
            row[0], row[1], row[2], bytes(row[3]), row[11],
            Question(
                reference=str(row[0]), number=(plain or b"").decode(), kind=row[4], token=bytes(row[3]), name=row[6] or "",
                sex=row[7] or "", birth_year=row[8], birth_month=row[9], birth_day=row[10], has_consent=row[11] is not None,
            ),
        )
        for row, plain in zip(rows, opened, strict=True)
    ]  # fmt: skip


_COLUMNS = [
    ("identifier_id", "bigint"), ("person_id", "bigint"), ("area_path", "text"), ("token", "bytea"),
    ("consent_id", "bigint"), ("said", "text"), ("why", "text"), ("as_of", "timestamptz"), ("transaction", "text"),
    ("answer_ciphertext", "bytea"), ("answer_sha256", "text"), ("our_name", "text"), ("our_sex", "text"),
    ("our_year", "integer"), ("name", "text"), ("name_native", "text"), ("sex", "text"), ("birth_year", "integer"),
    ("is_dead", "boolean"),
]  # fmt: skip
# null where one side does not say
_COMPARED = f"""SELECT s.*,
    CASE WHEN s.our_sex IN ('M', 'F') AND s.sex IN ('M', 'F') THEN s.our_sex = s.sex END AS same_sex,
    abs(s.our_year - s.birth_year) <= 1 AS same_year,
    CASE WHEN s.our_name <> '' AND s.name || s.name_native <> ''
         THEN greatest(similarity(s.our_name, s.name), similarity(s.our_name, s.name_native)) >= {SAME_NAME} END AS same_name,
    EXISTS (SELECT 1 FROM identity_verification d WHERE d.token = s.token AND d.outcome = 'DECEASED' AND d.counts) AS was_dead
    FROM _answer s"""
_WEIGHED = f"""SELECT c.*,
    CASE WHEN c.as_of > %(future)s THEN 'UNRELIABLE'
         WHEN c.said IN ('NOT_FOUND', 'UNRELIABLE', 'UNANSWERED') THEN c.said
         WHEN c.said = 'YES' THEN 'MATCH' WHEN c.said = 'NO' THEN 'MISMATCH'
         WHEN c.same_sex IS NOT DISTINCT FROM false OR NOT (coalesce(c.same_year, false) OR coalesce(c.same_name, false))
             THEN 'MISMATCH'
         WHEN c.is_dead THEN 'DECEASED' ELSE 'MATCH' END AS outcome
    FROM ({_COMPARED}) c"""
_KEEP = f"""INSERT INTO identity_verification (person_id, area_path, identifier_id, token, authority, outcome, counts, why,
        agreed, as_of, asked_at, transaction, consent_id, answer_ciphertext, answer_sha256, actor_id)
    SELECT w.person_id, w.area_path, w.identifier_id, w.token, %(authority)s, w.outcome,
        w.outcome IN ('MATCH', 'MISMATCH', 'NOT_FOUND', 'DECEASED') AND coalesce(w.as_of, %(at)s) > %(since)s
            AND NOT (w.outcome = 'MATCH' AND w.was_dead),
        CASE WHEN w.why <> '' THEN w.why WHEN w.as_of > %(future)s THEN 'FROM_THE_FUTURE'
             WHEN w.outcome = 'MATCH' AND w.was_dead THEN 'RISEN'
             WHEN coalesce(w.as_of, %(at)s) <= %(since)s THEN 'TOO_OLD' ELSE '' END,
        jsonb_strip_nulls(jsonb_build_object('name', w.same_name, 'sex', w.same_sex, 'birth_year', w.same_year)),
        coalesce(w.as_of, CASE WHEN w.said <> 'UNANSWERED' THEN %(at)s END), %(at)s, w.transaction, w.consent_id,
        w.answer_ciphertext, w.answer_sha256, %(actor)s
    FROM ({_WEIGHED}) w RETURNING identifier_id, outcome, counts"""


@transaction.atomic
def keep(authority: Authority, claims: Sequence[Claim], answers: Sequence[Answer], *, at: datetime) -> dict[str, int]:
    """Keep answers as evidence and verify the numbers of those that match; needs `identity.verify`.

    Args:
        authority: Who answered.
        claims: What was asked.
        answers: In any order; one for a claim that was not asked is left out, a claim without one is UNANSWERED.
        at: When it was asked.

    Returns:
        How many came to each outcome, `too_old` of them, and `numbers_verified`.
    """
    access.require("identity.verify")
    said = {answer.reference: answer for answer in answers}
    missing = Answer("", "UNANSWERED", why="NO_ANSWER")
    rows = [_row(claim, said.get(claim.question.reference, missing)) for claim in claims]
    if not rows:
        return {}
    cursor = bulk.raw_cursor()
    bulk.make_staging(cursor, "_answer", _COLUMNS)
    table = {name: [row[name] for row in rows] for name, _kind in _COLUMNS}
    bulk.copy_in(cursor, "_answer", pa.table({name: _array(values) for name, values in table.items()}))
    kept = cursor.execute(
        _KEEP.encode(),
        {"authority": authority.code, "at": at, "future": at + SKEW, "actor": access.actor_id(),
         "since": at - timedelta(days=authority.max_age_days)},
    ).fetchall()  # fmt: skip
    cursor.execute("DROP TABLE _answer")
    counts: dict[str, int] = {}
    for _identifier, outcome, counting in kept:
        counts[outcome.lower()] = counts.get(outcome.lower(), 0) + 1
        if not counting and outcome in ("MATCH", "DECEASED"):
            counts["set_aside"] = counts.get("set_aside", 0) + 1
    matched = [row[0] for row in kept if row[1] == "MATCH" and row[2]]
    counts["numbers_verified"] = mark_verified(matched, at=at)
    audit.record(
        action="identity.asked", subject=f"authority:{authority.code}", details={"asked": len(rows), **counts}, at=at
    )
    return counts


def _array(values: list[Any]) -> pa.Array:
    if any(isinstance(value, bytes) for value in values):
        return bulk.hex_column(values)
    if any(isinstance(value, datetime) for value in values):
        return pa.array([value.isoformat() if value else None for value in values], pa.string())
    return pa.array(values, pa.string() if all(value is None for value in values) else None)


def _row(claim: Claim, answer: Answer) -> Mapping[str, Any]:
    record, asked = answer.record, claim.question
    return {
        "identifier_id": claim.identifier_id, "person_id": claim.person_id, "area_path": claim.area_path,
        "token": claim.token, "consent_id": claim.consent_id, "said": answer.said, "why": answer.why,
        "as_of": answer.as_of, "transaction": answer.transaction[:99],
        "answer_ciphertext": keys.encrypt(answer.raw) if answer.raw else None,
        "answer_sha256": hashlib.sha256(answer.raw).hexdigest() if answer.raw else "",
        "our_name": asked.name, "our_sex": asked.sex, "our_year": asked.birth_year,
        "name": record.name if record else "", "name_native": record.name_native if record else "",
        "sex": record.sex if record else "", "birth_year": record.birth_year if record else None,
        "is_dead": record.is_dead if record else False,
    }  # fmt: skip
