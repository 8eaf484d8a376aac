"""The scorecard of the Pakistani pack on real household skeletons: read under contract, made of facts, held against consumption.

The sample's households and consumption are real (PSLM 2015-16); the scorecard is of 2005/06 and its points are whole.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa

from khana.deliveries.contracts.loading import load_contract
from khana.deliveries.reading.read import read
from khana.workflows.reading_tools import identifier_rules
from khana_methods.engine.duckdb import Engine
from khana_methods.pmt import from_facts
from khana_methods.pmt.read import load_model
from khana_methods.rules import snapshot
from tests.conftest import REPOSITORY

CONTRACTS = REPOSITORY / "tests" / "data" / "pk-sample" / "contracts"


def rows_of(file: Path, contract: str) -> pa.Table:
    chunks = read(file, load_contract(CONTRACTS / contract), identifiers=identifier_rules("pak"), areas=None)
    return pa.concat_tables([chunk.rows for chunk in chunks], promote_options="permissive")


def test_every_household_is_scored_and_the_poor_score_low(pk_sample: Path) -> None:
    model = load_model(REPOSITORY / "country" / "pak" / "models" / "pak-2009.yaml")
    with Engine(memory_mib=1024, threads=1) as engine:
        engine.register("came", rows_of(pk_sample / "households.csv", "households.yaml"))
        engine.run(
            """CREATE TABLE household_text AS
               SELECT row_number() OVER () AS household_id, household_number, consent, survey_date, CAST(to_json(came) AS VARCHAR) AS facts,
                      'PAK.' || province_code || '.' || district_code || '.' AS area_path
               FROM came QUALIFY row_number() OVER (PARTITION BY household_number ORDER BY survey_date DESC) = 1"""
        )
        engine.run("CREATE TABLE slip AS SELECT household_id, household_number FROM household_text")
        engine.register("person", rows_of(pk_sample / "persons.csv.gz", "persons.yaml"))
        engine.run(
            """CREATE TABLE member_text AS
               SELECT household_id, row_number() OVER () AS person_id, line_no, relation, is_present, sex, marital,
                      birth_date_year AS birth_year, birth_date_month AS birth_month, birth_date_day AS birth_day,
                      h.survey_date, CAST(to_json(person) AS VARCHAR) AS facts
               FROM person JOIN household_text h USING (household_number) WHERE coalesce(is_member, true)"""
        )
        snapshot.type_facts(engine, as_of=date(2026, 6, 30), wanted=from_facts.facts_read(model))
        from_facts.score_facts(engine, model)
        households, scored = engine.rows("SELECT count(*), count(score) FROM scored")[0]
        truth = str(pk_sample / "truth" / "household_truth.csv").replace("'", "''")
        poor = engine.rows(
            f"""SELECT least(floor(score / 20), 3) AS step, avg((percentile_of_truth < 20)::INT) FROM scored JOIN slip USING (household_id)
                JOIN (SELECT CAST(household_id AS VARCHAR) AS household_number, percentile AS percentile_of_truth
                      FROM read_csv('{truth}')) USING (household_number) GROUP BY step ORDER BY step"""
        )
    assert households == scored == 24_359
    shares = [share for _step, share in poor]
    assert shares == sorted(shares, reverse=True), "the higher the score, the fewer poor"
    assert shares[0] > 0.55 and shares[-1] < 0.1
