"""Matching at the scale of a country: the curve up to a million persons and on, out of core, quality beside speed.

Persons are those of a made-up country: the folder KHANA_BENCH_COUNTRY, that of a kept world (KHANA_BENCH_KEEP), or one made for
the purpose. The model is trained on the first 150,000; then for each size the register is laid out, duplicates are found, and a
list of ten thousand rows without a number is linked. The limit is Splink alone on the same keys (KHANA_BENCH_LIMIT=0 leaves it
out, KHANA_BENCH_CURVE=0 the smaller sizes); KHANA_BENCH_MEMORY is what the engine may hold, in MiB, before it spills.
"""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from khana_methods.engine.duckdb import Engine
from khana_methods.matching import backends
from khana_methods.matching.evaluate import quality, wilson
from khana_methods.matching.link import decisions, find_duplicates, link_list
from khana_methods.matching.model import ModelCard
from khana_methods.matching.prepare import prepare
from khana_methods.matching.train import train
from khana_methods.matching.weights import LEAST_KEPT

SIZE = 1_000_000
_TRAINED = 150_000
_LIST = 10_000
_PEOPLE = """
CREATE TEMP TABLE together AS SELECT household_id, min(least(first, household_id)) AS first FROM (
    SELECT household_id, min(household_id) OVER (PARTITION BY person) AS first, count(*) OVER (PARTITION BY person) AS files
    FROM read_csv('{keys}', all_varchar = true)) WHERE files > 1 GROUP BY household_id;
CREATE TEMP TABLE h AS SELECT household_id, district_code, tehsil_code, con FROM (
    SELECT household_id, district_code, tehsil_code, regexp_replace(coalesce(contact_mobile, ''), '[^0-9]', '', 'g') AS con,
    hash(coalesce(first, household_id)) AS place
    FROM read_csv('{folder}/households.csv', all_varchar = true) LEFT JOIN together USING (household_id)) ORDER BY place LIMIT {homes};
CREATE TEMP TABLE p AS SELECT *, line_no::INT AS ln, regexp_replace(coalesce(id_number, ''), '[^0-9]', '', 'g') AS num,
    regexp_replace(coalesce(mobile, ''), '[^0-9]', '', 'g') AS mob
    FROM read_csv('{folder}/persons.csv', all_varchar = true) SEMI JOIN h USING (household_id);
CREATE TEMP TABLE kin AS SELECT a.household_id, a.ln, list(b.name) AS names, list(b.num) FILTER (b.num <> '') AS nums
    FROM p a JOIN p b ON a.household_id = b.household_id AND b.ln <> a.ln AND (
        b.ln IN (try_cast(a.spouse_line AS INT), try_cast(a.father_line AS INT), try_cast(a.mother_line AS INT))
        OR a.ln IN (try_cast(b.spouse_line AS INT), try_cast(b.father_line AS INT), try_cast(b.mother_line AS INT)))
    GROUP BY ALL;
"""
_REGISTRY = """
SELECT p.household_id || '/' || p.ln AS record_id, 'REGISTRY' AS side, p.household_id, coalesce(name, '') AS name,
    coalesce(name_urdu, '') AS native_name, coalesce(father_husband_name, '') AS guardian_name,
    CASE WHEN sex = '1' OR marital IN ('1', '5') THEN 'F' WHEN marital = '2' THEN 'H' ELSE '' END AS guardian_kind,
    CASE sex WHEN '1' THEN 'M' WHEN '2' THEN 'F' ELSE 'O' END AS sex,
    try_cast(split_part(dob, '-', 1) AS INT) AS birth_year, try_cast(split_part(dob, '-', 2) AS INT) AS birth_month,
    try_cast(split_part(dob, '-', 3) AS INT) AS birth_day, num AS number,
    CASE WHEN mob <> '' THEN '+92' || ltrim(mob, '0') ELSE '' END AS mobile,
    CASE WHEN con <> '' THEN '+92' || ltrim(con, '0') ELSE '' END AS household_mobile, district_code, tehsil_code,
    coalesce(kin.names, []) AS kin_names, coalesce(kin.nums, []) AS kin_numbers
FROM p JOIN h USING (household_id) LEFT JOIN kin USING (household_id, ln) {where}
"""
_AUTHORITY = """
SELECT cnic AS number, coalesce(name, '') AS name, coalesce(father_name, '') AS father_name,
    coalesce(husband_name, '') AS husband_name, try_cast(dob AS DATE) AS birth_date, coalesce(father_number, '') AS father_number,
    coalesce(spouse_number, '') AS spouse_number FROM read_csv('{folder}/national_id.csv', all_varchar = true)
WHERE cnic IN (SELECT num FROM p WHERE num <> '' UNION SELECT number FROM sim)
"""


