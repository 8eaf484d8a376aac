"""The untouched survey roster through the commands: counts of the domain report, section 5.2, to the unit."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from khana.interfaces.cli.main import khana

pytestmark = pytest.mark.shared_data
# what the domain report counts, by the code that finds it
COUNTS = {
    "HEAD_NONE": 0, "HEAD_SEVERAL": 0, "HEAD_UNDER_12": 1, "HEAD_CHILD": 29, "LINE_TWICE": 0,
    "FATHER_DANGLING": 31, "FATHER_WRONG_SEX": 0, "FATHER_SELF": 0, "FATHER_GAP_UNDER_12": 9, "FATHER_YOUNGER": 3,
    "FATHER_GAP_OVER_60": 213, "MOTHER_DANGLING": 13, "MOTHER_WRONG_SEX": 5, "MOTHER_SELF": 6, "MOTHER_GAP_UNDER_12": 17,
    "MOTHER_YOUNGER": 8, "MOTHER_GAP_OVER_60": 7, "WIFE_POINTER_DANGLING": 24, "WIFE_NOT_RETURNED": 306,
    "SPOUSE_SAME_SEX": 0, "HUSBAND_POINTER_DANGLING": 13, "HUSBAND_NOT_RETURNED": 9, "SPOUSE_NOT_MARRIED": 10,
    "MARRIED_UNDER_18": 190, "MARRIED_UNDER_12": 1, "SIZE_ONE": 274,
}  # fmt: skip


def run(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(khana, [*words, "--json"], catch_exceptions=False)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_counts_of_the_domain_report_to_the_unit(pk_sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "findings.csv"
    result = run("checks", "run", "--in", str(pk_sample / "source"), "--out", str(out))
    assert (result["households"], result["members"], result["guests"]) == (24238, 157636, 139)
    assert result["not_understood"] == {} and result["rows_refused"] == 0
    counts = {row["code"]: row["findings"] for row in result["rows"]}
    assert {code: counts[code] for code in COUNTS} == COUNTS
    with out.open(newline="") as handle:
        reader = csv.DictReader(handle)
        assert reader.fieldnames == ["household_id", "line_no", "code", "severity"]
        written = Counter(row["code"] for row in reader)
    assert {code: written[code] for code in COUNTS} == COUNTS


def test_families_of_the_domain_report_to_the_unit(pk_sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "families.csv"
    result = run("families", "derive", "--in", str(pk_sample / "source"), "--out", str(out))
    assert result["families"] == 38691 and result["single"] == 6141
    assert result["with_ever_married_woman"] == 35049 and result["per_household"] == 1.446
    assert result["several_ever_married_women"] == 289
    spread = {int(n): count for n, count in result["households_by_families"].items()}
    assert [spread[n] for n in range(5)] == [526, 15524, 5835, 1745, 471]
    assert sum(count for n, count in spread.items() if n >= 5) == 137
    with out.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 157775 and sum(row["family"] == "" for row in rows) == 139


def test_a_roster_read_under_contracts_gives_households_and_positions_too(pk_sample: Path) -> None:
    contracts = Path(__file__).parents[1] / "data" / "pk-sample" / "contracts"
    words = [word for name in ("persons", "households") for word in ("--contract", str(contracts / f"{name}.yaml"))]
    result = run("checks", "run", "--in", str(pk_sample), *words)
    plain = run("checks", "run", "--in", str(pk_sample))
    assert result["households"] == plain["households"] == 24359
    assert result["not_run"] == {} == plain["not_run"]
    counts, other = ({row["code"]: row["findings"] for row in each["rows"]} for each in (result, plain))
    for code in ("SIZE_NOT_AS_DECLARED", "INTERVIEW_SHORT", "FATHER_WRONG_SEX", "GPS_MISSING"):
        assert counts[code] == pytest.approx(other[code], abs=20)  # rows that the contract refuses are not on both
