"""Counts under differential privacy: noise from a kept library, and the budget that it costs.

Each *table* counts every unit (a household, a recipient) at most once, so that one unit more or less changes one of its cells by
one. Tables are answered one after the other and their costs add up: what a release spends is the sum, and it is told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from khana_methods.errors import InputError, NotConfigured

MOST_EPSILON = 20.0


class BudgetWrong(InputError):
    """The budget of a release is no number above nought, or so large that nothing would be protected."""

    code: ClassVar[str] = "disclosure.budget_wrong"


class NoiseMissing(NotConfigured):
    """The library that makes the noise is not installed."""

    code: ClassVar[str] = "disclosure.noise_missing"


@dataclass(frozen=True, slots=True)
class Released:
    """Noisy tables and what they cost.

    Attributes:
        tables: Name to counts, in the order given; none below nought.
        scale: Of the noise: half of all counts lie within 0.7 of it, 95 of 100 within 3.
        spent: Epsilon of the whole release, as the library's own accounting adds it up.
        per_table: Of each table.
    """

    tables: dict[str, list[int]]
    scale: float
    spent: float
    per_table: float


def release(tables: Mapping[str, Sequence[int]], epsilon: float) -> Released:
    """Add discrete Laplace noise to tables of counts so that the whole release spends a budget.

    Args:
        tables: Name to the counts of all cells of a fixed list of cells, empty ones too; each unit is counted once in a table.
        epsilon: Budget of all tables together.

    Raises:
        BudgetWrong: Not above 0, or above 20: noise that hides nothing is no protection.
        NoiseMissing: OpenDP is not installed.

    Source:
        Dwork and Roth 2014, The Algorithmic Foundations of Differential Privacy, sections 3.3 and 3.5; Canonne, Kamath and
        Steinke 2020 for exact sampling. Noise and accounting by OpenDP (Harvard); cutting at nought is post-processing.

    Examples:
        >>> made = release({"poor": [120, 0, 47], "registered": [400, 3, 90]}, epsilon=1.0)
        >>> made.scale, round(made.spent, 9), [len(counts) for counts in made.tables.values()]
        (2.0, 1.0, [3, 3])
    """
    if not (math.isfinite(epsilon) and 0 < epsilon <= MOST_EPSILON):
        raise BudgetWrong(f"The privacy budget lies above 0 and up to {MOST_EPSILON:g}.", epsilon=epsilon)
    if not tables:
        return Released({}, 0.0, 0.0, 0.0)
    try:
        from opendp.domains import atom_domain, vector_domain
        from opendp.measurements import make_laplace
        from opendp.metrics import l1_distance
        from opendp.mod import enable_features
    except ImportError as error:
        raise NoiseMissing("Noise is made by OpenDP: install the package `opendp`.") from error
    enable_features("contrib")
    scale = len(tables) / epsilon
    noisy: Any = make_laplace(vector_domain(atom_domain(T=int)), l1_distance(T=int), scale=scale)
    per_table = float(noisy.map(1))
    made = {name: [max(0, int(n)) for n in noisy([int(one) for one in counts])] for name, counts in tables.items()}
    return Released(made, scale, per_table * len(tables), per_table)
