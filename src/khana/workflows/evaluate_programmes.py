"""Hold the rule of every programme against the whole registry, apply the exclusion filters, and find the unserved.

Facts are read once, by both clocks; answers are counted by district and kept with the very rules that gave them.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from khana.access import services as access
from khana.beneficiaries import frames as beneficiaries
from khana.beneficiaries import selectors as single_registry
from khana.beneficiaries import standing_frames
from khana.deliveries import selectors as deliveries
from khana.identity import frames as identity
from khana.platform import installation
from khana.platform.frames import FrameSource, open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.programmes import catalogue
from khana.programmes import frames as programmes
from khana.programmes.services import evaluations
from khana.registry import frames as registry
from khana.workflows.programme_facts import mark_of, read_facts
from khana_methods.engine.duckdb import Engine
from khana_methods.overlap import evaluate, unserved
from khana_methods.rules.decide import decidable
from khana_methods.rules.rulebook import read_rules

MEMORY_MIB = 2048


def run(*, token: str, as_of: date | None = None, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Evaluate every programme in force; return the number of the evaluation and its figures.

    Args:
        token: In whose name; it needs `lists.draw` for the whole country.
        as_of: The day for which facts are read and rules are in force; the installation's world date, or today.
        progress: Told phases.
        at: When; what was known at this time is used.
    """
    day = as_of or installation.today(at)
    with access.scoped(token):
        access.require("lists.draw", everywhere=True)
        entries = [entry for entry in catalogue.programme_entries() if catalogue.is_in_force(entry, day)]
        filters = catalogue.filter_entries()
        number = evaluations.start(as_of=day, rules=[*entries, *filters], at=at)
    try:
        with access.scoped(token), open_source() as source:
            return _work(source, number, entries, filters, day, progress, at)
    except BaseException:
        with access.scoped(token):
            evaluations.fail(evaluation=number, at=at)
        raise


def _work(
    source: FrameSource, number: int, entries: list[dict[str, Any]], filters: list[dict[str, Any]], day: date,
    progress: Progress, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    book = read_rules([*(entry["rule"] for entry in entries), *(one["rule"] for one in filters)])
    rules = evaluate.read_programmes(entries, book, day)
    told = [decidable(book.read(one["rule"]["code"], day)) for one in filters if catalogue.is_in_force(one, day)]
    with workplace("scratch") as folder, Engine(memory_mib=MEMORY_MIB, folder=folder) as engine:
        progress(0, 4, "reading")
        read_facts(engine, source, [*(one.rule for one in rules), *told], day=day, known_at=at)
        _single_registry(engine, source, at)
        progress(1, 4, "deciding")
        evaluate.decide_programmes(engine, rules)
        counts = evaluate.count_answers(engine, rules)
        reports = evaluate.exclude(engine, filters, book, on=day, registers="payroll" if engine.has("payroll") else "")
        progress(2, 4, "unserved")
        found = unserved.find_unserved(engine)
        progress(3, 4, "writing")
        counts = _after_filters(engine, counts)
        summary = _summary(counts, reports, found)
        counts = pa.concat_tables([counts, _not_registered(source)])
        snapshot = mark_of(engine)
        rows = engine.table(
            "SELECT * REPLACE (CAST(to_json(eligible_for) AS VARCHAR) AS eligible_for, round(score, 2) AS score) FROM unserved"
        )
        evaluations.write(evaluation=number, counts=counts, unserved=rows, snapshot=snapshot, summary=summary, at=at)
        progress(4, 4, "done")
    return {"evaluation": number, "as_of": day.isoformat(), "snapshot": snapshot, **summary}


def _single_registry(engine: Engine, source: FrameSource, at: datetime) -> None:
    """Read who draws what, what stands in the way of whom, whom outreach could reach, and the payrolls."""
    replaced = deliveries.replaced_batch_ids()
    engine.make_empty("holding", evaluate.holding_frame)
    run = single_registry.newest_run()
    if run is not None:
        engine.register("drawn", beneficiaries.drawn_frame(source, run_id=run.pk))
        engine.register("stuck", standing_frames.stuck_frame(source, without_batches=replaced))
        engine.run("""INSERT INTO holding SELECT DISTINCT s.household_id, d.programme FROM drawn d JOIN slip s USING (household_number)
                      ANTI JOIN stuck k ON k.token = d.id_token AND k.programme = d.programme""")
        engine.drop("drawn", "stuck")
    engine.register("standing", programmes.standing_frame(source), schema=unserved.standing_frame)
    engine.register("reach", registry.reach_frame(source), schema=unserved.reach_frame)
    engine.register("employee", identity.employee_frame(source))
    engine.register("identifier", registry.identifier_frame(source))
    engine.register("number_standing", standing_frames.standing_frame(source, without_batches=replaced))
    engine.run("""INSERT INTO standing SELECT i.household_id, n.standing FROM number_standing n JOIN identifier i USING (token)
                  UNION SELECT s.household_id, n.standing FROM number_standing n JOIN slip s USING (household_number)""")
    engine.register("number", registry.number_frame(source, undisputed=True, known_at=at))
    engine.run(f"""CREATE OR REPLACE TABLE payroll AS SELECT DISTINCT n.person_id, '{catalogue.PAYROLL}' AS filter
                   FROM employee e JOIN number n ON n.token = e.id_token WHERE e.status = 'SERVING'""")
    engine.drop("employee", "identifier", "number", "number_standing")


def _after_filters(engine: Engine, counts: pa.Table) -> pa.Table:
    """Return the counts with those whom filters removed apart from the eligible."""
    engine.register("answer_count", counts)
    area = "coalesce(nullif(split_part(h.area_path, '.', 3), ''), nullif(split_part(h.area_path, '.', 2), ''), '')"
    return engine.table(f"""
        SELECT programme, area_code, outcome, why, units FROM answer_count WHERE outcome <> 'eligible'
        UNION ALL SELECT e.programme, {area}, 'eligible', '', count(*) FROM eligible e JOIN household h USING (household_id) GROUP BY ALL
        UNION ALL SELECT x.programme, {area}, 'excluded', x.filter, count(*) FROM excluded x JOIN household h USING (household_id) GROUP BY ALL
        ORDER BY ALL""")


def _not_registered(source: FrameSource) -> pa.Table:
    """Return residents without a file by district, as counts of no programme."""
    totals: dict[str, int] = {}
    for row in registry.unregistered_frame(source).read_all().to_pylist():
        parts = row["area_path"].rstrip(".").split(".")
        area = parts[2] if len(parts) > 2 else parts[-1]
        totals[area] = totals.get(area, 0) + int(row["persons"])
    schema = pa.schema(
        [
            ("programme", pa.string()),
            ("area_code", pa.string()),
            ("outcome", pa.string()),
            ("why", pa.string()),
            ("units", pa.int64()),
        ]
    )
    rows = [
        {"programme": "", "area_code": area, "outcome": "not_registered", "why": "", "units": n}
        for area, n in sorted(totals.items())
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def _summary(counts: pa.Table, reports: dict[str, dict[str, Any]], found: dict[str, Any]) -> dict[str, Any]:
    """Return figures for pages: answers by programme, filters by programme, the unserved; never one household."""
    programmes_told: dict[str, dict[str, int]] = {}
    for row in counts.to_pylist():
        of = programmes_told.setdefault(
            row["programme"], {"eligible": 0, "not_eligible": 0, "unknown": 0, "excluded": 0}
        )
        of[row["outcome"]] += row["units"]
    return {"programmes": programmes_told, "filters": json.loads(json.dumps(reports)), "unserved": found}
