"""Rules between programmes, tried before they bite: whose benefit would stop, what is lost, who is left with nothing.

Rules (`cross_rules`) are applied in their order, each on what the ones before have left. Nothing is changed: what
would stop comes back as rows, and an effect later takes just these rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.cross_rules import (
    KEEP,
    CrossRule,
    CrossRulesInvalid,
    load_cross_rules,
    parse_cross_rules,
)
from khana_methods.overlap.text_frames import column_or, text_frame

__all__ = ["CrossRule", "CrossRulesInvalid", "dry_run", "load_cross_rules", "parse_cross_rules", "try_rules"]
_OPTIONAL = ("household", "kind", "amount", "since", "sex", "area", "score", "chosen")
_YES = "('1', 'yes', 'true', 'y')"


def dry_run(
    engine: Engine,
    *,
    drawn: pa.Table,
    rules: Sequence[CrossRule],
    on: date,
    poor_below: float | None = None,
    past: pa.Table | None = None,
) -> tuple[pa.Table, dict[str, Any]]:
    """Try rules on what is drawn; nothing is changed.

    Args:
        engine: Where rows are compared.
        drawn: One row a person and programme: `person`, `programme`; where known `household`, `kind` (cash if absent),
            `amount`, `since`, `sex`, `area`, `score`, `chosen` (yes where she said she keeps it). The same person and
            programme twice is refused.
        rules: In the order of application; those not in force on the day are left out and named.
        on: The day.
        poor_below: Score under which a person counts as poor; poverty is not told without it.
        past: What was drawn before: `person`, `programme`, `ended`; where known `household`. For rules of kind after.

    Returns:
        The benefits that would stop (`person`, `household`, `programme`, `rule`, `amount`), ordered; and the
        summary: rows, persons and amounts that stop, in all and by rule, programme, area, sex and poverty class, and
        `left_with_nothing`: persons, and poor ones, who drew something and would draw nothing.

    Raises:
        CrossRulesInvalid: A column is missing, a number is none, a person stands in two households, a rule by
            household meets no household, or a rule of kind after no past.

    Examples:
        >>> cap = CrossRule("cap", "cap", "person", "value", (), 1, ("cash",), (), date(2026, 1, 1), None, None, "law")
        >>> drawn = pa.table({"person": ["a", "a"], "programme": ["P", "Q"], "amount": ["5", "9"]})
        >>> with Engine(memory_mib=256, threads=1) as engine:
        ...     dry_run(engine, drawn=drawn, rules=[cap], on=date(2026, 7, 1))[0]["programme"].to_pylist()
        ['P']
    """
    names = _register(engine, drawn)
    in_force = [rule for rule in rules if rule.is_in_force(on)]
    if any(rule.kind == "after" for rule in in_force):
        if past is None:
            raise CrossRulesInvalid("A rule looks back at earlier cycles: give what was drawn before (--past).")
        _register_past(engine, past)
    by_household = [rule.code for rule in in_force if rule.unit == "household"]
    if by_household and "household" not in names:
        raise CrossRulesInvalid(f"The rule {by_household[0]} is by household, and the rows name no household.")
    summary = try_rules(engine, rules=rules, on=on, poor_below=poor_below)
    stops = engine.table("""SELECT person, household, programme, rule, amount FROM crossrule_row WHERE rule <> ''
        ORDER BY person, programme""")
    return stops, summary


def try_rules(
    engine: Engine,
    *,
    rules: Sequence[CrossRule],
    on: date,
    poor_below: float | None = None,
    area_level: int | None = None,
) -> dict[str, Any]:
    """Try rules on the rows that the engine holds; mark each that stops with its rule; return the summary.

    Args:
        engine: With `crossrule_row` (`number`, `person`, `programme`, `household`, `kind`, `amount`, `since`, `sex`, `area`,
            `score`, `is_chosen`, `rule` empty), one row a person and programme, and, for rules of kind after,
            `crossrule_past` (`person`, `household`, `programme`, `ended`). `person` may be of any type.
        rules: In the order of application.
        on: The day.
        poor_below: Score under which a person counts as poor.
        area_level: `area` is a path of codes (`PK.PK2.PK201.`), and is told by its code at this level, 0 the country.
    """
    in_force = [rule for rule in rules if rule.is_in_force(on)]
    for rule in in_force:
        _apply_after(engine, rule, on) if rule.kind == "after" else _apply(engine, rule, on)
    later = [rule.code for rule in rules if not rule.is_in_force(on)]
    return {**_summary(engine, in_force, poor_below, area_level), "not_in_force": later}


def _kept(rule: CrossRule, on: date) -> tuple[str, dict[str, Any]]:
    """Return the condition that a row may not be stopped by a rule on a day, and its parameters."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    if rule.grandfather_before:
        parts.append("coalesce(since < $before, false)")
        parameters["before"] = rule.grandfather_before
    areas = rule.areas_on(on)
    if areas is not None:
        parts.append("NOT list_has_any(string_split(area, '.'), $areas::VARCHAR[])")
        parameters["areas"] = list(areas)
    return " OR ".join(parts) or "false", parameters


