"""Small cells of a table of counts: hidden, and the others hidden that would give them away.

A table has one to four dimensions, each with a margin `Total`. *Primary* cells are small counts; *complementary*
cells are hidden so that no primary one can be worked out from the margins. Afterwards an auditor's eye is tried:
for each primary cell the lowest and highest value that the published cells allow are found by linear programming,
and more is hidden until they lie far enough apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import pyarrow as pa
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from khana_methods.disclosure.anonymity import ColumnAbsent
from khana_methods.errors import InputError

TOTAL = "Total"
MOST_CELLS = 20_000
MOST_DIMENSIONS = 4
Cell = tuple[str, ...]


class TableTooLarge(InputError):
    """More cells or dimensions than can be protected at once."""

    code: ClassVar[str] = "disclosure.table_too_large"


class TableWrong(InputError):
    """A count is negative or no whole number, a category is called `Total`, or the table is empty."""

    code: ClassVar[str] = "disclosure.table_wrong"


@dataclass(frozen=True, slots=True)
class Protected:
    """A table that may leave.

    Attributes:
        cells: Cell (a value a dimension, `Total` for a margin) to its count; None where it is hidden.
        primary: Cells hidden because they are small.
        complementary: Cells hidden to protect the primary ones.
        narrowest: Smallest distance between what a hidden small cell may be at most and at least.
        counted_lost: Share of the people in inner cells whose cell is hidden, 0 to 1.
    """

    cells: dict[Cell, int | None]
    primary: frozenset[Cell]
    complementary: frozenset[Cell]
    narrowest: float
    counted_lost: float


def protect(counts: Mapping[Cell, int], *, threshold: int = 5, hide_zero: bool = False) -> Protected:
    """Hide what is small in a table of counts, and what would give it away.

    Args:
        counts: Inner cells only, without margins; a combination that is absent counts zero.
        threshold: Counts below it are small.
        hide_zero: Whether a count of zero is small too: it says something of everybody of a row.

    Raises:
        TableWrong, TableTooLarge: See there.

    Source:
        Hundepool et al. (2012), Statistical Disclosure Control, ch. 4: cell suppression, sliding protection, audit
        of the feasible interval. Complementary cells are chosen one at a time, smallest first (a heuristic; not the
        optimum of Fischetti & Salazar 2001), and the audit is what is held, not the heuristic.

    Examples:
        >>> made = protect({("a", "m"): 2, ("a", "f"): 30, ("b", "m"): 20, ("b", "f"): 10})
        >>> sorted(cell for cell, count in made.cells.items() if count is None)
        [('a', 'f'), ('a', 'm'), ('b', 'f'), ('b', 'm')]
        >>> made.cells["Total", "Total"], made.cells["a", "Total"]
        (62, 32)
    """
    whole, equations = with_margins(counts)
    low = 0 if hide_zero else 1
    primary = {cell for cell, count in whole.items() if low <= count < threshold}
    hidden = set(primary)
    by_cell: dict[Cell, list[int]] = {}
    for number, equation in enumerate(equations):
        for cell in equation:
            by_cell.setdefault(cell, []).append(number)
    _complete(whole, equations, by_cell, hidden)
    narrowest = float("inf")
    for cell in sorted(primary):
        while True:
            lowest, highest = interval(whole, equations, hidden, cell)
            if highest - lowest >= threshold:
                narrowest = min(narrowest, highest - lowest)
                break
            more = _cheapest(whole, [equations[n] for n in by_cell[cell]], hidden)
            if more is None:
                narrowest = min(narrowest, highest - lowest)
                break
            hidden.add(more)
            _complete(whole, equations, by_cell, hidden)
    inner = [cell for cell in whole if TOTAL not in cell]
    people = sum(whole[cell] for cell in inner)
    lost = sum(whole[cell] for cell in inner if cell in hidden) / people if people else 0.0
    shown: dict[Cell, int | None] = {cell: None if cell in hidden else count for cell, count in whole.items()}
    return Protected(shown, frozenset(primary), frozenset(hidden - primary), narrowest, lost)


def with_margins(counts: Mapping[Cell, int]) -> tuple[dict[Cell, int], list[list[Cell]]]:
    """Return every cell with its margins, and the sums that bind them.

    Returns:
        Cells; and equations, each a list of cells whose first is the sum of the others.

    Raises:
        TableWrong, TableTooLarge: See there.
    """
    if not counts:
        raise TableWrong("The table has no cell.")
    depth = len(next(iter(counts)))
    if depth > MOST_DIMENSIONS:
        raise TableTooLarge(f"A table may have at most {MOST_DIMENSIONS} dimensions.", dimensions=depth)
    if any(len(cell) != depth or TOTAL in cell or count < 0 or count != int(count) for cell, count in counts.items()):
        raise TableWrong(f"Counts must be whole and not negative, and no category may be called '{TOTAL}'.")
    values = [sorted({cell[d] for cell in counts}) for d in range(depth)]
    size = int(np.prod([len(found) + 1 for found in values]))
    if size > MOST_CELLS:
        raise TableTooLarge(
            f"The table has {size} cells; split it so that each part has at most {MOST_CELLS}.", cells=size
        )
    whole = dict.fromkeys(product(*([*found, TOTAL] for found in values)), 0)
    for cell, count in counts.items():
        for margin in product(*((value, TOTAL) for value in cell)):
            whole[margin] += int(count)
    return whole, list(_equations(values))


def _equations(values: Sequence[Sequence[str]]) -> Iterator[list[Cell]]:
    for d, own in enumerate(values):
        others = [[*found, TOTAL] for n, found in enumerate(values) if n != d]
        for rest in product(*others):
            yield [(*rest[:d], value, *rest[d:]) for value in (TOTAL, *own)]


def _complete(
    whole: Mapping[Cell, int], equations: Sequence[list[Cell]], by_cell: Mapping[Cell, list[int]], hidden: set[Cell]
) -> None:
    """Hide one more cell wherever a single hidden one could be worked out by subtraction."""
    waiting = sorted({number for cell in hidden for number in by_cell[cell]})
    while waiting:
        number = waiting.pop()
        if sum(cell in hidden for cell in equations[number]) != 1:
            continue
        more = _cheapest(whole, [equations[number]], hidden)
        if more is not None:
            hidden.add(more)
            waiting.extend(by_cell[more])


def _cheapest(whole: Mapping[Cell, int], equations: Sequence[list[Cell]], hidden: set[Cell]) -> Cell | None:
    """Return the shown cell whose hiding costs least: inner before margins, counts before zeros, small before large."""
    shown = [cell for equation in equations for cell in equation if cell not in hidden]
    return min(shown, key=lambda cell: (cell.count(TOTAL), whole[cell] == 0, whole[cell], cell), default=None)


def interval(
    whole: Mapping[Cell, int], equations: Sequence[list[Cell]], hidden: set[Cell], cell: Cell
) -> tuple[float, float]:
    """Return the lowest and the highest value of a hidden cell that the shown cells allow.

    Source:
        Hundepool et al. (2012), section 4.4.2: the auditing problem.
    """
    reached, rows = _component(equations, hidden, cell)
    place = {one: n for n, one in enumerate(reached)}
    at, column, sign, known = [], [], [], []
    for row, equation in enumerate(rows):
        residue = 0
        for n, one in enumerate(equation):
            weight = 1 if n == 0 else -1
            if one in place:
                at.append(row)
                column.append(place[one])
                sign.append(weight)
            else:
                residue -= weight * whole[one]
        known.append(residue)
    matrix = csr_matrix((sign, (at, column)), shape=(len(rows), len(reached)))
    ends = []
    for direction in (1, -1):
        aim = np.zeros(len(reached))
        aim[place[cell]] = direction
        found = linprog(aim, A_eq=matrix, b_eq=known, bounds=(0, None), method="highs")
        ends.append(float("inf") if found.status == 3 else direction * float(found.fun))
    return ends[0], ends[1]


def _component(equations: Sequence[list[Cell]], hidden: set[Cell], cell: Cell) -> tuple[list[Cell], list[list[Cell]]]:
    """Return the hidden cells that hang together with one, and their equations."""
    mine: dict[Cell, list[int]] = {}
    for number, equation in enumerate(equations):
        for one in equation:
            if one in hidden:
                mine.setdefault(one, []).append(number)
    reached, rows, waiting = {cell}, set[int](), [cell]
    while waiting:
        for number in mine.get(waiting.pop(), []):
            if number in rows:
                continue
            rows.add(number)
            for one in equations[number]:
                if one in hidden and one not in reached:
                    reached.add(one)
                    waiting.append(one)
    return sorted(reached), [equations[number] for number in sorted(rows)]


def protected_frame(made: Protected, dimensions: Sequence[str]) -> pa.Table:
    """Return a protected table as a frame: one row a cell, its dimensions as text and `count` (i64, null hidden)."""
    cells = sorted(made.cells)
    columns = {name: pa.array([cell[d] for cell in cells], pa.string()) for d, name in enumerate(dimensions)}
    return pa.table({**columns, "count": pa.array([made.cells[cell] for cell in cells], pa.int64())})


def counts_of(frame: pa.Table, dimensions: Sequence[str], count: str | None = None) -> dict[Cell, int]:
    """Count the rows of a frame of texts by some columns, or add up its column of counts.

    Raises:
        ColumnAbsent: A column is not there.
        TableWrong: A count is no whole number.
    """
    wanted = [*dimensions, *([count] if count else [])]
    absent = [name for name in wanted if name not in frame.schema.names]
    if absent:
        raise ColumnAbsent(f"The file has no column {', '.join(absent)}.", columns=absent)
    grouped = frame.select(list(dict.fromkeys(wanted))).append_column("sdc_n", _numbers(frame, count))
    made = grouped.group_by(list(dimensions)).aggregate([("sdc_n", "sum")])
    columns = [made.column(name).to_pylist() for name in dimensions]
    cells = zip(*columns, strict=True) if columns else iter(())
    return dict(zip(cells, made.column("sdc_n_sum").to_pylist(), strict=True))


def _numbers(frame: pa.Table, count: str | None) -> pa.Array:
    if count is None:
        return pa.array(np.ones(frame.num_rows, dtype=np.int64))
    try:
        return frame.column(count).cast(pa.int64()).combine_chunks()
    except pa.ArrowInvalid as error:
        raise TableWrong(f"The column {count} holds something that is no whole number.", column=count) from error
