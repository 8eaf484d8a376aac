"""What pages read instead of the registry: the simulator's cube, the rule editor's sample of facts, a survey.

Made by a scoring run, or by `khana simulate prepare` from the scores in force; each holds counts, or facts
without names, numbers and small places. A page asks them and never the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from khana.access import services as access
from khana.assessment import frames as assessment
from khana.assessment import model_store
from khana.assessment.services import keep_snapshot
from khana.beneficiaries import frames as beneficiaries
from khana.platform import installation
from khana.platform.frames import open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.engine.files import load_table
from khana_methods.errors import InputError
from khana_methods.pmt.features import FLAG, NUMBER, TEXT, column_types, prepared_sql, reading
from khana_methods.pmt.score import score_sql
from khana_methods.rules import snapshot
from khana_methods.targeting.simulate import STEP, cube_frame, survey_frame

MEMORY_MIB = 2048
SAMPLE = 20_000
# what the simulator asks of every household beside the model's own facts
GROUPS = frozenset({"sex", "relation", "disability", "household_size"})


class SurveyInvalid(InputError):
    """The survey lacks a column, or no row of it can be used."""

    code: ClassVar[str] = "workflows.simulation.survey_invalid"


def prepare(*, token: str, as_of: date | None = None, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Make cube and sample of the scores in force, whoever made them.

    Args:
        token: In whose name; it needs `scores.run` for the whole country.
        as_of: The day that facts and scores are read for; the installation's world date, or today.
        progress: Told phases.
        at: When.
    """
    day = as_of or installation.today(at)
    with workplace("scratch") as folder, Engine(memory_mib=MEMORY_MIB, folder=folder) as engine, access.scoped(token):
        access.require("scores.run", everywhere=True)
        progress(0, 3, "reading")
        read_texts(engine, day, at)
        progress(1, 3, "preparing")
        sample = sample_of_facts(engine, day)
        snapshot.type_facts(engine, as_of=day, wanted=GROUPS)
        engine.run(
            "CREATE OR REPLACE TABLE counted AS SELECT h.household_id, f.score FROM household h LEFT JOIN score_in_force f USING (household_id)"
        )
        progress(2, 3, "writing")
        summary = {"model": "", "as_of": day.isoformat()}
        counts = write_snapshots(engine, run_id=None, summary=summary, sample=sample, at=at)
        progress(3, 3, "done")
        return {**summary, **counts}


def read_texts(engine: Engine, day: date, at: datetime) -> None:
    """Read the households, their members, the scores in force and the cash programmes of each into the engine."""
    with open_source() as source:
        households = registry.household_text_frame(source, as_of=day, known_at=at)
        engine.register("household_text", households, schema=snapshot.household_text_frame)
        members = registry.member_text_frame(source, as_of=day, known_at=at)
        engine.register("member_text", members, schema=snapshot.member_text_frame)
        engine.register("score_in_force", assessment.score_frame(source, as_of=day))
        engine.register("cash_number", beneficiaries.cash_frame(source))
        engine.register("slip", registry.slip_frame(source))
    engine.run(
        """CREATE OR REPLACE TABLE cash_drawn AS SELECT s.household_id, c.cash
           FROM cash_number c JOIN slip s USING (household_number)"""
    )
    engine.drop("cash_number", "slip")


