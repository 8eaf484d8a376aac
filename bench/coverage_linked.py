"""Coverage studies with real linkage: surveys drawn from `pk-sample`, their people written down anew and matched to a registry.

Size: repetitions. Households are those of `pk-sample`; a part that is no random one is left out of the registry (as in
`_coverage_draws`). Each repetition draws primary units within strata, writes heads and spouses down again with slips (a letter of a
name, a year of birth, a number that is missing or mistyped), matches them by number and by a model trained once on the registry, reviews
a sample of pairs, and estimates. The figure is the share of intervals that hold the truth, of eight figures.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from bench._coverage_draws import DESIGN
from bench._world import peak_mib, say

SIZE = 20
UNITS = 6
REVIEWED = 300
FACTS = {
    "name": "name", "guardian_name": "father", "sex": "sex", "birth_date": "dob", "id_number": "number", "household_id": "household_id",
    "line_no": "line_no", "district": "district", "tehsil": "tehsil",
}  # fmt: skip


def run(size: int) -> dict[str, Any]:
    shared = Path(os.environ.get("KHANA_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    folder = shared / "data" / "pk-sample"
    if not folder.exists():
        raise SystemExit(f"shared data is absent: {folder} does not exist")
    people, persons = _population(folder)
    start = time.perf_counter()
    card, held = _model(persons, people)
    say(f"model trained in {time.perf_counter() - start:.0f} s on {held.num_rows:,} registered persons")
    truth = _truths(people)
    held_in: dict[str, int] = dict.fromkeys(truth, 0)
    rates, seconds = [], []
    for number in range(size):
        start = time.perf_counter()
        found, rate = _repeat(people, persons, held, card, number)
        seconds.append(time.perf_counter() - start)
        rates.append(rate)
        for name, (lower, upper) in found.items():
            held_in[name] += lower <= truth[name] <= upper
        say(
            f"{number + 1}: {seconds[-1]:.0f} s, found {rate[0]:.1%} of the registered, {rate[1]:.1%} of the others wrongly"
        )
    share = sum(held_in.values()) / (size * len(truth))
    return {
        "figure": share, "unit": "share of intervals that hold the truth", "limit": 0.95, "limit_is": "the level asked for",
        "ratio": share / 0.95, "peak_mib": peak_mib(), "size": size,
        "timings": {
            "seconds a repetition": round(float(np.mean(seconds)), 1), "found of the registered": round(float(np.mean([r[0] for r in rates])), 4),
            "matched wrongly of the others": round(float(np.mean([r[1] for r in rates])), 4),
            **{name: f"{count} of {size}" for name, count in held_in.items()},
        },
    }  # fmt: skip


def _population(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return households with the truth, and their heads and spouses and everybody else as the registry has them."""
    base = duckdb.connect()
    frame = base.sql(f"""
        SELECT t.household_id, s.stratum, s.psu::VARCHAR AS psu, s.hh_size::BIGINT AS size, s.pc_consumption::DOUBLE AS welfare
        FROM read_csv('{folder}/truth/household_truth.csv*', all_varchar=true) t
        JOIN read_csv('{folder}/consumption_survey.csv.gz', all_varchar=true) s USING (survey_hh_no)
        QUALIFY row_number() OVER (PARTITION BY survey_hh_no ORDER BY t.household_id) = 1 ORDER BY ALL""").pl()
    random = np.random.default_rng(7)
    place = frame["welfare"].rank().to_numpy() / frame.height
    effect = dict(zip(frame["psu"].unique().sort(), random.normal(0, 0.7, frame["psu"].n_unique()), strict=True))
    push = -1.4 - 1.5 * place + 0.06 * frame["size"].to_numpy() + frame["psu"].replace_strict(effect).to_numpy()
    missing = random.uniform(size=frame.height) < 1 / (1 + np.exp(-push))
    line = float(frame.select(pl.col("welfare").quantile(0.4)).item())
    frame = frame.with_columns(
        registered=pl.Series((~missing).astype(np.int64)), poor=(pl.col("welfare") <= line).cast(pl.Int64)
    )
    persons = base.sql(f"""
        SELECT p.household_id, p.line_no, coalesce(p.name, '') AS name, coalesce(p.father_husband_name, '') AS father,
               CASE p.sex WHEN '1' THEN 'M' WHEN '2' THEN 'F' ELSE '' END AS sex, coalesce(p.dob, '') AS dob,
               regexp_replace(coalesce(p.id_number, ''), '[^0-9]', '', 'g') AS number, h.district_code AS district, h.tehsil_code AS tehsil,
               p.relation
        FROM read_csv('{folder}/persons.csv.gz', all_varchar=true) p JOIN read_csv('{folder}/households.csv', all_varchar=true) h
             USING (household_id) ORDER BY p.household_id, p.line_no::INT""").pl()
    return frame, persons.join(frame.select("household_id", "registered"), on="household_id", how="inner")


def _model(persons: pl.DataFrame, people: pl.DataFrame) -> tuple[Any, pa.Table]:
    from khana_methods.engine.duckdb import Engine
    from khana_methods.matching.person_table import records_of
    from khana_methods.matching.prepare import prepare
    from khana_methods.matching.train import train

    registry = persons.filter(pl.col("registered") == 1).drop("registered", "relation")
    held = records_of(registry.to_arrow().cast(pa.schema([(n, pa.string()) for n in registry.columns])), FACTS)
    with Engine(memory_mib=1536) as engine:
        prepare(engine, held, plain="plain_record")
        return train(engine, "person_record", "plain_record", version="bench").card, held


