"""The answers of one consolidation in numbers, with what is connected and to which period.

Counts and codes only: it is stored with the run and shown to whoever may see the run.
"""

from __future__ import annotations

from typing import Any

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.parameters import Parameters

REGISTERS = (
    "identifier_frame",
    "household_frame",
    "score_frame",
    "national_id_frame",
    "resident_frame",
    "sim_frame",
    "employee_frame",
    "exit_frame",
)


def summarise(engine: Engine, parameters: Parameters, undecided: list[str]) -> dict[str, Any]:
    """Count everything that the five answers need said beside them.

    Args:
        engine: With the result tables.
        parameters: What was asked with.
        undecided: Codes that no check could decide because a register is empty.

    Returns:
        `rows` = `linked` + `unmatched` (a row is linked where beneficiary or payee is),
        `connected` and `not_connected` programmes, `registers`, `findings` by code
        and `findings_by_source`, `recipients`, `over_cap`, `unserved`, `leakage` and the lines they were drawn at.
    """
    return {
        "parameters": parameters.as_json(),
        "connected": _connected(engine),
        "not_connected": _codes(
            engine, "SELECT code FROM programme_frame ANTI JOIN work_connected USING (code) ORDER BY code"
        ),
        "not_in_catalogue": _codes(
            engine, "SELECT code FROM work_connected ANTI JOIN programme_frame USING (code) ORDER BY code"
        ),
        "registers": {name.removesuffix("_frame"): _count(engine, name) for name in REGISTERS},
        "undecided_codes": undecided,
        "well_off_score": engine.value("SELECT well_off_score FROM work_parameter"),
        **_rows(engine),
        **_findings(engine),
        **_recipients(engine),
        "poor_households": engine.value("""
            SELECT count(*) FROM household_frame h JOIN score_frame s USING (household_id)
            WHERE s.score <= (SELECT poor_cutoff FROM work_parameter)"""),
        "unserved": _count(engine, "unserved"),
    }


def _count(engine: Engine, name: str) -> int:
    return int(engine.value(f"SELECT count(*) FROM {name}"))


def _codes(engine: Engine, sql: str) -> list[str]:
    return [code for (code,) in engine.rows(sql)]


def _connected(engine: Engine) -> list[dict[str, Any]]:
    found = engine.rows("""
        SELECT k.code, coalesce(min(l.agency), min(c.agency), ''), list(DISTINCT l.source ORDER BY l.source),
               list(DISTINCT l.period ORDER BY l.period), max(l.period_end), coalesce(sum(l.list_rows), 0)
        FROM work_connected k LEFT JOIN work_list l ON l.programme = k.code
        LEFT JOIN programme_frame c ON c.code = k.code
        GROUP BY k.code ORDER BY k.code
        """)
    return [
        {
            "programme": programme,
            "agency": agency,
            "sources": [one for one in sources if one is not None],
            "periods": [one for one in periods if one is not None],
            "to": last.isoformat() if last is not None else None,
            "rows": int(rows),
        }
        for programme, agency, sources, periods, last, rows in found
    ]


def _findings(engine: Engine) -> dict[str, Any]:
    found = engine.rows("""
        SELECT l.source, f.code, min(f.severity), sum(f.many)
        FROM (SELECT p.list_no, f.code, min(f.severity) AS severity, count(DISTINCT f.benefit_id) AS many
              FROM finding f JOIN work_party p USING (benefit_id) GROUP BY p.list_no, f.code) f
        JOIN work_list l USING (list_no) GROUP BY l.source, f.code ORDER BY l.source, f.code
        """)
    by_source: dict[str, dict[str, int]] = {}
    by_code: dict[str, dict[str, Any]] = {}
    for source, code, severity, rows in found:
        by_source.setdefault(source, {})[code] = int(rows)
        total = by_code.setdefault(code, {"severity": severity, "rows": 0})
        total["rows"] += int(rows)
    return {"findings": dict(sorted(by_code.items())), "findings_by_source": by_source}


def _rows(engine: Engine) -> dict[str, Any]:
    rows, linked, beneficiaries, payees = engine.rows("""
        SELECT count(*),
               count(*) FILTER (beneficiary_person IS NOT NULL OR payee_person IS NOT NULL),
               count(beneficiary_person), count(payee_person)
        FROM work_party
        """)[0]
    return {
        "rows": rows,
        "linked": linked,
        "unmatched": rows - linked,
        "linked_beneficiaries": beneficiaries,
        "linked_payees": payees,
    }


def _recipients(engine: Engine) -> dict[str, Any]:
    many, identified, registered, over, exactly, amount = engine.rows("""
        SELECT count(*), count(*) FILTER (is_identified), count(person_id), count(*) FILTER (is_over_cap),
               count(*) FILTER (cash_programmes = (SELECT cap FROM work_parameter) AND is_identified),
               sum(amount)
        FROM recipient
        """)[0]
    return {
        "recipients": many,
        "identified_recipients": identified,
        "registered_recipients": registered,
        "over_cap": over,
        "exactly_at_cap": exactly,
        "overlaps": engine.value("SELECT count(*) FROM recipient WHERE len(programmes) > 1"),
        "leakage": _count(engine, "leakage"),
        "amount": float(amount or 0),
    }
