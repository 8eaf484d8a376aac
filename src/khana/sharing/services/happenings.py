"""What can be told to subscribers, and where it is read: one statement a kind of event, in the partner's own scope.

A *happening* is a row that came since a subscription began: a household or person (`REGISTER`, `NewHouseHoldMember`), a
merge or its end (`MERGE`, `SPLIT`), an enrolment or a move of one (`enrollment`, `enrollment_status_change`). Each names
the person or household whose record is told; row security and the agreement decide whether it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from khana.platform import bulk
from khana.sharing import searches
from khana.sharing.models import Subscription

EVENTS = {
    "sr": ("REGISTER", "NewHouseHoldMember", "MERGE", "SPLIT"),
    "ibr": ("enrollement", "enrollement_status_change", "enrollment", "enrollment_status_change"),
}  # fmt: skip
ENROLMENTS = ("enrollment", "enrollment_status_change")
ALIASES = ("MERGE", "SPLIT")
# what an agreement must let the partner have, without which the event would tell it nothing it may know
NEEDED_FIELD = {"enrollment": "programmes", "enrollment_status_change": "programmes", "MERGE": "identifier", "SPLIT": "identifier"}  # fmt: skip
STATUS = {"ENROLLED": "Active", "SUSPENDED": "Suspended", "GRADUATED": "Graduated", "EXITED": "Exited"}
_CURRENT = "khana_private.registry_current({0})"
_NUMBERS = """(SELECT coalesce(json_agg(json_build_object('type', i.type, 'ciphertext', encode(i.ciphertext, 'hex'))
    ORDER BY i.id), '[]'::json) FROM registry_identifier i WHERE i.person_id = {0} AND i.retired_at IS NULL)"""
_ALIAS = "SELECT a.id, {subject}, json_build_object('numbers', {numbers}) FROM registry_alias a WHERE {when}"
_HERS = f"""coalesce({_CURRENT.format("e.person_id")}, (SELECT {_CURRENT.format("i.person_id")} FROM registry_identifier i
    WHERE i.token = e.id_token AND i.retired_at IS NULL AND i.status <> 'DISPUTED' LIMIT 1))"""
_OF_ENROLMENT = "json_build_object('programme', e.programme, 'state', {0}, 'on', {1}::date, 'since', e.enrolled_date)"
_MOVED = f"""SELECT c.id, {_HERS}, {_OF_ENROLMENT.format("c.state_to", "c.state_at")}
    FROM beneficiaries_statechange c JOIN beneficiaries_enrolment e ON e.id = c.subject_id
    WHERE c.subject = 'enrolment' AND c.id > %(floor)s AND %(programme)s IN ('', e.programme) AND """
_STATEMENTS = {
    "REGISTER:Group": "SELECT h.id, h.id, NULL::json FROM registry_household h WHERE h.id > %(floor)s",
    "REGISTER:Member": "SELECT p.id, p.id, NULL::json FROM registry_person p WHERE p.id > %(floor)s",
    "NewHouseHoldMember:Member": """SELECT p.id, p.id, NULL::json FROM registry_person p WHERE p.id > %(floor)s AND EXISTS (
        SELECT 1 FROM registry_membership m JOIN registry_household h ON h.id = m.household_id
        WHERE m.person_id = p.id AND m.superseded_at IS NULL AND h.created_at < p.created_at)""",
    # the record told is that of the file that stands for both; beside it the numbers of the file that was folded into it
    "MERGE:Member": _ALIAS.format(
        subject=_CURRENT.format("a.current_id"), numbers=_NUMBERS.format("a.person_id"),
        when="a.valid_from > %(since)s AND a.valid_to IS NULL",
    ),
    "SPLIT:Member": _ALIAS.format(
        subject="a.person_id", numbers=_NUMBERS.format("a.current_id"),
        when="a.valid_from IS NOT NULL AND a.valid_to > %(since)s",
    ),
    # one that began as ENROLLED has no move of its own: it is known by its negative number
    "enrollment:Member": f"""{_MOVED} c.state_to = 'ENROLLED' AND c.state_from <> 'SUSPENDED'
        UNION ALL SELECT -e.id, {_HERS}, {_OF_ENROLMENT.format("'ENROLLED'", "e.created_at")} FROM beneficiaries_enrolment e
        WHERE e.id > %(other)s AND %(programme)s IN ('', e.programme) AND coalesce((SELECT f.state_from
            FROM beneficiaries_statechange f WHERE f.subject = 'enrolment' AND f.subject_id = e.id ORDER BY f.id LIMIT 1),
            e.state) = 'ENROLLED'""",
    "enrollment_status_change:Member": f"""{_MOVED} (c.state_to IN ('SUSPENDED', 'GRADUATED', 'EXITED')
        OR (c.state_from = 'SUSPENDED' AND c.state_to = 'ENROLLED'))""",
}  # fmt: skip
_FLOORS = {
    "Group": ("SELECT coalesce(max(id), 0) FROM registry_household", ""),
    "Member": ("SELECT coalesce(max(id), 0) FROM registry_person", ""),
    "enrolment": ("SELECT coalesce(max(id), 0) FROM beneficiaries_statechange",
                  "SELECT coalesce(max(id), 0) FROM beneficiaries_enrolment"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: its number among those of its kind, whose record it tells, and what else is said."""

    id: int
    subject: int | None
    said: Mapping[str, Any]


