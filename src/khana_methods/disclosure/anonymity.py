"""How well rows hide each other: k-anonymity, l-diversity, uniques and the risk of each row.

A *key* is a column that somebody outside may know of a person (age, sex, district, household size); rows that
agree on every key are one *class*. A blank is a value of its own: two rows whose key is blank agree. Everything
is counted by sets on the engine; nothing here knows a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import ClassVar

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError

LEVELS = (2, 3, 5)
HIGH_RISK = 0.05
ROWS, CLASSES = "sdc_rows", "sdc_classes"


class ColumnAbsent(InputError):
    """A key, sensitive column or weight is not a column of the file."""

    code: ClassVar[str] = "disclosure.column_absent"


class WeightWrong(InputError):
    """A weight is blank, no number, or less than one: a row stands at least for itself."""

    code: ClassVar[str] = "disclosure.weight_wrong"


class NothingToCheck(InputError):
    """The file holds no row, or no key was named."""

    code: ClassVar[str] = "disclosure.nothing_to_check"


@dataclass(frozen=True, slots=True)
class Diversity:
    """How many different values of one sensitive column a class holds.

    Attributes:
        column: The sensitive column.
        distinct: Fewest different values in any class (distinct l-diversity).
        entropy: Smallest exp(entropy) of any class (entropy l-diversity).
        rows_below_2: Rows whose class holds one value only: who knows the keys knows the value.
    """

    column: str
    distinct: int
    entropy: float
    rows_below_2: int


@dataclass(frozen=True, slots=True)
class Risk:
    """Risk of being recognised by the keys.

    Attributes:
        method: `1/f` where the file is the whole population, `benedetti-franconi` where rows have weights.
        largest: Highest risk of a row.
        mean: Mean risk of the rows.
        expected: Sum of the risks: how many rows one expects to be recognised.
        rows_high: Rows whose risk is above `HIGH_RISK`.
    """

    method: str
    largest: float
    mean: float
    expected: float
    rows_high: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a check found; counts of rows throughout.

    Attributes:
        rows: Rows read.
        classes: Different combinations of the keys.
        smallest: Rows in the smallest class: the k that the whole file reaches.
        uniques: Rows that stand alone in their class (sample uniques).
        violating: k to rows whose class has fewer than k rows.
        diversity: One entry a sensitive column.
        risk: Risk over all rows.
        without: Key to the rows violating 3-anonymity if that key were left out.
    """

    rows: int
    classes: int
    smallest: int
    uniques: int
    violating: dict[int, int]
    diversity: tuple[Diversity, ...]
    risk: Risk
    without: dict[str, int]


def individual_risk(count: int, population: float) -> float:
    """Estimate the risk of recognising one row of a class from its count and its weighted count.

    The posterior mean of 1/F where F, the class's size in the population, is negative binomial given the sample
    count f with success probability p = f / (sum of weights).

    Args:
        count: Rows of the class in the sample, f >= 1.
        population: Sum of their weights.

    Returns:
        Risk in (0, 1]; 1/f where the sample is the population.

    Source:
        Benedetti & Franconi (1998), Statistical and technological solutions for controlled data dissemination;
        in the form of Franconi & Polettini (2004), Individual risk estimation in mu-Argus: a review, LNCS 3050:
        r = p/f * 2F1(1, 1; f+1; 1-p), here for f = 1 and 2 in closed form, else by its series.

    Examples:
        >>> round(individual_risk(1, 17.0), 8), round(individual_risk(2, 110.0), 8)
        (0.17707583, 0.01714426)
        >>> individual_risk(4, 4.0)
        0.25
    """
    p = count / population
    if p >= 1:
        return 1 / count
    odds, q = p / (1 - p), 1 - p
    if count == 1:
        return odds * log(1 / p)
    if count == 2 and q > 1e-4:
        return odds - odds * odds * log(1 / p)
    term = total = 1.0
    step = 0
    while term > total * 1e-15 and step < 100_000:
        step += 1
        term *= q * step / (count + step)
        total += term
    return p / count * total


def quoted(column: str) -> str:
    """Write a column's name for SQL, whatever it holds."""
    return '"' + column.replace('"', '""') + '"'


def load(engine: Engine, frame: pa.Table, columns: Sequence[str]) -> None:
    """Put a table on the engine as `sdc_rows`, with its row number, after a look at the columns.

    Raises:
        ColumnAbsent: A named column is not there.
        NothingToCheck: No row.
    """
    absent = [name for name in columns if name not in frame.schema.names]
    if absent:
        raise ColumnAbsent(f"The file has no column {', '.join(absent)}. Its columns are: "
                           f"{', '.join(frame.schema.names)}.", columns=absent)  # fmt: skip
    if not frame.num_rows:
        raise NothingToCheck("The file holds no row.")
    kept = frame.select(list(dict.fromkeys(columns)))
    engine.register("sdc_arriving", kept)
    texts = ", ".join(f"coalesce(trim({quoted(c)}::VARCHAR), '') AS {quoted(c)}" for c in kept.schema.names)
    engine.run(f"CREATE OR REPLACE TABLE {ROWS} AS SELECT row_number() OVER () AS sdc_row, {texts} FROM sdc_arriving")
    engine.drop("sdc_arriving")


