"""Every indicator of the country's framework, computed from one state of the registers and kept as a snapshot.

The registers are read in one repeatable-read transaction with the day that is asked of and the time that it was known; the
snapshot names the consolidation, the counts of what was read and the hash of its values, so that it can be made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from khana.access import services as access
from khana.assessment import frames as assessment
from khana.beneficiaries import frames as beneficiaries
from khana.beneficiaries.results import latest_run
from khana.deliveries import selectors as deliveries
from khana.monitoring import services as monitoring
from khana.platform import installation
from khana.platform.frames import open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.registry import frames as registry
from khana_country.load import load_pack, pack_folder
from khana_methods.coverage.framework import Framework, read_framework
from khana_methods.coverage.indicators import Value, compute, digest, funnel
from khana_methods.engine.duckdb import Engine

MEMORY_MIB = 2048
_HOUSEHOLD = """CREATE OR REPLACE TABLE household AS
WITH drawn AS (
    SELECT household_number, len(list_distinct(flatten(list(from_json(programmes, '["VARCHAR"]'))))) AS programmes,
           max(cash_programmes) AS cash, sum(amount) AS amount
    FROM given_recipient WHERE household_number <> '' GROUP BY household_number)
SELECT t.household_id, t.area_path, h.members, json_extract_string(t.facts, '$.area_type') AS area_type,
       json_extract_string(t.facts, '$.survey_mode') AS survey_mode, coalesce(t.consent, false) AS has_consent,
       s.score IS NOT NULL AS has_score, s.score, datesub('month', t.survey_date, $day::DATE) AS months_since_interview,
       coalesce(m.has_verified_number, false) AS has_verified_number, m.is_woman_headed,
       coalesce(d.programmes, 0) AS programmes, coalesce(d.cash, 0) AS max_cash_programmes, coalesce(d.amount, 0) AS amount
FROM given_text t JOIN given_household h ON h.household_id = t.household_id
LEFT JOIN given_score s ON s.household_id = t.household_id
LEFT JOIN given_marks m ON m.household_id = t.household_id
LEFT JOIN drawn d ON d.household_number = h.household_number"""
_RECIPIENT = """CREATE OR REPLACE TABLE recipient AS
SELECT recipient_id AS household_id, area_path, household_number <> '' AS is_registered, cash_programmes,
       len(from_json(programmes, '["VARCHAR"]')) AS programmes, is_over_cap, is_well_off, score, amount
FROM given_recipient"""
_PAYMENT = """CREATE OR REPLACE TABLE payment AS
SELECT row_number() OVER () AS household_id, programme, agency, period, area_path, list_rows, rows_with_number,
       coalesce(amount, 0) AS amount FROM given_sum"""


def framework_of(country: str) -> Framework:
    """Return the framework of a country's pack."""
    return read_framework(pack_folder(country) / "results_framework.yaml")


def country_in_use() -> str:
    """Return the country of this installation."""
    return str(installation.read().get("country", "pak"))


def parameters_on(country: str, day: date) -> dict[str, float]:
    """Return the values that rules may name, in force on a day: the installation's own before the pack's."""
    pack, stated = load_pack(country), installation.read().get("parameters", {})
    found: dict[str, float] = {}
    line = next((one for one in pack.lines if one.name == "poor" and one.max_score is not None), None)
    if line is not None and line.max_score is not None:
        found["cut_off"] = float(line.max_score)
    if "cut_off" in stated:
        found["cut_off"] = float(stated["cut_off"])
    found["cap"] = float(stated.get("cap", pack.cap(day).max_programmes))
    return found


def run(
    *, token: str, as_of: date | None = None, keep: bool = True, progress: Progress = silent, at: datetime,
    memory_mib: int = MEMORY_MIB,
) -> dict[str, Any]:  # fmt: skip
    """Compute all indicators; keep them as a snapshot unless told not to.

    Args:
        token: In whose name; `registry.read`, `scores.read` and `recipients.read` for the whole country, `monitoring.write`.
        as_of: The day asked of; the installation's world date, or today.
        keep: Keep the snapshot.
        progress: Told phases.
        at: When; what was recorded later is not known yet.
        memory_mib: Memory of the engine.

    Returns:
        `snapshot` (its number), `sha256`, `inputs`, `funnel` of the country, and `rows`: every value.
    """
    country = country_in_use()
    framework = framework_of(country)
    settings = installation.read()
    day = as_of or (date.fromisoformat(settings["world_date"]) if "world_date" in settings else at.date())
    parameters = parameters_on(country, day)
    with workplace("scratch") as folder, Engine(memory_mib=memory_mib, folder=folder) as engine, access.scoped(token):
        access.require(monitoring.PERMISSION)
        for permission in ("registry.read", "scores.read", "recipients.read"):
            access.require(permission, everywhere=True)
        inputs = _read(engine, day, at, progress)
        progress(0, 1, "computing")
        values = compute(engine, framework, parameters=parameters)
        inputs["parameters"] = parameters
        result: dict[str, Any] = {
            "framework": framework.code, "version": framework.version, "as_of": day.isoformat(), "inputs": inputs,
            "sha256": digest(values), "funnel": _funnel(framework, values), "rows": [asdict(value) for value in values],
        }  # fmt: skip
        if keep:
            result["snapshot"] = monitoring.keep_snapshot(
                framework=framework.code, version=framework.version, as_of=day, inputs=inputs,
                sha256=str(result["sha256"]), values=result["rows"], at=at,
            )  # fmt: skip
        progress(1, 1, "done")
    return result


def _read(engine: Engine, day: date, at: datetime, progress: Progress) -> dict[str, Any]:
    """Stream the registers into the engine and make the three relations; return what was read."""
    last = latest_run()
    with open_source() as source:
        readers: Mapping[str, Any] = {
            "given_text": lambda: registry.household_text_frame(source, as_of=day, known_at=at),
            "given_household": lambda: registry.household_frame(source),
            "given_marks": lambda: registry.household_marks_frame(source),
            "given_score": lambda: assessment.score_frame(source, as_of=day),
            "given_recipient": lambda: beneficiaries.recipient_frame(source, run_id=last.id if last else 0),
            "given_sum": lambda: beneficiaries.list_sum_frame(source, without_batches=deliveries.replaced_batch_ids()),
        }
        for number, (name, read) in enumerate(readers.items()):
            progress(number, len(readers), "reading")
            engine.register(name, read())
    engine.run(_HOUSEHOLD, {"day": day.isoformat()})
    engine.run(_RECIPIENT)
    engine.run(_PAYMENT)
    counts = {name: int(engine.value(f"SELECT count(*) FROM {name}")) for name in ("household", "recipient", "payment")}
    engine.drop(*readers)
    return {"read": counts, "run": last.id if last else None, "known_at": at.isoformat()}


def _funnel(framework: Framework, values: list[Value]) -> list[dict[str, Any]]:
    top = next((v.area_code for v in values if v.area_level == 0), "")
    return [asdict(stage) for stage in funnel(framework, values, top)]
