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
from khana.geo import selectors as geo
from khana.monitoring import services as monitoring
from khana.monitoring.frameworks import country_in_use, framework_of, parameters_on
from khana.platform import installation
from khana.platform.frames import open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.registry import frames as registry
from khana_methods.coverage import relation_tables
from khana_methods.coverage.framework import Framework
from khana_methods.coverage.indicators import Value, compute, digest, funnel
from khana_methods.coverage.safe_values import make_safe
from khana_methods.engine.duckdb import Engine

MEMORY_MIB = 2048
THRESHOLD = 5  # counts below it are hidden on pages


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
            progress(0, 1, "hiding")
            relations = {one.code: one.relation for one in framework.indicators}
            safe = make_safe(values, relations, geo.list_parents(), threshold=THRESHOLD)
            result["snapshot"] = monitoring.keep_snapshot(
                framework=framework.code, version=framework.version, as_of=day, inputs=inputs,
                sha256=str(result["sha256"]), values=result["rows"], hidden=[one.hidden for one in safe],
                threshold=THRESHOLD, at=at,
            )  # fmt: skip
        progress(1, 1, "done")
    return result


def measure(*, token: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Compute and keep all indicators as a job: as `run`, what comes back is counts, not the values."""
    made = run(token=token, progress=progress, at=at)
    return {"snapshot": made["snapshot"], "values": len(made["rows"]), "sha256": made["sha256"]}


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
    relation_tables.make_household(engine, day)
    relation_tables.make_recipient(engine)
    relation_tables.make_payment(engine)
    counts = {name: int(engine.value(f"SELECT count(*) FROM {name}")) for name in ("household", "recipient", "payment")}
    engine.drop(*readers)
    return {"read": counts, "run": last.id if last else None, "known_at": at.isoformat()}


def _funnel(framework: Framework, values: list[Value]) -> list[dict[str, Any]]:
    top = next((v.area_code for v in values if v.area_level == 0), "")
    return [asdict(stage) for stage in funnel(framework, values, top)]