def assess(
    engine: Engine, frame: pa.Table, *, keys: Sequence[str], sensitive: Sequence[str] = (), weight: str | None = None
) -> Assessment:
    """Count how well the rows of a file hide each other.

    Args:
        engine: Where the counting is done; the tables `sdc_rows` and `sdc_classes` stay on it.
        frame: n rows of any columns.
        keys: Columns that somebody outside may know.
        sensitive: Columns that must not follow from the keys.
        weight: Column of sampling weights (population rows that a row stands for); None where the file is the
            whole population.

    Raises:
        ColumnAbsent, NothingToCheck, WeightWrong: See there.

    Source:
        Samarati (2001) and Sweeney (2002) for k-anonymity; Machanavajjhala et al. (2007) for l-diversity;
        `individual_risk` for the risk.
    """
    if not keys:
        raise NothingToCheck("Name at least one key: a column that somebody outside may know of a person.")
    load(engine, frame, [*keys, *sensitive, *([weight] if weight else [])])
    _classes(engine, keys, weight)
    ((rows, classes, smallest, uniques, *below),) = engine.rows(
        "SELECT sum(f)::BIGINT, count(*), min(f), coalesce(sum(f) FILTER (f = 1), 0)::BIGINT, "
        + ", ".join(f"coalesce(sum(f) FILTER (f < {k}), 0)::BIGINT" for k in LEVELS)
        + f" FROM {CLASSES}"
    )
    return Assessment(
        rows, classes, smallest, uniques, dict(zip(LEVELS, below, strict=True)),
        tuple(_diversity(engine, keys, column) for column in sensitive), _risk(engine, weight),
        {key: violations(engine, [k for k in keys if k != key], 3) for key in keys} if len(keys) > 1 else {},
    )  # fmt: skip


def _classes(engine: Engine, keys: Sequence[str], weight: str | None) -> None:
    size = "count(*)::DOUBLE"
    if weight:
        size = f"sum(try_cast({quoted(weight)} AS DOUBLE))"
        wrong = engine.value(
            f"SELECT count(*) FROM {ROWS} WHERE NOT coalesce(try_cast({quoted(weight)} AS DOUBLE) >= 1"
            f" AND isfinite(try_cast({quoted(weight)} AS DOUBLE)), false)"
        )
        if wrong:
            raise WeightWrong(f"{wrong} rows have no weight of one or more in the column {weight}.", rows=wrong)
    named = ", ".join(quoted(key) for key in keys)
    engine.run(
        f"CREATE OR REPLACE TABLE {CLASSES} AS SELECT {named}, count(*) AS f, {size} AS population"
        f" FROM {ROWS} GROUP BY {named}"
    )


def violations(engine: Engine, keys: Sequence[str], k: int, *, table: str = ROWS) -> int:
    """Count the rows whose class over some keys has fewer than k rows."""
    if not keys:
        return 0
    named = ", ".join(quoted(key) for key in keys)
    return int(
        engine.value(
            f"SELECT coalesce(sum(f), 0) FROM (SELECT count(*) AS f FROM {table} GROUP BY {named}) WHERE f < {int(k)}"
        )
    )


def _diversity(engine: Engine, keys: Sequence[str], column: str) -> Diversity:
    named = ", ".join(quoted(key) for key in keys)
    ((distinct, entropy, below),) = engine.rows(
        f"SELECT min(d), min(exp(e)), coalesce(sum(f) FILTER (d < 2), 0)::BIGINT FROM (SELECT {named}, sum(n) AS f,"
        f" count(*) AS d, -sum(n / total * ln(n / total)) AS e FROM (SELECT {named}, {quoted(column)}, count(*) AS n,"
        f" sum(count(*)) OVER (PARTITION BY {named}) AS total FROM {ROWS} GROUP BY {named}, {quoted(column)})"
        f" GROUP BY {named})"
    )
    return Diversity(column, int(distinct), float(entropy), int(below))


def _risk(engine: Engine, weight: str | None) -> Risk:
    sizes = engine.rows(f"SELECT f, population, count(*) FROM {CLASSES} GROUP BY f, population")
    rows = expected = high = 0.0
    largest = 0.0
    for count, population, classes in sizes:
        risk = individual_risk(count, population) if weight else 1 / count
        rows += count * classes
        expected += risk * count * classes
        high += count * classes if risk > HIGH_RISK else 0
        largest = max(largest, risk)
    return Risk("benedetti-franconi" if weight else "1/f", largest, expected / rows, expected, int(high))


def risky_rows_frame(engine: Engine, keys: Sequence[str], *, k: int, is_weighted: bool) -> pa.Table:
    """Name the rows of the last `assess` that violate k-anonymity.

    Returns:
        n rows, one per violating row, in the order of the file: `row` (i64, from 1), `class_rows` (i64) and
        `risk` (f64). No value of the file.
    """
    matched = " AND ".join(f"r.{quoted(key)} = c.{quoted(key)}" for key in keys)
    found = engine.table(
        f"SELECT r.sdc_row AS row, c.f AS class_rows, c.population FROM {ROWS} r JOIN {CLASSES} c ON {matched}"
        f" WHERE c.f < {int(k)} ORDER BY r.sdc_row"
    )
    counts, populations = found.column("class_rows").to_pylist(), found.column("population").to_pylist()
    known: dict[tuple[int, float], float] = {}
    for pair in set(zip(counts, populations, strict=True)):
        known[pair] = individual_risk(*pair) if is_weighted else 1 / pair[0]
    risks = [known[pair] for pair in zip(counts, populations, strict=True)]
    return found.drop_columns(["population"]).append_column("risk", pa.array(risks, pa.float64()))
