"""A coverage study: how many households are registered, how many are missing, how many of those are poor, and where.

The survey stands for the population and the registry is held against it. Every figure says its estimator and its weight
(households or people), has a design-based error, and is there twice where matching errs: as counted and corrected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa

from khana_methods.coverage.linkage_error import LinkageError
from khana_methods.coverage.spec import StudySpec, StudyUnreadable
from khana_methods.surveys.design import Design
from khana_methods.surveys.estimate import Estimate, estimate, in_part
from khana_methods.surveys.intervals import proportion_interval, t_interval
from khana_methods.surveys.logit import Logit, fit_logit
from khana_methods.surveys.survey import Survey
from khana_methods.surveys.tables import numbers, require_columns, texts

REGISTERED, POOR, QUANTILE = "khana.registered", "khana.poor", "welfare_quantile"
_MISSING, _CORRECTED, _CORRECTED_MISSING = "khana.missing", "khana.corrected", "khana.corrected_missing"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a study: the columns that `khana coverage study` gives, and why to be careful."""

    domain: str
    level: str
    estimator: str
    weight: str
    estimate: float | None
    se: float | None
    lower: float | None
    upper: float | None
    n: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """What a study found: its figures, determinants of not being registered, and what was assumed."""

    figures: tuple[Figure, ...]
    determinants: Logit | None
    notes: tuple[str, ...]
    households: int
    registered: int


def study(table: pa.Table, design: Design, spec: StudySpec, *, level: float = 0.95) -> Study:
    """Estimate registered and missing households by domain.

    Args:
        table: n rows, one a household, with the columns of design and spec; `spec.registered` is 1 or 0.
        design: How the households were drawn; with `size` everything is weighted by people too.
        spec: What to estimate.
        level: Of the intervals.

    Returns:
        For everybody and each domain, by each weighting: `registered_share` and `missing` as matched;
        `registered_share_corrected` and `missing_corrected` where there is linkage error; the same with `poor_` among the
        poor, and `poor_missing_share`; reasons among the missing as `reason: WORD`.

    Raises:
        StudyUnreadable: No column says who is registered.
        InputError: As the survey's own checks say.

    Source:
        Majoka et al. 2024, Mind the Gap (World Bank 10986/42566); Rogan and Gladen 1978 for the correction.
    """
    if not spec.registered:
        raise StudyUnreadable("Say who is registered: a column `registered`, or how to match the survey.")
    table = with_poor(_with_indicators(table, spec), design, spec)
    domains: list[tuple[str, ...]] = [()] + [tuple(one.split("+")) for one in spec.domains]
    if spec.welfare:
        domains.append((QUANTILE,))
    for one in domains:
        require_columns(table, one)
    figures: list[Figure] = []
    notes: list[str] = []
    weightings = ["household", *(["population"] if design.size else [])]
    for weights in weightings:
        survey = Survey(table, design, weights=weights)
        notes += [note for note in survey.notes if note not in notes]
        for domain in domains:
            figures += _of_domain(survey, spec, domain, level)
        if spec.reasons:
            figures += _reasons(survey, spec, level)
    if not design.size:
        notes.append("The design names no size, so figures are of households only.")
    if not spec.linkage.is_perfect:
        notes.append(
            f"Corrected for linkage error: {spec.linkage.sensitivity:.1%} of the registered are found, "
            f"{spec.linkage.false_match:.1%} of the others are matched wrongly."
        )
    logit = None
    if spec.determinants:
        logit = fit_logit(Survey(table, design), _MISSING, spec.determinants, level=level)
    registered = numbers(table, REGISTERED).values
    return Study(tuple(figures), logit, tuple(notes), table.num_rows, int(sum(registered.to_pylist())))


