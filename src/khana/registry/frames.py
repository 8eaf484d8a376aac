"""Frames of the social registry for the methods: current versions, within the caller's scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

import pyarrow as pa

from khana.platform.frames import literal
from khana_methods.rules.facts import load_facts

_CURRENT = "superseded_at IS NULL AND valid_to IS NULL"
# the smallest area code of a path `A.B.C.` is its last part but one
_AREA = "coalesce(nullif(split_part({path}, '.', -2), ''), '')"


class Source(Protocol):
    """Whatever answers a query with record batches, within the caller's scope."""

    def query(self, statement: str) -> pa.RecordBatchReader:
        """Return the rows of one query."""


def identifier_frame(source: Source, *, within: str = "") -> pa.RecordBatchReader:
    """Return one row per number that a registered person holds or claims; see `records.identifier_frame`.

    Only those of one area, where its path is given.
    """
    return source.query(
        f"""SELECT i.token, i.person_id, m.household_id, h.number AS household_number, m.line_no,
                   {_AREA.format(path="i.area_path")} AS area_code
            FROM registry_identifier i
            JOIN registry_membership m ON m.person_id = i.person_id AND m.superseded_at IS NULL AND m.valid_to IS NULL
            JOIN registry_household h ON h.id = m.household_id
            WHERE i.retired_at IS NULL{_inside("i.area_path", within)}"""
    )


def person_frame(source: Source, *, household_id: int | None = None) -> pa.RecordBatchReader:
    """Return one row per registered person, of one household where it is named; see `records.person_frame`."""
    only = "" if household_id is None else f" AND m.household_id = {int(household_id)}"
    return source.query(
        """SELECT v.person_id, m.household_id, v.sex, v.birth_year::int, v.birth_month::int, v.birth_day::int, v.marital,
                  m.is_member, (v.facts->>'is_pregnant')::boolean AS pregnant,
                  coalesce(v.facts->>'disability', 'none') NOT IN ('none', '') AS disability, m.family_no::int
           FROM registry_personversion v
           JOIN registry_membership m ON m.person_id = v.person_id AND m.superseded_at IS NULL AND m.valid_to IS NULL
           WHERE v.superseded_at IS NULL AND v.valid_to IS NULL"""
        + only
    )


def household_frame(source: Source, *, within: str = "") -> pa.RecordBatchReader:
    """Return one row per registered household with its members counted; see `records.household_frame`.

    Only those whose path begins with `within`, where it is given.
    """
    only = f" WHERE h.area_path ^@ {literal(within)}" if within else ""
    return source.query(
        f"""SELECT h.id AS household_id, h.number AS household_number, {_AREA.format(path="h.area_path")} AS area_code,
                   coalesce(m.members, 0)::int AS members
            FROM registry_household h LEFT JOIN (
                SELECT household_id, count(*) FILTER (WHERE is_member) AS members FROM registry_membership
                WHERE {_CURRENT}{_inside("area_path", within)} GROUP BY household_id) m ON m.household_id = h.id{only}"""
    )


def roster_frame(source: Source, facts: Sequence[str] = (), batch: int | None = None) -> pa.RecordBatchReader:
    """Return one row per line of a current roster, under the number on the household's slip, with these facts as texts.

    Args:
        source: Answers within the caller's scope.
        facts: Names of person facts that are kept beside those with a column of their own.
        batch: Only households of which a delivery brought a line; all if absent.
    """
    return source.query(
        f"""SELECT h.number AS household_id, m.line_no::bigint, m.relation, m.is_member, m.is_present, m.spouse_line::bigint,
                   m.father_line::bigint, m.mother_line::bigint, v.sex, v.marital, v.birth_year::bigint, v.birth_month::bigint,
                   v.birth_day::bigint{_stated_facts(facts)}
            FROM registry_membership m JOIN registry_household h ON h.id = m.household_id
            JOIN registry_personversion v ON v.person_id = m.person_id AND v.superseded_at IS NULL AND v.valid_to IS NULL
            WHERE m.superseded_at IS NULL AND m.valid_to IS NULL{_of_batch("m.household_id", batch)}"""
    )


def _of_batch(column: str, batch: int | None) -> str:
    """Write the condition that a delivery brought a line of the household; nothing for all."""
    if batch is None:
        return ""
    return f" AND {column} IN (SELECT b.household_id FROM registry_membership b WHERE b.batch_id = {int(batch)})"


