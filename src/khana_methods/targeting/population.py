"""The people whom targeting is judged on: survey households with welfare, weights, score and transfer, checked once.

Everything is weighted as the caller says: by population (weight times members) or by household. Welfare is
per head; where it holds the transfer already (a survey's consumption does), welfare before it is welfare less the
whole transfer, without behavioural response (the ASPIRE convention). Both stand in the table `people`.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, ClassVar

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError


class ColumnMissing(InputError):
    """A named column is not in the frame."""

    code: ClassVar[str] = "targeting.population.column_missing"


class ValueMissing(InputError):
    """A weight, size or welfare is missing, or not a number that can be one: leaving the row out would bias all."""

    code: ClassVar[str] = "targeting.population.value_missing"


class BasisUnknown(InputError):
    """A choice of weighting or of welfare is not one of those that have a definition."""

    code: ClassVar[str] = "targeting.population.basis_unknown"


class Population:
    """A frame of households made ready for every measure of targeting; close it, or use `with`.

    Args:
        frame: n rows, one per household.
        welfare: Column of welfare per head.
        weight: Column of sampling weights, positive; None counts each household once.
        size: Column of members, positive; None is one.
        score: Column of the score by which households are chosen, lower is poorer; null is never chosen.
        transfer: Column of what the household was paid, in the unit of welfare; null is nothing.
        transfer_of: `person` where the transfer is per head, `household` where it is divided by the members.
        welfare_is: `after` where welfare holds the transfer already, `before` where it does not.
        basis: `population` weights by weight times size, `household` by weight.

    Raises:
        ColumnMissing: A named column is not there.
        ValueMissing: A welfare, weight or size is missing, or a weight or size is not positive.
        BasisUnknown: An argument is not one of its words.
    """

    def __init__(
        self,
        frame: pa.Table,
        *,
        welfare: str,
        weight: str | None = None,
        size: str | None = None,
        score: str | None = None,
        transfer: str | None = None,
        transfer_of: str = "person",
        welfare_is: str = "after",
        basis: str = "population",
        engine: Engine | None = None,
    ) -> None:
        named = [name for name in (welfare, weight, size, score, transfer) if name is not None]
        absent = [name for name in named if name not in frame.schema.names]
        if absent:
            raise ColumnMissing(f"The frame has no column {', '.join(absent)}.", columns=absent)
        for word, allowed in (
            (transfer_of, ("person", "household")),
            (welfare_is, ("after", "before")),
            (basis, ("population", "household")),
        ):
            if word not in allowed:
                raise BasisUnknown(f"'{word}' is not one of {', '.join(allowed)}.")
        self._columns = frozenset(frame.schema.names)
        self._owns_engine = engine is None
        self.engine = engine or Engine(memory_mib=2048, threads=1)
        self.engine.register("given", frame)
        self._make(welfare, weight, size, score, transfer, transfer_of, welfare_is, basis)
        self._check()

    def _make(
        self, welfare: str, weight: str | None, size: str | None, score: str | None, transfer: str | None,
        transfer_of: str, welfare_is: str, basis: str,
    ) -> None:  # fmt: skip
        """Make the table `people`: w weight, n members, m the weight in force, y after, x before, b transfer."""

        def number(name: str | None, otherwise: str) -> str:
            return otherwise if name is None else f"CAST({sql_name(name)} AS DOUBLE)"

        kept = ", ".join(f"{sql_name(name)} AS {sql_name(f'f_{name}')}" for name in sorted(self._columns))
        paid = f"COALESCE({number(transfer, '0')}, 0)"
        per_head = f"({paid} / {number(size, '1')})" if transfer_of == "household" else paid
        after = "v" if welfare_is == "after" else "v + b"
        before = "v - b" if welfare_is == "after" else "v"
        self.engine.run(
            f"""CREATE OR REPLACE TABLE people AS
                SELECT *, {after} AS y, {before} AS x, {"w * n" if basis == "population" else "w"} AS m
                FROM (SELECT row_number() OVER () AS id, {number(welfare, "")} AS v, {number(weight, "1.0::DOUBLE")} AS w,
                             {number(size, "1.0::DOUBLE")} AS n, {number(score, "CAST(NULL AS DOUBLE)")} AS s,
                             CAST({per_head} AS DOUBLE) AS b, {kept} FROM given)"""
        )
        self.engine.drop("given")

    def _check(self) -> None:
        """Refuse what would bias every figure in silence."""
        row = self.engine.rows(
            """SELECT count(*), count(*) FILTER (WHERE v IS NULL OR NOT isfinite(v)),
                      count(*) FILTER (WHERE w IS NULL OR NOT isfinite(w) OR w <= 0),
                      count(*) FILTER (WHERE n IS NULL OR NOT isfinite(n) OR n <= 0) FROM people"""
        )[0]
        households = row[0]
        problems = [
            f"{count} of {households} {what}"
            for count, what in zip(
                row[1:], ("have no welfare", "have no positive weight", "have no members"), strict=True
            )
            if count
        ]
        if not households:
            problems = ["the frame has no rows"]
        if problems:
            self.close()
            raise ValueMissing(
                f"Of the households {'; '.join(problems)}. Settle these before measuring.", households=households
            )

    def __enter__(self) -> Population:
        """Open already; kept for `with`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the engine's room back."""
        self.close()

    def close(self) -> None:
        """Close the engine where it is this population's own."""
        if self._owns_engine:
            self.engine.close()

    def column(self, name: str) -> str:
        """Return the SQL name of a column that the frame brought.

        Raises:
            ColumnMissing: It brought none of that name.
        """
        if name not in self._columns:
            raise ColumnMissing(f"The frame has no column {name}.", columns=[name])
        return sql_name(f"f_{name}")

    def figure(self, sql: str, **parameters: Any) -> tuple[Any, ...]:
        """Return the one row of a SELECT over `people`."""
        return self.engine.rows(sql, parameters)[0]


def sql_name(name: str) -> str:
    """Quote a column name of somebody's file, so that it stays a name.

    Examples:
        >>> sql_name('a" b')
        '"a"" b"'
    """
    return '"' + name.replace('"', '""') + '"'


def poverty_line(people: Population, share: float) -> float:
    """Return the line under or at which a share of the population lies: the smallest welfare that reaches it, before the transfer.

    Examples:
        >>> import pyarrow as pa
        >>> with Population(pa.table({"y": [1.0, 2.0, 3.0, 4.0, 5.0]}), welfare="y") as people:
        ...     poverty_line(people, 0.4)
        2.0
    """
    return float(
        people.figure(
            """SELECT min(x) FROM (SELECT x, sum(m) OVER (ORDER BY x) / sum(m) OVER () AS reached FROM people)
               WHERE reached >= $share - 1e-12""",
            share=share,
        )[0]
    )