def _truths(people: pl.DataFrame) -> dict[str, float]:
    made = {}
    for part, frame in (("", people), ("poor_", people.filter(pl.col("poor") == 1))):
        for weight in ("household", "population"):
            mass = frame["size"].cast(pl.Float64) if weight == "population" else pl.Series([1.0] * frame.height)
            made[f"{part}registered_share_corrected, {weight}"] = float((mass * frame["registered"]).sum() / mass.sum())
            made[f"{part}missing_corrected, {weight}"] = float((mass * (1 - frame["registered"])).sum())
    return made


def _drawn(people: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    parts = []
    for (stratum,), part in people.partition_by("stratum", as_dict=True, maintain_order=True).items():
        units = part["psu"].unique().sort().to_list()
        taken = random.choice(units, min(UNITS, len(units)), replace=False).tolist()
        parts.append(
            part.filter(pl.col("psu").is_in(taken)).with_columns(
                units=pl.lit(len(units)), weight=pl.lit(len(units) / len(taken)), stratum=pl.lit(stratum)
            )
        )
    return pl.concat(parts)


def _written_down(asked: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """Write people down again: a third states no number, some numbers, letters and years slip."""

    def slip(text: str) -> str:
        if len(text) < 4:
            return text
        at = int(random.integers(1, len(text) - 1))
        return text[:at] + text[at + 1 :]

    rows = []
    for row in asked.iter_rows(named=True):
        number, dob = row["number"], row["dob"]
        chance = random.uniform(size=4)
        number = "" if chance[0] < 0.35 else number[:-2] + number[-1:] + number[-2:-1] if chance[0] < 0.38 else number
        if chance[2] < 0.1 and dob[:4].isdigit():
            dob = f"{int(dob[:4]) + 1}{dob[4:]}"
        rows.append({**row, "number": number, "dob": dob, "name": slip(row["name"]) if chance[1] < 0.25 else row["name"],
                     "father": slip(row["father"]) if chance[3] < 0.25 else row["father"]})  # fmt: skip
    return pl.DataFrame(rows, schema=asked.schema)


def _repeat(
    people: pl.DataFrame, persons: pl.DataFrame, held: pa.Table, card: Any, number: int
) -> tuple[dict[str, tuple[float, float]], tuple[float, float]]:
    from khana_methods.coverage.linkage_error import linkage_error_of
    from khana_methods.coverage.spec import StudySpec
    from khana_methods.coverage.study import study

    random = np.random.default_rng([11, number])
    drawn = _drawn(people, random)
    asked = persons.filter(pl.col("relation").is_in(["1", "2"])).join(
        drawn.select("household_id"), on="household_id", how="semi"
    )
    survey = _written_down(asked.drop("registered", "relation"), random)
    found = _matched(survey, held, card)
    drawn = drawn.with_columns(matched=pl.col("household_id").is_in(list(found)).cast(pl.Int64))
    yes, no = drawn.filter(pl.col("registered") == 1), drawn.filter(pl.col("registered") == 0)
    reviewed, strangers = (
        yes.sample(min(REVIEWED, yes.height), seed=number),
        no.sample(min(REVIEWED, no.height), seed=number),
    )
    review = {
        "true_pairs": reviewed.height, "found": int(reviewed["matched"].sum()), "strangers": strangers.height,
        "matched_wrongly": int(strangers["matched"].sum()),
    }  # fmt: skip
    made = study(
        drawn.drop("registered").to_arrow(), DESIGN, StudySpec(registered="matched", poor_column="poor", linkage=linkage_error_of(review))
    )  # fmt: skip
    wanted = {
        f"{f.estimator}, {f.weight}": (f.lower, f.upper)
        for f in made.figures
        if f.domain == "all" and f.estimator.endswith("_corrected") and f.lower is not None and f.upper is not None
    }
    rate = float(yes["matched"].mean() or 0.0), float(no["matched"].mean() or 0.0)  # type: ignore[arg-type]
    return {name: (float(a), float(b)) for name, (a, b) in wanted.items()}, rate


def _matched(survey: pl.DataFrame, held: pa.Table, card: Any) -> set[str]:
    """Return the households of a survey of which somebody is linked."""
    from khana_methods.engine.duckdb import Engine
    from khana_methods.matching.link import link_list
    from khana_methods.matching.person_table import records_of
    from khana_methods.matching.prepare import prepare

    plain = {k: v for k, v in FACTS.items() if k not in ("household_id", "line_no")}
    ours = survey.to_arrow().cast(pa.schema([(n, pa.string()) for n in survey.columns]))
    listed = records_of(ours, plain)
    listed = listed.set_column(1, "side", pa.array(["LIST"] * ours.num_rows))
    listed = listed.set_column(0, "record_id", pa.array([f"s{row:010d}" for row in range(ours.num_rows)]))
    with Engine(memory_mib=1536) as engine:
        prepare(engine, pa.concat_tables([held, listed]))
        link_list(engine, "person_record", card)
        rows = engine.rows(
            "SELECT l.record_id, r.record_id FROM decision d JOIN person_record l ON l.unique_id = d.left_id "
            "JOIN person_record r ON r.unique_id = d.right_id WHERE d.probability >= $link AND d.contradiction = ''",
            {"link": card.thresholds.link},
        )
    homes = survey["household_id"].to_list()
    return {homes[int(one[1:])] for pair in rows for one in map(str, pair) if one.startswith("s")}
