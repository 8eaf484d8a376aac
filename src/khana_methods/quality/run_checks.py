"""Run the checks of a roster, all lines at once, and set aside what somebody has waived with a reason.

Findings are data: household, line, code, severity. A check that needs a fact which the roster does not state is
not run and is named, so that a missing column never looks like a clean roster. Guests (`is_member` false) are no
members; everything else is looked at, also who is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa

from khana_methods.engine.duckdb import Engine, sql_type
from khana_methods.errors import InputError
from khana_methods.quality.check_list import Check, check_of, load_checks
from khana_methods.quality.roster import BIRTH_PARTS, Roster
from khana_methods.rules.compile import compile_rules
from khana_methods.rules.facts import load_facts

# One row per finding, ordered by household, line and code. `line_no` is null where it is about the household.
finding_frame = pa.schema(
    [("household_id", pa.string()), ("line_no", pa.int64()), ("code", pa.string()), ("severity", pa.string())]
)
# One row per finding that somebody set aside. `line_no` null: the household's own finding of that code.
waiver_frame = pa.schema(
    [("household_id", pa.string()), ("line_no", pa.int64()), ("code", pa.string()), ("reason", pa.string())]
)


class WaiverWithoutReason(InputError):
    """A finding is set aside for a reason or not at all."""

    code: ClassVar[str] = "quality.waiver.no_reason"


class WaiverNotAllowed(InputError):
    """This finding may not be set aside: it must be corrected."""

    code: ClassVar[str] = "quality.waiver.not_allowed"


@dataclass(frozen=True)
class Findings:
    """What the checks found.

    Attributes:
        frame: Open findings, in the columns of `finding_frame`.
        waived: Findings that were set aside, in the same columns.
        counts: Open and waived findings together by code, 0 where a check ran and found nothing.
        not_run: Check to the facts that the roster does not state.
        households, members: How many were looked at.
    """

    frame: pa.Table
    waived: pa.Table
    counts: Mapping[str, int]
    households: int
    members: int
    guests: int
    not_run: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def run_checks(
    engine: Engine, roster: Roster, *, checks: Mapping[str, Check] | None = None, waivers: pa.Table | None = None
) -> Findings:
    """Check a roster.

    Args:
        engine: Does the work; tables `member`, `household`, `stated_household`, `finding` are made in it.
        roster: What to check.
        checks: Checks by code; the shipped ones by default.
        waivers: Findings that were set aside before, in the columns of `waiver_frame`.

    Returns:
        Findings, counts, and which checks could not be run.

    Raises:
        WaiverWithoutReason, WaiverNotAllowed, CheckUnknown: A waiver cannot stand.
    """
    chosen = load_checks() if checks is None else checks
    stated = _stated(roster)
    not_run = {c.code: tuple(n for n in c.needs if n not in stated) for c in chosen.values()}
    not_run = {code: lacking for code, lacking in not_run.items() if lacking}
    running = [check for check in chosen.values() if check.code not in not_run]
    guests = _lay_out(engine, roster, running)
    engine.make_empty("finding", finding_frame)
    for entity in ("household", "person"):
        _run_rules(engine, [c for c in running if c.rule is not None and c.entity == entity], entity)
    for check in running:
        if check.rule is None:
            found = (
                f"SELECT household_id, CAST(line_no AS BIGINT), '{check.code}', '{check.severity}' FROM ({check.sql()})"
            )
            engine.run(f"INSERT INTO finding {found}")
    counts = dict.fromkeys((check.code for check in running), 0)
    counts |= dict(engine.rows("SELECT code, count(*) FROM finding GROUP BY code"))
    is_waived = _lay_out_waivers(engine, waivers, chosen)
    ordered = "SELECT * FROM finding f WHERE {} ORDER BY household_id, line_no NULLS FIRST, code"
    return Findings(
        frame=engine.table(ordered.format(f"NOT {is_waived}")),
        waived=engine.table(ordered.format(is_waived)),
        counts=counts,
        households=engine.value("SELECT count(*) FROM household"),
        members=engine.value("SELECT count(*) FROM member"),
        guests=guests,
        not_run=not_run,
    )


def _stated(roster: Roster) -> frozenset[str]:
    """Name the facts that the roster states in at least one cell, so that an empty column is none."""
    names = {
        name
        for table in (roster.members, roster.households)
        for name in table.schema.names
        if table.column(name).null_count < table.num_rows or table.num_rows == 0
    }
    return frozenset(names | ({"household_file"} if roster.has_household_file else set()))


def _lay_out(engine: Engine, roster: Roster, running: list[Check]) -> int:
    """Make `member` (with `person_id`) and `household` (with `household_size`); return the number of guests."""
    engine.register("roster_line", roster.members)
    engine.register("stated_household", roster.households)
    keeps = "is_member IS DISTINCT FROM false" if "is_member" in roster.members.schema.names else "true"
    engine.run(
        f"CREATE OR REPLACE TABLE member AS SELECT row_number() OVER () AS person_id, * FROM roster_line WHERE {keeps}"
    )
    engine.run(
        "CREATE OR REPLACE TABLE household AS SELECT household_id FROM stated_household UNION SELECT household_id FROM member"
    )
    facts = [n for n in roster.households.schema.names if n not in ("household_id", "household_size")]
    taken = "".join(f', s."{name}"' for name in facts)
    engine.run(
        f"""CREATE OR REPLACE TABLE household AS SELECT h.household_id, coalesce(c.n, 0) AS household_size{taken}
            FROM household h LEFT JOIN stated_household s USING (household_id)
            LEFT JOIN (SELECT household_id, count(*) AS n FROM member GROUP BY household_id) c USING (household_id)
            WHERE h.household_id IS NOT NULL"""
    )
    _add_blank(engine, running)
    guests: int = engine.value(f"SELECT count(*) FROM roster_line WHERE NOT ({keeps})")
    engine.drop("roster_line")
    return guests


def _add_blank(engine: Engine, running: list[Check]) -> None:
    """Give `member` the pointers and parts of birth that a method may name and the roster does not state."""
    facts = load_facts()
    for name in ("spouse_line", "father_line", "mother_line", *BIRTH_PARTS, "sex", "age", "relation", "marital"):
        kind = facts.get(name).type if name in facts.facts else "integer"
        column = sql_type(pa.int64() if kind == "integer" else pa.string())
        engine.run(f"ALTER TABLE member ADD COLUMN IF NOT EXISTS {name} {column}")


def _run_rules(engine: Engine, checks: list[Check], entity: str) -> None:
    """Evaluate the rules of one entity in one pass and write who satisfies each."""
    rules = {check.code: check.rule for check in checks if check.rule is not None}
    if not rules:
        return
    engine.run(f"CREATE OR REPLACE TABLE decided AS {compile_rules(rules)}")
    line = "CAST(NULL AS BIGINT) AS line_no" if entity == "household" else "m.line_no"
    source = "decided d" if entity == "household" else "decided d JOIN member m ON m.person_id = d.person_id"
    for check in checks:
        engine.run(
            f"""INSERT INTO finding SELECT d.household_id, {line}, '{check.code}', '{check.severity}'
                FROM {source} WHERE d."{check.code}" """
        )
    engine.drop("decided")


def _lay_out_waivers(engine: Engine, waivers: pa.Table | None, checks: Mapping[str, Check]) -> str:
    """Check the waivers and make the table `waiver`; return the condition that a finding `f` is waived."""
    if waivers is None or not waivers.num_rows:
        return "false"
    engine.register("waiver", waivers, schema=waiver_frame)
    blank = engine.value("SELECT count(*) FROM waiver WHERE coalesce(trim(reason), '') = ''")
    if blank:
        raise WaiverWithoutReason(f"{blank} waivers have no reason. Write why each finding is set aside.", rows=blank)
    for (code,) in engine.rows("SELECT DISTINCT code FROM waiver ORDER BY code"):
        if not check_of(code, checks).can_be_waived:
            raise WaiverNotAllowed(f"{code} cannot be set aside; correct the roster.", check=code)
    return (
        "EXISTS (SELECT 1 FROM waiver w WHERE w.household_id = f.household_id AND w.code = f.code "
        "AND w.line_no IS NOT DISTINCT FROM f.line_no)"
    )
