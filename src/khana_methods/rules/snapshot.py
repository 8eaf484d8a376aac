"""Facts as a registry keeps them (one text of JSON a version) made into the typed tables that rules read.

`household` has one row a household and `member` one row a person, with one column a fact; what is not
known is null, but where other answers imply it (`missing`). Ages are reckoned for the day that is asked about,
members are counted, and the codes of areas are taken from the path of the area. A value of another type than its
fact's is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.rules.facts import Fact, FactCatalogue, load_facts
from khana_methods.rules.missing import gates_of, implied_sql

# One household as it stood on a day: `area_path` is codes of areas from the country down, each with a dot
# after it; `facts` is one JSON object.
household_text_frame = pa.schema(
    [
        ("household_id", pa.int64()), ("area_path", pa.string()), ("survey_date", pa.date32()), ("consent", pa.bool_()),
        ("facts", pa.string()),
    ]
)  # fmt: skip
# One member of one household on that day; a person who stands twice in one household counts once.
member_text_frame = pa.schema(
    [
        ("household_id", pa.int64()), ("person_id", pa.int64()), ("line_no", pa.int32()), ("relation", pa.string()),
        ("is_present", pa.bool_()), ("sex", pa.string()), ("marital", pa.string()), ("birth_year", pa.int32()),
        ("birth_month", pa.int32()), ("birth_day", pa.int32()), ("survey_date", pa.date32()), ("facts", pa.string()),
    ]
)  # fmt: skip
_TYPES = {
    "integer": "DOUBLE", "decimal": "DOUBLE", "money": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "text": "VARCHAR",
    "code": "VARCHAR", "area": "VARCHAR",
}  # fmt: skip
_HOUSEHOLD = {
    "survey_date": "h.survey_date",
    "consent": "h.consent",
    "province_code": "nullif(split_part(h.area_path, '.', 2), '')",
    "district_code": "nullif(split_part(h.area_path, '.', 3), '')",
    "tehsil_code": "nullif(split_part(h.area_path, '.', 4), '')",
    "union_code": "nullif(split_part(h.area_path, '.', 5), '')",
    "area_code": "nullif(split_part(rtrim(h.area_path, '.'), '.', -1), '')",
    "household_size": "CAST(coalesce(s.members, 0) AS DOUBLE)",
}
_MEMBER = {
    "line_no": "CAST(m.line_no AS DOUBLE)",
    "relation": "nullif(m.relation, '')",
    "sex": "nullif(m.sex, '')",
    "marital": "nullif(m.marital, '')",
    "is_present": "m.is_present",
    "is_member": "true",
}
# who and where exactly: no rule and no model reads these
UNREAD = frozenset(
    {
        "name",
        "name_native",
        "guardian_name",
        "address",
        "household_number",
        "latitude",
        "longitude",
        "contact_mobile_number",
    }
)


def type_facts(
    engine: Engine, *, as_of: date, wanted: Collection[str] | None = None, catalogue: FactCatalogue | None = None
) -> None:
    """Make the tables `household` and `member` of the tables `household_text` and `member_text`.

    Args:
        engine: Holds both texts by `household_text_frame` and `member_text_frame`; they are dropped. A table
            `score_in_force` (`household_id`, `score`) gives the fact `score` where it is there.
        as_of: The day for which ages are reckoned.
        wanted: Facts to make; every fact of a household and a person where it is absent. `area_path` and
            `survey_date` of the household always stay.
        catalogue: Facts; the shipped catalogue by default.
    """
    facts = catalogue or load_facts()
    read = None if wanted is None else {*wanted, *gates_of(wanted, facts)}
    engine.run(
        """CREATE OR REPLACE TABLE member_once AS SELECT * FROM member_text
           QUALIFY row_number() OVER (PARTITION BY household_id, person_id ORDER BY line_no) = 1"""
    )
    engine.run(
        """CREATE OR REPLACE TABLE household_members AS
           SELECT household_id, count(*) AS members FROM member_once GROUP BY household_id"""
    )
    has_scores = engine.has("score_in_force")
    given = dict(_HOUSEHOLD) | ({"score": "f.score"} if has_scores else {})
    # the day of the interview stays by its own name beside the facts that are wanted
    columns = _columns(
        [*facts.of_entity("household"), facts.get("score")], given, "h", _of(wanted, {"survey_date"}), skip=set()
    )
    join = "LEFT JOIN score_in_force f ON f.household_id = h.household_id" if has_scores else ""
    engine.run(
        f"""CREATE OR REPLACE TABLE household AS SELECT h.household_id, h.area_path, {columns}
            FROM (SELECT *, {_parsed(facts, "household", given, read)} AS j FROM household_text) AS h
            LEFT JOIN household_members s ON s.household_id = h.household_id {join}"""
    )
    given = {**_MEMBER, "age": _age(as_of)}
    stated = _of(read, {"age"}) if read is None or "age" in read else read
    parsed = _parsed(facts, "person", {k: v for k, v in given.items() if k != "age"}, stated)
    columns = _columns(facts.of_entity("person"), given, "m", wanted, skip=set(_HOUSEHOLD))
    engine.run(
        f"""CREATE OR REPLACE TABLE member AS SELECT m.household_id, m.person_id{", " + columns if columns else ""}
            FROM (SELECT *, {parsed} AS j FROM member_once) AS m"""
    )
    engine.drop("household_text", "member_text", "member_once", "household_members")


def _of(wanted: Collection[str] | None, more: set[str]) -> Collection[str] | None:
    return None if wanted is None else {*wanted, *more}


def _is_made(fact: Fact, wanted: Collection[str] | None) -> bool:
    return wanted is None or fact.name in wanted


def _columns(
    facts: Collection[Fact], given: Mapping[str, str], alias: str, wanted: Collection[str] | None, *, skip: set[str]
) -> str:
    """Write the columns of a typed table: what is stated or implied, and nulls where no rule may read."""
    stated = {fact.name: _stated(fact, given, alias) for fact in facts}
    return ", ".join(
        f'{implied_sql(fact, stated[fact.name], stated.get)} AS "{fact.name}"'
        for fact in facts
        if _is_made(fact, wanted) and fact.name not in skip
    )


def _stated(fact: Fact, given: Mapping[str, str], alias: str) -> str:
    """Write a fact as it is stated: given, or out of the JSON."""
    if fact.name in given:
        return given[fact.name]
    if fact.type not in _TYPES or fact.name in UNREAD or fact.entity == "score":
        return f"CAST(NULL AS {_TYPES.get(fact.type, 'VARCHAR')})"
    field = f'{alias}.j."{fact.name}"'
    return f"nullif({field}, '')" if _TYPES[fact.type] == "VARCHAR" else field


def _parsed(facts: FactCatalogue, entity: str, given: Mapping[str, str], wanted: Collection[str] | None) -> str:
    """Write the reading of the JSON: a struct of the facts that are wanted, null where a value has another type."""
    fields = {
        fact.name: _TYPES[fact.type]
        for fact in facts.of_entity(entity)
        if _is_made(fact, wanted) and fact.type in _TYPES and fact.name not in UNREAD and fact.name not in given
    }
    if not fields:
        fields = {"nothing": "VARCHAR"}
    shape = ", ".join(f'"{name}": "{kind}"' for name, kind in fields.items())
    return f"from_json(coalesce(facts, '{{}}'), '{{{shape}}}')"


def _age(day: date) -> str:
    """Write completed years on a day: by date of birth, else by the stated age and the years since it was stated."""
    year, month, on = day.year, day.month, day.day
    return f"""CAST(CASE
        WHEN m.birth_year IS NOT NULL AND m.birth_month IS NOT NULL THEN greatest(0, {year} - m.birth_year
            - CASE WHEN {month} < m.birth_month OR ({month} = m.birth_month AND {on} < coalesce(m.birth_day, 1))
                   THEN 1 ELSE 0 END)
        WHEN m.j.age IS NOT NULL THEN m.j.age + greatest(0, coalesce(date_sub('year', m.survey_date, DATE '{day}'), 0))
        WHEN m.birth_year IS NOT NULL THEN greatest(0, {year} - m.birth_year) END AS DOUBLE)"""