def _apply(engine: Engine, rule: CrossRule, on: date) -> None:
    """Mark the rows that one cap or exclusion stops among those still standing."""
    is_cap = rule.kind == "cap"
    counted = "list_contains($counts, kind)" if is_cap else "list_contains($programmes, programme)"
    unit = (
        "person" if rule.unit == "person" else "coalesce(nullif(household, ''), 'person ' || CAST(person AS VARCHAR))"
    )
    kept, parameters = _kept(rule, on)
    parameters |= {"most": rule.most if is_cap else 1, "code": rule.code}
    parameters["counts" if is_cap else "programmes"] = list(rule.counts if is_cap else rule.programmes)
    place = "0"
    if rule.keep == "order":
        place, parameters["order"] = "coalesce(list_position($order, programme), 1000000)", list(rule.order)
    # a unit with no more rows than the rule allows loses nothing: only the others are ranked
    engine.run(
        f"""UPDATE crossrule_row SET rule = $code FROM (
            WITH counted AS (SELECT *, {unit} AS unit, {kept} AS is_kept, {place} AS place FROM crossrule_row
                             WHERE rule = '' AND {counted}),
                 over AS (SELECT unit FROM counted GROUP BY unit HAVING count(*) > $most)
            SELECT number, is_kept, row_number() OVER (
                PARTITION BY unit ORDER BY is_kept DESC, {KEEP[rule.keep]}, programme, person) AS rank
            FROM counted SEMI JOIN over USING (unit)) ranked
        WHERE crossrule_row.number = ranked.number AND ranked.rank > $most AND NOT ranked.is_kept""",
        parameters,
    )


def _apply_after(engine: Engine, rule: CrossRule, on: date) -> None:
    """Mark the rows that follow too soon on another programme."""
    kept, parameters = _kept(rule, on)
    unit = "person" if rule.unit == "person" else "household"
    engine.run(
        f"""UPDATE crossrule_row SET rule = $code WHERE rule = '' AND list_contains($programmes, programme)
            AND NOT ({kept}) AND CAST({unit} AS VARCHAR) <> '' AND EXISTS (
                SELECT 1 FROM crossrule_past p WHERE p.{unit} = crossrule_row.{unit} AND list_contains($had, p.programme)
                AND p.ended <= coalesce(since, $day)
                AND p.ended > coalesce(since, $day) - to_months($months::INTEGER))""",
        {
            **parameters, "code": rule.code, "programmes": list(rule.programmes), "had": list(rule.had), "day": on,
            "months": rule.cycles * rule.cycle_months,
        },
    )  # fmt: skip


