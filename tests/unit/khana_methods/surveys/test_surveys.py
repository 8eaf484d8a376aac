"""Survey files with everything that is wrong with survey files: each has an answer, and none is passed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from khana_methods.engine.files import FileUnreadable, read_table
from khana_methods.errors import InputError
from khana_methods.surveys.design import Design, DesignUnreadable, design_of, read_design
from khana_methods.surveys.estimate import MeasureUnknown, ValuesWrong, estimate
from khana_methods.surveys.linearised import total_covariance
from khana_methods.surveys.logit import LogitWrong, fit_logit
from khana_methods.surveys.survey import (
    DesignIncomplete,
    FiniteTooSmall,
    LonelyUnits,
    Survey,
    UnitsAcrossStrata,
    WeightsUnknown,
    WeightsWrong,
)
from khana_methods.surveys.tables import ColumnMissing


def little(rows: int = 240, seed: int = 1) -> pa.Table:
    """Make a survey of 4 strata with 6 units of 10 households each."""
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "stratum": [f"s{k // 60}" for k in range(rows)],
            "psu": [f"u{k // 10 % 6}" for k in range(rows)],  # codes start again in each stratum
            "w": random.uniform(50, 150, rows).round(2),
            "size": random.integers(1, 9, rows),
            "registered": (random.uniform(size=rows) < 0.8).astype(int),
            "income": random.gamma(2, 100, rows),
            "head": random.choice(["woman", "man"], rows),
        }
    )


DESIGN = Design(weight="w", strata=("stratum",), psu=("psu",), size="size")


def with_column(table: pa.Table, name: str, values: list[object]) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, name, pa.array(values)) if at >= 0 else table.append_column(name, pa.array(values))


def test_the_three_kinds_of_file_give_one_answer(tmp_path: Path) -> None:
    table = little()
    pq.write_table(table, tmp_path / "s.parquet")
    rows = [list(row.values()) for row in table.to_pylist()]
    lines = [";".join(table.schema.names), *(";".join(map(str, row)) for row in rows)]
    (tmp_path / "s.csv").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    book = Workbook()
    sheet = book.active
    sheet.append(["Household survey"])  # a title above the header
    sheet.append(table.schema.names)
    for row in rows:
        sheet.append(row)
    book.save(tmp_path / "s.xlsx")
    found = [
        estimate(Survey(read_table(tmp_path / f"s.{kind}"), DESIGN), "mean", ["income"])[0][0]
        for kind in ("parquet", "csv", "xlsx")
    ]
    assert found[0].n == found[1].n == found[2].n == 240
    for one in found[1:]:
        assert (one.estimate, one.se, one.lower) == pytest.approx((found[0].estimate, found[0].se, found[0].lower))


@pytest.mark.parametrize(
    ("column", "values", "error", "words"),
    [
        ("w", ["many"] * 240, WeightsWrong, "240 cells are text"),
        ("w", [None] + [1.0] * 239, WeightsWrong, "1 cells are blank"),
        ("w", [-1.0] + [1.0] * 239, WeightsWrong, "1 are negative"),
        ("w", [0.0] * 240, WeightsWrong, "Every weight is zero"),
        ("psu", [None] + ["a", "b", "c"] * 79 + ["a", "b"], DesignIncomplete, "1 of 240 rows have no unit"),
        ("stratum", ["only"] + ["rest"] * 239, LonelyUnits, "1 of 2 strata have one unit"),
    ],
)
def test_what_would_bias_every_figure_is_refused_with_a_count(
    column: str, values: list[object], error: type[InputError], words: str
) -> None:
    with pytest.raises(error, match=words):
        Survey(with_column(little(), column, values), DESIGN)


def test_weights_with_commas_and_native_digits_are_read_and_zero_stays_in_the_design() -> None:
    plain = little()
    texts = [f"{value:,.2f}" for value in plain.column("w").to_pylist()]
    texts[0] = plain.column("w")[0].as_py().__format__(".2f").translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    again = Survey(with_column(plain, "w", texts), DESIGN)
    here, there = (estimate(one, "mean", ["income"])[0][0] for one in (again, Survey(plain, DESIGN)))
    assert (here.estimate, here.se) == pytest.approx((there.estimate, there.se))
    zero = Survey(with_column(plain, "w", [0.0, *plain.column("w").to_pylist()[1:]]), DESIGN)
    assert any("1 rows have weight zero" in note for note in zero.notes)
    assert zero.units == 24


def test_a_survey_without_unit_or_weight_says_what_was_assumed() -> None:
    found = Survey(little(), Design())
    assert [note.split(":")[0] for note in found.notes] == [
        "The design names no primary unit", "The design names no stratum", "The design names no weight",
    ]  # fmt: skip


@pytest.mark.parametrize("rule", ["certainty", "centre", "average", "pool"])
def test_the_rule_for_lonely_units_is_named_and_applied(rule: str) -> None:
    table = little()
    strata = ["x" if k < 10 else "y" if k < 20 else table.column("stratum")[k].as_py() for k in range(240)]
    design = Design(weight="w", strata=("stratum",), psu=("psu",), lonely=rule)
    found = Survey(with_column(table, "stratum", strata), design)
    assert any(f"rule `{rule}`" in note for note in found.notes)
    one = estimate(found, "total", ["income"])[0][0]
    values = np.asarray(table.column("income").to_pylist())[:, None]
    assert one.se == pytest.approx(float(np.sqrt(total_covariance(found, values)[0, 0])), rel=1e-9)


@pytest.mark.parametrize("measure", ["total", "mean"])
def test_our_covariance_equals_that_of_the_library(measure: str) -> None:
    """The slow, obvious check of the kernel: totals, and means by their linearised values, finite population or not."""
    table = with_column(little(), "N", [30] * 240)
    for design in (DESIGN, Design(weight="w", strata=("stratum",), psu=("psu",), fpc=("N",))):
        found = Survey(table, design)
        y, w = np.asarray(table.column("income")), np.asarray(table.column("w"))
        z = y if measure == "total" else (y - (w @ y) / w.sum()) / w.sum()
        one = estimate(found, measure, ["income"])[0][0]
        assert one.se == pytest.approx(float(np.sqrt(total_covariance(found, z[:, None])[0, 0])), rel=1e-9)


def test_units_said_to_be_unique_and_found_in_two_strata_are_refused() -> None:
    with pytest.raises(UnitsAcrossStrata, match="6 unit codes"):
        Survey(little(), Design(weight="w", strata=("stratum",), psu=("psu",), nested=False))


@pytest.mark.parametrize(("size", "words"), [(3, "smaller than the units"), (0, "zero or less")])
def test_a_finite_population_smaller_than_its_sample_is_refused(size: int, words: str) -> None:
    design = Design(weight="w", strata=("stratum",), psu=("psu",), fpc=("N",))
    with pytest.raises(FiniteTooSmall, match=words):
        Survey(with_column(little(), "N", [size] * 240), design)
    with pytest.raises(FiniteTooSmall, match="differs inside one stratum"):
        Survey(with_column(little(), "N", list(range(100, 340))), design)


def test_a_share_of_units_drawn_means_the_same_as_their_number() -> None:
    design = Design(weight="w", strata=("stratum",), psu=("psu",), fpc=("N",))
    counts = Survey(with_column(little(), "N", [24] * 240), design)
    shares = Survey(with_column(little(), "N", [0.25] * 240), design)
    here, there = (estimate(one, "mean", ["income"])[0][0] for one in (counts, shares))
    assert (here.estimate, here.se) == pytest.approx((there.estimate, there.se))


def test_a_domain_of_three_households_is_shown_with_a_warning() -> None:
    part = ["tiny" if k in (5, 70, 150) else "rest" for k in range(240)]
    found, _ = estimate(
        Survey(with_column(little(), "part", part), DESIGN), "proportion", ["registered=1"], by=["part"]
    )
    tiny = next(row for row in found if row.domain["part"] == "tiny")
    assert tiny.n == 3 and tiny.note == "one unit only: the design cannot tell an interval"  # a unit in each stratum
    assert tiny.lower is None and tiny.upper is None


def test_shares_of_nought_and_one_have_an_interval_with_one_end() -> None:
    found, _ = estimate(Survey(with_column(little(), "never", [0] * 240), DESIGN), "proportion", ["never=1"])
    assert (found[0].estimate, found[0].lower, found[0].interval) == (0.0, 0.0, "korn-graubard")
    assert 0 < (found[0].upper or 0) < 0.02


def test_a_ratio_that_divides_by_zero_says_so() -> None:
    found, _ = estimate(Survey(with_column(little(), "none", [0.0] * 240), DESIGN), "ratio", ["income"], over="none")
    assert found[0].estimate is None
    assert found[0].note.startswith("divides by zero")


def test_blanks_are_left_out_and_counted() -> None:
    table = little()
    values = [None, "", "NA", *[str(v) for v in table.column("income").to_pylist()[3:]]]
    found, left_out = estimate(Survey(with_column(table, "income", values), DESIGN), "mean", ["income"])
    assert left_out == 3 and found[0].n == 237


def test_population_weights_multiply_by_size_and_need_it() -> None:
    table = little()
    found, _ = estimate(Survey(table, DESIGN, weights="population"), "proportion", ["registered=1"])
    w, s, r = (np.asarray(table.column(name)) for name in ("w", "size", "registered"))
    assert found[0].estimate == pytest.approx((w * s * r).sum() / (w * s).sum())
    assert found[0].weight == "population"
    with pytest.raises(WeightsUnknown):
        Survey(table, Design(weight="w"), weights="population")


def test_a_part_keeps_the_whole_design() -> None:
    survey = Survey(little(), DESIGN)
    by = {row.domain["head"]: row for row in estimate(survey, "mean", ["income"], by=["head"])[0]}
    where = estimate(survey, "mean", ["income"], where=["head=woman"])[0][0]
    assert where.estimate == pytest.approx(by["woman"].estimate) and where.se == pytest.approx(by["woman"].se)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda s: estimate(s, "median", ["income"]), MeasureUnknown),
        (lambda s: estimate(s, "ratio", ["income"]), MeasureUnknown),
        (lambda s: estimate(s, "mean", []), MeasureUnknown),
        (lambda s: estimate(s, "mean", ["income"], where=["income"]), MeasureUnknown),
        (lambda s: estimate(s, "mean", ["nothing"]), ColumnMissing),
        (lambda s: estimate(s, "mean", ["head"]), ValuesWrong),
        (lambda s: fit_logit(s, "registered", []), LogitWrong),
        (lambda s: fit_logit(s, "registered", ["constant"]), LogitWrong),
        (lambda s: fit_logit(s, "constant=x", ["income"]), LogitWrong),
        (lambda s: fit_logit(s, "income", ["size"]), ValuesWrong),
        (lambda s: fit_logit(s, "registered", ["same"]), LogitWrong),
    ],
)
def test_questions_without_an_answer_are_refused(wrong: object, error: type[InputError]) -> None:
    table = with_column(little(), "constant", ["x"] * 240)
    table = with_column(table, "same", table.column("registered").to_pylist())
    with pytest.raises(error):
        wrong(Survey(table, DESIGN))  # type: ignore[operator]


@pytest.mark.parametrize(
    "words", [{"wieght": "w"}, {"lonely": "guess"}, {"fpc": ["a", "b"], "psu": "p"}, {"weight": ["a", "b"]}]
)
def test_a_design_with_unknown_words_is_refused(words: dict[str, object]) -> None:
    with pytest.raises(DesignUnreadable):
        design_of(words)


def test_files_that_are_no_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "header.csv").write_text("a,b\n")
    (tmp_path / "no.xlsx").write_bytes(b"PK nothing")
    (tmp_path / "no.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / "list.yaml").write_text("- a\n- b\n")
    for name in ("empty.csv", "header.csv", "no.xlsx", "no.parquet", "list.yaml"):
        with pytest.raises(FileUnreadable):
            read_table(tmp_path / name)
    for text in (str(tmp_path / "list.yaml"), str(tmp_path / "absent.yaml")):
        with pytest.raises(DesignUnreadable):
            read_design(text)