def _with_indicators(table: pa.Table, spec: StudySpec) -> pa.Table:
    found = numbers(table, spec.registered, yes_no=True)
    values = found.values.to_pylist()
    if found.blank or found.unreadable or set(values) - {0.0, 1.0}:
        raise StudyUnreadable(
            f"{spec.registered} says yes or no for every household (1 and 0); {found.blank + found.unreadable} rows do not.",
            column=spec.registered,
        )
    r = np.asarray(values)
    corrected = np.array([spec.linkage.corrected(one) for one in r])
    for name, column in (
        (REGISTERED, r),
        (_MISSING, 1 - r),
        (_CORRECTED, corrected),
        (_CORRECTED_MISSING, 1 - corrected),
    ):
        table = table.append_column(name, pa.array(column))
    return table


def with_poor(table: pa.Table, design: Design, spec: StudySpec) -> pa.Table:
    """Add who is poor, and the quantile of welfare, where the spec says how; weighted by people.

    Raises:
        StudyUnreadable: A household has no welfare.
    """
    if spec.welfare:
        found = numbers(table, spec.welfare)
        if found.blank or found.unreadable:
            raise StudyUnreadable(
                f"{found.blank + found.unreadable} households have no welfare in {spec.welfare}.", column=spec.welfare
            )
        welfare = np.asarray(found.values)
        mass = Survey(table, replace(design, lonely="certainty"), weights="population" if design.size else "household")
        place = _rank(welfare, mass.frame["w"].to_numpy())
        quantile = np.minimum(spec.quantiles, 1 + np.floor(place * spec.quantiles)).astype(int)
        table = table.append_column(QUANTILE, pa.array([str(one) for one in quantile]))
        if spec.poor_line is not None:
            return table.append_column(POOR, pa.array((welfare <= spec.poor_line).astype(float)))
        if spec.poor_share is not None:
            return table.append_column(POOR, pa.array((place < spec.poor_share).astype(float)))
    if spec.poor_column:
        return table.append_column(POOR, numbers(table, spec.poor_column, yes_no=True).values)
    return table