def _summary(
    engine: Engine, rules: Sequence[CrossRule], poor_below: float | None, area_level: int | None
) -> dict[str, Any]:
    poor = f"CASE WHEN score IS NULL THEN 'unknown' WHEN score < {float(poor_below)} THEN 'poor' ELSE 'not poor' END" if (
        poor_below is not None) else "'unknown'"  # fmt: skip
    place = "area" if area_level is None else f"coalesce(string_split(area, '.')[{int(area_level) + 1}], '')"
    engine.run(
        f"CREATE OR REPLACE VIEW crossrule_told AS SELECT * REPLACE ({place} AS area), {poor} AS poverty FROM crossrule_row"
    )

    def by(column: str) -> list[dict[str, Any]]:
        rows = engine.rows(f"""SELECT {column}, count(*), count(DISTINCT person), coalesce(sum(amount), 0) FROM crossrule_told
            WHERE rule <> '' GROUP BY ALL ORDER BY ALL""")
        return [
            {column: value, "benefits": n, "persons": persons, "amount": amount} for value, n, persons, amount in rows
        ]

    whole = engine.rows("""SELECT count(*), count(DISTINCT person), count(*) FILTER (WHERE rule <> ''),
        count(DISTINCT person) FILTER (WHERE rule <> ''), coalesce(sum(amount) FILTER (WHERE rule <> ''), 0) FROM crossrule_told""")[
        0
    ]
    bare = engine.rows("""SELECT count(*), count(*) FILTER (WHERE poverty = 'poor') FROM (
        SELECT person, any_value(poverty) AS poverty FROM crossrule_told GROUP BY person HAVING bool_and(rule <> ''))""")[
        0
    ]
    return {
        "rules": [rule.code for rule in rules], "benefits": whole[0], "persons": whole[1], "benefits_stopped": whole[2],
        "persons_losing": whole[3], "amount_lost": whole[4], "left_with_nothing": bare[0], "poor_left_with_nothing": bare[1],
        **{f"by_{column}": by(column) for column in ("rule", "programme", "area", "sex", "poverty")},
    }  # fmt: skip


def _register(engine: Engine, frame: pa.Table) -> list[str]:
    """Make the table of typed rows; return the columns that the frame has."""
    texts = text_frame(frame, what="rows", wanted=("person", "programme"), error=CrossRulesInvalid)
    wanted = ("person", "programme", *_OPTIONAL)
    engine.register("crossrule_text", pa.table({name: column_or(texts, name) for name in wanted}))
    for column, kind in (("amount", "DOUBLE"), ("score", "DOUBLE"), ("since", "DATE")):
        _refuse_unreadable(engine, "crossrule_text", column, kind)
    twice = engine.value(
        "SELECT count(*) FROM (SELECT 1 FROM crossrule_text GROUP BY person, programme HAVING count(*) > 1)"
    )
    if twice:
        raise CrossRulesInvalid(f"{twice:,} persons stand twice with one programme: add their amounts up first.")
    homes = engine.value(
        "SELECT count(*) FROM (SELECT 1 FROM crossrule_text WHERE household <> '' GROUP BY person"
        " HAVING count(DISTINCT household) > 1)"
    )
    if homes:
        raise CrossRulesInvalid(f"{homes:,} persons stand in two households: say which one counts.", persons=homes)
    engine.run(f"""CREATE OR REPLACE TABLE crossrule_row AS SELECT row_number() OVER (ORDER BY person, programme) AS number, person,
        programme, household, coalesce(nullif(lower(kind), ''), 'cash') AS kind, TRY_CAST(nullif(amount, '') AS DOUBLE) AS amount,
        TRY_CAST(nullif(since, '') AS DATE) AS since, sex, area, TRY_CAST(nullif(score, '') AS DOUBLE) AS score,
        lower(chosen) IN {_YES} AS is_chosen, '' AS rule FROM crossrule_text""")
    return list(texts.schema.names)


def _register_past(engine: Engine, frame: pa.Table) -> None:
    texts = text_frame(frame, what="past rows", wanted=("person", "programme", "ended"), error=CrossRulesInvalid)
    columns = {name: column_or(texts, name) for name in ("person", "household", "programme", "ended")}
    engine.register("crossrule_past_text", pa.table(columns))
    _refuse_unreadable(engine, "crossrule_past_text", "ended", "DATE")
    engine.run("""CREATE OR REPLACE TABLE crossrule_past AS SELECT person, household, programme,
        TRY_CAST(nullif(ended, '') AS DATE) AS ended FROM crossrule_past_text""")


def _refuse_unreadable(engine: Engine, table: str, column: str, kind: str) -> None:
    wrong = engine.value(f"SELECT count(*) FROM {table} WHERE {column} <> '' AND TRY_CAST({column} AS {kind}) IS NULL")
    if wrong:
        raise CrossRulesInvalid(
            f"{wrong:,} rows have a value of {column} that cannot be read; days are like 2026-01-31."
        )