def household_roster_frame(source: Source, facts: Sequence[str] = (), batch: int | None = None) -> pa.RecordBatchReader:
    """Return one row per household as it stands, with its area, its survey's day and these facts as texts.

    Only households of which a delivery brought a line, where its batch is given.
    """
    return source.query(
        f"""SELECT h.number AS household_id, {_AREA.format(path="h.area_path")} AS area_code, v.valid_from AS survey_date,
                   v.consent, v.latitude, v.longitude{_stated_facts(facts)}
            FROM registry_household h LEFT JOIN registry_householdversion v
              ON v.household_id = h.id AND v.superseded_at IS NULL AND v.valid_to IS NULL
            WHERE true{_of_batch("h.id", batch)}"""
    )


def stated_facts_frame(source: Source, *, within: str) -> pa.RecordBatchReader:
    """Return one row per household that says when it was last asked and, as one text, the names of the facts that it then stated.

    Args:
        source: Where the rows come from.
        within: Path of the area; empty for every area in scope.
    """
    columns = ("consent", "latitude", "longitude")
    own = ", ".join(f"CASE WHEN v.{name} IS NOT NULL THEN {literal(name)} END" for name in columns)
    return source.query(
        f"""SELECT h.id AS household_id, h.area_path, v.valid_from AS stated_on,
                   concat_ws(' ', {own}, (SELECT string_agg(k, ' ') FROM jsonb_object_keys(jsonb_strip_nulls(v.facts)) k)) AS facts
            FROM registry_household h JOIN registry_householdversion v
              ON v.household_id = h.id AND v.superseded_at IS NULL AND v.valid_to IS NULL
            WHERE true{_inside("h.area_path", within)}"""
    )


def _stated_facts(facts: Sequence[str]) -> str:
    """Write the columns of facts that a version keeps in its document; names are those of the catalogue."""
    known = load_facts().facts
    return "".join(f", v.facts->>{literal(name)} AS {known[name].name}" for name in facts)


def resident_frame(source: Source) -> pa.RecordBatchReader:
    """Return one row per number that the population register knows."""
    return source.query(f"SELECT token FROM registry_resident WHERE token IS NOT NULL AND {_CURRENT}")


def _moment(known_at: datetime) -> str:
    return f"{literal(known_at.isoformat())}::timestamptz"


def _current(person: str, moment: str, *, few: bool = False) -> str:
    """Write a join to `a.current_id`, the file that a person's id stands for at a time; chains of merges are followed.

    As `khana_private.registry_current` says it, which is asked itself where rows are `few`: the way ends at the last file that
    the reader may see. Of many rows all merges are walked once; who was never merged has no row of `a`.
    """
    if few:
        return f"CROSS JOIN LATERAL (SELECT khana_private.registry_current({person}, {moment}) AS current_id) a"
    stands = f"l.valid_from <= {moment} AND (l.valid_to IS NULL OR l.valid_to > {moment})"
    return f"""LEFT JOIN (
                WITH RECURSIVE way(person_id, current_id, depth) AS (
                    SELECT l.person_id, l.current_id, 1 FROM registry_alias l JOIN registry_person p ON p.id = l.current_id WHERE {stands}
                    UNION ALL
                    SELECT w.person_id, l.current_id, w.depth + 1 FROM way w JOIN registry_alias l ON l.person_id = w.current_id
                    JOIN registry_person p ON p.id = l.current_id WHERE w.depth < 16 AND {stands})
                SELECT DISTINCT ON (person_id) person_id, current_id FROM way ORDER BY person_id, depth DESC) a
            ON a.person_id = {person}"""


def _stood(alias: str, as_of: date, known_at: datetime) -> str:
    """Write the condition that a version was true on a day and known at a time."""
    day, moment = f"{literal(as_of.isoformat())}::date", _moment(known_at)
    return (
        f"{alias}.valid_from <= {day} AND ({alias}.valid_to IS NULL OR {alias}.valid_to > {day})"
        f" AND {alias}.recorded_at <= {moment} AND ({alias}.superseded_at IS NULL OR {alias}.superseded_at > {moment})"
    )


def _only(alias: str, household_id: int | Sequence[int] | None) -> str:
    """Write the condition that a row is of one household, or of some; nothing for all."""
    if household_id is None:
        return ""
    ids = [household_id] if isinstance(household_id, int) else list(household_id)
    return f" AND {alias}.household_id = ANY (ARRAY[{', '.join(str(int(one)) for one in ids)}]::bigint[])"


def _inside(column: str, within: str) -> str:
    return f" AND {column} ^@ {literal(within)}" if within else ""


