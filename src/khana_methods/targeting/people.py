"""Households of any survey file as arrays: welfare, weights, score, transfer and design, read and checked once.

Refuses what would bias every figure in silence (a missing weight, a household without welfare or members); a weight of
zero is left out and counted. A household without a score is never chosen, as in `population`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from khana_methods.pmt.estimate import Design
from khana_methods.surveys.tables import numbers, require_columns, texts
from khana_methods.targeting.population import ValueMissing

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class People:
    """n households.

    Attributes:
        welfare: Per head, before the transfer where there is one.
        mass: Weight in force: times members where persons are counted.
        score: Lower is poorer; not a number where there is none.
        transfer: Per head, zero where nothing is paid.
        design: Strata and units.
        notes: What was left out or taken as given, in sentences.
    """

    welfare: Numbers
    mass: Numbers
    score: Numbers
    transfer: Numbers
    design: Design
    notes: tuple[str, ...]

    @property
    def after(self) -> Numbers:
        """Welfare per head with the transfer."""
        return self.welfare + self.transfer

    def only(self, rows: npt.NDArray[np.bool_]) -> People:
        """Return the same survey seen for some of its households: the others weigh nothing and stay in the design."""
        return People(
            self.welfare, np.where(rows, self.mass, 0.0), self.score, self.transfer, self.design, self.notes
        )  # fmt: skip


def read_people(
    table: pa.Table,
    *,
    welfare: str,
    weight: str | None = None,
    size: str | None = None,
    score: str | None = None,
    transfer: str | None = None,
    transfer_of: str = "household",
    welfare_is: str = "before",
    welfare_of: str = "person",
    basis: str = "population",
    strata: str | None = None,
    psu: str | None = None,
    single: str = "centre",
) -> tuple[People, npt.NDArray[np.bool_]]:
    """Read households from a table of any types.

    Args:
        table: n rows, one per household.
        welfare: Column of welfare.
        weight: Column of weights; None counts each household once.
        size: Column of members; None is one.
        score: Column of the score.
        transfer: Column of what is paid; blank is nothing.
        transfer_of: `household`, divided by the members, or `person`.
        welfare_is: `before` the transfer, or `after` it.
        welfare_of: `person`, or `household`: divided by the members.
        basis: `population` counts persons, `household` households.
        strata: Column of strata.
        psu: Column of sampling units; None takes each household as one.
        single: What a stratum of one unit adds: `refuse`, `certainty` or `centre`.

    Returns:
        The households, and which rows of the table they are.

    Raises:
        ColumnMissing: A column is not there.
        ValueMissing: A welfare, weight, size, stratum or unit cannot be used.
    """
    named = [name for name in (welfare, weight, size, score, transfer, strata, psu) if name]
    require_columns(table, named)

    def column(name: str | None, otherwise: float) -> Numbers:
        if name is None:
            return np.full(table.num_rows, otherwise)
        made: Numbers = numbers(table, name).values.to_numpy(zero_copy_only=False).astype(float)
        return made

    w, n, y = column(weight, 1.0), column(size, 1.0), column(welfare, np.nan)
    paid = np.nan_to_num(column(transfer, 0.0))
    stratum, unit = _codes(table, strata), _codes(table, psu)
    bad = [
        f"{count} of {table.num_rows} {what}"
        for count, what in (
            (int((~np.isfinite(y)).sum()), "have no welfare"),
            (int((~(np.isfinite(w) & (w >= 0))).sum()), "have no weight, or a negative one"),
            (int((~(np.isfinite(n) & (n > 0))).sum()), "have no members"),
            (int((stratum < 0).sum()), "have no stratum"),
            (int((unit < 0).sum()), "have no sampling unit"),
        )
        if count
    ]
    if bad or not table.num_rows or not (w > 0).any():
        told = "; ".join(bad) or "none has a positive weight"
        raise ValueMissing(f"Of the households {told}. Settle these before measuring.", households=table.num_rows)
    rows = w > 0
    notes = [f"{int((~rows).sum())} households with a weight of zero are left out."] if not rows.all() else []
    s = column(score, np.nan)
    if score is not None and np.isnan(s[rows]).any():
        notes.append(f"{int(np.isnan(s[rows]).sum())} households without a score are never chosen.")
    per_head = paid / n if transfer_of == "household" else paid
    y = y / n if welfare_of == "household" else y
    before = y - per_head if welfare_is == "after" else y
    mass = w * n if basis == "population" else w
    units = unit[rows] if psu else np.arange(int(rows.sum()))
    nested = np.unique(np.column_stack([stratum[rows], units]), axis=0, return_inverse=True)[1].reshape(-1)
    design = Design(np.unique(stratum[rows], return_inverse=True)[1].astype(np.int64), nested.astype(np.int64), single)
    alone = int((np.bincount(np.unique(np.column_stack([design.stratum, design.unit]), axis=0)[:, 0]) == 1).sum())
    if alone and single != "refuse":
        notes.append(
            f"{alone} strata of one sampling unit: {'held against the mean of all' if single == 'centre' else 'they add nothing'}."
        )
    return People(before[rows], mass[rows], s[rows], per_head[rows], design, tuple(notes)), rows


def _codes(table: pa.Table, name: str | None) -> npt.NDArray[np.int64]:
    """Return the values of a column as numbers from 0, -1 where there is none."""
    if name is None:
        return np.zeros(table.num_rows, dtype=np.int64)
    values = texts(table, name).to_pylist()
    place = {value: at for at, value in enumerate(dict.fromkeys(values))}
    return np.array([-1 if value is None else place[value] for value in values], dtype=np.int64)