@contextmanager
def country(homes: int) -> Iterator[Path]:
    """Lend the folder of a made-up country of at least so many households."""
    kept = os.environ.get("KHANA_BENCH_COUNTRY") or (
        f"{os.environ['KHANA_BENCH_KEEP']}/country" if os.environ.get("KHANA_BENCH_KEEP") else ""
    )
    if kept:
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(dir=os.environ.get("KHANA_BENCH_DIR")) as folder:
        made = Path(folder) / "country"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "khana",
                "synth",
                "--country",
                "pak",
                "--households",
                str(homes),
                "--out",
                str(made),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        yield made


def run(size: int) -> dict[str, Any]:
    """Print the curve: each step four times the last, the size that was asked for at the end."""
    steps = (size // 16, size // 4) if os.environ.get("KHANA_BENCH_CURVE", "1") != "0" else ()
    sizes = [one for one in steps if one > _TRAINED] + [size]
    timings: dict[str, Any] = {}
    with country(size // 5) as folder:
        card = _card(folder, timings)
        for one in sizes:
            timings |= _step(folder, card, one)
            print(f"  {one:,}: {timings[f'{one:,}: find duplicates']} s", file=sys.stderr)
    limit = timings.get(f"{size:,}: Splink alone")
    figure = timings[f"{size:,}: find duplicates"]
    return {
        "figure": figure, "unit": "s", "limit": limit, "limit_is": "s for Splink alone: its own blocking by the same keys, and its own predict",
        "ratio": figure / limit if limit else None, "size": size, "timings": timings,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def _memory() -> int:
    return int(os.environ.get("KHANA_BENCH_MEMORY", "4096"))


def _read(folder: Path, size: int, people: Path) -> tuple[pa.Table, pa.Table]:
    """Write so many persons to a file; return what the authority says of their numbers, and subscribers of telephones."""
    with duckdb.connect(config={"memory_limit": f"{_memory()}MiB", "temp_directory": str(people.parent)}) as connection:
        homes = int(size / 5.5) + 1
        connection.execute(_PEOPLE.format(folder=folder, keys=_truth(folder), homes=homes))
        connection.execute(
            f"CREATE TEMP TABLE sim AS SELECT '+92' || ltrim(regexp_replace(mobile, '[^0-9]', '', 'g'), '0') AS mobile, "
            f"regexp_replace(id_number, '[^0-9]', '', 'g') AS number FROM read_csv('{folder}/mobiles.csv', all_varchar = true) "
            "WHERE regexp_replace(mobile, '[^0-9]', '', 'g') IN (SELECT mob FROM p UNION SELECT con FROM h)"
        )
        connection.execute(f"COPY ({_REGISTRY.format(where='')} LIMIT {size}) TO '{people}' (FORMAT parquet)")
        return (
            connection.sql(_AUTHORITY.format(folder=folder)).to_arrow_table(),
            connection.sql("SELECT * FROM sim").to_arrow_table(),
        )


@contextmanager
def _people(folder: Path, size: int) -> Iterator[tuple[Path, pa.Table, pa.Table]]:
    """Lend the file of so many persons, with what the authority and the subscribers of telephones say."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("KHANA_BENCH_DIR")) as scratch:
        people = Path(scratch) / "people.parquet"
        yield people, *_read(folder, size, people)


def _records(people: Path, rows: pa.Table | None = None) -> pa.RecordBatchReader:
    """Read persons a batch at a time, and the rows of a list after them."""
    batches = pq.ParquetFile(people).iter_batches(batch_size=100_000)
    more = rows.to_batches() if rows is not None else []
    return pa.RecordBatchReader.from_batches(pq.read_schema(people), itertools.chain(batches, more))


def _card(folder: Path, timings: dict[str, Any]) -> ModelCard:
    with _people(folder, _TRAINED) as (people, authority, subscribers):
        start = time.perf_counter()
        with Engine(memory_mib=_memory()) as engine:
            found = prepare(
                engine, _records(people), authority=authority, subscribers=subscribers, plain="plain_record"
            )
            card = train(engine, "person_record", "plain_record", version="scale").card
    timings[f"train on {found}"] = round(time.perf_counter() - start, 1)
    return card


def _step(folder: Path, card: ModelCard, size: int) -> dict[str, Any]:
    made: dict[str, Any] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        made[f"{size:,}: {name}"] = round(time.perf_counter() - start, 1)
        print(f"  {size:,}: {name} {made[f'{size:,}: {name}']} s", file=sys.stderr)

    with (
        _people(folder, size) as (people, authority, subscribers),
        Engine(memory_mib=_memory(), folder=people.parent) as engine,
    ):
        with timed("prepare"):
            found = prepare(engine, _records(people), authority=authority, subscribers=subscribers)
        with timed("find duplicates"):
            clusters, counts = find_duplicates(engine, "person_record", card)
        made[f"{size:,}: pairs a record"] = round(sum(one.pairs for one in counts) / found, 1)
        made[f"{size:,}: candidates"] = int(engine.value("SELECT pairs FROM candidate_count"))
        made[f"{size:,}: quality"] = _judge(engine, folder, clusters.pairs())
        made[f"{size:,}: peak MiB so far"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(f"  {made}", file=sys.stderr)
        engine.drop("candidate", "weighed", "block_key")
        if os.environ.get("KHANA_BENCH_LIMIT", "1") != "0":
            prior = 2 * card.pairs_per_record / found
            _, spent = backends.splink_alone(
                engine, "person_record", card.passes, prior=prior, m=card.m, u=card.u, at_least=LEAST_KEPT
            )
            made[f"{size:,}: Splink alone"] = round(spent, 1)
        rows = _list_of(people)
        with timed("lay out with a list of ten thousand"):
            prepare(engine, _records(people, rows), authority=authority, subscribers=subscribers)
        with timed("link the list"):
            link_list(engine, "person_record", card, into="row_decision")
        made[f"{size:,}: list"] = _judge_list(decisions(engine, "person_record", "row_decision"))
    return made


def _truth(folder: Path) -> Path:
    """Name the file that says which lines are one person; both files of somebody stand in a sample, or neither."""
    return next(
        one for one in (folder / "truth" / "person_keys.csv", folder / "truth" / "person_keys.csv.gz") if one.exists()
    )


def _judge(engine: Engine, folder: Path, pairs: set[tuple[int, int]]) -> str:
    chosen = list(pairs)
    engine.register("found_id", pa.table({"one": [a for a, _ in chosen], "other": [b for _, b in chosen]}))
    of_ids = "SELECT l.record_id, r.record_id FROM found_id JOIN person_record l ON l.unique_id = one JOIN person_record r ON r.unique_id = other"
    true = (
        "WITH written AS (SELECT person, household_id || '/' || line_no AS record FROM "
        f"read_csv('{_truth(folder)}', all_varchar = true)), "
        "one AS (SELECT written.* FROM written SEMI JOIN person_record ON record_id = record) "
        "SELECT a.record, b.record FROM one a JOIN one b ON a.person = b.person AND a.record < b.record"
    )
    found = quality(engine.rows(of_ids), engine.rows(true))
    engine.drop("found_id")
    return f"precision {found.precision.value:.4f}, recall {found.recall.value:.4f} of {found.true} pairs"


def _list_of(people: Path) -> pa.Table:
    """Make a list of ten thousand registered people as a ministry writes it: no number, year of birth only."""
    with duckdb.connect() as connection:
        rows = connection.sql(
            "SELECT * REPLACE ('L|' || record_id AS record_id, 'LIST' AS side, '' AS household_id, '' AS number, '' AS mobile, "
            "'' AS household_mobile, '' AS native_name, '' AS guardian_kind, NULL::INT AS birth_month, NULL::INT AS birth_day, "
            "[]::VARCHAR[] AS kin_names, []::VARCHAR[] AS kin_numbers) "
            f"FROM '{people}' ORDER BY hash(record_id) LIMIT {_LIST}"
        ).to_arrow_table()
    return rows.cast(pq.read_schema(people))


def _judge_list(decided: pa.Table) -> str:
    linked = [row for row in decided.to_pylist() if row["decision"] == "LINK"]
    right = sum(row["left"] == f"L|{row['right']}" for row in linked)
    precision, recall = wilson(right, len(linked)), wilson(right, _LIST)
    return f"precision {precision.value:.4f}, recall {recall.value:.4f} of {_LIST}"
