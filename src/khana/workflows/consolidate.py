"""The main job: every list against every register, in one run whose results can be replayed.

Frames are read in one snapshot under the caller's scope, compared in the analytical engine, and
written back as set operations. The run names every batch it read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from khana.access import services as access
from khana.assessment import frames as assessment
from khana.beneficiaries import frames as beneficiaries
from khana.beneficiaries.services import record_run
from khana.deliveries import selectors as deliveries
from khana.geo import frames as geo
from khana.identity import frames as identity
from khana.platform import faults, installation
from khana.platform.frames import FrameSource, open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.programmes.selectors import get_programme_frame
from khana.registry import frames as registry
from khana.registry.report_rows import count_residents
from khana.workflows import recognise_persons
from khana_methods import records
from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.consolidate import consolidate
from khana_methods.overlap.parameters import Parameters

FRAMES: tuple[tuple[str, Callable[[FrameSource], pa.RecordBatchReader]], ...] = (
    ("identifier_frame", registry.identifier_frame),
    ("person_frame", registry.person_frame),
    ("household_frame", registry.household_frame),
    ("resident_frame", registry.resident_frame),
    ("score_frame", assessment.score_frame),
    ("national_id_frame", identity.national_id_frame),
    ("sim_frame", identity.sim_frame),
    ("employee_frame", identity.employee_frame),
    ("exit_frame", beneficiaries.exit_frame),
    ("stop_frame", beneficiaries.stop_frame),
    ("area_frame", geo.area_frame),
)
MEMORY_MIB = 3072


def run(
    *, token: str, as_of: date | None = None, progress: Progress = silent, at: datetime, memory_mib: int = MEMORY_MIB
) -> dict[str, Any]:
    """Consolidate everything that is loaded; return the run's number and summary.

    Args:
        token: In whose name; it needs `consolidate.run` for the whole country.
        as_of: The day the question is asked of; the installation's world date, or today.
        progress: Told phases.
        at: When.
        memory_mib: Memory that the engine may hold before it spills to disk.
    """
    parameters = _parameters(as_of, at)
    with access.scoped(token):
        access.require("consolidate.run", everywhere=True)
        run_id = record_run.start_run(parameters=parameters.as_json(), inputs=deliveries.describe_loaded(), at=at)
    faults.reach("consolidate.started")
    try:
        summary = _work(token, run_id, parameters, progress, memory_mib, at)
    except BaseException:
        with access.scoped(token):
            record_run.fail_run(run_id=run_id, at=at)
        raise
    faults.reach("consolidate.committed")
    return {"run": run_id, **summary}


def _parameters(as_of: date | None, at: datetime) -> Parameters:
    settings = installation.read()
    stated = settings.get("parameters", {})
    day = as_of or (date.fromisoformat(settings["world_date"]) if "world_date" in settings else at.date())
    parameters = Parameters(as_of=day)
    return replace(
        parameters,
        cap=int(stated.get("cap", parameters.cap)),
        poor_cutoff=float(stated.get("cut_off", parameters.poor_cutoff)),
        well_off_percentile=float(stated.get("well_off_percentile", parameters.well_off_percentile)),
    )


def _work(
    token: str, run_id: int, parameters: Parameters, progress: Progress, memory_mib: int, at: datetime
) -> dict[str, Any]:
    steps = len(FRAMES) + 1
    with (
        workplace("scratch") as folder,
        Engine(memory_mib=memory_mib, folder=folder) as engine,
        access.scoped(token),
    ):
        record_run.hold_run(run_id=run_id)
        with open_source() as source:
            replaced = deliveries.replaced_batch_ids()
            benefits = beneficiaries.benefit_frame(source, without_batches=replaced)
            engine.register("benefit_frame", benefits, schema=records.benefit_frame)
            for number, (name, frame) in enumerate(FRAMES):
                progress(number, steps, "reading")
                reader = (
                    assessment.score_frame(source, as_of=parameters.as_of) if name == "score_frame" else frame(source)
                )
                engine.register(name, reader, schema=records.FRAMES[name])
            recognised = recognise_persons.read(engine, source, without_batches=replaced)
        faults.reach("consolidate.frames_read")
        engine.register("programme_frame", get_programme_frame(), schema=records.programme_frame)
        progress(0, 1, "recognising")
        recognise_persons.recognise(engine, recognised)
        done = consolidate(
            engine,
            parameters,
            lambda step, share: progress(int(share * 100), 100, step),
            linkers=recognised.linkers,
            checks=recognised.checks,
        )
        faults.reach("consolidate.compared")
        progress(0, 1, "writing")
        record_run.write_results(
            run_id=run_id,
            findings=lambda: engine.reader("SELECT * FROM finding"),
            recipients=lambda: engine.reader(_RECIPIENTS),
            unserved=lambda: engine.reader(
                "SELECT * REPLACE (to_json(eligible_for)::VARCHAR AS eligible_for) FROM unserved"
            ),
            figures=lambda: engine.reader(_FIGURES),
            summary={**done.summary, **_for_pages(engine), "registers": _registers(engine)},
            at=at,
        )
        record_run.forget_old_results()
        recognise_persons.record(engine, recognised, cap=parameters.cap, at=at)
        faults.reach("consolidate.before_commit")
        progress(1, 1, "done")
        return {**done.summary, **_of_model(recognised)}


def _of_model(recognised: recognise_persons.Recognised) -> dict[str, Any]:
    """Name the matching model that linked, and what it did; nothing where none is in use."""
    if recognised.card is None:
        return {}
    return {"matching": {"model": recognised.card.version, **(recognised.counts or {})}}


_RECIPIENTS = """SELECT * EXCLUDE (id_token) REPLACE (to_json(agencies)::VARCHAR AS agencies,
    to_json(programmes)::VARCHAR AS programmes), CASE WHEN id_token IS NOT NULL THEN '\\x' || lower(hex(id_token)) END AS id_token
    FROM recipient"""


# how many draw from two programmes or more, beside the figures that the methods give
_FIGURES = """SELECT area_code, level, figure, programme, value FROM area_figure
    UNION ALL
    SELECT a.above_code, a.level, 'overlaps', '', count(*)
    FROM recipient r JOIN work_area a ON a.area_code = r.area_code
    WHERE len(r.programmes) > 1 GROUP BY a.above_code, a.level"""


def _registers(engine: Engine) -> dict[str, int]:
    """Count both registers and what each holds that the other does not, for the page of the registers."""
    members, unregistered = engine.rows("""
        SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
            SELECT 1 FROM identifier_frame i JOIN resident_frame r USING (token) WHERE i.person_id = p.person_id))
        FROM person_frame p WHERE p.is_member""")[0]
    return {**count_residents(), "members": int(members), "members_in_no_register": int(unregistered)}


def _for_pages(engine: Engine) -> dict[str, Any]:
    """Return what pages show without counting rows: pairs, persons on several lists, findings by source."""
    pairs = engine.rows("SELECT programme_a, programme_b, persons, households FROM pair_overlap ORDER BY 1, 2")
    by_source: dict[str, dict[str, int]] = {}
    for source, code, rows in engine.rows("""
        SELECT l.source, f.code, count(DISTINCT f.benefit_id)
        FROM finding f JOIN work_row r USING (benefit_id) JOIN work_list l USING (list_no)
        GROUP BY l.source, f.code ORDER BY l.source, f.code
        """):
        by_source.setdefault(source, {})[code] = int(rows)
    return {
        "pair_overlap": [{"a": a, "b": b, "persons": persons, "households": homes} for a, b, persons, homes in pairs],
        "overlaps": int(engine.value("SELECT count(*) FROM recipient WHERE len(programmes) > 1")),
        "findings_by_source": by_source,
    }
