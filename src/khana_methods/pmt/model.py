"""A poverty model as data: scorecards of points and linear formulas in one form, read from a cited file.

A model is variables with effects (points by level or band, dummies, coefficients with caps, ratios, cumulative
dummies), an intercept, a link, a rescaling, classes, a policy for what is missing, and whence it comes. `not
applicable` (no woman heads the household, no child of that age) is a level of its own with its own points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, TypeAlias

from khana_methods.errors import InputError, NotConfigured, NotFound

NOT_APPLICABLE = "not_applicable"
MISSING_POLICIES = ("reject", "lowest", "highest", "reference")
UNSEEN_POLICIES = ("reject", "as_missing")
LINKS = ("identity", "log")
RESCALES = ("identity", "linear", "percentile")
TRANSFORMS = ("", "log", "sqrt", "square")


class ModelNotInForce(NotConfigured):
    """The model does not hold on that day: a score by it could not be replayed as a decision of that day."""

    code: ClassVar[str] = "pmt.model.not_in_force"


class CutOffOutsideScale(InputError):
    """A cut-off lies outside the model's scale: it would take everybody or nobody without saying so."""

    code: ClassVar[str] = "pmt.cut_off.outside_scale"


class LikelihoodUnknown(NotFound):
    """The published table has no entry for that score or line; nothing is interpolated."""

    code: ClassVar[str] = "pmt.likelihood.unknown"


@dataclass(frozen=True, slots=True)
class Levels:
    """Points for each level of a category, `not_applicable` being one of them where it can occur."""

    points: Mapping[str, float]

    def extremes(self) -> tuple[float, float]:
        """Return the fewest and the most points."""
        return min(self.points.values()), max(self.points.values())


@dataclass(frozen=True, slots=True)
class Bands:
    """Points for a number by the band that it lies in: each from its value up to the next, the last without end."""

    points: tuple[tuple[float, float], ...]

    def extremes(self) -> tuple[float, float]:
        """Return the fewest and the most points."""
        return min(p for _, p in self.points), max(p for _, p in self.points)


@dataclass(frozen=True, slots=True)
class Dummy:
    """A coefficient where a condition is true, nothing where it is false."""

    coefficient: float

    def extremes(self) -> tuple[float, float]:
        """Return the lesser and the greater contribution."""
        return min(0.0, self.coefficient), max(0.0, self.coefficient)


@dataclass(frozen=True, slots=True)
class Linear:
    """A coefficient times a number, or times the ratio of two; the number is held between two caps, then transformed."""

    coefficient: float
    at_least: float | None = None
    at_most: float | None = None
    of: str = ""
    to: str = ""
    transform: str = ""

    def extremes(self) -> tuple[float, float] | None:
        """Return the lesser and the greater contribution; None where a cap is open or has no transform."""
        if self.at_least is None or self.at_most is None:
            return None
        turns = [0.0] if self.transform == "square" and self.at_least < 0 < self.at_most else []
        made = [transformed(value, self.transform) for value in (self.at_least, self.at_most, *turns)]
        known = [self.coefficient * value for value in made if value is not None]
        return (min(known), max(known)) if len(known) == len(made) else None


def transformed(value: float, transform: str) -> float | None:
    """Return a number under a transform; None where it has none.

    Examples:
        >>> transformed(9.0, "sqrt"), transformed(0.0, "log"), transformed(3.0, "")
        (3.0, None, 3.0)
    """
    if transform == "log":
        return math.log(value) if value > 0 else None
    if transform == "sqrt":
        return math.sqrt(value) if value >= 0 else None
    return value * value if transform == "square" else value


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Coefficients of an ordered category that add up: the third level has the first two's as well.

    `base` is the level below the first, with nothing.
    """

    base: str
    steps: tuple[tuple[str, float], ...]

    def totals(self) -> dict[str, float]:
        """Return what each level contributes in all.

        Examples:
            >>> Cumulative("none", (("primary", 1.0), ("secondary", 2.0))).totals()
            {'none': 0.0, 'primary': 1.0, 'secondary': 3.0}
        """
        found, total = {self.base: 0.0}, 0.0
        for level, coefficient in self.steps:
            total += coefficient
            found[level] = total
        return found

    def extremes(self) -> tuple[float, float]:
        """Return the lesser and the greater contribution."""
        totals = self.totals().values()
        return min(totals), max(totals)


Effect: TypeAlias = Levels | Bands | Dummy | Linear | Cumulative


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: its column, its words, its effect, and what stands in where it is missing.

    `expression` is the rule by which it is made from facts; empty where the caller brings the column.
    `reference` is the value taken under the policy `reference`. `column` is where it stands in the frame if not
    under its code.
    """

    code: str
    label: str
    effect: Effect
    missing: str
    expression: str = ""
    reference: str | float | bool | None = None
    column: str = ""

    def columns(self) -> tuple[str, ...]:
        """Name the columns that it reads."""
        if isinstance(self.effect, Linear) and self.effect.of:
            return (self.effect.of, self.effect.to)
        return (self.column or self.code,)


