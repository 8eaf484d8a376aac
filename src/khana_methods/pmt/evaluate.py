"""How well a model tells consumption, and for whom it fails: fit, bias by group, and heaping under a cut-off.

Targeting errors at a cut-off are in `targeting`; here is what the model card says of the figures themselves. All
figures are weighted as the caller says, and computed by set operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError


class NothingToEvaluate(InputError):
    """No row has prediction, truth and a positive weight, or the truth does not vary."""

    code: ClassVar[str] = "pmt.evaluate.nothing"


@dataclass(frozen=True, slots=True)
class Fit:
    """Fit of predictions in one group: R² is 1 less the share of variance left; bias is prediction less truth."""

    group: str
    households: int
    r2: float | None
    rmse: float
    bias: float


@dataclass(frozen=True, slots=True)
class Heaping:
    """Households in equal windows up to and over a cut-off; `ratio` far above 1 asks for a look, and accuses nobody."""

    below: int
    above: int
    ratio: float | None


def fit(
    frame: pa.Table, *, predicted: str, actual: str, weight: str | None = None, group: str | None = None
) -> tuple[Fit, ...]:
    """Hold predictions against truth, over all and by group.

    Args:
        frame: n rows, one per household; `predicted` and `actual` in the same unit (log welfare), `weight` positive.
            A row with a null among them is left out.
        predicted: Column of the model's figure.
        actual: Column of the survey's figure.
        weight: Column of weights; None counts each household once.
        group: Column to split by (sex of head, province); None gives one row.

    Returns:
        The whole first (`group` empty), then one row per group in order.

    Raises:
        NothingToEvaluate: No complete row.

    Source:
        Brown, Ravallion and van de Walle 2018, A poor means test?, Journal of Development Economics 134.

    Examples:
        >>> frame = pa.table({"p": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 5.0]})
        >>> whole, = fit(frame, predicted="p", actual="y")
        >>> whole.households, round(whole.r2, 4), round(whole.rmse, 4), round(whole.bias, 4)
        (3, 0.75, 0.8165, -0.6667)
    """
    weights = _name(weight) if weight else "1"
    groups = f"CAST({_name(group)} AS VARCHAR)" if group else "''"
    with Engine(memory_mib=1024, threads=1) as engine:
        engine.register("predictions", frame)
        engine.run(
            f"""CREATE TEMP VIEW complete AS
                SELECT CAST({_name(predicted)} AS DOUBLE) AS p, CAST({_name(actual)} AS DOUBLE) AS y,
                       CAST({weights} AS DOUBLE) AS w, COALESCE({groups}, '?') AS g
                FROM predictions WHERE {_name(predicted)} IS NOT NULL AND {_name(actual)} IS NOT NULL AND {weights} > 0"""
        )
        found = engine.rows(
            f"""WITH means AS (SELECT g, sum(w * y) / sum(w) AS mean FROM complete GROUP BY GROUPING SETS ((g), ())),
                     each AS (SELECT c.*, m.g AS label, m.mean FROM complete c
                              JOIN means m ON m.g = c.g OR m.g IS NULL)
                SELECT label, count(*), 1 - sum(w * (y - p) ** 2) / nullif(sum(w * (y - mean) ** 2), 0),
                       sqrt(sum(w * (p - y) ** 2) / sum(w)), sum(w * (p - y)) / sum(w)
                FROM each GROUP BY label {"HAVING label IS NULL" if not group else ""} ORDER BY label NULLS FIRST"""
        )
    if not found:
        raise NothingToEvaluate("No household has prediction, truth and a positive weight.")
    return tuple(Fit(label or "", count, r2, rmse, bias) for label, count, r2, rmse, bias in found)


def heaping(frame: pa.Table, *, score: str, cut_off: float, width: float = 1.0) -> Heaping:
    """Count the households just under and just over a cut-off; answers bent towards it heap up under it.

    Args:
        frame: n rows, one per household.
        score: Column of the score; null is left out.
        cut_off: Highest score that a programme takes.
        width: Width of each window in points: (cut_off - width, cut_off] and (cut_off, cut_off + width].

    Source:
        Camacho and Conover 2011, Manipulation of Social Program Eligibility, AEJ: Economic Policy 3.

    Examples:
        >>> heaping(pa.table({"s": [31.2, 31.9, 32.0, 32.4]}), score="s", cut_off=32)
        Heaping(below=3, above=1, ratio=3.0)
    """
    with Engine(memory_mib=512, threads=1) as engine:
        engine.register("scores", frame)
        ((below, above),) = engine.rows(
            f"""SELECT count(*) FILTER (WHERE {_name(score)} > $cut - $width AND {_name(score)} <= $cut),
                       count(*) FILTER (WHERE {_name(score)} > $cut AND {_name(score)} <= $cut + $width) FROM scores""",
            {"cut": cut_off, "width": width},
        )
    return Heaping(below=below, above=above, ratio=below / above if above else None)


def _name(column: str) -> str:
    """Quote a column name of somebody's file, so that it stays a name."""
    return '"' + column.replace('"', '""') + '"'
