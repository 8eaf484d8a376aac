"""Means, totals, ratios and proportions with their design-based errors, for all and by domain.

Errors are linearised (Taylor) over the units of each stratum; a domain keeps the whole design. Proportions get an
interval that stays inside 0 and 1; a share of exactly 0 or 1 gets the Korn-Graubard interval, which has one end. A
domain that is too small to say anything says so in `note`, and is never left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import polars as pl
import svy

from khana_methods.errors import InputError
from khana_methods.surveys.intervals import proportion_interval, t_interval
from khana_methods.surveys.library import quiet
from khana_methods.surveys.survey import Survey
from khana_methods.surveys.tables import numbers, texts

MEASURES = ("mean", "total", "ratio", "proportion")
INTERVALS = ("logit", "beta", "korn-graubard", "wilson", "t")
FEW_ROWS = 30
_CONDITION = re.compile(r"\s*(?P<column>.+?)\s*(?P<sign><=|>=|!=|==|=|<|>)\s*(?P<value>.*?)\s*")


class MeasureUnknown(InputError):
    """A measure, an interval or a condition that does not exist, or with too few columns."""

    code: ClassVar[str] = "surveys.measure_unknown"


class ValuesWrong(InputError):
    """A column to be estimated holds text that is no number, or nothing at all."""

    code: ClassVar[str] = "surveys.values_wrong"


class EstimateRefused(InputError):
    """The survey library could not make the estimate from this design."""

    code: ClassVar[str] = "surveys.estimate_refused"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure of one domain.

    Attributes:
        measure: mean, total, ratio or proportion.
        variable: What was estimated; `a / b` for a ratio.
        category: Value of a proportion; None otherwise.
        domain: Column to value; empty is everybody.
        weight: household or population.
        estimate: The figure; None where it divides by zero or nobody is in the domain.
        se: Standard error.
        lower: Lower end of the interval; None where the design cannot tell it.
        upper: Upper end.
        interval: Which interval: logit, beta, korn-graubard, wilson, t.
        df: Degrees of freedom: units less strata, of the domain.
        n: Rows behind it.
        population: Sum of weights behind it.
        deff: Variance over that of a simple random sample with replacement, for means and proportions.
        note: Why to be careful: few rows, one unit, divides by zero.
    """

    measure: str
    variable: str
    category: str | None
    domain: Mapping[str, str] = field(hash=False)
    weight: str
    estimate: float | None
    se: float | None
    lower: float | None
    upper: float | None
    interval: str
    df: int
    n: int
    population: float
    deff: float | None
    note: str


def estimate(
    survey: Survey, measure: str, variables: Sequence[str], *, over: str | None = None, by: Sequence[str] = (),
    where: Sequence[str] = (), interval: str = "logit", level: float = 0.95,
) -> tuple[list[Estimate], int]:  # fmt: skip
    """Estimate one measure of each variable, for all or by domain.

    Args:
        survey: Checked survey.
        measure: One of `MEASURES`.
        variables: Columns; for a proportion `column` (every value) or `column=value`.
        over: Denominator of a ratio.
        by: Columns whose values together make a domain.
        where: Conditions like `age >= 60` that all hold in the part of the survey asked about.
        interval: For proportions one of `INTERVALS`; other measures take `t`.
        level: Share of samples whose interval holds the truth.

    Returns:
        The estimates, domains in order; and how many rows were left out for a blank value.

    Raises:
        MeasureUnknown, ValuesWrong, EstimateRefused, ColumnMissing.

    Source:
        Lumley 2010, Complex Surveys, ch. 2; Korn and Graubard 1998 (Survey Methodology 24) for the interval at 0 and 1.

    Examples:
        >>> import pyarrow as pa
        >>> from khana_methods.surveys.design import Design
        >>> table = pa.table({"w": [10.0, 10, 20, 20], "h": ["a", "a", "b", "b"], "y": [1.0, 3, 5, 9]})
        >>> found, left_out = estimate(Survey(table, Design(weight="w", strata=("h",))), "mean", ["y"])
        >>> round(found[0].estimate, 6), round(found[0].se, 6)
        (5.333333, 1.374369)
    """
    if measure not in MEASURES or interval not in INTERVALS:
        raise MeasureUnknown(f"Measures are {', '.join(MEASURES)}; intervals {', '.join(INTERVALS)}.", measure=measure)
    if measure == "ratio" and not over:
        raise MeasureUnknown("A ratio needs two columns: what is counted, and what it is divided by.")
    if not variables:
        raise MeasureUnknown(f"Say which column: a {measure} of nothing has no meaning.")
    if not 0.5 <= level < 1:
        raise MeasureUnknown("The level of an interval lies between 0.5 and 1.", level=level)
    inside = in_part(survey, where)
    groups = pl.DataFrame({f"d{at}": (texts(survey.table, name)) for at, name in enumerate(by)})
    found: list[Estimate] = []
    left_out = 0
    for variable in variables:
        ask = _Ask(survey, measure, variable, over, tuple(by), interval, level)
        made, dropped = ask.answer(inside, groups)
        found += made
        left_out = max(left_out, dropped)
    return found, left_out


