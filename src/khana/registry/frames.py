"""Frames of the social registry for the methods: current versions, within the caller's scope."""

from __future__ import annotations

import pyarrow as pa

from khana.platform.frames import FrameSource

_CURRENT = "superseded_at IS NULL AND valid_to IS NULL"
# the smallest area code of a path `A.B.C.` is its last part but one
_AREA = "coalesce(nullif(split_part({path}, '.', -2), ''), '')"


def identifier_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per number that a registered person holds or claims; see `records.identifier_frame`."""
    return source.query(
        f"""SELECT i.token, i.person_id, m.household_id, h.number AS household_number, m.line_no,
                   {_AREA.format(path="i.area_path")} AS area_code
            FROM registry_identifier i
            JOIN registry_membership m ON m.person_id = i.person_id AND m.superseded_at IS NULL AND m.valid_to IS NULL
            JOIN registry_household h ON h.id = m.household_id
            WHERE i.retired_at IS NULL"""
    )


def person_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per registered person; see `records.person_frame`."""
    return source.query(
        """SELECT v.person_id, m.household_id, v.sex, v.birth_year::int, v.birth_month::int, v.birth_day::int, v.marital,
                  m.is_member, (v.facts->>'is_pregnant')::boolean AS pregnant,
                  coalesce(v.facts->>'disability', 'none') NOT IN ('none', '') AS disability, m.family_no::int
           FROM registry_personversion v
           JOIN registry_membership m ON m.person_id = v.person_id AND m.superseded_at IS NULL AND m.valid_to IS NULL
           WHERE v.superseded_at IS NULL AND v.valid_to IS NULL"""
    )


def household_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per registered household with its members counted; see `records.household_frame`."""
    return source.query(
        f"""SELECT h.id AS household_id, h.number AS household_number, {_AREA.format(path="h.area_path")} AS area_code,
                   coalesce(m.members, 0)::int AS members
            FROM registry_household h LEFT JOIN (
                SELECT household_id, count(*) FILTER (WHERE is_member) AS members FROM registry_membership
                WHERE {_CURRENT} GROUP BY household_id) m ON m.household_id = h.id"""
    )


def resident_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per number that the population register knows."""
    return source.query(f"SELECT token FROM registry_resident WHERE token IS NOT NULL AND {_CURRENT}")
