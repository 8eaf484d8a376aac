"""Score the whole registry with the model in force: facts out as frames, reckoned in the engine, scores in by COPY.

The facts are read in one snapshot under the caller's scope: as they stood on a day and were known at
the moment the run began. The run names the model, the day, that moment and a hash over the facts, so
that every score of it can be replayed. A trial with any model writes figures for the simulator and no score.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from khana.access import services as access
from khana.assessment import model_store
from khana.assessment.services import record_scores
from khana.platform import faults, installation
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.workflows import simulation
from khana_methods.engine.duckdb import Engine
from khana_methods.pmt import from_facts
from khana_methods.pmt.model import PmtModel
from khana_methods.rules import snapshot

MEMORY_MIB = 2048
STEPS = 6


def run(
    *, token: str, as_of: date | None = None, model: str = "", version: int | None = None, trial: bool = False,
    progress: Progress = silent, at: datetime, memory_mib: int = MEMORY_MIB,
) -> dict[str, Any]:  # fmt: skip
    """Score every household; return the run's number and figures.

    Args:
        token: In whose name; it needs `scores.run` for the whole country.
        as_of: The day for which facts are read and ages reckoned; the installation's world date, or today.
        model: Code of a model, for a trial; the model in force on that day otherwise.
        version: Its version.
        trial: Write figures for the simulator, and no score.
        progress: Told phases.
        at: When; what was known at this time is used.
        memory_mib: Memory that the engine may hold before it spills to disk.

    Raises:
        NoModelInForce: Two people have signed no model for that day.
    """
    day = as_of or installation.today(at)
    with access.scoped(token):
        access.require("scores.run", everywhere=True)
        known, months = _model(day, model, version, trial)
        run_id = record_scores.start_run(model_id=known.id, as_of=day, is_trial=trial, at=at)
    faults.reach("scoring.started")
    try:
        result = _work(token, run_id, known.model, months, day, trial, progress, memory_mib, at)
    except BaseException:
        with access.scoped(token):
            record_scores.fail_run(run_id=run_id, at=at)
        raise
    faults.reach("scoring.committed")
    return {"run": run_id, "model": f"{known.code}/{known.version}", "as_of": day.isoformat(), "trial": trial, **result}


def _model(day: date, code: str, version: int | None, trial: bool) -> tuple[model_store.KnownModel, int]:
    if trial and code:
        return model_store.model_of_code(code, version), 0
    current = model_store.get_in_force(day)
    current.known.model.check_in_force(day)
    return current.known, current.signatures.recertify_months


def _work(
    token: str,
    run_id: int,
    model: PmtModel,
    months: int,
    day: date,
    is_trial: bool,
    progress: Progress,
    memory_mib: int,
    at: datetime,
) -> dict[str, Any]:
    with (
        workplace("scratch") as folder,
        Engine(memory_mib=memory_mib, folder=folder) as engine,
        access.scoped(token),
    ):
        record_scores.hold_run(run_id=run_id)
        progress(0, STEPS, "reading")
        simulation.read_texts(engine, day, at)
        faults.reach("scoring.frames_read")
        progress(1, STEPS, "preparing")
        sample = None if is_trial else simulation.sample_of_facts(engine, day)
        engine.drop("score_in_force")
        progress(2, STEPS, "preparing")
        snapshot.type_facts(engine, as_of=day, wanted=from_facts.facts_read(model) | simulation.GROUPS)
        progress(3, STEPS, "scoring")
        from_facts.score_facts(engine, model)
        mark, summary = _snapshot_mark(engine), figures(engine)
        progress(4, STEPS, "writing")
        counts = record_scores.write_scores(
            run_id=run_id, scored=lambda: engine.reader(_rows(months)), snapshot=mark, summary=summary, at=at
        )
        engine.run("CREATE OR REPLACE TABLE counted AS SELECT household_id, score FROM scored")
        about = {"model": f"{model.code}/{model.version}", "as_of": day.isoformat()}
        simulation.write_snapshots(engine, run_id=run_id, summary=about, sample=sample, at=at)
        faults.reach("scoring.before_commit")
        progress(STEPS, STEPS, "done")
        return {"snapshot": mark, **{k: v for k, v in summary.items() if k != "quantiles"}, **counts}


def _rows(months: int) -> str:
    """Write the rows as `record_scores.COLUMNS` wants them: lists as PostgreSQL's array text."""
    due = f"CAST(survey_date + INTERVAL {months} MONTH AS DATE)" if months else "CAST(NULL AS DATE)"
    return f"""SELECT household_id, area_path, score, survey_date AS score_date, raw, percentile, class AS class_name,
        '{{' || array_to_string(list_transform(contributions, lambda c: coalesce(CAST(c AS VARCHAR), 'NULL')), ',') || '}}'
            AS contributions,
        '{{' || array_to_string(missing, ',') || '}}' AS missing, '{{' || array_to_string(unseen, ',') || '}}' AS unseen,
        facts_mark, {due} AS due_on FROM scored"""


def _snapshot_mark(engine: Engine) -> str:
    """Return one hash over every household's values, whatever their order."""
    return str(
        engine.value(
            "SELECT md5(CAST(count(*) AS VARCHAR) || ':' || CAST(coalesce(bit_xor(md5_number(household_id || facts_mark)), 0) AS VARCHAR)) FROM scored"
        )
    )


def figures(engine: Engine) -> dict[str, Any]:
    """Return the figures of a run for pages: counts, classes, quantiles, what was missing; never one household."""
    total, scored, mean = engine.rows("SELECT count(*), count(score), avg(score) FROM scored")[0]
    classes = engine.rows("SELECT class, count(*) FROM scored WHERE class <> '' GROUP BY class ORDER BY class")
    missing = engine.rows(
        "SELECT v, count(*) FROM (SELECT unnest(missing) AS v FROM scored) GROUP BY v ORDER BY 2 DESC, v"
    )
    unseen = engine.rows(
        "SELECT v, count(*) FROM (SELECT unnest(unseen) AS v FROM scored) GROUP BY v ORDER BY 2 DESC, v"
    )
    return {
        "households": int(total), "scored": int(scored), "refused": int(total - scored),
        "mean": round(float(mean), 2) if mean is not None else None, "classes": dict(classes), "missing": dict(missing),
        "unseen": dict(unseen), "quantiles": from_facts.quantiles(engine),
    }  # fmt: skip