def in_part(survey: Survey, where: Sequence[str]) -> pl.Series:
    """Return which rows lie in the part asked about; a blank cell is never in it.

    Raises:
        MeasureUnknown: A condition is not `column sign value`, or compares words by size.
    """
    inside = pl.Series("inside", [True] * survey.table.num_rows)
    for condition in where:
        parts = _CONDITION.fullmatch(condition)
        if not parts:
            raise MeasureUnknown("A condition is written COLUMN=VALUE, or with != < <= > >=.", condition=condition)
        sign, value = parts["sign"], parts["value"].strip("'\"")
        if sign in ("=", "==", "!="):
            words = pl.Series(texts(survey.table, parts["column"]))
            held = (words == value) if sign != "!=" else (words != value)
        else:
            try:
                limit = float(value)
            except ValueError:
                raise MeasureUnknown("Sizes are compared with numbers only.", condition=condition) from None
            column = pl.Series(numbers(survey.table, parts["column"]).values)
            held = {"<": column < limit, "<=": column <= limit, ">": column > limit, ">=": column >= limit}[sign]
        inside = inside & held.fill_null(False)
    return inside


def outcome(survey: Survey, variable: str) -> tuple[pl.Series, str, str | None]:
    """Return a 0-1 column for `column=value` or for a column of 0 and 1, its name, and its value.

    Raises:
        ValuesWrong: The column has other values and none was named.
    """
    column, sign, value = variable.rpartition("=")
    if sign and column in survey.table.schema.names:
        words = pl.Series(texts(survey.table, column))
        return (words == value.strip()).cast(pl.Float64), column, value.strip()
    found = numbers(survey.table, variable, yes_no=True)
    values = pl.Series(found.values)
    if found.unreadable or set(values.drop_nulls().unique().to_list()) - {0.0, 1.0}:
        raise ValuesWrong(
            f"{variable} holds more than 0 and 1 (or yes and no): write {variable}=VALUE.", column=variable
        )
    return values, variable, None


