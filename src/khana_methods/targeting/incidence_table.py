"""Who is reached by each programme of a survey: coverage and incidence by quantile, targeting differential, CGH.

One row a programme and quantile, and one a programme and measure, with errors by the design of the survey. Quantiles are of
welfare before the transfer (the ASPIRE convention) and are taken as given when errors are worked out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar

import numpy as np
import pyarrow as pa

from khana_methods.errors import InputError
from khana_methods.surveys.design import Design
from khana_methods.surveys.intervals import proportion_interval, t_interval
from khana_methods.surveys.linearised import Floats, total_covariance
from khana_methods.surveys.survey import Survey
from khana_methods.surveys.tables import numbers
from khana_methods.targeting.incidence import by_quantile, cgh, targeting_measures
from khana_methods.targeting.population import Population, poverty_line


class ReceiptWrong(InputError):
    """Welfare or receipt cannot be read: text, blanks, or money below zero."""

    code: ClassVar[str] = "targeting.receipt_wrong"


@dataclass(frozen=True, slots=True)
class IncidenceRow:
    """One figure of one programme: of quantile `1` (poorest) to `n`, of `all`, `poor` or `others`."""

    programme: str
    group: str
    measure: str
    weight: str
    estimate: float | None
    se: float | None
    lower: float | None
    upper: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Receipts:
    """What a survey says of receipt.

    Attributes:
        welfare: Column of welfare per head.
        columns: A column for each programme: an amount, or yes and no.
        of: `person` where amounts are per head, `household` where they are shared by its members.
        welfare_is: `after` where welfare holds the transfer already, `before` where it does not.
        quantiles: How many.
        ties: At the bounds of quantiles, as in `incidence.by_quantile`.
        line: The poor are at or under it, before the transfer.
        poor_share: Or the poorest share of people, where no line is given.
    """

    welfare: str
    columns: Sequence[str]
    of: str = "person"
    welfare_is: str = "after"
    quantiles: int = 5
    ties: str = "together"
    line: float | None = None
    poor_share: float = 0.4


def incidence_table(
    table: pa.Table, design: Design, asked: Receipts, *, weights: str, level: float = 0.95
) -> list[IncidenceRow]:
    """Return coverage, incidence and targeting of each programme.

    Args:
        table: n households.
        design: How they were drawn.
        asked: Which columns.
        weights: `population` (all members are reached, directly or not) or `household`.
        level: Of the intervals.

    Returns:
        By quantile `coverage`, `beneficiary_incidence`, `benefit_incidence`, `mean_transfer`, `adequacy` and `cgh` (of the
        quantiles up to it); `coverage` of the poor and of others; `targeting_differential`, its normal form and
        `concentration_index` of all.

    Raises:
        ReceiptWrong: A column holds text, or money below zero.

    Source:
        World Bank ASPIRE; Ravallion 2009; Coady, Grosh and Hoddinott 2004.
    """
    survey = Survey(table, design, weights=weights)
    welfare = _column(table, asked.welfare, blank_is=None)
    rows: list[IncidenceRow] = []
    for programme in asked.columns:
        paid = _column(table, programme, blank_is=0.0)
        if (paid < 0).any():
            raise ReceiptWrong(f"{programme} holds {int((paid < 0).sum())} amounts below zero.", column=programme)
        rows += _Programme(survey, design, asked, programme, welfare, paid, level).rows()
    return rows


def pair_table(
    table: pa.Table, design: Design, asked: Receipts, *, weights: str, level: float = 0.95
) -> list[IncidenceRow]:
    """Return how far each two programmes reach the same people.

    Args:
        table: n households.
        design: How they were drawn.
        asked: Which columns; two or more.
        weights: `population` (all members are reached, directly or not) or `household`.
        level: Of the intervals.

    Returns:
        Five rows a pair, `programme` being both names with ` & ` between: of `all` the `overlap` (share who get both), the
        `either`, the `jaccard` (both over either), and of those who get the `first` or the `second` the `also` (share who
        get the other too).

    Raises:
        ReceiptWrong: A column holds text, or money below zero.

    Source:
        World Bank ASPIRE, overlap of programmes; Jaccard 1901 for the ratio of both to either.
    """
    survey = Survey(table, design, weights=weights)
    welfare = _column(table, asked.welfare, blank_is=None)
    made = []
    for programme in asked.columns:
        paid = _column(table, programme, blank_is=0.0)
        if (paid < 0).any():
            raise ReceiptWrong(f"{programme} holds {int((paid < 0).sum())} amounts below zero.", column=programme)
        made.append(_Programme(survey, design, asked, programme, welfare, paid, level))
    return [row for one, other in combinations(made, 2) for row in _pair(one, other)]


def _pair(one: _Programme, other: _Programme) -> Iterator[IncidenceRow]:
    """Yield the figures of one pair."""
    both, either = one.reached * other.reached, np.maximum(one.reached, other.reached)
    everybody = np.ones_like(both)
    for group, measure, above, below in (
        ("all", "overlap", both, everybody), ("all", "either", either, everybody), ("all", "jaccard", both, either),
        ("first", "also", both, one.reached), ("second", "also", both, other.reached),
    ):  # fmt: skip
        yield replace(one.share(group, measure, above, below), programme=f"{one.name} & {other.name}")


def _column(table: pa.Table, name: str, *, blank_is: float | None) -> Floats:
    found = numbers(table, name, yes_no=True)
    if found.unreadable or (found.blank and blank_is is None):
        raise ReceiptWrong(
            f"{name} holds {found.unreadable} cells that are no number and {found.blank} blanks.", column=name,
            unreadable=found.unreadable, blank=found.blank,
        )  # fmt: skip
    values = np.array(found.values.to_pylist(), dtype=np.float64)
    return np.where(np.isnan(values), blank_is if blank_is is not None else 0.0, values)


class _Programme:
    """One programme: its figures, and their errors where they are shares of totals."""

    def __init__(
        self, survey: Survey, design: Design, asked: Receipts, name: str, welfare: Floats, paid: Floats, level: float
    ) -> None:
        self.survey, self.asked, self.name, self.level = survey, asked, name, level
        size = _column(survey.table, design.size, blank_is=None) if design.size else np.ones(len(welfare))
        weight = survey.frame["w"].to_numpy() / (size if survey.weights == "population" else 1)
        self.frame = pa.table({"y": welfare, "b": paid, "w": weight, "n": size})
        self.kept = weight > 0
        per_head = paid / size if asked.of == "household" else paid
        self.before = welfare - per_head if asked.welfare_is == "after" else welfare
        self.money, self.reached = per_head, (paid > 0).astype(float)
        units = survey.frame.filter(survey.frame["w"] > 0)
        self.df = units.select("h", "i").n_unique() - units["h"].n_unique()

    def rows(self) -> list[IncidenceRow]:
        """Return every figure of the programme."""
        asked = self.asked
        with Population(
            self.frame.filter(pa.array(self.kept)), welfare="y", weight="w", size="n", transfer="b",
            transfer_of=asked.of, welfare_is=asked.welfare_is, basis=self.survey.weights,
        ) as people:  # fmt: skip
            line = asked.line if asked.line is not None else poverty_line(people, asked.poor_share)
            quantiles = by_quantile(people, asked.quantiles, ties=asked.ties)
            anybody = bool((self.money[self.kept] > 0).any())
            measures = targeting_measures(people, line=line) if anybody else None
            shares = {q.quantile: cgh(people, q.quantile / asked.quantiles) for q in quantiles} if anybody else {}
        made = [self.share("all", "coverage", self.reached, np.ones(len(self.reached)))]
        for q in quantiles:
            group, inside = str(q.quantile), self._inside(q.quantile)
            made.append(self.share(group, "coverage", self.reached * inside, inside))
            if anybody:
                made.append(self.share(group, "beneficiary_incidence", self.reached * inside, self.reached))
                made.append(self.share(group, "benefit_incidence", self.money * inside, self.money))
            made.append(self.share(group, "mean_transfer", self.money * inside, inside))
            n = int((inside[self.kept] > 0).sum())
            made.append(self._plain(group, "adequacy", q.adequacy, n))
            if q.quantile in shares:
                made.append(self._plain(group, "cgh", shares[q.quantile], n))
        poor = (self.before <= line).astype(float)
        made.append(self.share("poor", "coverage", self.reached * poor, poor))
        made.append(self.share("others", "coverage", self.reached * (1 - poor), 1 - poor))
        made.append(self._difference(poor))
        if measures is not None:
            n = int(self.kept.sum())
            made.append(self._plain("all", "normalised_targeting_differential", measures.normalised_differential, n))
            made.append(self._plain("all", "share_to_poor", measures.share_to_poor, n))
            made.append(self._plain("all", "concentration_index", measures.concentration_index, n))
        return made

    def _inside(self, quantile: int) -> Floats:
        """Return how much of each household stands in a quantile, by the rule for ties of `by_quantile`."""
        n = self.asked.quantiles
        mass = self.survey.frame["w"].to_numpy()
        values, at = np.unique(self.before, return_inverse=True)
        width = np.bincount(at, mass, len(values)) / mass.sum()
        upto = np.cumsum(width)
        if self.asked.ties == "split":
            part = np.minimum(upto, quantile / n) - np.maximum(upto - width, (quantile - 1) / n)
            share = np.clip(np.divide(part, width, out=np.zeros_like(part), where=width > 0), 0.0, 1.0)
            return np.where(share > 1e-12, share, 0.0)[at]
        middle = upto - width / 2
        placed: Floats = (np.minimum(n, 1 + np.floor(middle * n)) == quantile).astype(float)[at]
        return placed

    def share(self, group: str, measure: str, above: Floats, below: Floats) -> IncidenceRow:
        """Return a ratio of two totals with its linearised error."""
        mass = self.survey.frame["w"].to_numpy()
        total, n = float(mass @ below), int((below[self.kept] > 0).sum())
        if total <= 0:
            return self._plain(group, measure, None, n)
        ratio = float(mass @ above) / total
        se = float(np.sqrt(total_covariance(self.survey, ((above - ratio * below) / total)[:, None])[0, 0]))
        if measure == "mean_transfer":
            lower, upper, _ = t_interval(ratio, se, self.df, self.level)
        else:
            lower, upper, _ = proportion_interval(min(1.0, max(0.0, ratio)), se, self.df, n, "logit", self.level)
        return replace(self._plain(group, measure, ratio, n), se=se, lower=lower, upper=upper)

    def _difference(self, poor: Floats) -> IncidenceRow:
        """Return the coverage of the poor less that of others."""
        mass = self.survey.frame["w"].to_numpy()
        of_poor, of_others = float(mass @ poor), float(mass @ (1 - poor))
        n = int(self.kept.sum())
        if of_poor <= 0 or of_others <= 0:
            return self._plain("all", "targeting_differential", None, n)
        a, b = float(mass @ (self.reached * poor)) / of_poor, float(mass @ (self.reached * (1 - poor))) / of_others
        linear = (self.reached - a) * poor / of_poor - (self.reached - b) * (1 - poor) / of_others
        se = float(np.sqrt(total_covariance(self.survey, linear[:, None])[0, 0]))
        lower, upper, _ = t_interval(a - b, se, self.df, self.level)
        return replace(self._plain("all", "targeting_differential", a - b, n), se=se, lower=lower, upper=upper)

    def _plain(self, group: str, measure: str, value: float | None, n: int) -> IncidenceRow:
        return IncidenceRow(self.name, group, measure, self.survey.weights, value, None, None, None, n)
