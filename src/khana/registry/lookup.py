"""A household with its members by its number: one statement, in scope.

Row security decides what comes back; both clocks are asked: the state on `as_of` as it was known
at `known_at`. Numbers come as ciphertext: whoever shows them opens and masks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from khana.platform import prepared

_AT = """{0}.valid_from <= %(as_of)s AND ({0}.valid_to IS NULL OR {0}.valid_to > %(as_of)s)
    AND {0}.recorded_at <= %(known)s AND ({0}.superseded_at IS NULL OR {0}.superseded_at > %(known)s)"""
_V, _M = _AT.format("v"), _AT.format("m")
_PERSON = f"""
    json_build_object('person', p.id, 'area_path', p.area_path, 'name', v.name, 'name_native', v.name_native,
        'guardian_name', v.guardian_name, 'sex', v.sex, 'birth_year', v.birth_year, 'birth_month', v.birth_month,
        'birth_day', v.birth_day, 'marital', v.marital,
        'identifiers', (SELECT coalesce(json_agg(json_build_object('type', i.type, 'status', i.status,
                'ciphertext', encode(i.ciphertext, 'hex')) ORDER BY i.id), '[]'::json)
            FROM registry_identifier i WHERE i.person_id = p.id
                AND i.recorded_at <= %(known)s AND (i.retired_at IS NULL OR i.retired_at > %(known)s)),
        'households', (SELECT coalesce(json_agg(json_build_object('household', h.number, 'line_no', m.line_no,
                'relation', m.relation, 'is_member', m.is_member) ORDER BY m.id), '[]'::json)
            FROM registry_membership m JOIN registry_household h ON h.id = m.household_id
            WHERE m.person_id = p.id AND {_M}))"""
_VERSION = f"""JOIN LATERAL (SELECT v.* FROM registry_personversion v WHERE v.person_id = p.id AND {_V}
    ORDER BY v.recorded_at DESC, v.id DESC LIMIT 1) v ON true"""
_HOUSEHOLD = f"""
SELECT khana_private.access_has('registry.read'), (SELECT json_build_object('household', h.number,
    'area_path', h.area_path, 'members', (SELECT coalesce(json_agg(json_build_object('line_no', m.line_no,
            'relation', m.relation, 'is_member', m.is_member, 'person', {_PERSON}) ORDER BY m.line_no, m.id), '[]'::json)
        FROM registry_membership m JOIN registry_person p ON p.id = m.person_id {_VERSION}
        WHERE m.household_id = h.id AND {_M}))
    FROM registry_household h WHERE h.number = %(number)s)"""


def find_household(*, number: str, as_of: date, known_at: datetime) -> tuple[bool, Mapping[str, Any] | None]:
    """Return whether the reader may read households at all, and the one of that number with its members."""
    parameters = {"number": number, "as_of": as_of, "known": known_at}
    ((may, household),) = prepared.fetch(_HOUSEHOLD, parameters)
    return may, household
