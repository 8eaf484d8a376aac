"""Errors of a cut-off, and of a programme: who is poor and left out, who is not and gets in.

Both kinds of cut-off: an absolute score, and the share of the population that a budget reaches. They give different
pairs of errors; under the second with the poor share itself both are one, the targeting error rate. The
definitions of the field differ in their denominators and are kept apart by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from khana_methods.errors import InputError
from khana_methods.targeting.population import Population
from khana_methods.targeting.select import choose_below, choose_paid, choose_share

MODES = ("absolute", "quantile")


class ModeUnknown(InputError):
    """A cut-off is absolute or a quantile; what is meant must be said, for the errors differ."""

    code: ClassVar[str] = "targeting.errors.mode_unknown"


class NobodyPoor(InputError):
    """Everybody or nobody is poor at that line: an error rate has no meaning."""

    code: ClassVar[str] = "targeting.errors.nobody_poor"


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None


@dataclass(frozen=True, slots=True)
class TargetingErrors:
    """The four cells of one cut-off, in weighted population, and the measures made of them.

    A measure is None where its denominator is nothing.
    """

    poor_chosen: float
    poor_left_out: float
    other_chosen: float
    other_left_out: float

    @property
    def poor(self) -> float:
        """Weighted number of the poor."""
        return self.poor_chosen + self.poor_left_out

    @property
    def chosen(self) -> float:
        """Weighted number of the chosen."""
        return self.poor_chosen + self.other_chosen

    @property
    def total(self) -> float:
        """Weighted number of all."""
        return self.chosen + self.poor_left_out + self.other_left_out

    @property
    def exclusion_error(self) -> float | None:
        """Share of the poor who are left out (under-coverage)."""
        return _ratio(self.poor_left_out, self.poor)

    @property
    def inclusion_error(self) -> float | None:
        """Share of the chosen who are not poor (leakage by heads)."""
        return _ratio(self.other_chosen, self.chosen)

    @property
    def leakage_iris(self) -> float | None:
        """Non-poor chosen for each of the poor: IRIS's leakage, of another denominator."""
        return _ratio(self.other_chosen, self.poor)

    @property
    def total_accuracy(self) -> float | None:
        """Share of all who are rightly chosen or rightly left out."""
        return _ratio(self.poor_chosen + self.other_left_out, self.total)

    @property
    def poverty_accuracy(self) -> float | None:
        """Share of the poor who are chosen."""
        return _ratio(self.poor_chosen, self.poor)

    @property
    def poverty_incidence_error(self) -> float | None:
        """Share chosen less share poor (IRIS's PIE)."""
        return _ratio(self.other_chosen - self.poor_left_out, self.total)

    @property
    def bpac(self) -> float | None:
        """Balanced poverty accuracy: poverty accuracy less the gap between under-coverage and IRIS's leakage."""
        accuracy, exclusion, leakage = self.poverty_accuracy, self.exclusion_error, self.leakage_iris
        if accuracy is None or exclusion is None or leakage is None:
            return None
        return accuracy - abs(exclusion - leakage)

    @property
    def random_inclusion_error(self) -> float | None:
        """Inclusion error to be expected if as many were drawn by lot: the share of the non-poor."""
        return _ratio(self.total - self.poor, self.total)

    @property
    def random_exclusion_error(self) -> float | None:
        """Exclusion error to be expected if as many were drawn by lot: the share not chosen."""
        return _ratio(self.total - self.chosen, self.total)