def slip_frame(source: Source) -> pa.RecordBatchReader:
    """Return one row per household: its id and the number on its slip."""
    return source.query("SELECT id AS household_id, number AS household_number FROM registry_household")


def household_text_frame(
    source: Source,
    *,
    as_of: date,
    known_at: datetime,
    household_id: int | Sequence[int] | None = None,
    within: str = "",
) -> pa.RecordBatchReader:
    """Return one row per household as it stood on a day and was known at a time, its facts as one text.

    See `khana_methods.rules.snapshot`; of one household, or of some, where ids are given; of one area where its path is.
    """
    only = _only("v", household_id) + _inside("v.area_path", within)
    return source.query(
        f"""SELECT v.household_id, v.area_path, v.valid_from AS survey_date, v.consent, v.facts::text AS facts
            FROM registry_householdversion v WHERE {_stood("v", as_of, known_at)}{only}"""
    )


def member_text_frame(
    source: Source, *, as_of: date, known_at: datetime, household_id: int | Sequence[int] | None = None
) -> pa.RecordBatchReader:
    """Return one row per member of a household as she stood on a day and was known at a time.

    A person whose file was merged into another stands under the current file.
    """
    only = _only("m", household_id)
    moment = _moment(known_at)
    return source.query(
        f"""SELECT m.household_id, coalesce(a.current_id, m.person_id) AS person_id, m.line_no, m.relation, m.is_present,
                   v.sex, v.marital, v.birth_year::int, v.birth_month::int, v.birth_day::int, v.valid_from AS survey_date,
                   v.facts::text AS facts
            FROM registry_membership m
            JOIN registry_personversion v ON v.person_id = m.person_id AND {_stood("v", as_of, known_at)}
            {_current("m.person_id", moment, few=household_id is not None)}
            WHERE m.is_member AND {_stood("m", as_of, known_at)}{only}"""
    )


def person_record_frame(source: Source, people: Sequence[int] | None = None) -> pa.RecordBatchReader:
    """Return one row per registered person as matching compares her.

    Her newest number counts, a verified one before all; telephones come as hex of their token, the number as token and
    ciphertext. Lines of relatives are those of her household. With `people` only their households are read, by index.
    """
    newest = "status = 'VERIFIED') DESC, id DESC"
    number = f"""(SELECT DISTINCT ON (person_id) person_id, token, ciphertext FROM registry_identifier
                      WHERE retired_at IS NULL ORDER BY person_id, ({newest}) i ON i.person_id = v.person_id"""
    only = ""
    if people is not None:
        number = f"""LATERAL (SELECT token, ciphertext FROM registry_identifier WHERE person_id = v.person_id
                      AND retired_at IS NULL ORDER BY ({newest} LIMIT 1) i ON true"""
        only = f"""AND m.household_id IN (SELECT household_id FROM registry_membership
                   WHERE person_id = ANY ({_ids(people)}) AND superseded_at IS NULL AND valid_to IS NULL)"""
    return source.query(
        f"""SELECT DISTINCT ON (v.person_id) v.person_id, m.household_id, h.number AS household_number, m.line_no, v.area_path,
                  v.name, v.name_native, v.guardian_name, v.sex, v.marital, v.birth_year::int, v.birth_month::int,
                  v.birth_day::int, coalesce(encode(v.mobile_token, 'hex'), '') AS mobile,
                  coalesce(encode(c.mobile_token, 'hex'), '') AS household_mobile, m.spouse_line, m.father_line,
                  m.mother_line, i.token, i.ciphertext
           FROM registry_personversion v
           JOIN registry_membership m ON m.person_id = v.person_id AND m.superseded_at IS NULL AND m.valid_to IS NULL
           JOIN registry_household h ON h.id = m.household_id
           LEFT JOIN registry_householdversion c ON c.household_id = h.id AND c.superseded_at IS NULL AND c.valid_to IS NULL
           LEFT JOIN {number}
           WHERE v.superseded_at IS NULL AND v.valid_to IS NULL {only} ORDER BY v.person_id, m.id DESC"""
    )


def _ids(people: Sequence[int]) -> str:
    listed = ", ".join(str(int(one)) for one in people)
    return f"ARRAY[{listed}]::bigint[]"


