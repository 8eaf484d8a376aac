"""Reading: every row is read or quarantined under its own line, whatever the shape of the file."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.khana.deliveries.files import HEADER, IDENTIFIERS, ROWS, all_of, contract, csv_file, sheet_file

from khana.deliveries.reading.read import preview


def test_a_plain_file(tmp_path: Path) -> None:
    rows, refused, not_data = all_of(csv_file(tmp_path, [HEADER, *ROWS]), contract())
    assert [row["line"] for row in rows] == [2, 3]
    assert rows[0]["beneficiary_id_number"] == "3980139281244"
    assert rows[0]["amount"] == Decimal("14500.00")
    assert (rows[1]["beneficiary_birth_date_year"], rows[1]["beneficiary_birth_date_month"]) == (1979, None)
    assert (refused, not_data) == ([], 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters(tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [
        line.replace('"14,500"', "14500").replace(",", delimiter).replace("Amina", "Zoé") for line in [HEADER, *ROWS]
    ]
    by = contract(file={"encoding": "auto", "delimiter": "auto"})
    rows, refused, _ = all_of(csv_file(tmp_path, lines, encoding=encoding), by)
    assert [row["beneficiary_name"] for row in rows] == ["Sughra Bibi", "Zoé"]
    assert not refused


def test_gzip_and_old_line_ends(tmp_path: Path) -> None:
    path = csv_file(tmp_path, [HEADER, *ROWS], end="\r")
    assert len(all_of(path, contract())[0]) == 2
    packed = tmp_path / "list.csv.gz"
    packed.write_bytes(gzip.compress(csv_file(tmp_path, [HEADER, *ROWS]).read_bytes()))
    assert len(all_of(packed, contract())[0]) == 2


BROKEN = [
    ("short_row", "3,3980139281255,Amina"),
    ("long_row", "4,3980139281255,Amina,Bibi,1979,5"),
    ("shifted_row", ",5,3980139281255,Amina,1979,5"),
    ("control_char", "6,3980139281255,Am\x07ina,1979,5"),
    ("nul_char", "7,3980139281255,Am\x00ina,1979,5"),
    ("impossible_date", "8,3980139281255,Amina,31/02/1979,5"),
    ("empty_identity", "9,N/A,,1979,5"),
]


def test_broken_rows_go_to_quarantine_and_none_is_lost(tmp_path: Path) -> None:
    lines = [HEADER, *ROWS, *(line for _, line in BROKEN), "", HEADER, ",,TOTAL,,29000", '10,,"Ali', 'Khan",1990,7']
    rows, refused, not_data = all_of(csv_file(tmp_path, lines), contract())
    assert [(row["detail"], row["line"]) for row in refused] == [(d, n) for n, (d, _) in enumerate(BROKEN, start=4)]
    assert [row["line"] for row in rows] == [2, 3, 14]
    assert rows[2]["beneficiary_name"] == "Ali Khan"
    assert json.loads(rows[2]["notes"])[0]["detail"] == "embedded_newline"
    assert not_data == 4
    assert refused[0]["raw"] == BROKEN[0][1]


def test_a_foreign_byte_costs_its_own_line(tmp_path: Path) -> None:
    path = csv_file(tmp_path, [HEADER, *ROWS, *ROWS])
    path.write_bytes(path.read_bytes().replace(b"Amina", b"Amina\x92", 1))
    rows, refused, _ = all_of(path, contract())
    assert ([row["line"] for row in rows], refused[0]["line"], refused[0]["detail"]) == ([2, 4, 5], 3, "foreign_byte")
    assert "Amina\u2019" in refused[0]["raw"]


def test_a_quote_that_is_never_closed_costs_its_own_line(tmp_path: Path) -> None:
    lines = [HEADER, ROWS[0], '3,3980139281255,"Amina,1979,5', *ROWS * 200]
    rows, refused, _ = all_of(csv_file(tmp_path, lines), contract())
    assert (len(rows), [(row["line"], row["detail"]) for row in refused]) == (401, [(3, "unclosed_quote")])


def test_the_straight_and_the_careful_road_agree(tmp_path: Path) -> None:
    lines = [HEADER, *(f"{n},39801{n:08d},Name {n},{1950 + n % 50},{n}" for n in range(1, 3000))]
    plain, _, _ = all_of(csv_file(tmp_path, lines), contract())
    careful, _, _ = all_of(csv_file(tmp_path, lines), contract(blocks=["^never$"]))
    assert plain == careful
    in_pieces, _, _ = all_of(csv_file(tmp_path, lines), contract(), chunk_rows=100)
    assert plain == in_pieces


def test_titles_above_the_header_and_notes_below(tmp_path: Path) -> None:
    lines = ["List of June", "", HEADER, *ROWS, "Prepared by: MIS"]
    rows, refused, not_data = all_of(csv_file(tmp_path, lines), contract())
    assert ([row["line"] for row in rows], refused, not_data) == ([4, 5], [], 4)


def test_formula_text_is_noted_and_received(tmp_path: Path) -> None:
    lines = [HEADER, '1,3980139281244,"=HYPERLINK(""x"")",1980,5', "2,3980139281255,-2+3+cmd|' /C calc'!A0,1980,5"]
    rows, _, _ = all_of(csv_file(tmp_path, lines), contract())
    assert [json.loads(row["notes"])[0]["code"] for row in rows] == ["FORMULA_TEXT", "FORMULA_TEXT"]


def test_values_are_translated_and_unknown_ones_told(tmp_path: Path) -> None:
    by = contract(facts={"programme": {"column": "Sr", "values": {"گزارہ": "ZKT", "1": "PBM"}}})
    rows, refused, _ = all_of(csv_file(tmp_path, [HEADER, *ROWS]), by)
    assert [row["programme"] for row in rows] == ["PBM"]
    assert [(row["line"], row["column"], row["detail"]) for row in refused] == [(3, "programme", "unknown_programme")]
    by = contract(facts={"beneficiary_sex": {"column": "Sr", "values": {"1": "F"}}})
    rows, _, _ = all_of(csv_file(tmp_path, [HEADER, *ROWS]), by)
    assert [row["beneficiary_sex"] for row in rows] == ["F", ""]
    assert json.loads(rows[1]["notes"]) == [{"code": "VALUE_UNKNOWN", "column": "beneficiary_sex", "detail": ""}]


def test_a_period_that_cannot_be_read_is_refused_and_a_blank_one_is_not(tmp_path: Path) -> None:
    by = contract(facts={"period": "Sr"})
    lines = [HEADER, "Q1-2026,3980139281244,A,1980,5", "soon 5,3980139281244,A,1980,5", ",3980139281244,A,1980,5"]
    rows, refused, _ = all_of(csv_file(tmp_path, lines), by)
    assert [row["period"] for row in rows] == ["2026Q1", None]
    assert [(row["line"], row["detail"]) for row in refused] == [(3, "unreadable_period")]


def test_no_header_and_unmapped_columns(tmp_path: Path) -> None:
    facts = {
        "beneficiary_id_number": {"position": 2},
        "beneficiary_name": {"position": 3},
        "amount": None,
        "beneficiary_birth_date": None,
    }
    by = contract(file={"header": {"none": True}}, facts=facts, keep_unmapped=True)
    rows, _, not_data = all_of(csv_file(tmp_path, ROWS), by)
    assert ([row["line"] for row in rows], not_data) == ([1, 2], 0)
    assert json.loads(rows[0]["facts"]) == {"column 1": "1", "column 4": "01/02/1980", "column 5": "14,500"}


def test_a_sheet_with_titles_blocks_and_merged_cells(tmp_path: Path) -> None:
    header = ["District", "CNIC", "Name", "DOB", "Amount"]
    block = [
        ["Muster roll 1"], ["Fortnight: 01/04/26 to 15/04/26"], [], header,
        ["Awaran", 3980139281244, "Ali", dt.date(1980, 2, 1), 100],
        [None, "39801-3928125-5", "Amin", "30/02/1980", "Rs. 200/-"],
        [None, "39801-3928126-5", "Omar", "1985", "Rs. 200/-"],
        [None, None, "Total", None, "=SUM(E5:E6)"],
    ]  # fmt: skip
    path = sheet_file(tmp_path, {"Cover": [["Read me"]], "A": [*block, [], *block]})
    by = contract(
        file={"format": "xlsx"},
        facts={"district_name": "District"},
        carry_down="district_name",
        blocks=["^Muster roll", "^Fortnight: (?P<period>.+)$"],
    )
    rows, refused, not_data = all_of(path, by)
    assert [(row["line"], row["district_name"], row["period"]) for row in rows] == [
        (5, "Awaran", "2026F07"), (7, "Awaran", "2026F07"), (14, "Awaran", "2026F07"), (16, "Awaran", "2026F07"),
    ]  # fmt: skip
    assert (rows[0]["beneficiary_birth_date_day"], rows[1]["amount"]) == (1, Decimal("200.00"))
    assert [row["line"] for row in refused] == [6, 15]
    assert json.loads(refused[0]["raw"])["@titles"] == {"period": "01/04/26 to 15/04/26"}
    assert not_data == 9


def test_a_two_line_header_and_a_mothers_own_benefit(tmp_path: Path) -> None:
    rows_in = [
        ["Mother", None, "Child", None], ["CNIC", "Name", "B-Form", "Name"],
        [3980139281244, "Zainab", None, "Iqra"], [3980139281244, "Zainab", None, None],
    ]  # fmt: skip
    by = contract(
        file={"format": "xlsx", "header": {"lines": 2}},
        facts={
            "beneficiary_id_number": "Child B-Form", "beneficiary_name": "Child Name", "amount": None,
            "payee_id_number": "Mother CNIC", "payee_name": "Mother Name", "beneficiary_birth_date": None,
        },
        own_benefit_when_blank="beneficiary_name",
    )  # fmt: skip
    rows, _, _ = all_of(sheet_file(tmp_path, {"A": rows_in}), by)
    child, mother = rows
    assert (child["beneficiary_id_number_state"], child["payee_id_number"]) == ("MISSING", "3980139281244")
    assert (mother["beneficiary_id_number"], mother["beneficiary_name"]) == ("3980139281244", "Zainab")
    assert (mother["payee_id_number_state"], mother["payee_id_number"], mother["payee_name"]) == ("", None, "")


def test_json_lines_with_alternative_paths(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    good = [{"h": {"nic": 3980139281244, "name": "A"}, "v": 5}, {"h_nic": "39801-3928125-5", "h_name": "B", "v": None}]
    bad = [
        '{"h": {"nic": "1"',
        '{"h": {"nic": "1"},}',
        '{"h": {"nic": "1"}, "v": NaN}',
        '{"v": 1}',
        "[1]",
        '{"h": {"name": "a\\u0007"}}',
    ]
    path.write_text("\n".join([*map(json.dumps, good), *bad, ""]), encoding="utf-8")
    by = contract(
        file={"format": "jsonl"},
        facts={
            "beneficiary_id_number": "h.nic|h_nic", "beneficiary_name": "h.name|h_name", "amount": "v",
            "beneficiary_birth_date": None,
        },
    )  # fmt: skip
    rows, refused, _ = all_of(path, by)
    assert [row["beneficiary_id_number"] for row in rows] == ["3980139281244", "3980139281255"]
    assert [row["detail"] for row in refused] == [
        "truncated_json", "trailing_comma", "nan_value", "missing_holder", "broken_json", "control_char",
    ]  # fmt: skip


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    table = pa.table(
        {
            "who": [{"CNIC": 3980139281244, "Name": "A"}, {"CNIC": None, "Name": "B"}],
            "DOB": [dt.date(1980, 2, 1), None],
            "Amount": [14500.0, 2.5],
        }
    )
    pq.write_table(table, path)
    facts = {"beneficiary_id_number": "who.CNIC", "beneficiary_name": "who.Name"}
    rows, refused, _ = all_of(path, contract(file={"format": "parquet"}, facts=facts))
    assert [(row["line"], row["beneficiary_id_number"], row["amount"]) for row in rows] == [
        (1, "3980139281244", Decimal("14500.00")), (2, None, Decimal("2.50")),
    ]  # fmt: skip
    assert not refused


def test_two_digit_births_are_of_the_past(tmp_path: Path) -> None:
    by = contract(facts={"period": {"constant": "2026Q2"}})
    lines = [HEADER, "1,3980139281244,A,01/02/27,5", "2,3980139281255,B,01/02/26,5"]
    rows, _, _ = all_of(csv_file(tmp_path, lines), by)
    assert [row["beneficiary_birth_date_year"] for row in rows] == [1927, 2026]


def test_preview_shows_the_first_rows(tmp_path: Path) -> None:
    path = csv_file(tmp_path, [HEADER, *ROWS * 30])
    shown = preview(path, contract(), identifiers=IDENTIFIERS, areas=None, rows=5)
    assert (len(shown["rows"]), shown["header"][1], shown["not_data"]) == (5, "CNIC", 1)