def errors_at(
    people: Population,
    *,
    line: float,
    cut_off: float,
    mode: str = "absolute",
    ties: str = "split",
    key: str | None = None,
) -> TargetingErrors:
    """Measure a cut-off of the score against a poverty line; the poor are at or under the line before the transfer.

    Args:
        people: With a score.
        line: In the unit of welfare.
        cut_off: A score under `absolute` (at or under it is chosen), a share of the population under `quantile`.
        mode: `absolute` or `quantile`.
        ties: Under `quantile`, as in `select.choose_share`.
        key: Column that settles ties under `key`.

    Raises:
        ModeUnknown: Another mode.

    Source:
        Brown, Ravallion and van de Walle 2018; McBride and Nichols 2018; Stoeffler et al. 2016 (random benchmark).

    Examples:
        >>> import pyarrow as pa
        >>> frame = pa.table({"y": [1.0, 2.0, 3.0, 4.0], "s": [1.0, 3.0, 2.0, 4.0]})
        >>> with Population(frame, welfare="y", score="s") as people:
        ...     half = errors_at(people, line=2, cut_off=0.5, mode="quantile")
        ...     low = errors_at(people, line=2, cut_off=1, mode="absolute")
        >>> half.exclusion_error, half.inclusion_error, half.bpac
        (0.5, 0.5, 0.5)
        >>> low.exclusion_error, low.inclusion_error, low.poverty_incidence_error
        (0.5, 0.0, -0.25)
    """
    if mode not in MODES:
        raise ModeUnknown(f"A cut-off is {' or '.join(MODES)}.", mode=mode)
    if mode == "absolute":
        choose_below(people, cut_off)
    else:
        choose_share(people, cut_off, ties=ties, key=key)
    return errors_of_chosen(people, line=line)


def errors_of_chosen(people: Population, *, line: float) -> TargetingErrors:
    """Measure whoever was chosen last, by any function of `select`."""
    cells = people.figure(
        """SELECT sum(m * share) FILTER (WHERE x <= $line), sum(m * (1 - share)) FILTER (WHERE x <= $line),
                  sum(m * share) FILTER (WHERE x > $line), sum(m * (1 - share)) FILTER (WHERE x > $line)
           FROM people JOIN chosen ON chosen.id = people.id""",
        line=line,
    )
    return TargetingErrors(*(float(cell or 0) for cell in cells))


@dataclass(frozen=True, slots=True)
class Leakage:
    """What goes to those who are not poor: of the persons who receive, and of the money."""

    by_heads: float | None
    by_amount: float | None


def leakage(people: Population, *, line: float) -> Leakage:
    """Measure the leakage of a programme as it is paid; the poor are at or under the line before the transfer.

    Examples:
        >>> import pyarrow as pa
        >>> frame = pa.table({"y": [1.0, 2.0, 9.0], "b": [30.0, 0.0, 10.0]})
        >>> with Population(frame, welfare="y", transfer="b", welfare_is="before") as people:
        ...     leakage(people, line=2)
        Leakage(by_heads=0.5, by_amount=0.25)
    """
    heads, all_heads, money, all_money = people.figure(
        """SELECT sum(m) FILTER (WHERE b > 0 AND x > $line), sum(m) FILTER (WHERE b > 0),
                  sum(m * b) FILTER (WHERE x > $line), sum(m * b) FROM people""",
        line=line,
    )
    return Leakage(_ratio(heads or 0.0, all_heads or 0.0), _ratio(money or 0.0, all_money or 0.0))


@dataclass(frozen=True, slots=True)
class ExclusionSplit:
    """Where the poor are lost, as shares of the poor: by the formula, or after it.

    `design` scores over the cut-off; of those under it: not registered, registered and not enrolled, enrolled and
    not paid, reached. `reached_despite` is the part of `design` that was paid all the same.
    """

    design: float
    not_registered: float
    not_enrolled: float
    not_paid: float
    reached: float
    reached_despite: float

    @property
    def implementation(self) -> float:
        """Share of the poor lost after the formula."""
        return self.not_registered + self.not_enrolled + self.not_paid