def mark_frame(source: Source) -> pa.RecordBatchReader:
    """Return how far the tables of persons have been written: the newest row of each, by `name` and `mark`."""
    return source.query(
        """SELECT 'personversion' AS name, coalesce(max(id), 0)::bigint AS mark FROM registry_personversion
           UNION ALL SELECT 'membership', coalesce(max(id), 0) FROM registry_membership
           UNION ALL SELECT 'identifier', coalesce(max(id), 0) FROM registry_identifier
           UNION ALL SELECT 'householdversion', coalesce(max(id), 0) FROM registry_householdversion"""
    )


def changed_person_frame(source: Source, marks: Mapping[str, int]) -> pa.RecordBatchReader:
    """Return who was written since: `person_id` of new versions, memberships and numbers, and of households that changed.

    Args:
        source: Where to ask.
        marks: Of `mark_frame`, some rows earlier: what commits late bears an early number.
    """
    held = {name: int(marks[name]) for name in ("personversion", "membership", "identifier", "householdversion")}
    return source.query(
        f"""SELECT person_id FROM registry_personversion WHERE id > {held["personversion"]}
            UNION SELECT person_id FROM registry_membership WHERE id > {held["membership"]}
            UNION SELECT person_id FROM registry_identifier WHERE id > {held["identifier"]} AND person_id IS NOT NULL
            UNION SELECT m.person_id FROM registry_householdversion c JOIN registry_membership m USING (household_id)
                  WHERE c.id > {held["householdversion"]}"""
    )


def alias_frame(source: Source) -> pa.RecordBatchReader:
    """Return one row per file that stands for another today: `person_id`, `current_id`; chains are not followed."""
    return source.query(
        "SELECT person_id, current_id FROM registry_alias WHERE valid_from IS NOT NULL AND valid_to IS NULL"
    )


def person_place_frame(source: Source) -> pa.RecordBatchReader:
    """Return where each registered person stands: `person_id`, `household_number`, `line_no`."""
    return source.query(
        """SELECT m.person_id, h.number AS household_number, m.line_no FROM registry_membership m
           JOIN registry_household h ON h.id = m.household_id WHERE m.superseded_at IS NULL AND m.valid_to IS NULL"""
    )


def household_marks_frame(source: Source, *, within: str = "") -> pa.RecordBatchReader:
    """Return one row per registered household: whether a number in it is verified, and whether its head is a woman.

    Only those of one area, where its path is given.
    """
    return source.query(
        f"""SELECT m.household_id, bool_or(EXISTS (SELECT FROM registry_identifier i WHERE i.person_id = m.person_id
                       AND i.status = 'VERIFIED' AND i.retired_at IS NULL)) AS has_verified_number,
                   bool_or(v.sex = 'F') FILTER (WHERE m.relation = 'head') AS is_woman_headed
            FROM registry_membership m
            JOIN registry_personversion v ON v.person_id = m.person_id AND v.superseded_at IS NULL AND v.valid_to IS NULL
            WHERE m.{_CURRENT.replace(" AND ", " AND m.")}{_inside("m.area_path", within)}
            GROUP BY m.household_id"""
    )


# households `h` with what stands of them (`v`) and of their head (`p`)
HEADS = """FROM registry_household h
            LEFT JOIN registry_householdversion v ON v.household_id = h.id AND v.superseded_at IS NULL AND v.valid_to IS NULL
            LEFT JOIN LATERAL (SELECT person_id FROM registry_membership m WHERE m.household_id = h.id AND m.relation = 'head'
                               AND m.superseded_at IS NULL AND m.valid_to IS NULL ORDER BY m.line_no LIMIT 1) m ON true
            LEFT JOIN registry_personversion p ON p.person_id = m.person_id AND p.superseded_at IS NULL AND p.valid_to IS NULL"""


def head_frame(source: Source, *, path: str) -> pa.RecordBatchReader:
    """Return one row per household under an area's path, as it stands: number, area, village, and its head's names."""
    return source.query(
        f"""SELECT h.id AS household_id, h.number AS household_number, {_AREA.format(path="h.area_path")} AS area_code,
                   v.facts->>'village_name' AS village, p.name AS head, p.name_native AS head_native
            {HEADS}
            WHERE h.area_path ^@ {literal(path)}"""
    )


def place_at_frame(
    source: Source, *, as_of: date, known_at: datetime, household_id: int | Sequence[int] | None = None
) -> pa.RecordBatchReader:
    """Return where each member stood on a day, as it was known at a time: household, line, family, line of her spouse.

    A person whose file was merged into another stands under the current file.
    """
    moment = _moment(known_at)
    return source.query(
        f"""SELECT m.household_id, h.number AS household_number, coalesce(a.current_id, m.person_id) AS person_id,
                   m.line_no::int, m.family_no::int, m.spouse_line::int
            FROM registry_membership m JOIN registry_household h ON h.id = m.household_id
            {_current("m.person_id", moment, few=household_id is not None)}
            WHERE m.is_member AND {_stood("m", as_of, known_at)}{_only("m", household_id)}"""
    )


