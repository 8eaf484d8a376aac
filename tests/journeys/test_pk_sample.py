"""The main job on the Pakistani sample: real household skeletons, messy lists, row-level truth.

Everything is started as its user would: the manifest is loaded, `consolidate` runs, the findings
report is written, and the file is held against the truth, to the row.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.journeys.truth import DECIDED, Key, Planted, judge, khana, read_findings, read_planted, rows_of

pytestmark = pytest.mark.shared_data

MANIFEST = REPOSITORY / "tests" / "data" / "pk-sample" / "sample.yaml"


@pytest.fixture(scope="module")
def consolidated(database: str, tokens, pk_sample: Path) -> tuple[str, str]:
    """Load the whole set and consolidate it; return token and database."""
    token = tokens("data_steward")
    khana("sample", "load", str(MANIFEST), "--data", str(pk_sample), "--json", token=token, database=database)
    khana("consolidate", "--json", token=token, database=database)
    return token, database


@pytest.fixture(scope="module")
def findings(consolidated: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[Key]]:
    """Return the findings report by code."""
    token, database = consolidated
    out = tmp_path_factory.mktemp("report") / "findings.csv"
    khana("report", "findings", "--format", "csv", "--out", str(out), token=token, database=database)
    return read_findings(out)


@pytest.fixture(scope="module")
def planted(pk_sample: Path) -> Planted:
    """Return the truth."""
    return read_planted(pk_sample / "truth" / "planted.csv")


@pytest.mark.parametrize("code", DECIDED)
def test_precision_and_recall(code: str, findings: dict[str, set[Key]], planted: Planted) -> None:
    verdict = judge(code, findings, planted)
    print(verdict)
    assert verdict.true > 0
    assert verdict.precision >= 0.99, verdict.too_many
    assert verdict.recall >= 0.99, verdict.too_few


def test_nothing_is_lost(consolidated: tuple[str, str], pk_sample: Path) -> None:
    """Rows in = linked + unmatched + quarantined, to the row, and every malformed row is in quarantine."""
    token, database = consolidated
    listed: dict[str, int] = defaultdict(int)
    malformed: set[Key] = set()
    for row in rows_of(pk_sample / "truth" / "list_rows.csv.gz"):
        listed[row["file"]] += 1
        if "ROW_MALFORMED" in row["codes"].split():
            malformed.add((row["file"], row["sheet"], int(row["line"])))
    rows = json.loads(khana("report", "quarantine", "--json", token=token, database=database))["rows"]
    held = {(row["file"], row["sheet"], int(row["line"])) for row in rows if row["file"] in listed}
    assert held == malformed
    counts = json.loads(khana("consolidate", "--json", token=token, database=database))
    assert counts["rows"] == counts["linked"] + counts["unmatched"]
    assert counts["rows"] + len(held) == sum(listed.values())


def test_the_same_set_twice_changes_nothing(consolidated: tuple[str, str], pk_sample: Path) -> None:
    token, database = consolidated
    again = json.loads(
        khana("sample", "load", str(MANIFEST), "--data", str(pk_sample), "--json", token=token, database=database)
    )
    states = {name: part["state"] for name, part in again.items() if isinstance(part, dict) and "state" in part}
    assert states
    assert set(states.values()) == {"UNCHANGED"}


def test_persons_over_the_cap_are_those_that_numbers_show(
    consolidated: tuple[str, str], pk_sample: Path, tmp_path: Path
) -> None:
    token, database = consolidated
    out = tmp_path / "cap.csv"
    khana("report", "cap", "--format", "csv", "--out", str(out), token=token, database=database)
    with out.open(encoding="utf-8-sig", newline="") as handle:
        found = sum(1 for _ in csv.DictReader(handle))
    shown = sum(
        1
        for row in rows_of(pk_sample / "truth" / "cash_programmes.csv")
        if row["cash_by_one_number"] and int(row["cash_by_one_number"]) > 3
    )
    assert shown * 0.99 <= found <= shown * 1.1
