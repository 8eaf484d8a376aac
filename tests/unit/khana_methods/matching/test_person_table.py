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


# Public spellings of one name each; everything else of the people is made up.
SPELLINGS = (
    "Abul Hassan Mahmood Ali|ابو الحسن محمود علی|আবুল হাসান মাহমুদ আলী", "Abdul Latif Siddique|Abdul Latif Siddiqui|আব্দুল লতিফ সিদ্দিকী",
    "Asaduzzaman Khan|اسد الزمان خان|আসাদুজ্জামান খাঁন", "Dipankar Talukdar|Dipankar Talukder|দীপঙ্কর তালুকদার",
    "Benjir Ahmed|Benzir Ahmed|بینظیر احمد|বেনজীর আহমদ", "Shirin Sharmin Chaudhury|شیرین شرمین چودھری|শিরীন শারমিন চৌধুরী",
    "Hafizur Rahman|হাফিজুর রহমান", "Kazi Keramat Ali|Kazi Keramot Ali|قاضی کرامت علی|কাজী কেরামত আলী",
    "Md. Enamur Rahaman|Md Enamur Rahman|মোঃ এনামুর রহমান", "Moazzem Hossain Ratan|Mouazzam Hossain Ratan|মোয়াজ্জেম হোসেন রতন",
    "Nuruzzaman Ahmed|نور الزمان احمد|নুরুজ্জামান আহমেদ", "Tofael Ahmed|Tofail Ahmed|طفیل احمد|তোফায়েল আহমেদ",
    "Mahmood Khan Achakzai|Mehmood Khan Achakzai|محمود خان اچکزئی", "Zafarullah Khan Jamali|ظفر اللہ خان جمالی",
    "Marriyum Aurangzeb|Maryam Aurangzaib|مریم اورنگزیب", "Zulfiqar Ali Bhatti|ذو الفقار علی بھٹی",
)  # fmt: skip


def _list_of_names(folder: Path, *, born: bool) -> tuple[Path, set[frozenset[int]]]:
    """Write each spelling as a row among eighty strangers, in dates of either order, some empty; return the file and its true pairs."""
    strangers, _ = people(80, 0)
    lines, truth = ["name,born,place"], set()
    for place, one in enumerate(strangers):
        day = f"{one['birth_day']:02d}/{one['birth_month']:02d}/{one['birth_year']}"
        lines.append(f"{one['name']},{day if born else ''},Place {place % 8}")
    for place, names in enumerate(SPELLINGS):
        mine = []
        for form, name in enumerate(names.split("|")):
            turned = "{m:02d}/13/{y}" if (place + form) % 7 == 0 else "13/{m:02d}/{y}"
            day = "" if (place + form) % 5 == 0 else turned.format(m=1 + place % 12, y=1940 + 3 * place)
            lines.append(f"{name},{day if born else ''},Place {place % 8}")
            mine.append(len(lines))
        truth |= {frozenset((a, b)) for a in mine for b in mine if a < b}
    (folder / "list.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "list.csv", truth


def test_a_short_list_of_names_in_three_scripts_is_searched(tmp_path: Path) -> None:
    file, truth = _list_of_names(tmp_path, born=True)
    asked = [
        "dedupe",
        str(file),
        "--columns",
        "name=name,birth_date=born,district=place",
        "--pairs",
        str(tmp_path / "p.csv"),
        "--json",
    ]
    done = json.loads(CliRunner().invoke(linkage, asked, catch_exceptions=False).stdout)
    assert done["records"] == 80 + sum(len(names.split("|")) for names in SPELLINGS)
    found = read_texts(tmp_path / "p.csv").to_pylist()
    pairs = {frozenset((int(row["left_line"]), int(row["right_line"]))): row["decision"] for row in found}
    assert len(truth & set(pairs)) >= 0.9 * len(truth)
    assert not {pair for pair, decision in pairs.items() if decision == "LINK"} - truth
    assert "note" not in done


def test_names_alone_link_nobody_and_that_is_said(tmp_path: Path) -> None:
    file, _ = _list_of_names(tmp_path, born=False)
    done = json.loads(
        CliRunner()
        .invoke(linkage, ["dedupe", str(file), "--columns", "name=name", "--json"], catch_exceptions=False)
        .stdout
    )
    assert (done["linked"], done["expected_precision"]) == (0, None) and "Names alone" in done["note"]


def test_nobody_who_shares_anything_is_no_error(tmp_path: Path) -> None:
    letters = "bcdfgjklmnprstb"
    rows = [f"{a}{b}an {b}{c}{a}an" for a in letters[:4] for b in letters[4:9] for c in letters[9:12]]
    (tmp_path / "list.csv").write_text("name\n" + "\n".join(rows) + "\n")
    done = CliRunner().invoke(
        linkage, ["dedupe", str(tmp_path / "list.csv"), "--columns", "name=name", "--json"], catch_exceptions=False
    )
    assert (done.exit_code, json.loads(done.stdout)["to_review"]) == (0, 0)


def test_a_date_in_another_order_keeps_its_year() -> None:
    table = pa.table({"n": ["A B"] * 4, "d": ["21/01/1944", "01/21/1944", "31/02/1950 or 1951", "soon"]})
    years = records_of(table, {"name": "n", "birth_date": "d"}).column("birth_year").to_pylist()
    assert years == [1944, 1944, None, None]


def test_a_name_of_thousands_is_no_reason_to_refuse_a_file(tmp_path: Path) -> None:
    """Of names alone a block can hold thousands; what is beside the usual passes is left out then."""
    rows = ["name", *["Fatima"] * 1600, *(f"Amna {word} Khan" for word in ("Gul", "Noor", "Zar", "Mah") * 5)]
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    asked = ["dedupe", str(tmp_path / "list.csv"), "--columns", "name=name", "--json"]
    done = CliRunner().invoke(linkage, asked, catch_exceptions=False)
    assert done.exit_code == 0
    assert {row["pass"] for row in json.loads(done.stdout)["rows"]} & {"name", "two_words"} == {"two_words"}
