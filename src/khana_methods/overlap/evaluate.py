"""Hold every programme's rule against the whole registry: who is eligible, who is not and by which clause, of whom it is not known.

Rules are decided by `rules.decide`; areas, a programme that another requires and exclusion filters come after, in this
order, so that each unit has one answer for each programme. What a filter tells against a person herself, her husband or
her family is a hit; hits whose appeal was upheld count no longer. Nothing of one person leaves: counts, and the
table of who is eligible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap import filters as exclusion
from khana_methods.rules.decide import MOST_FACTS, Decidable, decidable, decide_all
from khana_methods.rules.rulebook import Rule, RuleBook

# One row per member: where she stands on the roster, and whose wife or husband she is.
place_frame = pa.schema(
    [
        ("household_id", pa.int64()), ("household_number", pa.string()), ("person_id", pa.int64()), ("line_no", pa.int32()),
        ("family_no", pa.int32()), ("spouse_line", pa.int32()),
    ]
)  # fmt: skip
# One row per household of which somebody draws a programme already.
holding_frame = pa.schema([("household_id", pa.int64()), ("programme", pa.string())])
# One row per thing that an upheld appeal takes out of account: hits of a filter in one household, against one person, told of
# one person; what a row leaves open is any. Rows come in the shapes of `UPHELD_SHAPES`.
upheld_frame = pa.schema(
    [("filter", pa.string()), ("household_id", pa.int64()), ("person_id", pa.int64()), ("told_id", pa.int64())]
)
UPHELD_SHAPES = (
    ("household_id",),
    ("household_id", "person_id"),
    ("told_id",),
    ("person_id", "told_id"),
    ("household_id", "told_id"),
    ("household_id", "person_id", "told_id"),
)
ELIGIBLE, EXCLUDED, NOT_ELIGIBLE, UNKNOWN = "eligible", "excluded", "not_eligible", "unknown"
_ELIGIBLE = (("programme", pa.string()), ("household_id", pa.int64()), ("person_id", pa.int64()))
AREA_LEVEL = 3  # part of the path whose figures are told: the district


@dataclass(frozen=True)
class ProgrammeRule:
    """One programme as it is evaluated on a day: its rule apart in clauses, its areas, what it requires."""

    code: str
    rule: Decidable
    areas: tuple[str, ...] = ()
    requires: str = ""

    @property
    def is_of_persons(self) -> bool:
        """Say whether its rule is about persons."""
        return self.rule.rule.entity == "person"


def read_programmes(entries: Sequence[Mapping[str, Any]], book: RuleBook, on: date) -> list[ProgrammeRule]:
    """Take programmes whose rule is in force on a day; `rule` of an entry has its code in the book.

    Raises:
        RuleUnknown: The book has no such rule.
    """
    return [
        ProgrammeRule(
            str(entry["programme"]), decidable(book.read(entry["rule"]["code"], on)), tuple(entry.get("areas") or ()),
            str(entry.get("requires") or ""),
        )
        for entry in entries if _stands(book.get(entry["rule"]["code"]), on)
    ]  # fmt: skip


def _stands(rule: Rule, on: date) -> bool:
    return any(v.valid_from <= on and (v.valid_to is None or on < v.valid_to) for v in rule.versions)


def decide_programmes(engine: Engine, programmes: Sequence[ProgrammeRule]) -> None:
    """Write `answer_household` and `answer_person`: one whole number a programme, see `rules.decide`."""
    of_households = {p.code: p.rule for p in programmes if not p.is_of_persons}
    of_persons = {p.code: p.rule for p in programmes if p.is_of_persons}
    decide_all(engine, of_households, into="answer_household")
    engine.drop("answer_person")
    if of_persons:
        decide_all(engine, of_persons, into="answer_person")


def count_answers(engine: Engine, programmes: Sequence[ProgrammeRule]) -> pa.Table:
    """Write the table `eligible` and count every answer by district.

    Args:
        engine: With typed facts, `holding` (by `holding_frame`) and what `decide_programmes` wrote.
        programmes: Those that were decided.

    Returns:
        `programme`, `area_code`, `outcome`, `why` (the clause that fails, `area`, `requires X`, or the facts that are
        missing, with commas), `units`. `eligible` has `programme`, `household_id`, `person_id` (null for households).
    """
    engine.make_empty("eligible", pa.schema(_ELIGIBLE))
    engine.run("""CREATE OR REPLACE TABLE area_number AS
        SELECT area_path, row_number() OVER (ORDER BY area_path) AS area_no FROM (SELECT DISTINCT area_path FROM household)""")
    for table, is_of_persons in (("answer_person", True), ("answer_household", False)):
        if engine.has(table):
            own = {one.requires for one in programmes if one.requires and one.is_of_persons == is_of_persons}
            _number(engine, table, sorted(own))
    found = [_count_one(engine, one) for one in programmes]
    engine.drop("area_number")
    return pa.concat_tables(found) if found else pa.table({name: [] for name in _COUNTS.names}, schema=_COUNTS)


def _number(engine: Engine, table: str, required: Sequence[str]) -> None:
    """Put the number of the area, and whether the household draws what some programme requires, beside the answers."""
    flags = "".join(
        f", a.household_id IN (SELECT household_id FROM holding WHERE programme = '{_plain(code)}') AS \"draws {_plain(code)}\""
        for code in required
    )
    engine.run(f"""CREATE OR REPLACE TABLE {table} AS SELECT a.*, n.area_no{flags}
                   FROM {table} a JOIN household h USING (household_id) JOIN area_number n USING (area_path)""")


def _count_one(engine: Engine, one: ProgrammeRule) -> pa.Table:
    """Write who is eligible for one programme, and count its answers by district."""
    table, person = (
        ("answer_person", "person_id") if one.is_of_persons else ("answer_household", "CAST(NULL AS BIGINT)")
    )
    inside = " OR ".join(f"contains('.' || area_path, '.{_plain(code)}.')" for code in one.areas) or "true"
    draws = f'a."draws {_plain(one.requires)}"' if one.requires else "true"
    # numbers that no clause has stand for an area outside and for a programme that is required and not drawn
    answer = f'CASE WHEN a."{one.code}" = 0 AND NOT {draws} THEN {LACKS} ELSE a."{one.code}" END'
    area = (
        f"coalesce(nullif(split_part(area_path, '.', {AREA_LEVEL}), ''), nullif(split_part(area_path, '.', 2), ''), '')"
    )
    engine.run(f"""INSERT INTO eligible SELECT '{_plain(one.code)}', household_id, {person} FROM {table} a
                   WHERE a."{one.code}" = 0 AND {draws} AND a.area_no IN (SELECT area_no FROM area_number WHERE {inside})""")
    counts = engine.rows(f"""
        SELECT {area} AS area_code, CASE WHEN {inside} THEN answer ELSE {OUTSIDE} END AS answer, CAST(sum(units) AS BIGINT)
        FROM (SELECT area_no, {answer} AS answer, count(*) AS units FROM {table} a GROUP BY ALL) JOIN area_number USING (area_no)
        GROUP BY ALL ORDER BY ALL""")
    return pa.Table.from_pylist([_told(one, *row) for row in counts], schema=_COUNTS)


OUTSIDE, LACKS = 1_000_000, 1_000_001
_COUNTS = pa.schema(
    [
        ("programme", pa.string()),
        ("area_code", pa.string()),
        ("outcome", pa.string()),
        ("why", pa.string()),
        ("units", pa.int64()),
    ]
)


def _told(one: ProgrammeRule, area: str, answer: int, units: int) -> dict[str, Any]:
    outcome, why = in_words(one, answer)
    return {"programme": one.code, "area_code": area, "outcome": outcome, "why": why, "units": units}


def in_words(one: ProgrammeRule, answer: int) -> tuple[str, str]:
    """Return outcome and reason of one answer."""
    if answer == 0:
        return ELIGIBLE, ""
    if answer == OUTSIDE:
        return NOT_ELIGIBLE, "area"
    if answer == LACKS:
        return NOT_ELIGIBLE, f"requires {one.requires}"
    if answer > 0:
        return NOT_ELIGIBLE, one.rule.texts[answer - 1]
    return UNKNOWN, ", ".join(one.rule.missing(answer)) if -answer < 1 << MOST_FACTS else "not to be reckoned"


def exclude(
    engine: Engine, filters: Sequence[Mapping[str, Any]], book: RuleBook, *, on: date, registers: str = ""
) -> dict[str, dict[str, Any]]:
    """Take out of `eligible` whom a filter in force tells against; return the report of each programme that has filters.

    Args:
        engine: With typed facts, `place` (by `place_frame`), `upheld` (by `upheld_frame`) and `eligible`. Writes
            `excluded` (`programme`, `household_id`, `person_id`, `filter`: the first that tells against her).
        filters: In the order of application: `filter`, `name`, `programmes`, `rule`, `source`, `withdrawn_from`.
        book: Holds their rules.
        on: The day.
        registers: A table `person_id`, `filter` of hits that other registers gave; empty for none.

    Returns:
        By programme what `filters.report` tells, with `upheld` and `not_in_force`.
    """
    engine.make_empty("excluded", pa.schema([*_ELIGIBLE, ("filter", pa.string())]))
    reports: dict[str, dict[str, Any]] = {}
    programmes = sorted({code for one in filters for code in one["programmes"]})
    there = {code for (code,) in engine.rows("SELECT DISTINCT programme FROM eligible")}
    for programme in (code for code in programmes if code in there):
        own = [one for one in filters if programme in one["programmes"]]
        standing = filters_in_force(own, book, on)
        engine.run(f"""CREATE OR REPLACE TABLE candidate AS SELECT DISTINCT household_id, person_id, unit FROM (
            SELECT household_id, person_id, household_id || '/' || coalesce(person_id, 0) AS unit FROM eligible
            WHERE programme = '{_plain(programme)}')""")
        engine.run(
            "CREATE OR REPLACE TABLE near AS SELECT m.* FROM member m SEMI JOIN candidate c USING (household_id)"
        )
        engine.run(
            "CREATE OR REPLACE TABLE home AS SELECT h.* FROM household h SEMI JOIN candidate c USING (household_id)"
        )
        hits = _hits(engine, standing, book, on, registers)
        known = [
            exclusion.Filter(one["filter"], one["name"], date(1900, 1, 1), None, one["source"], exclusion.SUBJECTS)
            for one in standing
        ]
        reports[programme] = exclusion.report(engine, hits=hits, filters=known, on=on) if known else {}
        reports[programme] |= {
            "on": on.isoformat(),
            "not_in_force": [one["filter"] for one in own if one not in standing],
        }
        if not known:
            continue
        order = pa.table({"filter": [one.code for one in known], "nth": list(range(len(known)))})
        engine.register("hit", hits)
        engine.register("filter_order", order)
        engine.run(f"""INSERT INTO excluded
            SELECT '{_plain(programme)}', c.household_id, c.person_id, f.filter
            FROM (SELECT person, min(nth) AS nth FROM hit JOIN filter_order USING (filter) WHERE appeal <> 'upheld' GROUP BY person) x
            JOIN filter_order f USING (nth) JOIN candidate c ON c.unit = x.person""")
    engine.run("""DELETE FROM eligible e USING excluded x WHERE e.programme = x.programme AND e.household_id = x.household_id
                  AND e.person_id IS NOT DISTINCT FROM x.person_id""")
    engine.drop("candidate", "near", "home", "hit", "filter_order")
    return reports


def filters_in_force(filters: Sequence[Mapping[str, Any]], book: RuleBook, on: date) -> list[Mapping[str, Any]]:
    """Return the filters that count on a day: the rule has a version in force, and it was not withdrawn by then."""
    return [
        one for one in filters
        if _stands(book.get(one["rule"]["code"]), on)
        and (one.get("withdrawn_from") is None or on < date.fromisoformat(str(one["withdrawn_from"])))
    ]  # fmt: skip


def _hits(engine: Engine, filters: Sequence[Mapping[str, Any]], book: RuleBook, on: date, registers: str) -> pa.Table:
    """Return hits of the candidates by herself, her husband or wife, and her family; upheld ones are marked."""
    of_persons = {one["filter"]: book.read(one["rule"]["code"], on) for one in filters}
    persons = {code: decidable(rule) for code, rule in of_persons.items() if rule.entity == "person"}
    families = {code: decidable(rule) for code, rule in of_persons.items() if rule.entity == "household"}
    parts = [
        """SELECT CAST(NULL AS VARCHAR) AS person, '' AS filter, '' AS subject, 0::BIGINT AS household_id, 0::BIGINT AS person_id,
           0::BIGINT AS told_id WHERE false"""
    ]
    if persons:
        decide_all(engine, persons, into="told_person", household="home", member="near")
        told = " UNION ALL ".join(
            f"SELECT household_id, person_id, '{_plain(code)}' AS filter FROM told_person WHERE \"{code}\" = 0"
            for code in persons
        )
        if registers:
            standing = ", ".join(f"'{_plain(code)}'" for code in persons)  # a filter that was withdrawn tells nothing
            told += f""" UNION SELECT n.household_id, n.person_id, r.filter FROM {registers} r JOIN near n USING (person_id)
                         WHERE r.filter IN ({standing})"""
        engine.run(f"CREATE OR REPLACE TABLE told AS {told}")
        parts.append("""SELECT c.unit, t.filter, 'self', c.household_id, c.person_id, t.person_id FROM candidate c
                        JOIN told t ON t.household_id = c.household_id AND t.person_id = c.person_id""")
        parts.append("""SELECT c.unit, t.filter, 'spouse', c.household_id, c.person_id, t.person_id FROM candidate c
            JOIN place w ON w.household_id = c.household_id AND w.person_id = c.person_id
            JOIN place s ON s.household_id = w.household_id AND s.person_id <> w.person_id
                 AND (s.line_no = w.spouse_line OR s.spouse_line = w.line_no)
            JOIN told t ON t.household_id = s.household_id AND t.person_id = s.person_id""")
        # a rule about households is told by anybody of it
        parts.append("""SELECT c.unit, t.filter, 'family', c.household_id, c.person_id, t.person_id FROM candidate c
                        JOIN told t ON t.household_id = c.household_id WHERE c.person_id IS NULL""")
    if families:
        decide_all(engine, families, into="told_family", household="home", member="near")
        for code in families:
            parts.append(f"""SELECT c.unit, '{_plain(code)}', 'family', c.household_id, c.person_id, CAST(NULL AS BIGINT)
                             FROM candidate c JOIN told_family f USING (household_id) WHERE f."{code}" = 0""")
    engine.run(f"CREATE OR REPLACE TABLE every_hit AS {' UNION ALL '.join(parts)}")
    found = engine.table(f"""SELECT DISTINCT e.person, e.filter, e.subject,
            CASE WHEN {" OR ".join(map(_is_upheld, UPHELD_SHAPES))} THEN 'upheld' ELSE '' END AS appeal
        FROM every_hit e ORDER BY ALL""")
    engine.drop("told_person", "told_family", "told", "every_hit")
    return found


def _is_upheld(shape: Sequence[str]) -> str:
    """Write that a row of `upheld` that names just these columns takes the hit `e` out: equalities, so that it is a join by hash."""
    named = "".join(
        f" AND u.{name} = e.{name}" if name in shape else f" AND u.{name} IS NULL"
        for name in ("household_id", "person_id", "told_id")
    )
    return f"EXISTS (SELECT 1 FROM upheld u WHERE u.filter = e.filter{named})"


def _plain(code: str) -> str:
    return code.replace("'", "''")
