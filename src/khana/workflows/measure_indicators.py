"""Every indicator of the country's framework, computed from one state of the registers and kept as a snapshot.

The registers are read in one repeatable-read transaction with the day that is asked of and the time that it was known; the
snapshot names the consolidation, the counts of what was read and the hash of its values, so that it can be made again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from khana.access import services as access
from khana.assessment import frames as assessment
from khana.beneficiaries import chain_frames as chain
from khana.beneficiaries import frames as beneficiaries
from khana.beneficiaries.results import latest_run
from khana.deliveries import selectors as deliveries
from khana.geo import area_names
from khana.geo import selectors as geo
from khana.grievances import frames as grievances
from khana.monitoring import budgets
from khana.monitoring import services as monitoring
from khana.monitoring.frameworks import country_in_use, due_by, framework_of, parameters_on
from khana.platform import installation
from khana.platform.frames import FrameSource, open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.programmes import frames as programmes
from khana.registry import frames as registry
from khana_methods.coverage import relation_tables
from khana_methods.coverage.budgets import Spending, execute
from khana_methods.coverage.framework import RELATIONS, Framework, Indicator
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
        token: In whose name; `registry.read`, `scores.read`, `recipients.read` and `benefits.read` for the whole country, and
            `monitoring.write`. Indicators of enrolments and of grievances need `lists.read` and `filters.appeal` for the whole
            country too; without one of these they are left out, and `inputs` says so.
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
        for permission in ("registry.read", "scores.read", "recipients.read", "benefits.read"):
            access.require(permission, everywhere=True)
        inputs = _read(engine, day, at, parameters, progress)
        progress(0, 1, "computing")
        framework = _seen(framework, inputs["unseen"])
        spending = relation_tables.make_spending(engine)
        engine.drop("given_sum")
        _budget(engine, spending, day)
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
                threshold=THRESHOLD, spending=spending, at=at,
            )  # fmt: skip
        progress(1, 1, "done")
    return result


def measure(*, token: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Compute and keep all indicators as a job: as `run`, what comes back is counts, not the values."""
    made = run(token=token, progress=progress, at=at)
    return {"snapshot": made["snapshot"], "values": len(made["rows"]), "sha256": made["sha256"]}


# what a relation needs to be seen whole: half of it would be a wrong figure, not a smaller one
_NEEDS = {"enrolment": ("lists.read",), "grievance": ("lists.read", "filters.appeal")}
_OF_ENROLMENTS = re.compile(r"\b(enrolments|waiting)\b")


def _unseen() -> dict[str, str]:
    """Return the relations that the caller may not see whole, each with the permission that is missing."""
    missing = {}
    for relation, permissions in _NEEDS.items():
        for permission in permissions:
            try:
                access.require(permission, everywhere=True)
            except access.PermissionMissing:
                missing[relation] = permission
    return missing


def _seen(framework: Framework, unseen: Mapping[str, str]) -> Framework:
    """Return the framework without the indicators that ask what the caller may not see whole."""

    def asks(one: Indicator) -> bool:
        rules = f"{one.numerator} {one.denominator}"
        return one.relation in unseen or ("enrolment" in unseen and bool(_OF_ENROLMENTS.search(rules)))

    kept = [one for one in framework.indicators if not asks(one)]
    codes = {one.code for one in kept}
    return replace(framework, indicators=kept, funnel=[step for step in framework.funnel if step.code in codes])


