"""Indicators from rules: counts by hand, groups, nothing to divide by, safe cells, exports that read back, and wrong frameworks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from khana_country.load import list_countries, pack_folder
from khana_methods.coverage import exports
from khana_methods.coverage.framework import Framework, FrameworkInvalid, ParameterMissing, framework_of, read_framework
from khana_methods.coverage.indicators import Value, compute, digest, funnel
from khana_methods.coverage.safe_values import make_safe
from khana_methods.engine.duckdb import Engine

AT, DAY = datetime(2026, 7, 1, tzinfo=UTC), date(2026, 6, 30)
PARENTS = {"PAK": "", "PK1": "PAK", "PK2": "PAK"}


def document(**changed: Any) -> dict[str, Any]:
    entry = {
        "code": "SHARE_POOR", "objective": "o", "names": {"en": "Poor"}, "definition": {"en": "Poor over scored."}, "unit": "share",
        "of": "household", "numerator": "score <= {cut_off}", "denominator": "has_score", "by": ["area_type"],
        "frequency": "quarter", "owner": "X", "source": "test",
    }  # fmt: skip
    count = {**entry, "code": "HH", "unit": "count", "numerator": "true", "denominator": ""}
    return {"code": "t", "version": "1", "names": {"en": "T"}, "objectives": {"o": {"en": "O"}}, "funnel": ["HH"],
            "indicators": [count, {**entry, **changed}]}  # fmt: skip


@pytest.fixture
def engine() -> Iterator[Engine]:
    households = [
        (1, "PAK.PK1.", 10.0, "rural"), (2, "PAK.PK1.", 40.0, "rural"), (3, "PAK.PK2.", 20.0, "urban"), (4, "PAK.PK2.", None, "urban"),
        (5, "PAK.PK2.", 32.0, None),
    ]  # fmt: skip
    with Engine(memory_mib=256, threads=1) as made:
        table = pa.table(
            {
                "household_id": [h[0] for h in households], "area_path": [h[1] for h in households],
                "score": pa.array([h[2] for h in households], pa.float64()), "has_score": [h[2] is not None for h in households],
                "area_type": [h[3] for h in households],
            }
        )  # fmt: skip
        made.register("household", table)
        yield made


def test_counts_by_hand_with_groups_and_funnel(engine: Engine) -> None:
    framework = framework_of(document())
    values = compute(engine, framework, parameters={"cut_off": 32})
    told = {(v.indicator, v.area_code, v.group_value): (v.numerator, v.denominator, v.value) for v in values}
    assert told["HH", "PAK", ""] == (5, None, 5)
    assert told["SHARE_POOR", "PAK", ""] == (3, 4, 0.75)
    assert told["SHARE_POOR", "PK1", ""] == (1, 2, 0.5)
    assert told["SHARE_POOR", "PK2", ""] == (2, 2, 1.0)
    assert told["SHARE_POOR", "PAK", "rural"] == (1, 2, 0.5)
    assert told["SHARE_POOR", "PK2", "urban"] == (1, 1, 1.0)
    assert digest(values) == digest(compute(engine, framework, parameters={"cut_off": 32}))
    assert [stage.count for stage in funnel(framework, values, "PK2")] == [3]


def test_nothing_to_divide_by_has_no_value(engine: Engine) -> None:
    engine.run("UPDATE household SET has_score = false")
    values = compute(engine, framework_of(document()), parameters={"cut_off": 32})
    (one,) = [v for v in values if v.indicator == "SHARE_POOR" and v.area_code == "PK1" and not v.group_by]
    assert (one.denominator, one.value) == (0, None)
    with pytest.raises(ParameterMissing, match="cut_off"):
        compute(engine, framework_of(document()), parameters={})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"numerator": "score <= "}, "SHARE_POOR"), ({"numerator": "income < 3"}, "no fact 'income'"), ({"denominator": ""}, "denominator"),
        ({"of": "street"}, "of is one of"), ({"objective": "x"}, "objective x"), ({"code": "HH"}, "stands twice"), ({"by": ["x"]}, "no fact of"),
        ({"numerator": "score <= (SELECT 1)"}, "SHARE_POOR"), ({"target": {"value": 1}}, "day"),
    ],
)  # fmt: skip
def test_a_framework_that_contradicts_itself_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(FrameworkInvalid, match=words):
        framework_of(document(**changed))


@pytest.mark.parametrize("country", list_countries())
def test_the_frameworks_of_the_packs_hold(country: str) -> None:
    framework = read_framework(pack_folder(country) / "results_framework.yaml")
    assert len(framework.indicators) >= 25
    assert all({"en", "ur", "bn"} <= set(one.names) for one in framework.indicators)


def values_of(*counts: tuple[str, int, int]) -> list[Value]:
    return [
        Value("SHARE_POOR", area, 0 if area == "PAK" else 1, "", "", n, d, n / d if d else None)
        for area, n, d in counts
    ]


def test_small_cells_are_hidden_and_cannot_be_worked_out() -> None:
    made = make_safe(values_of(("PAK", 60, 100), ("PK1", 2, 40), ("PK2", 28, 30), ("PK3", 30, 30)), {"SHARE_POOR": "household"},
                     {**PARENTS, "PK3": "PAK"})  # fmt: skip
    hidden = {v.area_code: v.hidden for v in made}
    assert hidden["PK1"] == "small" and hidden["PAK"] == ""
    assert sum(1 for area in ("PK1", "PK2", "PK3") if hidden[area]) >= 2
    assert all(v.value is None and v.numerator is None for v in made if v.hidden)
    open_values = make_safe(
        values_of(("PAK", 60, 100), ("PK1", 30, 50), ("PK2", 30, 50)), {"SHARE_POOR": "household"}, PARENTS
    )
    assert not any(v.hidden for v in open_values)
    rows = make_safe(values_of(("PAK", 2, 3)), {"SHARE_POOR": "payment"}, PARENTS)
    assert not rows[0].hidden  # rows of lists are nobody


def framework() -> Framework:
    return framework_of(document())


def test_exports_read_back_and_hidden_cells_leave_nothing() -> None:
    values = values_of(("PAK", 60, 100), ("PK1", 2, 40), ("PK2", 58, 60), ("PK4", 0, 0))
    safe = make_safe(values, {"SHARE_POOR": "household"}, {**PARENTS, "PK4": "PAK"})
    sent = exports.dhis2(framework(), safe, DAY, made_at=AT)
    assert {row["orgUnit"] for row in sent["dataValues"] if row["dataElement"] == "SHARE_POOR"} == {"PAK"}
    assert next(row for row in sent["dataValues"] if row["dataElement"] == "SHARE_POOR_D")["value"] == "100"
    assert sent["period"] == "2026Q2"
    lines = list(csv.DictReader(io.StringIO(exports.sdmx_csv(framework(), safe, DAY))))
    assert {line["REF_AREA"]: line["OBS_STATUS"] for line in lines} == {"PAK": "A", "PK1": "Q", "PK2": "Q", "PK4": "M"}
    assert all(line["OBS_VALUE"] == "" and line["NUMERATOR"] == "" for line in lines if line["OBS_STATUS"] == "Q")
    message = exports.sdmx_json(framework(), safe, DAY, made_at=AT)["data"]
    dimensions = message["structures"][0]["dimensions"]["observation"]
    read = {}
    for key, row in message["dataSets"][0]["observations"].items():
        place = {d["id"]: d["values"][int(at)]["id"] for d, at in zip(dimensions, key.split(":"), strict=True)}
        read[place["REF_AREA"]] = row
    assert read["PAK"][:3] == [0.6, 60, 100] and read["PK1"][:3] == [None, None, None]
    root = ElementTree.fromstring(exports.ddi(framework(), DAY, made_at=AT, rows=4))
    labels = [e.text for e in root.iter("{ddi:codebook:2_5}catValu")]
    assert labels == ["HH", "SHARE_POOR"]


def test_the_period_of_a_day_by_frequency() -> None:
    assert exports.period_of(date(2026, 12, 1), "half_year", sdmx=True) == "2026-S2"


def test_a_framework_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- a")
    for name in ("a.yaml", "absent.yaml"):
        with pytest.raises(FrameworkInvalid):
            read_framework(tmp_path / name)


def test_private_values_spend_their_budget_and_leave_sums_out() -> None:
    from khana_methods.coverage.private_values import make_private
    from khana_methods.disclosure.private_counts import BudgetWrong

    framework = framework_of(document())
    plain = [one for one in framework.indicators if one.relation == "household"]
    values = [
        Value(one.code, area, level, "", "", 800.0, 1000.0 if one.denominator else None, 0.8)
        for one in plain for area, level in (("PAK", 0), ("PK1", 1))
    ]  # fmt: skip
    areas = {"PAK": 0, "PK1": 1, "PK2": 1}
    made = make_private(values, framework, areas, parameters={"cut_off": 32}, epsilon=20.0)
    assert made.released.spent == pytest.approx(20.0)
    assert {v.area_code for v in made.values} == set(areas), "where nobody stands is spoken of too"
    released = {v.indicator for v in made.values}
    assert released and not released & set(made.left_out)
    near = [v.numerator for v in made.values if v.area_code == "PK1"]
    assert all(n is not None and abs(n - 800) < 60 for n in near)  # scale is a few tables over 20
    assert all(v.value is None or 0 <= v.value <= 1 for v in made.values if v.denominator is not None)
    for wrong in (0.0, -1.0, 50.0, float("nan")):
        with pytest.raises(BudgetWrong):
            make_private(values, framework, areas, parameters={"cut_off": 32}, epsilon=wrong)
