"""Verify claimed numbers by what an authority's extract says of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from khana.access import services as access
from khana.audit import services as audit
from khana.platform import bulk

EVIDENCE_TABLE = "_evidence"
SAME_NAME = 0.45


def apply_evidence(*, at: datetime) -> dict[str, int]:
    """Mark claimed numbers VERIFIED where the authority's record agrees with the person.

    Expects the temporary table `_evidence` (token, name, sex, birth_year) in this transaction. A
    claim is verified when the sex does not differ and either the birth year is within one year or
    the names are alike (trigram similarity of at least 0.45). Of several who claim one number the
    one that agrees is verified; where more than one does, the earliest claim. The rest stay DISPUTED.

    Returns:
        Counts: verified, disputed.
    """
    access.require("registry.write")
    cursor = bulk.raw_cursor()
    cursor.execute(
        """CREATE TEMP TABLE _agreed ON COMMIT DROP AS
           SELECT DISTINCT ON (i.type, i.token) i.id
           FROM registry_identifier i
           JOIN _evidence e ON e.token = i.token
           JOIN registry_personversion v ON v.person_id = i.person_id AND v.superseded_at IS NULL AND v.valid_to IS NULL
           WHERE i.status <> 'VERIFIED' AND i.retired_at IS NULL
             AND (v.sex NOT IN ('M', 'F') OR e.sex NOT IN ('M', 'F') OR v.sex = e.sex)
             AND (abs(v.birth_year - e.birth_year) <= 1 OR similarity(v.name, e.name) >= %s)
             AND NOT EXISTS (SELECT 1 FROM registry_identifier h
                             WHERE h.token = i.token AND h.type = i.type AND h.status = 'VERIFIED' AND h.retired_at IS NULL)
           ORDER BY i.type, i.token, i.id""",
        [SAME_NAME],
    )
    cursor.execute("UPDATE registry_identifier i SET status = 'VERIFIED' FROM _agreed a WHERE i.id = a.id")
    verified = cursor.rowcount
    cursor.execute(
        """UPDATE registry_identifier i SET status = 'DISPUTED'
           FROM registry_identifier h, _agreed a
           WHERE h.id = a.id AND i.token = h.token AND i.type = h.type AND i.id <> h.id AND i.status = 'CLAIMED'"""
    )
    disputed = cursor.rowcount
    cursor.execute("DROP TABLE _agreed")
    counts = {"numbers_verified": verified, "numbers_disputed": disputed}
    audit.record(action="registry.numbers.verified", subject="registry", details=counts, at=at)
    return counts


def mark_verified(identifier_ids: Sequence[int], *, at: datetime) -> int:
    """Mark numbers VERIFIED whose answers the room `identity` has weighed and kept; return how many changed.

    Of several files that show one number only one becomes its holder: a number that another holds stays as it is, and
    the claims of others become DISPUTED.

    Args:
        identifier_ids: Numbers with a match that counts.
        at: When.
    """
    access.require("identity.verify")
    cursor = bulk.raw_cursor()
    rows = cursor.execute(
        """UPDATE registry_identifier i SET status = 'VERIFIED' FROM (
               SELECT DISTINCT ON (c.type, c.token) c.id FROM registry_identifier c
               WHERE c.id = ANY (%s) AND c.status <> 'VERIFIED' AND c.retired_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM registry_identifier h WHERE h.token = c.token AND h.type = c.type
                                 AND h.status = 'VERIFIED' AND h.retired_at IS NULL)
               ORDER BY c.type, c.token, c.id) chosen
           WHERE i.id = chosen.id RETURNING i.id""",
        [list(identifier_ids)],
    ).fetchall()
    verified = [row[0] for row in rows]
    cursor.execute(
        """UPDATE registry_identifier i SET status = 'DISPUTED' FROM registry_identifier h
           WHERE h.id = ANY (%s) AND i.token = h.token AND i.type = h.type AND i.id <> h.id AND i.status = 'CLAIMED'""",
        [verified],
    )
    if verified:
        details = {"numbers_verified": len(verified), "numbers_disputed": cursor.rowcount}
        audit.record(action="registry.numbers.verified", subject="registry", details=details, at=at)
    return len(verified)
