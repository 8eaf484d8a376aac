"""What authorities say of some numbers and persons: for one form or one file at a time, not for a whole register."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from khana.access import services as access
from khana.identity.models import FamilyCheck
from khana.platform import bulk


@dataclass(frozen=True)
class Evidence:
    """The authority's record of one number."""

    birth_year: int | None
    sex: str
    status: str


def has_extract() -> bool:
    """Say whether any extract of the authority is loaded."""
    found = bulk.raw_cursor().execute("SELECT EXISTS (SELECT 1 FROM identity_nationalidrecord)").fetchone()
    return bool(found and found[0])


def of_tokens(tokens: Sequence[bytes]) -> dict[bytes, Evidence]:
    """Return the records of some numbers, by token; a number that the authority does not know is absent."""
    access.require("identity.read")
    rows = (
        bulk.raw_cursor()
        .execute(
            """SELECT n.token, extract(year FROM n.birth_date)::int, n.sex,
                      CASE WHEN d.token IS NULL THEN n.status ELSE 'DECEASED' END
               FROM identity_nationalidrecord n LEFT JOIN (SELECT DISTINCT e.token FROM identity_civilevent e
                   WHERE e.kind = 'DEATH' AND e.why = '' AND e.token = ANY (%(tokens)s)
                     AND e.state IN ('PROPOSED', 'UNMATCHED', 'AMBIGUOUS', 'ACCEPTED')) d ON d.token = n.token
               WHERE n.token = ANY (%(tokens)s)""",
            {"tokens": list(tokens)},
        )
        .fetchall()
    )
    return {bytes(token): Evidence(year, sex, status) for token, year, sex, status in rows}


def answers_of(person_id: int) -> list[dict[str, Any]]:
    """Return every answer of authorities about a person's numbers, newest first: what each said, and whether it counts now.

    `is_fresh` says whether the answer would still count today; the answer itself stays encrypted.
    """
    access.require("registry.read")
    rows = (
        bulk.raw_cursor()
        .execute(
            """SELECT v.id, v.authority, v.outcome, v.counts, v.why, v.agreed::text, v.as_of, v.asked_at, v.transaction,
                  v.answer_sha256, c.transaction::text, c.channel, c.purpose, c.given_at,
                  v.counts AND coalesce(v.as_of, v.asked_at) > now() - make_interval(days => coalesce(a.max_age_days, 365))
           FROM identity_verification v LEFT JOIN identity_consent c ON c.id = v.consent_id
           LEFT JOIN identity_authority a ON a.code = v.authority
           WHERE v.person_id = %s ORDER BY v.id DESC LIMIT 200""",
            [person_id],
        )
        .fetchall()
    )
    names = (
        "answer", "authority", "outcome", "counts", "why", "agreed", "as_of", "asked_at", "transaction", "sha256",
        "consent", "consent_channel", "consent_purpose", "consent_given_at", "is_fresh",
    )  # fmt: skip
    return [{**dict(zip(names, row, strict=True)), "agreed": json.loads(row[5])} for row in rows]


def summary() -> list[dict[str, Any]]:
    """Return how many numbers in scope stand how with each authority, by the newest answer about each."""
    access.require("registry.read")
    rows = (
        bulk.raw_cursor()
        .execute(
            """SELECT authority, outcome, counts, count(*), min(as_of), max(as_of) FROM (
               SELECT DISTINCT ON (token, person_id, authority) authority, outcome, counts, as_of
               FROM identity_verification ORDER BY token, person_id, authority, id DESC) newest
           GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
        )
        .fetchall()
    )
    return [
        dict(zip(("authority", "outcome", "counts", "numbers", "oldest", "newest"), row, strict=True)) for row in rows
    ]


def family_checks(household_id: int) -> list[dict[str, Any]]:
    """Return the checks of a household, newest first."""
    access.require("registry.read")
    rows = FamilyCheck.objects.filter(household_id=household_id).order_by("-id")[:200]
    return [
        {
            "check": row.pk, "person_id": row.person_id, "result": row.result, "tie": row.tie,
            "via_person_id": row.via_person_id, "why": row.why, "checked_at": row.checked_at, "decision": row.decision,
        }
        for row in rows
    ]  # fmt: skip
