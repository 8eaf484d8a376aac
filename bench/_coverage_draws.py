"""Surveys drawn by design from a true population of which a known, non-random part is not registered.

The population is that of `pk-sample` (real households, synthetic identities): its strata and primary units. Poor, remote
and large households are dropped from the registry more often. Each draw takes units within strata, plants linkage error on
the matches, and reviews a sample of pairs to learn the rates of that error, as a study would.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from khana_methods.coverage.linkage_error import linkage_error_of
from khana_methods.coverage.spec import StudySpec
from khana_methods.coverage.study import Study, study
from khana_methods.surveys.design import Design

SENSITIVITY, FALSE_MATCH = 0.94, 0.02
REVIEWED_PAIRS, REVIEWED_STRANGERS = 400, 300
DESIGN = Design(weight="weight", strata=("stratum",), psu=("psu",), fpc=("units",), size="size")


@dataclass(frozen=True)
class Population:
    """Every household with the truth: `stratum`, `psu`, `size`, `welfare`, `poor`, `registered`."""

    frame: pl.DataFrame

    def truth(self, part: str, figure: str, weight: str) -> float:
        """Return the true value of a figure among all or among the poor."""
        frame = self.frame if part == "" else self.frame.filter(pl.col("poor") == 1)
        mass = frame["size"].cast(pl.Float64) if weight == "population" else pl.Series([1.0] * frame.height)
        if figure == "missing_corrected":
            return float((mass * (1 - frame["registered"])).sum())
        return float((mass * frame["registered"]).sum() / mass.sum())


def population(pk_sample: Path, seed: int = 7) -> Population:
    """Read the households and drop a part that is no random one from the registry."""
    with gzip.open(pk_sample / "consumption_survey.csv.gz") as handle:
        read = pl.read_csv(handle.read(), columns=["stratum", "psu", "hh_size", "pc_consumption"])
    frame = read.select(
        "stratum",
        pl.col("psu").cast(pl.String),
        pl.col("hh_size").alias("size"),
        pl.col("pc_consumption").alias("welfare"),
    )
    random = np.random.default_rng(seed)
    place = frame["welfare"].rank().to_numpy() / frame.height
    unit_effect = dict(zip(frame["psu"].unique().sort(), random.normal(0, 0.7, frame["psu"].n_unique()), strict=True))
    push = -1.4 - 1.5 * place + 0.06 * frame["size"].to_numpy() + frame["psu"].replace_strict(unit_effect).to_numpy()
    missing = random.uniform(size=frame.height) < 1 / (1 + np.exp(-push))
    line = float(frame.select(pl.col("welfare").quantile(0.4)).item())
    return Population(
        frame.with_columns(
            registered=pl.Series((~missing).astype(np.int64)), poor=(pl.col("welfare") <= line).cast(pl.Int64)
        )
    )


def draws(people: Population, count: int, *, units: int = 14, seed: int = 1) -> Iterator[tuple[pa.Table, StudySpec]]:
    """Yield surveys with matches under planted error, and the study that knows the error from a review only."""
    of_stratum = (
        people.frame.select("stratum", "psu").unique().group_by("stratum").agg(pl.col("psu").sort()).sort("stratum")
    )
    rows_of = {key[0]: part for key, part in people.frame.partition_by("psu", as_dict=True).items()}
    for number in range(count):
        random = np.random.default_rng([seed, number])
        parts = []
        for stratum, psus in of_stratum.iter_rows():
            taken = random.choice(psus, min(units, len(psus)), replace=False)
            part = pl.concat([rows_of[psu].filter(pl.col("stratum") == stratum) for psu in taken])
            parts.append(part.with_columns(units=pl.lit(len(psus)), weight=pl.lit(len(psus) / len(taken))))
        drawn = pl.concat(parts)
        chance = np.where(drawn["registered"].to_numpy() == 1, SENSITIVITY, FALSE_MATCH)
        matched = (random.uniform(size=drawn.height) < chance).astype(np.int64)
        review = {
            "true_pairs": REVIEWED_PAIRS, "found": random.binomial(REVIEWED_PAIRS, SENSITIVITY),
            "strangers": REVIEWED_STRANGERS, "matched_wrongly": random.binomial(REVIEWED_STRANGERS, FALSE_MATCH),
        }  # fmt: skip
        table = drawn.drop("registered").with_columns(matched=pl.Series(matched)).to_arrow()
        yield table, StudySpec(registered="matched", poor_column="poor", linkage=linkage_error_of(review))


FIGURES = [
    (part, figure, weight)
    for part in ("", "poor_")
    for figure in ("registered_share_corrected", "missing_corrected")
    for weight in ("household", "population")
]


def held(people: Population, found: Study) -> dict[tuple[str, str, str], bool]:
    """Tell of each figure whether its interval holds the truth."""
    by_name = {(f.estimator, f.weight): f for f in found.figures if f.domain == "all"}
    told = {}
    for part, figure, weight in FIGURES:
        one, truth = by_name[f"{part}{figure}", weight], people.truth(part, figure, weight)
        assert one.lower is not None and one.upper is not None
        told[part, figure, weight] = one.lower <= truth <= one.upper
    return told


def run(people: Population, count: int, *, seed: int = 1) -> dict[tuple[str, str, str], int]:
    """Return of each figure how many of `count` intervals hold the truth."""
    counts = dict.fromkeys(FIGURES, 0)
    for table, spec in draws(people, count, seed=seed):
        for key, yes in held(people, study(table, DESIGN, spec)).items():
            counts[key] += yes
    return counts