def _rank(welfare: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Return the middle of each household's place among all, ties at one place."""
    frame = pl.DataFrame({"y": welfare, "m": mass})
    tied = frame.group_by("y").agg(pl.col("m").sum()).sort("y")
    tied = tied.with_columns(((pl.col("m").cum_sum() - pl.col("m") / 2) / pl.col("m").sum()).alias("place"))
    return frame.join(tied.select("y", "place"), on="y", how="left", maintain_order="left")["place"].to_numpy()


def _of_domain(survey: Survey, spec: StudySpec, by: tuple[str, ...], level: float) -> list[Figure]:
    parts: list[tuple[str, list[str]]] = [("", [])]
    if spec.has_poor and not (by == (QUANTILE,) and not spec.poor_column):  # a quantile is poor whole or not at all
        parts.append(("poor_", [f"{POOR}=1"]))
    made: list[Figure] = []
    for prefix, where in parts:
        if where and not any(value == 1 for value in survey.table.column(POOR).to_pylist()):
            continue
        for row in estimate(survey, "proportion", [f"{REGISTERED}=1"], by=by, where=where, level=level)[0]:
            made.append(_figure(row, f"{prefix}registered_share"))
            if prefix:
                made.append(_turned(row, "poor_missing_share"))
        made += [
            _not_below_nought(_figure(row, f"{prefix}missing"))
            for row in estimate(survey, "total", [_MISSING], by=by, where=where, level=level)[0]
        ]
        if not spec.linkage.is_perfect:
            made += _corrected(survey, spec.linkage, prefix, by, where, level)
    return made


def _corrected(
    survey: Survey, linkage: LinkageError, prefix: str, by: tuple[str, ...], where: Sequence[str], level: float
) -> list[Figure]:
    """Return share and missing after correction: doubt of the survey and doubt of the rates together."""
    made = []
    certain = _drawn_whole(survey, by, where)
    for row in estimate(survey, "mean", [_CORRECTED], by=by, where=where, level=level)[0]:
        if row.estimate is None or row.se is None:
            made.append(_figure(row, f"{prefix}registered_share_corrected"))
            continue
        match = linkage.chance_of_match(row.estimate) * certain.get(tuple(row.domain.values()), 0.0)
        se = math.sqrt(row.se**2 + linkage.added_variance(row.estimate) + match / row.population**2)
        note = row.note
        if 0 < row.estimate < 1:
            lower, upper, _ = proportion_interval(row.estimate, se, row.df, row.n, "logit", level)
        else:
            lower, upper, _ = proportion_interval(min(1.0, max(0.0, row.estimate)), se, row.df, row.n, "t", level)
            note = "outside 0 and 1: the linkage error stated is larger than the data show"
        made.append(
            replace(_figure(row, f"{prefix}registered_share_corrected"), se=se, lower=lower, upper=upper, note=note)
        )
    for row in estimate(survey, "total", [_CORRECTED_MISSING], by=by, where=where, level=level)[0]:
        if row.estimate is None or row.se is None or not row.population:
            made.append(_figure(row, f"{prefix}missing_corrected"))
            continue
        share = 1 - row.estimate / row.population
        match = linkage.chance_of_match(share) * certain.get(tuple(row.domain.values()), 0.0)
        se = math.sqrt(row.se**2 + row.population**2 * linkage.added_variance(share) + match)
        lower, upper, _ = t_interval(row.estimate, se, row.df, level)
        made.append(
            _not_below_nought(replace(_figure(row, f"{prefix}missing_corrected"), se=se, lower=lower, upper=upper))
        )
    return made


def _drawn_whole(survey: Survey, by: tuple[str, ...], where: Sequence[str]) -> dict[tuple[str, ...], float]:
    """Return by domain the squared weights of its rows, each by the share of units drawn in its stratum.

    That much of the doubt of matching is taken away by the finite population correction, wrongly: it is put back.
    """
    if "N1" not in survey.frame.columns:
        return {}
    mass = survey.frame.select((pl.col("w") ** 2 * pl.col("n1") / pl.col("N1")).alias("mass"))["mass"]
    keys = [pl.Series(f"d{at}", texts(survey.table, name)) for at, name in enumerate(by)]
    frame = pl.DataFrame([mass, *keys]).filter(in_part(survey, where))
    if not keys:
        return {(): float(frame["mass"].sum())}
    names = [key.name for key in keys]
    return {tuple(row[:-1]): float(row[-1]) for row in frame.group_by(names).agg(pl.col("mass").sum()).iter_rows()}


def _reasons(survey: Survey, spec: StudySpec, level: float) -> list[Figure]:
    """Return the share of each reason among the missing who gave one."""
    if not any(numbers(survey.table, _MISSING).values.to_pylist()) or not texts(survey.table, spec.reasons).drop_null():
        return []
    found, _ = estimate(survey, "proportion", [spec.reasons], where=[f"{_MISSING}=1"], level=level)
    return [_figure(row, f"reason: {row.category}") for row in found]


def _figure(row: Estimate, estimator: str) -> Figure:
    return Figure(
        domain="+".join(row.domain) or "all",
        level=" / ".join(row.domain.values()) or "all",
        estimator=estimator,
        weight=row.weight,
        estimate=row.estimate,
        se=row.se,
        lower=row.lower,
        upper=row.upper,
        n=row.n,
        note=row.note,
    )


def _not_below_nought(figure: Figure) -> Figure:
    return replace(figure, lower=max(0.0, figure.lower)) if figure.lower is not None else figure


def _turned(row: Estimate, estimator: str) -> Figure:
    """Return one less a share, its interval turned round."""
    made = _figure(row, estimator)
    turned = [None if value is None else 1 - value for value in (row.estimate, row.upper, row.lower)]
    return replace(made, estimate=turned[0], lower=turned[1], upper=turned[2])


def by_estimator(found: Study, domain: str, estimator: str, weight: str = "household") -> Mapping[str, Figure]:
    """Return the figures of one estimator of one domain by level."""
    return {
        figure.level: figure
        for figure in found.figures
        if (figure.domain, figure.estimator, figure.weight) == (domain, estimator, weight)
    }
