"""A survey made ready to fit on: welfare, weights, members and design checked once, with what was left out and why.

What would bias every figure in silence is refused: a missing or negative weight, a household without members, a
stratum or unit that is not told. What has no logarithm is left out and counted, or refused where the SPEC says so.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.pmt.estimate import Design
from khana_methods.pmt.features import NUMBER, TEXT, column_types, reading
from khana_methods.pmt.spec import FitSpec
from khana_methods.pmt.terms import Numbers, Texts


class SurveyColumnMissing(InputError):
    """The SPEC names a column that the survey does not have."""

    code: ClassVar[str] = "pmt.survey.column_missing"


class SurveyValueMissing(InputError):
    """A weight, size, stratum or unit is missing or cannot be one: leaving the row out would bias all."""

    code: ClassVar[str] = "pmt.survey.value_missing"


class SurveyTooSmall(InputError):
    """Too few households or units are left to fit or to test on."""

    code: ClassVar[str] = "pmt.survey.too_small"


@dataclass(frozen=True, slots=True)
class Survey:
    """The rows of a survey that have welfare and weight.

    Attributes:
        frame: n rows, all columns as they came.
        welfare: Per head or adult equivalent, positive.
        weight: Sampling weight, positive; ones where the SPEC names none.
        size: Members; ones where the SPEC names none.
        stratum: Stratum of each row as a number from 0.
        unit: Sampling unit of each row as a number from 0, units being within strata.
        read: Rows that came.
        left_out: Why rows were left out, and how many.
    """

    frame: pa.Table
    welfare: Numbers
    weight: Numbers
    size: Numbers
    stratum: npt.NDArray[np.int64]
    unit: npt.NDArray[np.int64]
    read: int
    left_out: tuple[tuple[str, int], ...]

    def mass(self, basis: str) -> Numbers:
        """Return what a household counts: its weight, times its members under `population`."""
        return self.weight * self.size if basis == "population" else self.weight

    def only(self, rows: npt.NDArray[np.bool_], reason: str = "") -> Survey:
        """Return the survey with some rows only; those gone are counted under a reason."""
        gone = int((~rows).sum())
        units = np.unique(self.unit[rows], return_inverse=True)[1]
        strata = np.unique(self.stratum[rows], return_inverse=True)[1]
        return Survey(
            self.frame.filter(pa.array(rows)), self.welfare[rows], self.weight[rows], self.size[rows],
            strata.astype(np.int64), units.astype(np.int64), self.read,
            (*self.left_out, *(((reason, gone),) if gone and reason else ())),
        )  # fmt: skip

    def design(self, single: str, rows: npt.NDArray[np.bool_]) -> Design:
        """Return the sampling design of some of its rows."""
        units = np.unique(self.unit[rows], return_inverse=True)[1]
        strata = np.unique(self.stratum[rows], return_inverse=True)[1]
        return Design(strata.astype(np.int64), units.astype(np.int64), single)


def read_survey(frame: pa.Table, spec: FitSpec, engine: Engine) -> Survey:
    """Read welfare, weights and design of a survey.

    Args:
        frame: n rows, one per household.
        spec: Names the columns.
        engine: Where the columns are read.

    Raises:
        SurveyColumnMissing: A column that the SPEC names is not there.
        SurveyValueMissing: Weights, sizes, strata or units that cannot be used, or welfare without a logarithm where
            the SPEC refuses it.
        SurveyTooSmall: No row is left.
    """
    check_columns(frame.schema.names, spec)
    engine.register("pmt_survey", frame)
    kinds = column_types(engine, "pmt_survey")

    def numbers(column: str | None, otherwise: float) -> Numbers:
        if not column:
            return np.full(frame.num_rows, otherwise)
        return read_numbers(engine, "pmt_survey", column, kinds[column])

    weight, size = numbers(spec.weight, 1.0), numbers(spec.size, 1.0)
    welfare = _welfare(spec, numbers, size)
    stratum = _codes(engine, spec.strata, kinds, frame.num_rows)
    unit = np.arange(frame.num_rows) if not spec.psu else _codes(engine, spec.psu, kinds, frame.num_rows)
    problems = [
        f"{count} of {frame.num_rows} {what}"
        for count, what in (
            (int((~(weight >= 0)).sum()), "have no weight, or a negative one"),
            (int((~(size > 0)).sum()), "have no members"),
            (int((stratum < 0).sum()), "have no stratum"),
            (int((unit < 0).sum()), "have no sampling unit"),
        )
        if count
    ]
    if spec.nonpositive == "refuse" and (welfare <= 0).any():
        problems.append(f"{int((welfare <= 0).sum())} of {frame.num_rows} have zero or negative welfare")
    if problems:
        raise SurveyValueMissing(f"Of the households {'; '.join(problems)}. Settle these before fitting.")
    unit = np.unique(np.column_stack([stratum, unit]), axis=0, return_inverse=True)[1].reshape(-1)
    survey = Survey(frame, welfare, weight, size, stratum, unit.astype(np.int64), frame.num_rows, ())
    return _leave_out(survey)


def _leave_out(survey: Survey) -> Survey:
    """Leave out rows that have no logarithm or no weight, each under its reason."""
    survey = survey.only(np.isfinite(survey.welfare), "no welfare")
    survey = survey.only(survey.welfare >= 0, "negative welfare has no logarithm")
    survey = survey.only(survey.welfare != 0, "zero welfare has no logarithm")
    survey = survey.only(survey.weight > 0, "a weight of zero")
    if not len(survey.welfare):
        raise SurveyTooSmall("No household of the survey has welfare and weight.", read=survey.read)
    return survey


def check_columns(names: Iterable[str], spec: FitSpec) -> None:
    """Make sure that every column of the SPEC is there, and name the nearest where it is not.

    Raises:
        SurveyColumnMissing: All that are missing in one message.
    """
    there = list(names)
    wanted = [spec.welfare, spec.size, spec.weight, spec.strata, spec.psu, spec.area_effects, spec.separate,
              spec.survey_date, *spec.equity.values()]  # fmt: skip
    if spec.equivalence:
        wanted += [spec.equivalence.column, *spec.equivalence.children]
    wanted += [column for regressor in spec.regressors for column in (regressor.column, regressor.per)]
    absent = [name for name in dict.fromkeys(wanted) if name and name not in there]
    if absent:
        near = {name: difflib.get_close_matches(name, there, n=1) for name in absent}
        told = [f"{name} (is it {found[0]}?)" if found else name for name, found in near.items()]
        raise SurveyColumnMissing(f"The survey has no column {', '.join(told)}.", columns=absent)


def read_numbers(engine: Engine, relation: str, column: str, kind: str) -> Numbers:
    """Read a column as numbers, not a number where there is none."""
    table = engine.table(f"SELECT {reading(column, kind, NUMBER)} AS v FROM {relation}")
    made: Numbers = table.column("v").to_numpy(zero_copy_only=False).astype(float)
    return made


def read_texts(engine: Engine, relation: str, column: str, kind: str) -> Texts:
    """Read a column as texts, None where there is none."""
    table = engine.table(f"SELECT {reading(column, kind, TEXT)} AS v FROM {relation}")
    return np.array(table.column("v").to_pylist(), dtype=object)


def _codes(engine: Engine, column: str | None, kinds: dict[str, str], rows: int) -> npt.NDArray[np.int64]:
    """Read a column as numbers of its different values, -1 where there is none."""
    if not column:
        return np.zeros(rows, dtype=np.int64)
    texts = read_texts(engine, "pmt_survey", column, kinds[column])
    place = {value: at for at, value in enumerate(dict.fromkeys(texts))}
    return np.array([-1 if value is None else place[value] for value in texts], dtype=np.int64)


def _welfare(spec: FitSpec, numbers: Callable[[str | None, float], Numbers], size: Numbers) -> Numbers:
    """Read welfare and bring it to one head, or one adult equivalent."""
    welfare = numbers(spec.welfare, np.nan)
    if spec.welfare_is == "log_per_head":
        return np.exp(welfare)
    if spec.equivalence is None:
        return (
            np.divide(welfare, size, out=np.full_like(size, np.nan), where=size > 0)
            if spec.welfare_is == "household"
            else welfare
        )
    total = welfare if spec.welfare_is == "household" else welfare * size
    if spec.equivalence.column:
        heads = numbers(spec.equivalence.column, np.nan)
    else:
        children = np.sum([numbers(column, np.nan) for column in spec.equivalence.children], axis=0)
        heads = np.power(size - (1 - spec.equivalence.child) * children, spec.equivalence.theta)
    return np.divide(total, heads, out=np.full_like(total, np.nan), where=heads > 0)
