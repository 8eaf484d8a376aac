"""What else is this family entitled to: every programme that a member may get by what is known, on one page.

What it draws already is left out as far as the reader may see it, and so is what excludes it. Unknown is not no: where
no score or no date of birth is known the page says what to bring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from khana.beneficiaries import results
from khana.dossiers.household_file import household_file
from khana.geo import area_names as geo
from khana.platform import installation
from khana.platform.frames import OwnSource
from khana.programmes import names as programmes
from khana.programmes.selectors import get_programme_frame
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.eligibility import eligible_programmes
from khana_methods.overlap.parameters import Parameters
from khana_methods.records import person_frame, programme_frame


@dataclass(frozen=True)
class Referral:
    """What one household draws and what else it may get.

    Attributes:
        lacking: Facts without which programmes stay closed: `score`, `birth_date`.
    """

    number: str
    way_down: Sequence[geo.AreaName]
    drawn: Sequence[programmes.ProgrammeName]
    offered: Sequence[programmes.ProgrammeName]
    lacking: Sequence[str]


def referral(number: str, *, on: date) -> Referral:
    """Say what a household may get besides what it draws.

    Raises:
        FileNotFound: No such household in scope.
    """
    file = household_file(number)
    catalogue = programmes.catalogue()
    run = results.latest_run()
    found = results.recipients_of_household(run.id, file.facts.number) if run else []
    drawn = {code for row in found for code in row.programmes} | {line.row.programme for line in file.benefits}
    people = registry.person_frame(OwnSource(person_frame), household_id=file.facts.household_id).read_all()
    score = float(file.scores[0].score) if file.scores else None
    codes = [area.code for area in file.way_down]
    offered = _eligible(people, file.facts.household_id, codes, score, sorted(drawn), on) if codes else []
    lacking = ["score"] if score is None else []
    if people.column("birth_year").null_count:
        lacking.append("birth_date")
    return Referral(
        file.facts.number, file.way_down, [catalogue[c] for c in sorted(drawn) if c in catalogue],
        [catalogue[c] for c in offered if c in catalogue], lacking,
    )  # fmt: skip


def _eligible(
    people: pa.Table, household: int, areas: Sequence[str], score: float | None, drawn: Sequence[str], on: date
) -> list[str]:
    """Ask the one place that decides what a household may get, for this household alone."""
    stated = installation.read().get("parameters", {})
    cutoff = float(stated.get("cut_off", Parameters(as_of=on).poor_cutoff))
    here = areas[-1]
    with Engine(memory_mib=256, threads=1) as engine:
        engine.register("person_frame", people)
        engine.register("programme_frame", get_programme_frame(), schema=programme_frame)
        # without a score only what asks for none is open: 100 is let through by no cut-off
        home = {"household_id": [household], "area_code": [here], "score": [100.0 if score is None else score]}
        engine.register("home", pa.table(home))
        engine.register("held", pa.table({"household_id": pa.array([household] * len(drawn), pa.int64()),
                                          "programme": pa.array(list(drawn), pa.string())}))  # fmt: skip
        engine.register("work_area", pa.table({"area_code": [here] * len(areas), "above_code": list(areas)}))
        engine.register("work_parameter", pa.table({"as_of": pa.array([on], pa.date32()), "poor_cutoff": [cutoff]}))
        eligible_programmes(engine, households="home", holdings="held", into="referred")
        return list(engine.value("SELECT eligible_for FROM referred"))