@dataclass(frozen=True, slots=True)
class _Ask:
    """One question to the library."""

    survey: Survey
    measure: str
    variable: str
    over: str | None
    by: tuple[str, ...]
    interval: str
    level: float

    def answer(self, inside: pl.Series, groups: pl.DataFrame) -> tuple[list[Estimate], int]:
        """Estimate, and count the rows of the part that were left out for a blank."""
        columns = self._columns()
        frame = pl.DataFrame(columns)
        whole = pl.Series(frame.select(pl.all_horizontal(pl.all().is_not_null())).to_series())
        for name in groups.columns:
            whole = whole & groups[name].is_not_null()
        used = inside & whole
        left_out = int((inside & ~whole).sum())
        if not used.any():
            raise ValuesWrong(f"No row has a value of {self.variable} in the part asked about.", column=self.variable)
        filled = {name: _fill(series) for name, series in columns.items()}
        keys = {name: groups[name].fill_null("") for name in groups.columns}
        with quiet():
            sample = self.survey.sample(**filled, **keys, inside=used.cast(pl.Int8))
        sums = self._sums(used, inside, groups, keys)
        rows: list[Estimate] = []
        with quiet():
            answers = self._ask(sample, tuple(keys))
        for category, result in answers:
            inner = pl.all_horizontal(pl.col(name) != "" for name in keys) if keys else pl.lit(True)
            rows += [self._row(category, one, sums) for one in result.filter(inner).iter_rows(named=True)]
        rows.sort(key=lambda row: (tuple(_order(v) for v in row.domain.values()), _order(row.category or "")))
        return rows, left_out

    def _named(self) -> bool:
        """Tell whether one value of a column was asked for."""
        column, sign, _ = self.variable.rpartition("=")
        return bool(sign) and column in self.survey.table.schema.names

    def _columns(self) -> dict[str, pl.Series]:
        """Read the columns that the measure needs."""
        if self.measure == "proportion":
            if self._named():
                return {"y": outcome(self.survey, self.variable)[0]}
            return {"y": pl.Series(texts(self.survey.table, self.variable))}
        named = {"y": self.variable, **({"x": self.over} if self.over and self.measure == "ratio" else {})}
        made = {}
        for name, column in named.items():
            found = numbers(self.survey.table, column, yes_no=True)
            if found.unreadable:
                raise ValuesWrong(
                    f"{found.unreadable} cells of {column} are text and no number (data rows "
                    f"{', '.join(map(str, found.first_rows))}). For words ask for a proportion.",
                    column=column, unreadable=found.unreadable,
                )  # fmt: skip
            made[name] = pl.Series(found.values)
        return made

    def _ask(self, sample: svy.Sample, by: tuple[str, ...]) -> list[tuple[str | None, pl.DataFrame]]:
        more: dict[str, Any] = {
            "where": svy.col("inside") == 1, "by": by or None, "alpha": 1 - self.level, "method": "taylor",
        }  # fmt: skip
        ask: Any = sample.estimation
        try:
            if self.measure == "ratio":
                return [(None, ask.ratio("y", "x", **more).to_polars())]
            if self.measure == "total":
                return [(None, ask.total("y", **more).to_polars())]
            if self.measure == "mean":
                return [(None, _with_deff(ask.mean, more))]
            if self._named():  # the mean of 0 and 1: there also where nobody has it
                return [(self.variable.rpartition("=")[2].strip(), _with_deff(ask.mean, more))]
            return [("*", _with_deff(ask.prop, more).filter(pl.col("y") != ""))]  # rows outside are blank
        except svy.errors.SvyError as error:
            code = getattr(error, "code", "") or type(error).__name__
            raise EstimateRefused(
                f"This estimate cannot be made from this design ({code}).", reason=str(code)
            ) from error

    def _sums(
        self, used: pl.Series, inside: pl.Series, groups: pl.DataFrame, keys: dict[str, pl.Series]
    ) -> dict[tuple[str, ...], tuple[float, int, int]]:
        """Return weight, number of units and degrees of freedom of each domain.

        Degrees of freedom count the units that have a row in the domain, blank or not, as R's degf does.
        """
        for name in groups.columns:
            inside = inside & groups[name].is_not_null()
        names = list(keys)
        frame = self.survey.frame.select("w", "h", "i").with_columns(**keys, used=used).filter(inside)
        weighing = frame.filter(pl.col("w") > 0)
        made = (weighing.group_by(names) if names else weighing.group_by(pl.lit(1).alias("all"))).agg(
            pl.col("w").filter(pl.col("used")).sum(),
            pl.struct("h", "i").n_unique().alias("units"),
            pl.col("h").n_unique().alias("strata"),
        )
        return {
            tuple(row[name] for name in names): (row["w"], row["units"], row["units"] - row["strata"])
            for row in made.iter_rows(named=True)
        }

    def _row(
        self, category: str | None, one: Mapping[str, Any], sums: Mapping[tuple[str, ...], tuple[float, int, int]]
    ) -> Estimate:
        values = tuple(str(one[f"d{at}"]) for at in range(len(self.by)))
        population, units, df = sums.get(values, (0.0, 0, 0))
        value, se, n = _finite(one["est"]), _finite(one["se"]), int(one["n"])
        if self.measure == "proportion":
            lower, upper, named = proportion_interval(value, se, df, n, self.interval, self.level)
        else:
            lower, upper, named = t_interval(value, se, df, self.level)
        return Estimate(
            measure=self.measure,
            variable=f"{self.variable} / {self.over}" if self.measure == "ratio" else self.variable.rpartition("=")[0] or self.variable
            if category is not None else self.variable,
            category=(str(one["y"]) if category == "*" else category) if category is not None else None,
            domain=dict(zip(self.by, values, strict=True)),
            weight=self.survey.weights,
            estimate=value,
            se=se,
            lower=lower,
            upper=upper,
            interval=named,
            df=df,
            n=n,
            population=population,
            deff=_finite(one.get("deff")),
            note=caution(value, n, units, df),
        )  # fmt: skip


def _with_deff(ask: Callable[..., Any], more: Mapping[str, Any]) -> pl.DataFrame:
    """Ask with the design effect, and without it where nothing varies and so no effect exists."""
    try:
        found = ask("y", deff="wr", **more)
    except svy.errors.MethodError as error:
        if getattr(error, "code", "") != "DEFF_NOT_COMPUTABLE":
            raise
        found = ask("y", **more)
    made: pl.DataFrame = found.to_polars()
    return made


def caution(value: float | None, n: int, units: int, df: int) -> str:
    """Return why to be careful with a figure; empty where there is no reason."""
    if value is None:
        return "divides by zero, or nobody is in it"
    if df <= 0 or units < 2:
        return "one unit only: the design cannot tell an interval"
    if n < FEW_ROWS:
        return f"fewer than {FEW_ROWS} rows"
    return ""


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _fill(series: pl.Series) -> pl.Series:
    return series.fill_null("") if series.dtype == pl.String else series.fill_null(0.0)


def _order(text: str) -> tuple[int, float, str]:
    """Sort numbers as numbers and words as words."""
    try:
        return (0, float(text), "")
    except ValueError:
        return (1, 0.0, text)
