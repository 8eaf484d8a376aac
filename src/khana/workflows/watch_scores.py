"""Watch for answers that were bent towards a cut-off: heaps under it, enumerators whose scores are low, answers changed.

Set operations over the scores in force. What it finds asks for a look and accuses nobody: poor villages have
low scores, and a household may have become poorer.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from khana.access import services as access
from khana.assessment import watch_frames
from khana.assessment.services import keep_study
from khana.audit import services as audit
from khana.platform import installation
from khana.platform.frames import open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.workflows import simulation
from khana_methods.engine.duckdb import Engine
from khana_methods.rules import snapshot
from khana_methods.targeting.watch import changed_answers, enumerators, heaps


def run(
    *, token: str, cut_off: float, width: float = 2.0, days: int = 365, fewest: int = 20, as_of: date | None = None,
    progress: Progress = silent, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Look for heaps by district, enumerators with low scores, and households rescored under the cut-off; keep the study.

    Args:
        token: In whose name; it needs `scores.run` for the whole country.
        cut_off: Highest score that a programme takes.
        width: Width of the windows under and over it, in points.
        days: A second interview within so many days counts as changed answers.
        fewest: Groups with fewer households are left out: chance alone makes them odd.
        as_of: The day that scores are read for.
        progress: Told phases.
        at: When.
    """
    day = as_of or installation.today(at)
    with workplace("scratch") as folder, Engine(memory_mib=1024, folder=folder) as engine, access.scoped(token):
        access.require("scores.run", everywhere=True)
        progress(0, 2, "reading")
        simulation.read_texts(engine, day, at)
        with open_source() as source:
            engine.register("second_score", watch_frames.second_score_frame(source))
        snapshot.type_facts(engine, as_of=day, wanted={"enumerator_code", "score"})
        engine.run(
            """CREATE TABLE watched AS SELECT household_id, split_part(area_path, '.', 3) AS district,
                      coalesce(enumerator_code, '') AS enumerator, score FROM household WHERE score IS NOT NULL"""
        )
        progress(1, 2, "checks")
        result: dict[str, Any] = {
            "cut_off": cut_off, "width": width, "as_of": day.isoformat(),
            "heaps": heaps(engine, cut_off=cut_off, width=width, fewest=fewest),
            "enumerators": enumerators(engine, cut_off=cut_off, fewest=fewest),
            "changed_answers": changed_answers(engine, cut_off=cut_off, days=days),
        }  # fmt: skip
        audit.record(
            action="assessment.scores.watched", subject=f"cut_off:{cut_off:g}",
            details={"heaps": len(result["heaps"]), "enumerators": len(result["enumerators"])}, at=at,
        )  # fmt: skip
        asked = {"cut_off": cut_off, "width": width, "days": days, "fewest": fewest, "as_of": day}
        study = keep_study.keep_study(kind="WATCH", asked=asked, result=result, at=at)
        progress(2, 2, "done")
        return {**result, "study": study}