def sample_of_facts(engine: Engine, day: date) -> Mapping[str, pa.Table]:
    """Return typed facts of at most `SAMPLE` households drawn by a fixed hash, and of their members.

    Names, numbers, addresses and areas below the district are left empty; ids are numbered anew.
    """
    with Engine(memory_mib=MEMORY_MIB // 2, threads=1) as apart:
        drawn = f"SELECT household_id FROM household_text ORDER BY hash(household_id) LIMIT {SAMPLE}"
        apart.register("household_text", engine.table(f"SELECT * FROM household_text WHERE household_id IN ({drawn})"))
        apart.register("member_text", engine.table(f"SELECT * FROM member_text WHERE household_id IN ({drawn})"))
        apart.register("score_in_force", engine.table(f"SELECT * FROM score_in_force WHERE household_id IN ({drawn})"))
        snapshot.type_facts(apart, as_of=day)
        apart.run(
            "CREATE TABLE anew AS SELECT household_id, row_number() OVER (ORDER BY hash(household_id)) AS n FROM household"
        )
        blank = "NULL::VARCHAR AS tehsil_code, NULL::VARCHAR AS union_code, NULL::VARCHAR AS area_code"
        return {
            "household": apart.table(
                f"SELECT h.* EXCLUDE (area_path) REPLACE (n AS household_id, {blank}) FROM household h JOIN anew USING (household_id)"
            ),
            "member": apart.table(
                "SELECT m.* REPLACE (n AS household_id, row_number() OVER () AS person_id) FROM member m JOIN anew USING (household_id)"
            ),
        }


def write_snapshots(
    engine: Engine,
    *,
    run_id: int | None,
    summary: Mapping[str, Any],
    sample: Mapping[str, pa.Table] | None,
    at: datetime,
) -> dict[str, Any]:
    """Keep the cube of the table `counted` (`household_id`, `score`) and the sample; return counts."""
    cube = engine.table(_CUBE).cast(cube_frame)
    total, scored = engine.rows("SELECT count(*), count(score) FROM counted")[0]
    told = {**summary, "households": int(total), "scored": int(scored), "cells": cube.num_rows}
    number = keep_snapshot.keep(kind="CUBE", tables={"cube": cube}, run_id=run_id, summary=told, at=at)
    if sample is not None:
        keep_snapshot.keep(
            kind="FACTS", tables=sample, run_id=run_id, at=at,
            summary={**summary, "households": int(total), "drawn": sample["household"].num_rows},
        )  # fmt: skip
    return {"cube": number, "households": int(total), "scored": int(scored), "cells": cube.num_rows}


_CUBE = f"""
    WITH who AS (SELECT household_id, coalesce(bool_or(relation = 'head' AND sex = 'F'), false) AS female_head,
                        coalesce(bool_or(coalesce(disability, 'none') <> 'none'), false) AS disability
                 FROM member GROUP BY household_id),
         drawn AS (SELECT household_id, max(cash) AS cash FROM cash_drawn GROUP BY household_id)
    SELECT coalesce(nullif(split_part(h.area_path, '.', 2), ''), '') AS province,
           coalesce(nullif(split_part(h.area_path, '.', 3), ''), '') AS district,
           CAST(ceil(c.score * {STEP} - 1e-9) AS INTEGER) AS bin, coalesce(w.female_head, false) AS female_head,
           coalesce(w.disability, false) AS disability, CAST(least(coalesce(d.cash, 0), 9) AS INTEGER) AS cash,
           count(*) AS households, CAST(sum(coalesce(h.household_size, 0)) AS BIGINT) AS persons
    FROM counted c JOIN household h USING (household_id) LEFT JOIN who w USING (household_id)
         LEFT JOIN drawn d USING (household_id)
    WHERE c.score IS NOT NULL GROUP BY ALL ORDER BY ALL"""


def load_survey(
    *, token: str, path: Path, welfare: str, size: str, weight: str = "", score: str = "", model: str = "",
    version: int | None = None, province: str = "", female_head: str = "", disability: str = "", title: str = "",
    at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Keep a consumption survey for the simulator: who is poor, and which score each household would have.

    Args:
        token: In whose name; it needs `models.write`.
        path: CSV, XLSX, Parquet or Stata, one row a household.
        welfare: Column with consumption of one person in a year.
        size: Column with members.
        weight: Column with the household's weight; every household counts once where it is empty.
        score: Column with the score; the model scores the rows where it is empty.
        model: Code of a model of the store whose variables are columns of the file.
        version: Its version.
        province: Column with the code of the province, as the registry's areas have it.
        female_head: Column that is true or 1 where a woman heads the household.
        disability: Column that is true or 1 where a member has a disability.
        title: How the survey is called on the page.
        at: When.

    Raises:
        SurveyInvalid: A column is missing, or no row is complete.
    """
    named = [c for c in (welfare, size, weight, score, province, female_head, disability) if c]
    with Engine(memory_mib=MEMORY_MIB // 2) as engine:
        load_table(engine, "given", path)
        engine.run("CREATE TABLE arrived AS SELECT row_number() OVER () AS household_id, * FROM given")
        engine.drop("given")
        there = column_types(engine, "arrived")
        missing = [column for column in named if column not in there]
        if missing:
            raise SurveyInvalid(f"The survey lacks the column(s) {', '.join(missing)}.", columns=missing)
        by = ""
        if not score:
            with access.scoped(token):
                known = model_store.model_of_code(model, version)
            absent = [column for column in known.model.columns() if column not in there]
            if absent:
                raise SurveyInvalid(f"The survey lacks the column(s) {', '.join(absent)}.", columns=absent)
            prepared = prepared_sql(known.model, "arrived", there)
            engine.run(
                f"CREATE TABLE points AS SELECT household_id, score FROM ({score_sql(known.model, f'({prepared})')})"
            )
            by = f"{known.code}/{known.version}"
        rows = engine.table(_survey_sql(there, welfare, size, weight, score, province, female_head, disability)).cast(
            survey_frame
        )
    complete = int(rows.num_rows)
    if not complete:
        raise SurveyInvalid("No row of the survey has score, welfare and size.")
    with access.scoped(token):
        access.require("models.write", everywhere=True)
        summary = {"title": title or path.stem, "households": complete, "model": by, "score": score, "welfare": welfare}
        number = keep_snapshot.keep(kind="SURVEY", tables={"survey": rows}, run_id=None, summary=summary, at=at)
    return {"survey": number, **summary}


def _survey_sql(
    there: Mapping[str, str], welfare: str, size: str, weight: str, score: str, province: str, female_head: str, disability: str
) -> str:  # fmt: skip
    def column(name: str, kind: str, absent: str) -> str:
        return f"({reading(name, there[name], kind)})" if name else absent

    value, join = (column(score, NUMBER, ""), "") if score else ("p.score", "JOIN points p USING (household_id)")
    return f"""SELECT * FROM (
        SELECT {value} AS score, {column(welfare, NUMBER, "")} AS welfare, {column(weight, NUMBER, "1::DOUBLE")} AS weight,
               {column(size, NUMBER, "")} AS size, {column(province, TEXT, "NULL::VARCHAR")} AS province,
               coalesce({column(female_head, FLAG, "false")}, false) AS female_head,
               coalesce({column(disability, FLAG, "false")}, false) AS disability
        FROM arrived a {join})
        WHERE score IS NOT NULL AND welfare IS NOT NULL AND size > 0 AND weight > 0"""