def kind_of(event: str) -> str:
    """Return the name of an event without the spelling that copies of the standard differ in.

    Examples:
        >>> kind_of("enrollement_status_change")
        'enrollment_status_change'
    """
    return event.replace("enrollement", "enrollment")


def entity_of(event: str, record_type: str) -> str:
    """Return whether a subscription is told households (`Group`) or persons (`Member`)."""
    named = record_type.rsplit(":", 1)[-1]
    return "Group" if named in ("Group", "Household") and event == "REGISTER" else "Member"


def floors_now(event: str, entity: str) -> tuple[int, int]:
    """Return the ids above which rows are new to a subscription that begins now, within the open scope."""
    first, second = _FLOORS["enrolment" if kind_of(event) in ENROLMENTS else entity]
    cursor = bulk.raw_cursor()
    found = [cursor.execute(one.encode()).fetchone() if one else None for one in (first, second)]
    return (int(found[0][0]) if found[0] else 0, int(found[1][0]) if found[1] else 0)


def since(held: Subscription, *, programme: str, after: int | None, most: int) -> list[Happening]:
    """Return what happened that a subscription was not told of, in order, within the open scope.

    Args:
        held: The subscription.
        programme: Only enrolments of this one; of every programme if empty.
        after: Only ids above, for the next part of one sweep; None for the first.
        most: At most so many.
    """
    key = f"{kind_of(held.event_type)}:{entity_of(held.event_type, held.record_type)}"
    statement = f"""SELECT n.id, n.subject, n.said FROM ({_STATEMENTS[key]}) n (id, subject, said)
        WHERE (%(after)s::bigint IS NULL OR n.id > %(after)s) AND NOT EXISTS (SELECT 1 FROM sharing_told t
            WHERE t.subscription_id = %(subscription)s AND t.subject_id = n.id) ORDER BY n.id LIMIT %(most)s"""
    values = {
        "floor": held.last_seen_id, "other": held.last_seen_other_id, "since": held.subscribed_at, "programme": programme,
        "after": after, "subscription": held.pk, "most": most,
    }  # fmt: skip
    return [Happening(row[0], row[1], row[2] or {}) for row in bulk.raw_cursor().execute(statement.encode(), values)]


def forget(held: Subscription, before: datetime) -> None:
    """Raise the floors over what was told long ago, so that little is remembered; no transaction stays open so long.

    Merges are few and found by their time: what was told of them is remembered as long as the subscription lasts.
    """
    if held.event_type in ALIASES:
        return
    cursor = bulk.raw_cursor()
    row = cursor.execute(
        "SELECT max(subject_id) FILTER (WHERE subject_id > 0), max(-subject_id) FILTER (WHERE subject_id < 0)"
        " FROM sharing_told WHERE subscription_id = %s AND at < %s", [held.pk, before],
    ).fetchone()  # fmt: skip
    first, second = row or (None, None)
    if first or second:
        floors = (first or held.last_seen_id, second or held.last_seen_other_id)
        cursor.execute(
            "DELETE FROM sharing_told WHERE subscription_id = %s AND (subject_id BETWEEN 1 AND %s OR -subject_id BETWEEN 1 AND %s)",
            [held.pk, *floors],
        )
        Subscription.objects.filter(pk=held.pk).update(last_seen_id=floors[0], last_seen_other_id=floors[1])


def add_to(record: dict[str, Any], one: Happening, *, event: str) -> dict[str, Any]:
    """Return the record of a person or household with what happened said in it."""
    kind = kind_of(event)
    if kind in ENROLMENTS:
        said = {
            "@type": "spdci:Beneficiary",
            "programme_identifier": [{"@type": "Programme", "programme_identifier": one.said["programme"]}],
            "enrolment_status": STATUS[one.said["state"]], "enrollment_status": STATUS[one.said["state"]],
            "status_change_date": one.said["on"],
        }  # fmt: skip
        if one.said.get("since"):
            said["enrolment_date"] = one.said["since"]
        return {**record, **said}
    if kind in ALIASES:
        numbers = searches.opened({"identifier": one.said["numbers"], "id": 0})["identifier"]
        name = "merged_identifier" if kind == "MERGE" else "split_from_identifier"
        return {**record, name: [{"@type": "Identifier", "identifier_type": held["type"], "identifier_value": held["value"]}
                                 for held in numbers]}  # fmt: skip
    return record
