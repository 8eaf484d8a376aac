"""What a check is, and how all of them become the table `finding`.

`group_no` names rows that belong together by the smallest `benefit_id` among them; it is unique
within one code. `detail` holds codes, counts and dates, never a name or a number of a person.
"""

from __future__ import annotations

from dataclasses import dataclass

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.finding_codes import load_finding_codes


@dataclass(frozen=True)
class Check:
    """One SELECT over the working tables.

    Attributes:
        codes: Every code that it may give.
        sql: SELECT of `benefit_id, code, role, detail, group_no, person_id`.
        needs: Frames that must have rows before this check can say anything.
    """

    codes: tuple[str, ...]
    sql: str
    needs: tuple[str, ...] = ()


def decidable(engine: Engine, check: Check) -> bool:
    """Tell whether every frame that the check needs has rows."""
    return all(engine.rows(f"SELECT 1 FROM {name} LIMIT 1") for name in check.needs)


def start_findings(engine: Engine) -> None:
    """Make `work_finding`, to which checks add."""
    engine.run("""
        CREATE OR REPLACE TABLE work_finding (benefit_id BIGINT, code VARCHAR, role VARCHAR, severity VARCHAR,
                                              detail VARCHAR, group_no BIGINT, person_id BIGINT)
        """)


def run_check(engine: Engine, check: Check) -> None:
    """Add what one check finds."""
    words = load_finding_codes()
    graded = " ".join(f"WHEN '{code}' THEN '{words[code].severity}'" for code in check.codes)
    engine.run(f"""
        INSERT INTO work_finding
        SELECT benefit_id, code, role, CASE code {graded} END, detail, group_no, person_id FROM ({check.sql}) found
        """)


def finish_findings(engine: Engine) -> None:
    """Write `finding`: what was found, with severity and with the person whose fact it is."""
    engine.run("""
        CREATE OR REPLACE TABLE finding AS
        SELECT f.benefit_id, f.code, f.role, f.severity, f.person_id,
               coalesce(n.household_number, '') AS household_number, n.line_no,
               f.detail, f.group_no
        FROM work_finding f
        LEFT JOIN work_person n ON n.person_id = f.person_id
        """)
    engine.drop("work_finding")