def reach_frame(source: Source) -> pa.RecordBatchReader:
    """Return one row per household: whether a number of somebody in it is verified, and whether a telephone is known."""
    return source.query(
        f"""SELECT h.id AS household_id, coalesce(n.has_number, false) AS has_number,
                   (v.mobile_token IS NOT NULL OR coalesce(n.has_mobile, false)) AS has_mobile
            FROM registry_household h
            LEFT JOIN registry_householdversion v ON v.household_id = h.id AND v.superseded_at IS NULL AND v.valid_to IS NULL
            LEFT JOIN (SELECT m.household_id, bool_or(EXISTS (SELECT FROM registry_identifier i WHERE i.person_id = m.person_id
                                  AND i.status = 'VERIFIED' AND i.retired_at IS NULL)) AS has_number,
                              bool_or(p.mobile_token IS NOT NULL) AS has_mobile
                       FROM registry_membership m
                       LEFT JOIN registry_personversion p ON p.person_id = m.person_id
                            AND p.superseded_at IS NULL AND p.valid_to IS NULL
                       WHERE m.{_CURRENT.replace(" AND ", " AND m.")} GROUP BY m.household_id) n ON n.household_id = h.id"""
    )


def unregistered_frame(source: Source) -> pa.RecordBatchReader:
    """Return how many residents of the population register have no file in the social registry, by path of area."""
    return source.query(
        f"""SELECT r.area_path, count(*) AS persons FROM registry_resident r
            WHERE r.{_CURRENT.replace(" AND ", " AND r.")} AND r.person_id IS NULL AND (r.token IS NULL OR NOT EXISTS (
                SELECT 1 FROM registry_identifier i WHERE i.token = r.token AND i.retired_at IS NULL))
            GROUP BY r.area_path"""
    )


def sex_frame(source: Source) -> pa.RecordBatchReader:
    """Return the sex of each registered person: `person_id`, `sex`."""
    return source.query(f"SELECT person_id, sex FROM registry_personversion WHERE {_CURRENT}")


def number_frame(source: Source, *, undisputed: bool = False, known_at: datetime | None = None) -> pa.RecordBatchReader:
    """Return the token of each number that a registered person holds or claims: `token`, `person_id`.

    With `undisputed` without those that somebody else holds; with `known_at` under the file that was current at that time.
    """
    only = " AND i.status <> 'DISPUTED'" if undisputed else ""
    if known_at is None:
        return source.query(f"SELECT i.token, i.person_id FROM registry_identifier i WHERE i.retired_at IS NULL{only}")
    return source.query(
        f"""SELECT i.token, coalesce(a.current_id, i.person_id) AS person_id FROM registry_identifier i
            {_current("i.person_id", _moment(known_at))} WHERE i.retired_at IS NULL{only}"""
    )


def best_number_frame(source: Source) -> pa.RecordBatchReader:
    """Return the number that each registered person would be enrolled by: `person_id`, `token`, `household_id`, `line_no`.

    A verified number before a claimed one, the newest first, a disputed one never. A file that was merged stands under the
    current one; who is of no household today has no line.
    """
    return source.query(
        f"""SELECT DISTINCT ON (person_id) person_id, token, household_id, line_no FROM (
               SELECT coalesce(a.current_id, i.person_id) AS person_id, i.token, m.household_id, m.line_no::int AS line_no,
                      i.status = 'VERIFIED' AS is_verified, i.id
               FROM registry_identifier i
               {_current("i.person_id", "now()")}
               LEFT JOIN registry_membership m ON m.person_id = i.person_id AND m.is_member AND m.superseded_at IS NULL
                    AND m.valid_to IS NULL
               WHERE i.retired_at IS NULL AND i.status <> 'DISPUTED') n
           ORDER BY person_id, is_verified DESC, id DESC, line_no"""
    )


def two_homes_frame(source: Source) -> pa.RecordBatchReader:
    """Return each person who is a member of two households or more today: `person_id`, `households`."""
    return source.query(
        f"""SELECT person_id, count(DISTINCT household_id)::int AS households FROM registry_membership
            WHERE is_member AND {_CURRENT} GROUP BY person_id HAVING count(DISTINCT household_id) > 1"""
    )