@dataclass(frozen=True, slots=True)
class Rescale:
    """How the raw figure becomes the score: as it is, by two ends to 0-100, or by percentile breakpoints."""

    kind: str = "identity"
    minimum: float = 0.0
    maximum: float = 1.0
    breakpoints: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """The survey that the model was fitted on, and how well, as its authors say."""

    data: str = ""
    welfare: str = ""
    households: int | None = None
    r2: float | None = None
    currency: str = ""
    price_year: str = ""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Published chance of being under one line, in percent: at single scores, or by bands of five points."""

    kind: str
    percent: Mapping[int, float]

    def at(self, score: float) -> float:
        """Return the chance at a score.

        Raises:
            LikelihoodUnknown: The table has no entry for it.
        """
        key = int(score // 5) * 5 if self.kind == "band" else int(score)
        if self.kind == "band" and score == 100:
            key = 95
        if key not in self.percent or (self.kind == "point" and score != key):
            raise LikelihoodUnknown(f"The published table has no entry for the score {score:g}.", score=score)
        return self.percent[key]


@dataclass(frozen=True, slots=True)
class PmtModel:
    """One version of one model; a lower score is poorer.

    Where a country has a formula for each kind of place, `by` names the column that says which, `parts` holds one model
    for each of its values, and `variables` is empty; a household of no known kind is refused.
    """

    code: str
    version: int
    valid_from: date
    valid_to: date | None
    variables: tuple[Variable, ...]
    intercept: float
    link: str
    rescale: Rescale
    scale: tuple[float, float]
    decimals: int
    unseen: str
    source: str
    mark: str
    classes: tuple[tuple[str, float], ...] = ()
    calibration: Calibration = field(default_factory=Calibration)
    likelihoods: Mapping[str, Likelihood] = field(default_factory=dict)
    by: str = ""
    parts: Mapping[str, PmtModel] = field(default_factory=dict)

    def columns(self) -> tuple[str, ...]:
        """Name every column that it reads, each once."""
        own = (self.by,) if self.by else ()
        inner = (column for part in self.parts.values() for column in part.columns())
        each = (column for variable in self.variables for column in variable.columns())
        return tuple(dict.fromkeys([*own, *inner, *each]))

    def check_in_force(self, day: date) -> None:
        """Make sure that the model holds on a day.

        Raises:
            ModelNotInForce: It does not.
        """
        if day < self.valid_from or (self.valid_to is not None and day >= self.valid_to):
            raise ModelNotInForce(
                f"Model {self.code} version {self.version} is not in force on {day}.",
                model=self.code,
                day=day.isoformat(),
            )

    def check_cut_off(self, cut_off: float) -> None:
        """Make sure that a cut-off lies on the model's scale.

        Raises:
            CutOffOutsideScale: It does not.
        """
        low, high = self.scale
        if not low <= cut_off <= high:
            raise CutOffOutsideScale(
                f"The cut-off {cut_off:g} is outside the scale of {self.code}, {low:g} to {high:g}.", cut_off=cut_off
            )

    def likelihood(self, line: str, score: float) -> float:
        """Return the published chance, in percent, of being under a line at a score.

        Raises:
            LikelihoodUnknown: There is no such line or entry.
        """
        if line not in self.likelihoods:
            raise LikelihoodUnknown(f"Model {self.code} has no line '{line}'.", line=line)
        return self.likelihoods[line].at(score)

    def class_of(self, score: float) -> str:
        """Return the class of a score; empty where the model has none."""
        for name, up_to in self.classes:
            if score <= up_to:
                return name
        return ""