def _read(engine: Engine, day: date, at: datetime, parameters: dict[str, float], progress: Progress) -> dict[str, Any]:
    """Stream the registers into the engine and make the relations; return what was read."""
    last, unseen = latest_run(), _unseen()
    replaced = deliveries.replaced_batch_ids()
    with open_source() as source:
        readers: dict[str, Any] = {
            "given_text": lambda: registry.household_text_frame(source, as_of=day, known_at=at),
            "given_household": lambda: registry.household_frame(source),
            "given_marks": lambda: registry.household_marks_frame(source),
            "given_score": lambda: assessment.score_frame(source, as_of=day),
            "given_recipient": lambda: beneficiaries.recipient_frame(source, run_id=last.id if last else 0),
            "given_monthly": lambda: chain.monthly_frame(source, run_id=last.id if last else 0, without_batches=replaced),
            "given_sum": lambda: chain.spending_frame(
                source, days_allowed=int(parameters.get("payment_days", 0)), without_batches=replaced
            ),
            "given_enrolment": lambda: chain.enrolment_frame(source, without_batches=replaced),
            "given_place": lambda: programmes.place_frame(source),
            "given_grievance": lambda: programmes.case_frame(source),
            "given_reopened": lambda: chain.case_frame(source),
            "given_said": lambda: grievances.case_frame(source),
        }  # fmt: skip
        for number, (name, read) in enumerate(readers.items()):
            progress(number, len(readers), "reading")
            engine.register(name, read())
        _name_households(engine, source)
    parameters |= _relations(engine, day, unseen)
    made = [name for name in RELATIONS if engine.has(name)]
    counts = {name: int(engine.value(f"SELECT count(*) FROM {name}")) for name in made}
    engine.drop(*(name for name in readers if name != "given_sum"), *unseen)
    return {"read": counts, "run": last.id if last else None, "known_at": at.isoformat(), "unseen": unseen}


def _name_households(engine: Engine, source: FrameSource) -> None:
    """Find the household of enrolments that state none and that no list pays: the registry knows the number."""
    if not engine.value(f"SELECT count(*) FROM given_enrolment WHERE {relation_tables.NAMELESS}"):
        return
    engine.register("given_number", registry.identifier_frame(source))
    relation_tables.name_households(engine)
    engine.drop("given_number")


def _relations(engine: Engine, day: date, unseen: Mapping[str, str]) -> dict[str, float]:
    """Make the relations of the frames; return the ends of the fifths, which rows behind a figure need again."""
    relation_tables.make_enrolment(engine, day)
    edges = relation_tables.fifth_edges(engine)
    relation_tables.make_household(engine, day, edges)
    relation_tables.make_recipient(engine)
    relation_tables.make_payment(engine)
    engine.run(
        """CREATE OR REPLACE TABLE given_case AS FROM given_said
           UNION ALL BY NAME FROM given_grievance UNION ALL BY NAME FROM given_reopened"""
    )
    relation_tables.make_grievance(engine, day, due_by(country_in_use()))
    engine.drop("given_case")
    return {f"fifth_{part}": edge for part, edge in enumerate(edges, start=1)}


def _budget(engine: Engine, spending: Sequence[Mapping[str, Any]], day: date) -> None:
    """Make `budget`: the lines of the fiscal year in which a day lies, each with what was spent against it."""
    lines = [line for line in budgets.list_lines() if line.starts_on <= day <= line.ends_on]
    if not lines:
        return
    spent = [
        Spending(*(row[name] for name in ("programme", "agency", "quarter", "area_code", "amount", "list_rows")))
        for row in spending if row["quarter"] <= day
    ]  # fmt: skip
    top = area_names.top()
    paths = {area.code: area.path for area in area_names.areas(line.area_code for line in lines).values()}
    paths[""] = top.path if top else ""
    rows = [
        {"household_id": number, "programme": found.line.programme, "agency": found.line.agency,
         "government": found.line.government, "year": found.line.year, "amount": float(found.line.amount),
         "spent": found.spent, "area_path": paths.get(found.line.area_code, "")}
        for number, found in enumerate(execute(lines, spent, geo.list_parents()))
    ]  # fmt: skip
    engine.register("budget", pa.Table.from_pylist(rows))


def _funnel(framework: Framework, values: list[Value]) -> list[dict[str, Any]]:
    top = next((v.area_code for v in values if v.area_level == 0), "")
    return [asdict(stage) for stage in funnel(framework, values, top)]
