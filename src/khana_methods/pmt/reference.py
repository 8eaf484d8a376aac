"""The slow scorer: one household, step by step as a clerk would do it on paper, with its explanation.

`score_one` must agree with `score.score` to the last digit. The explanation says for each variable what was
answered, what it added, and the most it could have added: the body of a letter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from khana_methods.pmt.model import Bands, Dummy, Effect, Levels, Linear, PmtModel, Variable, transformed


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one variable added; `points` is None where it refuses the household."""

    variable: str
    label: str
    answer: Any
    points: float | None
    most: float | None
    is_missing: bool
    is_unseen: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """One household's score with all that it was made of; `score` is None where it is refused."""

    model: str
    raw: float | None
    welfare: float | None
    score: float | None
    class_name: str
    contributions: tuple[Contribution, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Name the variables that were missing."""
        return tuple(part.variable for part in self.contributions if part.is_missing)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Name the variables with a value that the model never saw."""
        return tuple(part.variable for part in self.contributions if part.is_unseen)


def score_one(features: Mapping[str, Any], model: PmtModel) -> Scored:
    """Score one household.

    Args:
        features: Value by column; absent or None is missing.
        model: The model to apply.
    """
    if model.parts:
        return _score_by_part(features, model)
    parts = tuple(_contribute(variable, features, model) for variable in model.variables)
    raw: float | None = model.intercept
    for part in parts:
        raw = None if raw is None or part.points is None else raw + part.points
    final = None if raw is None else _round_half_up(_rescale(raw, model), model.decimals)
    return Scored(
        model=f"{model.code}/{model.version}",
        raw=raw,
        welfare=math.exp(raw) if raw is not None and model.link == "log" else None,
        score=final,
        class_name="" if final is None else model.class_of(final),
        contributions=parts,
    )


def _score_by_part(features: Mapping[str, Any], model: PmtModel) -> Scored:
    """Score by the formula of her kind of place; refuse her where there is none."""
    kind = features.get(model.by)
    if kind is not None and str(kind) in model.parts:
        return score_one(features, model.parts[str(kind)])
    lost = Contribution(model.by, model.by, kind, None, None, is_missing=kind is None, is_unseen=kind is not None)
    return Scored(f"{model.code}/{model.version}", None, None, None, "", (lost,))


def explain_score(scored: Scored) -> str:
    """Say a score in words, variable by variable, in the order of the form.

    Returns:
        One line per variable and one for the total. It shows a household's answers: for her letter, never a log.
    """
    lines = []
    for part in scored.contributions:
        answer = "not answered" if part.is_missing else f"{part.answer}"
        note = " (not known to the model)" if part.is_unseen else ""
        points = "no score is possible" if part.points is None else f"{part.points:+g}"
        most = "" if part.most is None or part.points is None else f" of at most {part.most:g}"
        lines.append(f"{part.label}: {answer}{note}: {points}{most}")
    lines.append("No score." if scored.score is None else f"Score {scored.score:g} by {scored.model}.")
    return "\n".join(lines)


def score_of_raw(raw: float, model: PmtModel) -> float:
    """Return the score that a raw figure becomes: rescaled, rounded half up."""
    return _round_half_up(_rescale(raw, model), model.decimals)


def contribution_of(effect: Effect, value: Any) -> float | None:
    """Return what a known value adds; None where the model never saw it."""
    if isinstance(effect, Dummy):
        return effect.coefficient if value else 0.0
    if isinstance(effect, Linear):
        capped = float(value)
        if effect.at_least is not None:
            capped = max(capped, effect.at_least)
        if effect.at_most is not None:
            capped = min(capped, effect.at_most)
        made = transformed(capped, effect.transform)
        return None if made is None else effect.coefficient * made
    if isinstance(effect, Bands):
        under = [points for start, points in effect.points if start <= value]
        return under[-1] if under else None
    points = effect.points if isinstance(effect, Levels) else effect.totals()
    return points.get(str(value))


def _answer(variable: Variable, features: Mapping[str, Any]) -> Any:
    """Return what the variable is scored from; None where it is missing or a ratio divides by zero."""
    if isinstance(variable.effect, Linear) and variable.effect.of:
        above, below = features.get(variable.effect.of), features.get(variable.effect.to)
        return None if above is None or below is None or below == 0 else float(above) / float(below)
    return features.get(variable.columns()[0])


def _contribute(variable: Variable, features: Mapping[str, Any], model: PmtModel) -> Contribution:
    """Apply one variable and its policy."""
    answer = _answer(variable, features)
    known = None if answer is None else contribution_of(variable.effect, answer)
    is_unseen = answer is not None and known is None
    points = known
    if answer is None or (is_unseen and model.unseen == "as_missing"):
        points = _stand_in(variable)
    ends = variable.effect.extremes()
    return Contribution(
        variable=variable.code,
        label=variable.label,
        answer=answer,
        points=points,
        most=None if ends is None else ends[1],
        is_missing=answer is None,
        is_unseen=is_unseen,
    )


def _stand_in(variable: Variable) -> float | None:
    """Return what is added for a missing answer, by the variable's policy."""
    if variable.missing == "reference":
        return contribution_of(variable.effect, variable.reference)
    ends = variable.effect.extremes()
    if variable.missing == "reject" or ends is None:
        return None
    return ends[0] if variable.missing == "lowest" else ends[1]


def _rescale(raw: float, model: PmtModel) -> float:
    rescale = model.rescale
    if rescale.kind == "linear":
        return max(0.0, min(100.0, (raw - rescale.minimum) / (rescale.maximum - rescale.minimum) * 100))
    if rescale.kind == "percentile":
        passed = sum(point <= raw for point in rescale.breakpoints)
        return 100 * passed / (len(rescale.breakpoints) + 1)
    return raw


def _round_half_up(value: float, decimals: int) -> float:
    return math.floor(value * 10.0**decimals + 0.5) / 10.0**decimals
