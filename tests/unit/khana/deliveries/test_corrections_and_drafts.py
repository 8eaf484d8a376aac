"""Corrected rows are read again under their own line; drafts of contracts read the file they came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.khana.deliveries.files import HEADER, IDENTIFIERS, ROWS, all_of, contract, csv_file, sheet_file

from khana.deliveries.contracts.loading import parse_contract
from khana.deliveries.reading.corrections import Correction, read_corrections
from khana.deliveries.reading.read import header_of
from khana.deliveries.reading.refusals import FormatWrong
from khana.deliveries.reading.suggest import suggest, suggest_contract


def test_a_corrected_line_is_read_under_its_own_number(tmp_path: Path) -> None:
    path = csv_file(tmp_path, [HEADER, "1,3980139281244,A,31/02/1980,5", "2,3980139281255"])
    _, refused, _ = all_of(path, contract())
    mended = [
        Correction(refused[0]["line"], refused[0]["raw"].replace("31/02", "28/02")),
        Correction(3, refused[1]["raw"]),
    ]
    [chunk] = read_corrections(mended, contract(), header_of(path, contract()), identifiers=IDENTIFIERS, areas=None)
    assert (chunk.rows["line"].to_pylist(), chunk.rows["beneficiary_birth_date_day"].to_pylist()) == ([2], [28])
    assert (chunk.quarantined["line"].to_pylist(), chunk.quarantined["detail"].to_pylist()) == ([3], ["short_row"])


def test_a_corrected_sheet_row_keeps_what_the_titles_told(tmp_path: Path) -> None:
    sheet = [["Fortnight: 01/04/26 to 15/04/26"], HEADER.split(","), [1, 3980139281244, "A", "31/02/80", 5]]
    path = sheet_file(tmp_path, {"A": sheet})
    by = contract(file={"format": "xlsx"}, blocks=["^Fortnight: (?P<period>.+)$"])
    _, refused, _ = all_of(path, by)
    record = json.loads(refused[0]["raw"]) | {"DOB": "28/02/80"}
    mended = [Correction(3, json.dumps(record), "A")]
    [chunk] = read_corrections(mended, by, header_of(path, by), identifiers=IDENTIFIERS, areas=None)
    [row] = chunk.rows.to_pylist()
    assert (row["sheet"], row["line"], row["period"], row["beneficiary_birth_date_year"]) == ("A", 3, "2026F07", 1980)


def test_a_corrected_row_is_never_passed_over(tmp_path: Path) -> None:
    texts = ["", HEADER, "Total", "\x07", '1,,"Two\nlines",1980,5']
    by = contract()
    corrections = [Correction(n, text) for n, text in enumerate(texts, start=2)]
    [chunk] = read_corrections(corrections, by, HEADER.split(","), identifiers=IDENTIFIERS, areas=None)
    assert len(chunk.rows) + len(chunk.quarantined) == len(texts)
    assert chunk.rows["beneficiary_name"].to_pylist()[-1] == "Two lines"


def test_corrected_json(tmp_path: Path) -> None:
    by = contract(file={"format": "jsonl"})
    texts = ['{"CNIC": "3980139281244", "Name": "A"}', '{"CNIC": ']
    corrections = [Correction(n, text) for n, text in enumerate(texts, start=5)]
    [chunk] = read_corrections(corrections, by, (), identifiers=IDENTIFIERS, areas=None)
    assert (chunk.rows["line"].to_pylist(), chunk.quarantined["line"].to_pylist()) == ([5], [6])


def test_a_draft_reads_the_file_it_came_from(tmp_path: Path) -> None:
    path = csv_file(tmp_path, [HEADER.replace(",", ";"), *(row.replace(",", ";").replace('"', "") for row in ROWS * 5)])
    path.write_text(path.read_text().replace("14;500", "14500"))
    draft = suggest_contract(path, code="draft")
    assert {name: rule["column"] for name, rule in draft["facts"].items()} == {
        "serial_number": ["Sr"], "beneficiary_id_number": ["CNIC"], "beneficiary_name": ["Name"],
        "beneficiary_birth_date": ["DOB"], "amount": ["Amount"],
    }  # fmt: skip
    rows, refused, _ = all_of(path, parse_contract(draft))
    assert (len(rows), refused) == (10, [])


def test_a_draft_of_a_bangla_list(tmp_path: Path) -> None:
    header = "ক্রমিক,জাতীয় পরিচয়পত্র নম্বর,নাম,পিতা/স্বামীর নাম,জন্ম তারিখ,জেলা,উপজেলা,মোবাইল নম্বর,টাকা,মাস"
    row = "১,১৯৭৫২৬১২৩৪৫৬৭৮৯০১,রহিমা খাতুন,আব্দুল করিম,০১/০২/১৯৭৫,ঢাকা,সাভার,০১৭১২৩৪৫৬৭৮,৬৫০,এপ্রিল ২০২৬"
    draft = suggest(csv_file(tmp_path, [header, *[row] * 6]))
    assert list(draft["contract"]["facts"]) == [
        "serial_number", "beneficiary_id_number", "beneficiary_name", "beneficiary_guardian_name",
        "beneficiary_birth_date", "district_name", "tehsil_name", "mobile_number", "amount", "period",
    ]  # fmt: skip
    assert (draft["unrecognised"], draft["problems"]) == ([], [])


def test_values_speak_where_headers_do_not(tmp_path: Path) -> None:
    rows = [f"39801-392812{n}-4,Ali {n},0300123456{n}" for n in range(6)]
    draft = suggest(csv_file(tmp_path, ["Child No.,Child Name,X", *rows]))
    assert list(draft["contract"]["facts"]) == ["beneficiary_id_number", "beneficiary_name", "mobile_number"]


def test_a_draft_says_what_it_lacks(tmp_path: Path) -> None:
    draft = suggest(csv_file(tmp_path, ["a,b", "x,y", "z,w"]))
    assert (draft["unrecognised"], len(draft["problems"])) == (["a", "b"], 1)


def test_a_draft_of_a_file_without_a_header_goes_by_position(tmp_path: Path) -> None:
    rows = [
        f"352{n:02d}-1234567-{n % 9}|Nasreen Bibi|Aslam Khan|9,000|2026-01-15|0300123456{n % 9}" for n in range(10, 30)
    ]
    draft = suggest(csv_file(tmp_path, rows))
    assert draft["problems"] == []
    contract = draft["contract"]
    assert contract["file"]["header"] == {"none": True}
    assert {fact: rule["position"] for fact, rule in contract["facts"].items()} == {
        "beneficiary_id_number": 1, "beneficiary_name": 2, "beneficiary_guardian_name": 3, "amount": 4,
        "payment_date": 5, "mobile_number": 6,
    }  # fmt: skip


def test_a_monthly_sum_is_an_amount_and_a_month_is_a_period(tmp_path: Path) -> None:
    header = "জাতীয় পরিচয়পত্র নম্বর,নাম,মাসিক ভাতা"
    draft = suggest(csv_file(tmp_path, [header, *[f"19601234567{n:02d},রহিমা বেগম,৬০০" for n in range(10, 20)]]))
    assert draft["contract"]["facts"]["amount"] == {"column": ["মাসিক ভাতা"]}
    draft = suggest(
        csv_file(tmp_path, ["CNIC,Name,Month", *[f"3520212345{n}-1,Amna Bibi,2026-04" for n in range(10, 20)]])
    )
    assert draft["contract"]["facts"]["period"] == {"column": ["Month"]}


@pytest.mark.parametrize(
    "text",
    ['[{"nid": 1}, {"nid": 2}]', "[" + chr(10) + '{"nid": 1}]', '{"data": [{"nid": 1}, {"nid": 2}]}'],
)
def test_a_json_document_is_refused_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(FormatWrong, match="one record a line"):
        suggest(path)
