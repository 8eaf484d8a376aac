"""EM over the patterns of all candidates: what matches agree on, learned from the data alone.

A *pattern* is the level that each question took, with the rarity of the name in whole bits. Starting from what
pairs of one number taught, m, the prior, and the u of levels that blocking meets in full are moved until they
agree with the patterns seen. Guardian and place are two shares of m in one question: matches bear rare and
common guardians as everybody does. Pairs that contradict teach nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from khana_methods.matching.compare import COMPARISONS, PLACES, STATES, TIES
from khana_methods.matching.fellegi import Parameters, ordered

_ROUNDS = 60
_STEADY = 1e-4  # bits; EM has settled when no level moves further
_REMEMBERED = 25.0  # pairs' worth of belief in where EM starts, so that a level never seen keeps a cautious value
_LEAST = 1e-5


@dataclass(frozen=True, slots=True)
class Learned:
    """What EM settled on: m, u, the prior among all possible pairs, and the rounds that it took."""

    m: Parameters
    u: Parameters
    prior: float
    rounds: int


def learn(
    patterns: pa.Table,
    m: Parameters,
    u: Parameters,
    *,
    prior: float,
    possible: float,
    taught: Mapping[str, float] | None = None,
    labelled: pa.Table | None = None,
) -> Learned:
    """Run EM.

    Args:
        patterns: One row a pattern: `level_<question>` (code, null for a null level), `rarity` (bits), `contradicts`,
            `pairs` (count).
        m: Where it starts.
        u: Of every level; those of covered levels move.
        prior: Where it starts.
        possible: Pairs that could be compared.
        taught: Matches that `m` was learned from, by question: what they showed keeps that weight.
        labelled: Patterns of pairs that people decided, which are not in `patterns`: the same columns and `is_same`; `pairs`
            is how many pairs the labels stand for. Their probability is what people said, and does not move.

    Source:
        Winkler (1988), Using the EM algorithm for weight computation in the Fellegi-Sunter model; Dempster, Laird and
        Rubin (1977); with labels: Larsen & Rubin (2001), Iterative automated record linkage using mixture models.
    """
    known = _said(patterns, labelled)
    patterns = patterns if labelled is None else pa.concat_tables([patterns, labelled.select(patterns.column_names)])
    pairs = np.asarray(patterns.column("pairs"), float)
    rarity = np.asarray(patterns.column("rarity"), float)
    held = ~np.asarray(patterns.column("contradicts"), bool)
    codes = {q: np.asarray(patterns.column(f"level_{q}").to_pylist(), object) for q in m}
    masks = {q: {code: codes[q] == code for code in m[q]} for q in m}
    start, rounds = m, 0
    for _ in range(_ROUNDS):
        rounds += 1
        bits = rarity + np.log2(prior / (1 - prior))
        for q, of in masks.items():
            for code, mask in of.items():
                bits[mask] += np.log2(m[q][code] / u[q][code])
        probability = np.where(held, 1 / (1 + np.exp2(-np.clip(bits, -500, 500))), 0.0)
        probability = np.where(np.isnan(known), probability, known)
        matches = pairs * probability
        seen = {q: {code: float(matches[mask].sum()) for code, mask in of.items()} for q, of in masks.items()}
        others = {
            q: {code: float((pairs - matches)[mask].sum()) for code, mask in of.items()} for q, of in masks.items()
        }
        u = _covered(u, others, possible)
        moved = ordered(
            {
                q: _family(seen[q], start[q])
                if q == "family"
                else _share(q, seen[q], start[q], (taught or {}).get(q, 0.0))
                for q in m
            },
            u,
        )
        step = max(abs(np.log2(moved[q][code] / m[q][code])) for q in m for code in m[q])
        m, prior = moved, max(float(matches.sum()), 1.0) / possible
        if step < _STEADY:
            break
    return Learned(m, u, prior, rounds)


def _said(patterns: pa.Table, labelled: pa.Table | None) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give what people said of each pattern, nan where nobody did: patterns first, labelled ones behind."""
    nothing = np.full(patterns.num_rows, np.nan)
    if labelled is None:
        return nothing
    return np.concatenate([nothing, np.asarray(labelled.column("is_same"), float)])


def _share(question: str, seen: Mapping[str, float], start: Mapping[str, float], taught: float) -> dict[str, float]:
    fixed = {
        level.code: level.fixed_m for c in COMPARISONS if c.code == question for level in c.levels if level.fixed_m
    }
    free = {code: count + (_REMEMBERED + taught) * start[code] for code, count in seen.items() if code not in fixed}
    total = sum(free.values()) / (1 - sum(fixed.values()))
    return {code: fixed.get(code) or max(free[code] / total, _LEAST) for code in seen}


def _covered(u: Parameters, others: Parameters, possible: float) -> Parameters:
    """Count u among all possible pairs where blocking meets every pair of the level."""
    made = {q: dict(levels) for q, levels in u.items()}
    for comparison in COMPARISONS:
        for level in comparison.levels:
            if level.covered:
                made[comparison.code][level.code] = max(others[comparison.code][level.code], 0.5) / possible
    return made


def _family(seen: Mapping[str, float], start: Mapping[str, float]) -> dict[str, float]:
    """Part m of family and place into a share by state of guardian and a share by place."""
    begun, begun_places = parted(start)
    states = {state: _REMEMBERED * share for state, share in begun.items()}
    places = {place: _REMEMBERED * share for place, share in begun_places.items()}
    for code, count in seen.items():
        state, _, place = code.partition("@")
        if state in states:
            states[state] += count
        if place:
            places[place] += count
    return joined(
        {state: max(count / sum(states.values()), _LEAST) for state, count in states.items()},
        {place: max(count / sum(places.values()), _LEAST) for place, count in places.items()},
    )


def parted(m: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Read the shares by state and by place back from m of the family question."""
    places = {place: m[f"unknown@{place}"] for place in PLACES if place}
    return {code: m[code] for code in TIES} | {state: m[f"{state}@"] for state in STATES}, places


def joined(states: Mapping[str, float], places: Mapping[str, float]) -> dict[str, float]:
    """Write m of the family question from its shares: a state at a place is the product of both.

    Examples:
        >>> m = joined(
        ...     {"tied_guardian": 0.1, "tied": 0.2, "guardian_1": 0.1, "guardian_2": 0.1, "guardian_3": 0.1,
        ...      "guardian_4": 0.1, "guardian_5": 0.02, "alike_1": 0.02, "alike_2": 0.02, "alike_3": 0.02, "alike_4": 0.02, "near": 0.1, "call": 0.05, "changed": 0.03, "other": 0.02},
        ...     {"tehsil": 0.7, "district": 0.2, "far": 0.1},
        ... )
        >>> round(m["guardian_5@tehsil"], 3), round(m["guardian_5@"], 3), m["unknown@far"]
        (0.014, 0.02, 0.1)
    """
    m = {code: states[code] for code in TIES}
    m |= {f"{state}@{place}": states[state] * places.get(place, 1.0) for state in STATES for place in PLACES}
    return m | {f"unknown@{place}": share for place, share in places.items()}