def split_exclusion(
    people: Population, *, line: float, cut_off: float, registered: str, enrolled: str
) -> ExclusionSplit:
    """Split the exclusion of the poor into that of the formula and that of the office.

    Args:
        people: With score and transfer; a household without a score counts as over the cut-off unless it is not
            registered, for then the formula never saw it.
        line: The poor are at or under it before the transfer.
        cut_off: Absolute score.
        registered: Column of booleans: the household is in the registry.
        enrolled: Column of booleans: it is enrolled.

    Raises:
        NobodyPoor: Nobody is.
    """
    first, second = people.column(registered), people.column(enrolled)
    row = people.figure(
        f"""WITH poor AS (SELECT m, b > 0 AS paid, COALESCE(CAST({first} AS BOOLEAN), false) AS reg,
                                 COALESCE(CAST({second} AS BOOLEAN), false) AS enr,
                                 COALESCE(s <= $cut, NOT COALESCE(CAST({first} AS BOOLEAN), false)) AS under
                          FROM people WHERE x <= $line)
            SELECT sum(m), sum(m) FILTER (WHERE NOT under), sum(m) FILTER (WHERE under AND NOT paid AND NOT reg),
                   sum(m) FILTER (WHERE under AND NOT paid AND reg AND NOT enr),
                   sum(m) FILTER (WHERE under AND NOT paid AND reg AND enr), sum(m) FILTER (WHERE under AND paid),
                   sum(m) FILTER (WHERE NOT under AND paid) FROM poor""",
        line=line,
        cut=cut_off,
    )
    if not row[0]:
        raise NobodyPoor("Nobody is poor at that line.", line=line)
    return ExclusionSplit(*(float(part or 0) / row[0] for part in row[1:]))


def auc(people: Population, *, line: float) -> float:
    """Return the area under the ROC curve of the score against being poor: 1 ranks all rightly, 0.5 is a lot.

    The weighted chance that a poor person's score is under a non-poor one's, ties counting half.

    Raises:
        NobodyPoor: Everybody or nobody is poor.

    Source:
        Wodon 1997, Targeting the poor using ROC curves, World Development 25(12); Mann and Whitney 1947.

    Examples:
        >>> import pyarrow as pa
        >>> with Population(pa.table({"y": [1.0, 2, 3, 4], "s": [1.0, 3, 3, 4]}), welfare="y", score="s") as people:
        ...     auc(people, line=2)
        0.875
    """
    area, poor, other = people.figure(
        """WITH each AS (SELECT s, sum(m) FILTER (WHERE x <= $line) AS p, sum(m) FILTER (WHERE x > $line) AS q
                         FROM people WHERE s IS NOT NULL GROUP BY s),
                before AS (SELECT COALESCE(p, 0) AS p, COALESCE(q, 0) AS q,
                                  COALESCE(sum(p) OVER (ORDER BY s), 0) AS upto FROM each)
           SELECT sum(q * (upto - p / 2)), sum(p), sum(q) FROM before""",
        line=line,
    )
    if not poor or not other:
        raise NobodyPoor("Everybody or nobody with a score is poor at that line.", line=line)
    return float(area / (poor * other))


def roc(people: Population, *, line: float) -> tuple[tuple[float, float, float], ...]:
    """Return the ROC curve: at each score, the share of the non-poor and of the poor at or under it.

    Raises:
        NobodyPoor: Everybody or nobody is poor.
    """
    rows = people.engine.rows(
        """WITH each AS (SELECT s, COALESCE(sum(m) FILTER (WHERE x <= $line), 0) AS p,
                                COALESCE(sum(m) FILTER (WHERE x > $line), 0) AS q
                         FROM people WHERE s IS NOT NULL GROUP BY s)
           SELECT s, sum(q) OVER (ORDER BY s) / nullif(sum(q) OVER (), 0),
                  sum(p) OVER (ORDER BY s) / nullif(sum(p) OVER (), 0) FROM each ORDER BY s""",
        {"line": line},
    )
    if not rows or rows[0][1] is None or rows[0][2] is None:
        raise NobodyPoor("Everybody or nobody with a score is poor at that line.", line=line)
    return tuple((float(s), float(other), float(poor)) for s, other, poor in rows)


def errors_of_programme(people: Population, *, line: float) -> TargetingErrors:
    """Measure a programme as it is paid, whatever its score said."""
    choose_paid(people)
    return errors_of_chosen(people, line=line)
