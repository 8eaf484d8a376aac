"""A survey bound to its design and checked once: the one place that hands rows to the survey library.

What would bias every figure in silence is refused with a count: weights that are no numbers, missing or negative, a
unit without a code, a finite population smaller than its sample, a stratum of one unit under `refuse`. What changes a
figure in a known way is done and said in `notes`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl
import pyarrow as pa
import svy
from svy.core.design import PopSize

from khana_methods.errors import InputError
from khana_methods.surveys.design import WEIGHTS, Design
from khana_methods.surveys.tables import numbers, require_columns, texts

_LIBRARY_RULE = {"certainty": "skip", "centre": "center", "average": "scale", "pool": "pool"}
SHOWN = 10


class WeightsWrong(InputError):
    """Weights are text, missing, negative, or all zero."""

    code: ClassVar[str] = "surveys.weights_wrong"


class DesignIncomplete(InputError):
    """A row has no stratum, no unit or no finite population."""

    code: ClassVar[str] = "surveys.design_incomplete"


class FiniteTooSmall(InputError):
    """A finite population is smaller than what was drawn from it, or differs inside one stratum."""

    code: ClassVar[str] = "surveys.finite_population_wrong"


class UnitsAcrossStrata(InputError):
    """Codes of units were said to be unique, and one stands in several strata."""

    code: ClassVar[str] = "surveys.units_across_strata"


class LonelyUnits(InputError):
    """Strata hold one unit only: their variance cannot be told, and is not passed over in silence."""

    code: ClassVar[str] = "surveys.lonely_units"


class WeightsUnknown(InputError):
    """A weighting that does not exist, or population weights without a size."""

    code: ClassVar[str] = "surveys.weights_unknown"


class Survey:
    """A table with its design.

    Args:
        table: n rows of `read_table`.
        design: How they were drawn.
        weights: `household`, or `population` (weight times size).

    Attributes:
        notes: What was assumed or left out, in sentences.
        frame: The columns of the design: `w`, `h`, `i`, `j`, `N1`, `N2`.

    Raises:
        WeightsWrong, DesignIncomplete, FiniteTooSmall, UnitsAcrossStrata, LonelyUnits, WeightsUnknown, ColumnMissing:
            Each before any figure is made.
    """

    def __init__(self, table: pa.Table, design: Design, *, weights: str = "household") -> None:
        if weights not in WEIGHTS:
            raise WeightsUnknown(f"Weights are {' or '.join(WEIGHTS)}.", weights=weights)
        if weights == "population" and not design.size:
            raise WeightsUnknown("Population weights need `size` in the design: the column of household members.")
        require_columns(table, design.columns())
        self.table, self.design, self.weights = table, design, weights
        self.notes: list[str] = []
        rows = table.num_rows
        made: dict[str, Any] = {
            "h": _joined(table, design.strata, "stratum", rows),
            "i": _joined(table, design.psu[:1], "unit", rows) if design.psu else None,
            "j": _joined(table, design.psu[1:2], "unit of the second stage", rows) if len(design.psu) > 1 else None,
        }
        frame = pl.DataFrame({"row": pl.int_range(0, rows, eager=True)})
        frame = frame.with_columns(*(pl.lit("all").alias(k) if v is None else pl.Series(k, v) for k, v in made.items()))
        if not design.psu:
            frame = frame.with_columns(i=pl.col("row").cast(pl.String))
            self.notes.append("The design names no primary unit: each row is taken as one, so errors may be too small.")
        if len(design.psu) <= 1:
            frame = frame.with_columns(j=pl.col("row").cast(pl.String))
        if not design.strata:
            self.notes.append("The design names no stratum: all units are taken as one.")
        frame = self._finite(frame)
        self.frame = self._weighted(frame)
        self._check_units()
        self.rule = self._lonely()

    def _finite(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the population of each stage as counts."""
        keys = (["h"], ["h", "i"])
        units = ("i", "j")
        for stage, name in enumerate(self.design.fpc):
            said = numbers(self.table, name)
            if said.blank or said.unreadable:
                raise DesignIncomplete(
                    f"{said.blank + said.unreadable} rows have no finite population in {name}.", column=name
                )
            column = f"N{stage + 1}"
            frame = frame.with_columns(pl.Series(column, said.values))
            counts = frame.group_by(keys[stage]).agg(
                pl.col(units[stage]).n_unique().alias("n"),
                pl.col(column).min().alias("low"),
                pl.col(column).max().alias("high"),
            )
            low = counts["low"].min()
            if counts.filter(pl.col("low") != pl.col("high")).height:
                raise FiniteTooSmall(
                    f"{name} differs inside one stratum (or unit); it is one number for each.", column=name
                )
            if low is None or float(low) <= 0:  # type: ignore[arg-type]
                raise FiniteTooSmall(f"{name} holds zero or less.", column=name)
            frame = frame.join(counts.select([*keys[stage], "n"]), on=keys[stage], how="left", maintain_order="left")
            frame = frame.with_columns(
                pl.when(pl.col(column) <= 1).then(pl.col("n") / pl.col(column)).otherwise(pl.col(column)).alias(column)
            ).rename({"n": f"n{stage + 1}"})
            small = frame.filter(pl.col(column) < pl.col(f"n{stage + 1}") - 1e-9)
            if small.height:
                raise FiniteTooSmall(
                    f"{name} is smaller than the units that were drawn, in {small.height} rows.", column=name
                )
        return frame

    def _weighted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the weight, after the checks that nobody makes later."""
        if self.design.weight:
            weight = self._positive(self.design.weight, "weight")
        elif self.design.fpc:
            share = pl.lit(1.0)
            for stage in range(len(self.design.fpc)):
                share = share * pl.col(f"N{stage + 1}") / pl.col(f"n{stage + 1}")
            weight = frame.select(share.alias("w"))["w"]
            self.notes.append("The design names no weight: it is taken from the finite population.")
        else:
            weight = pl.Series("w", [1.0] * frame.height)
            self.notes.append("The design names no weight: every row counts one, so totals are those of the file.")
        zero = int((weight == 0).sum())
        if zero == frame.height:
            raise WeightsWrong("Every weight is zero.", rows=zero)
        if zero:
            self.notes.append(f"{zero} rows have weight zero: they count for nothing and stay in the design.")
        if self.weights == "population" and self.design.size:
            weight = weight * self._positive(self.design.size, "size")
        return frame.with_columns(weight.alias("w"))

    def _positive(self, name: str, what: str) -> pl.Series:
        found = numbers(self.table, name)
        problems = []
        if found.unreadable:
            problems.append(
                f"{found.unreadable} cells are text and no number (data rows {', '.join(map(str, found.first_rows))})"
            )
        if found.blank:
            problems.append(f"{found.blank} cells are blank")
        values = pl.Series("w", found.values)
        below = int((values < 0).sum())
        if below:
            problems.append(f"{below} are negative")
        if problems:
            raise WeightsWrong(
                f"The {what} in {name}: {'; '.join(problems)}. Mend the file: a row left out would bias every figure.",
                column=name, unreadable=found.unreadable, blank=found.blank, negative=below,
            )  # fmt: skip
        return values

    def _check_units(self) -> None:
        if self.design.nested or not self.design.psu or not self.design.strata:
            return
        spread = self.frame.group_by("i").agg(pl.col("h").n_unique().alias("n")).filter(pl.col("n") > 1)
        if spread.height:
            raise UnitsAcrossStrata(
                f"{spread.height} unit codes stand in several strata. Say `nested: true` where codes start again in "
                "each stratum, or mend the strata.",
                units=spread.height,
            )

    def _lonely(self) -> str | None:
        """Return the library's rule for strata of one unit, or None where there is none."""
        units = self.frame.group_by("h").agg(pl.col("i").n_unique().alias("n"), *self._all_drawn())
        alone = units.filter(pl.col("n") == 1)
        self.strata = units.height
        self.units = int(units["n"].sum())
        if not alone.height:
            return None
        uncertain = alone.filter(~pl.col("all_drawn"))
        if not uncertain.height:
            return _LIBRARY_RULE["certainty"]
        if self.design.lonely == "refuse":
            codes = sorted(uncertain["h"].to_list())[:SHOWN]
            raise LonelyUnits(
                f"{uncertain.height} of {units.height} strata have one unit only ({', '.join(codes)}"
                f"{', ...' if uncertain.height > SHOWN else ''}). Join strata, or name a rule in the design: "
                "`lonely: certainty`, `centre`, `average` or `pool`.",
                strata=uncertain.height, codes=codes,
            )  # fmt: skip
        self.notes.append(f"{uncertain.height} strata have one unit; rule `{self.design.lonely}` is applied to them.")
        return _LIBRARY_RULE[self.design.lonely]

    def _all_drawn(self) -> list[pl.Expr]:
        if not self.design.fpc:
            return [pl.lit(False).alias("all_drawn")]
        return [(pl.col("N1").max() <= 1).alias("all_drawn")]

    def sample(self, **columns: pl.Series) -> svy.Sample:
        """Return the library's sample with further columns, by the names given."""
        data = self.frame.with_columns(**columns)
        fpc: str | PopSize | None = None
        if len(self.design.fpc) == 1:
            fpc = "N1"
        elif len(self.design.fpc) == 2:
            fpc = PopSize(psu="N1", ssu="N2")
        design = svy.Design(
            wgt="w",
            stratum="h" if self.design.strata else None,
            psu="i",
            ssu="j" if len(self.design.fpc) == 2 else None,
            pop_size=fpc,
            singleton=self.rule,  # type: ignore[arg-type]
        )
        return svy.Sample(data, design)


def _joined(table: pa.Table, names: tuple[str, ...], what: str, rows: int) -> pa.Array | None:
    """Join the texts of columns into one code for each row."""
    if not names:
        return None
    columns = [texts(table, name) for name in names]
    missing = max(column.null_count for column in columns)
    if missing:
        raise DesignIncomplete(
            f"{missing} of {rows} rows have no {what} in {', '.join(names)}. Mend the file, or leave the rows out before.",
            columns=list(names), rows=missing,
        )  # fmt: skip
    if len(columns) == 1:
        return columns[0]
    frame = pl.DataFrame({str(at): pl.Series(column) for at, column in enumerate(columns)})
    joined: pa.Array = frame.select(pl.concat_str(pl.all(), separator=" / ").alias("code"))["code"].to_arrow()
    return joined
