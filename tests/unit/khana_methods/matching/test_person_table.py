"""A file of persons, with columns of its own: pairs, evaluation, and what must be refused; through the command too."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from tests.factories.linked_people import people

from khana.interfaces.cli.linkage import linkage
from khana_methods.engine.files import read_texts
from khana_methods.errors import InputError
from khana_methods.matching.person_table import (
    PAIR_COLUMNS,
    ColumnUnknown,
    PairsUnreadable,
    TruthUnknown,
    judge,
    records_of,
)

COLUMNS = "name=Given+Family,guardian_name=Father,sex=Sex,birth_date=DOB,id_number=NIC,mobile_number=Phone,household_id=HH,line_no=L"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("people")
    records, truth = people(800, 40)
    places = {}
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["HH", "L", "Given", "Family", "Father", "Sex", "DOB", "NIC", "Phone"])
        for line, one in enumerate(records):
            given, _, family = str(one["name"]).partition(" ")
            birth = f"{one['birth_day']:02d}/{one['birth_month']:02d}/{one['birth_year']}"
            places[one["record_id"]] = (one["household_id"], str(line))
            out.writerow(
                [
                    one["household_id"],
                    line,
                    given,
                    family,
                    one["guardian_name"],
                    one["sex"],
                    birth,
                    one["number"],
                    one["mobile"],
                ]
            )
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["left_household_id", "left_line_no", "right_household_id", "right_line_no"])
        out.writerows([*places[a], *places[b]] for a, b in truth)
    return folder / "people.csv", folder / "truth.csv"


def test_a_file_is_deduplicated_and_judged(files: tuple[Path, Path], tmp_path: Path) -> None:
    pairs, card = tmp_path / "pairs.csv", tmp_path / "card.json"
    asked = ["dedupe", str(files[0]), "--columns", COLUMNS, "--pairs", str(pairs), "--card", str(card), "--json"]
    done = CliRunner().invoke(linkage, asked, catch_exceptions=False)
    assert json.loads(done.stdout)["records"] == 840
    assert tuple(read_texts(pairs).schema.names) == PAIR_COLUMNS
    assert json.loads(card.read_text())["approved_by"] == []
    judged = CliRunner().invoke(
        linkage, ["evaluate", str(pairs), "--truth", str(files[1]), "--json"], catch_exceptions=False
    )
    found = json.loads(judged.stdout)
    assert found["precision"] >= 0.98 and found["recall"] >= 0.95, found


def test_unknown_columns_are_named(files: tuple[Path, Path]) -> None:
    table = read_texts(files[0])
    for columns in ({"name": "Nobody"}, {"shoe_size": "HH", "name": "Given"}, {"sex": "Sex"}):
        with pytest.raises(ColumnUnknown):
            records_of(table, columns)


def test_pairs_without_places_are_refused(files: tuple[Path, Path]) -> None:
    with pytest.raises(PairsUnreadable) as refused:
        judge(read_texts(files[0]), read_texts(files[1]))
    assert isinstance(refused.value, InputError)


def test_a_truth_of_another_file_is_refused() -> None:
    """Unknown ids are counted and their line named; nothing is judged by them."""
    columns = ("left_household_id", "left_line_no", "right_household_id", "right_line_no")
    pairs = pa.table(dict(zip(columns, (["H1"], ["1"], ["H2"], ["1"]), strict=True)))
    truth = pa.table(dict(zip(columns, (["H1", "H9"], ["1", "7"], ["H2", "H2"], ["1", "1"]), strict=True)))
    records = pa.table({"household_id": ["H1", "H2"], "line_no": ["1", "1"]})
    with pytest.raises(TruthUnknown) as refused:
        judge(pairs, truth, records=records)
    assert refused.value.details == {"pairs": 1, "line": 3}
    assert "H9" not in str(refused.value)
    assert judge(pairs, truth.slice(0, 1), records=records).f1 == 1.0
    with pytest.raises(TruthUnknown):
        judge(pairs, pa.table(dict(zip(columns, (["H1"], ["1"], ["H1"], ["1"]), strict=True))))
