"""Each roster check finds its own mistake and nothing else; rosters are recognised or refused, never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from khana_methods.engine.duckdb import Engine
from khana_methods.engine.files import FileUnreadable
from khana_methods.quality.check_list import ChecksInvalid, CheckUnknown, load_checks
from khana_methods.quality.roster import Roster, RosterUnrecognised, ValuesNotUnderstood, make_roster
from khana_methods.quality.roster_files import RosterNotFound, read_roster
from khana_methods.quality.run_checks import WaiverNotAllowed, WaiverWithoutReason, run_checks

COLUMNS = (
    "household_number",
    "line_no",
    "relation",
    "sex",
    "age",
    "marital",
    "spouse_line",
    "father_line",
    "mother_line",
)
# a household without a finding: husband, two wives, a daughter and a son, the husband's widowed mother
CLEAN: list[tuple[Any, ...]] = [
    ("A", 1, "head", "M", 45, "M", 51, 98, 55),
    ("A", 51, "spouse", "F", 40, "M", 1, 99, 99),
    ("A", 53, "child", "F", 12, "S", None, 1, 51),
    ("A", 2, "child", "M", 9, "S", None, 1, 51),
    ("A", 55, "parent", "F", 70, "W", None, 98, 98),
]


def found(
    lines: list[tuple[Any, ...]], households: list[dict[str, Any]] | None = None, **more: list[Any]
) -> set[tuple[Any, str]]:
    """Return (line, code) of what the shipped checks find on a few lines; NOTEs of size left out."""
    table = pa.table({name: [line[n] for line in lines] for n, name in enumerate(COLUMNS)} | more)
    with Engine(memory_mib=256, threads=1) as engine:
        engine.register("persons", table)
        if households is not None:
            engine.register("homes", pa.Table.from_pylist(households))
        roster = make_roster(engine, "persons", "homes" if households is not None else "")
        frame = run_checks(engine, roster).frame
    return {(row["line_no"], row["code"]) for row in frame.to_pylist() if not row["code"].startswith("SIZE_ON")}


def changed(line_no: int, **facts: Any) -> list[tuple[Any, ...]]:
    """Return the clean household with some facts of one line changed."""
    return [
        tuple(facts.get(name, value) for name, value in zip(COLUMNS, line, strict=True)) if line[1] == line_no else line
        for line in CLEAN
    ]


def test_a_clean_household_has_no_finding() -> None:
    assert found(CLEAN) == set()


@pytest.mark.parametrize(
    ("line", "facts", "codes"),
    [
        (1, {"relation": "other"}, {(None, "HEAD_NONE")}),
        (2, {"relation": "head"}, {(None, "HEAD_SEVERAL"), (2, "HEAD_UNDER_12"), (53, "CHILD_NOT_YOUNGER_THAN_HEAD")}),
        (2, {"father_line": 7}, {(2, "FATHER_DANGLING")}),
        (2, {"father_line": 51}, {(2, "FATHER_WRONG_SEX")}),
        (2, {"mother_line": 1}, {(2, "MOTHER_WRONG_SEX")}),
        (2, {"father_line": 2}, {(2, "FATHER_SELF"), (2, "FATHER_GAP_UNDER_12")}),
        (53, {"age": 30}, {(53, "MOTHER_GAP_UNDER_12")}),
        (53, {"mother_line": 7}, {(53, "MOTHER_DANGLING")}),
        (51, {"spouse_line": 99}, {(1, "HUSBAND_NOT_RETURNED")}),
        (51, {"spouse_line": 51}, {(51, "SPOUSE_SELF"), (1, "HUSBAND_NOT_RETURNED")}),
        (1, {"spouse_line": 99}, {(51, "WIFE_NOT_RETURNED"), (51, "WIFE_NOT_RETURNED_NOR_SHARED")}),
        (1, {"spouse_line": 77}, {(1, "HUSBAND_POINTER_DANGLING"), (51, "WIFE_NOT_RETURNED"), (51, "WIFE_NOT_RETURNED_NOR_SHARED")}),
        (51, {"marital": "D"}, {(1, "SPOUSE_NOT_MARRIED")}),
        (51, {"marital": "S"}, {(1, "SPOUSE_NOT_MARRIED"), (51, "SPOUSE_NEVER_MARRIED")}),
        (53, {"marital": "M"}, {(53, "MARRIED_UNDER_18")}),
        (2, {"marital": "M"}, {(2, "MARRIED_UNDER_18"), (2, "MARRIED_UNDER_12")}),
        (55, {"age": 121}, {(55, "AGE_OVER_120"), (1, "MOTHER_GAP_OVER_60")}),
        (2, {"age": None}, {(2, "AGE_MISSING")}),
        (55, {"age": 44}, {(55, "PARENT_NOT_OLDER_THAN_HEAD"), (1, "MOTHER_GAP_UNDER_12"), (1, "MOTHER_YOUNGER")}),
        (2, {"sex": None}, {(2, "SEX_MISSING")}),
    ],
)  # fmt: skip
def test_one_mistake_gives_its_own_findings(line: int, facts: dict[str, Any], codes: set[tuple[Any, str]]) -> None:
    assert found(changed(line, **facts)) == codes


def test_a_second_wife_is_no_mistake_and_a_fifth_is_looked_at() -> None:
    second = [*CLEAN, ("A", 52, "spouse", "F", 35, "M", 1, 98, 98)]
    assert found(second) == {(52, "WIFE_NOT_RETURNED")}
    fifth = [*second, *(("A", line, "spouse", "F", 30, "M", 1, 98, 98) for line in (60, 61, 62))]
    assert (1, "WIVES_OVER_FOUR") in found(fifth)
    assert (52, "WIFE_NOT_RETURNED_NOR_SHARED") not in found(fifth)


def test_a_line_that_stands_twice_is_one_finding() -> None:
    assert found([*CLEAN, CLEAN[3]]) == {(2, "LINE_TWICE")}


def test_facts_of_birth_number_and_household_are_held_against_each_other() -> None:
    homes = [{"household_number": "A", "survey_date": "2026-03-01", "members_declared": 6, "head_line_no": 51,
              "gps_accuracy_m": 45.0, "interview_minutes": 4, "consent": "no", "latitude": 31.5, "longitude": 74.3},
             {"household_number": "Z", "survey_date": "2026-03-01", "members_declared": None, "head_line_no": None,
              "gps_accuracy_m": 3.0, "interview_minutes": 25, "consent": "yes", "latitude": 31.5, "longitude": 74.3}]  # fmt: skip
    births = ["1981", "1985-07", "2020-02-30", "2026-04", "1955-12-31"]
    numbers = ["35202-1234567-1", "3520212345671", None, None, "3520299999992"]
    assert found(CLEAN, homes, birth_date=births, id_number=numbers) == {
        (None, "SIZE_NOT_AS_DECLARED"), (1, "HEAD_LINE_DIFFERS"), (None, "GPS_INACCURATE"), (None, "INTERVIEW_SHORT"),
        (None, "CONSENT_REFUSED"), (None, "HOUSEHOLD_WITHOUT_MEMBERS"), (53, "BIRTH_IMPOSSIBLE"),
        (53, "AGE_AND_BIRTH_DIFFER"), (2, "AGE_AND_BIRTH_DIFFER"), (2, "BORN_AFTER_SURVEY"),
        (1, "NUMBER_TWICE_IN_HOUSEHOLD"), (51, "NUMBER_TWICE_IN_HOUSEHOLD"),
    }  # fmt: skip


def test_a_check_without_its_fact_is_named_and_not_run() -> None:
    table = pa.table({"household_id": ["A"], "line_no": [1]})
    with Engine(memory_mib=256, threads=1) as engine:
        engine.register("persons", table)
        result = run_checks(engine, make_roster(engine, "persons"))
    assert result.not_run["HEAD_NONE"] == ("relation",)
    assert result.counts == {"SIZE_ONE": 1, "SIZE_OVER_30": 0, "LINE_TWICE": 0, "LINE_MISSING": 0}


def test_guests_are_no_members_and_the_absent_are() -> None:
    lines = [*CLEAN, ("A", 60, "other", "M", 30, "M", None, 98, 98)]
    flags = {"is_member": ["yes"] * 5 + ["no"], "is_present": ["no"] * 5 + ["yes"]}
    assert found(lines, **flags) == {(None, "ALL_ABSENT"), (1, "HEAD_ABSENT")}


def roster_of(engine: Engine) -> Roster:
    engine.register(
        "persons", pa.table({n: [line[i] for line in changed(2, father_line=2)] for i, n in enumerate(COLUMNS)})
    )
    return make_roster(engine, "persons")


def waivers(*rows: tuple[str, int | None, str, str]) -> pa.Table:
    return pa.table({n: [row[i] for row in rows] for i, n in enumerate(("household_id", "line_no", "code", "reason"))})


def test_a_waiver_needs_a_reason_a_known_code_and_a_check_that_allows_it() -> None:
    with Engine(memory_mib=256, threads=1) as engine:
        roster = roster_of(engine)
        good = run_checks(engine, roster, waivers=waivers(("A", 2, "FATHER_GAP_UNDER_12", "asked again: stepfather")))
        assert [row["code"] for row in good.waived.to_pylist()] == ["FATHER_GAP_UNDER_12"]
        assert [row["code"] for row in good.frame.to_pylist()] == ["FATHER_SELF"]
        assert good.counts["FATHER_GAP_UNDER_12"] == 1
        with pytest.raises(WaiverWithoutReason):
            run_checks(engine, roster, waivers=waivers(("A", 2, "FATHER_GAP_UNDER_12", " ")))
        with pytest.raises(WaiverNotAllowed):
            run_checks(engine, roster, waivers=waivers(("A", 2, "FATHER_SELF", "because")))
        with pytest.raises(CheckUnknown):
            run_checks(engine, roster, waivers=waivers(("A", 2, "NO_SUCH", "because")))


def test_own_checks_stand_beside_in_place_of_and_without_the_shipped(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        """checks:
  - {code: TEN_MEMBERS, severity: NOTE, entity: household, when: household_size > 4, source: ours, mark: A,
     text: {en: a, ur: b, bn: c}}
without: [SIZE_ONE]
"""
    )
    chosen = load_checks(own)
    assert "TEN_MEMBERS" in chosen and "SIZE_ONE" not in chosen
    with Engine(memory_mib=256, threads=1) as engine:
        assert run_checks(engine, roster_of(engine), checks=chosen).counts["TEN_MEMBERS"] == 1


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{code: X, severity: LOUD, entity: person, when: age > 3, source: s, mark: A, text: {en: a, ur: b, bn: c}}", "severity is one of"),
        ("{code: X, severity: NOTE, entity: person, when: age > 3, source: s, mark: A, text: {en: a, ur: b}}", "missing in bn"),
        ("{code: X, severity: NOTE, entity: person, source: s, mark: A, text: {en: a, ur: b, bn: c}}", "either when"),
        ("{code: X, severity: NOTE, entity: person, when: no_fact > 3, source: s, mark: A, text: {en: a, ur: b, bn: c}}", "no_fact"),
        ("{code: X, severity: NOTE, entity: person, method: gone, source: s, mark: A, text: {en: a, ur: b, bn: c}}", "no method"),
        ("{code: X, severity: NOTE, entity: person, method: wives_over, with: {most: '4; drop'}, source: s, mark: A, text: {en: a, ur: b, bn: c}}", "whole numbers"),
        ("{code: X, severity: NOTE, entity: person, method: pointer_dangling, with: {pointer: 'age) --'}, source: s, mark: A, text: {en: a, ur: b, bn: c}}", "pointer is"),
    ],
)  # fmt: skip
def test_a_check_that_contradicts_itself_is_refused_by_name(tmp_path: Path, entry: str, words: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(f"checks:\n  - {entry}\n")
    with pytest.raises(ChecksInvalid, match=words):
        load_checks(file)


def test_words_numbers_digits_and_codebooks_are_understood(tmp_path: Path) -> None:
    (tmp_path / "persons.csv").write_text(
        "HH_ID,Member No,Relationship to head,Gender,عمر,Age,marital status,usual_member\n"
        "1,১,Head,Male,x,৪৫,Currently Married,yes\n1,2,Son/Daughter,female,x,۱۲,Never married,yes\n",
        encoding="utf-8",
    )
    with Engine(memory_mib=256, threads=1) as engine:
        roster = read_roster(engine, tmp_path)
        assert roster.members.to_pylist() == [
            {
                "household_id": "1",
                "line_no": 1,
                "relation": "head",
                "sex": "M",
                "age": 45,
                "marital": "M",
                "is_member": True,
            },
            {
                "household_id": "1",
                "line_no": 2,
                "relation": "child",
                "sex": "F",
                "age": 12,
                "marital": "S",
                "is_member": True,
            },
        ]
        assert roster.unread == ("عمر",)
        (tmp_path / "persons.csv").write_text("household_id,line_no,sex,activity\n1,1,7,77\n1,2,9,78\n")
        with pytest.raises(ValuesNotUnderstood, match="sex"):
            read_roster(engine, tmp_path)
        (tmp_path / "codebook.csv").write_text(
            "file,column,code,label\npersons.csv,sex,7,male\npersons.csv,sex,9,female\n"
        )
        read = read_roster(engine, tmp_path)
        assert read.members.column("sex").to_pylist() == ["M", "F"]
        assert "activity" not in read.facts and read.not_understood == {"activity": 2}


def test_the_same_roster_as_csv_parquet_and_workbook_gives_the_same_findings(tmp_path: Path) -> None:
    table = pa.table({name: [line[n] for line in changed(2, father_line=51)] for n, name in enumerate(COLUMNS)})
    pq.write_table(table, tmp_path / "a.parquet")
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(COLUMNS))
    for row in table.to_pylist():
        sheet.append(list(row.values()))
    book.save(tmp_path / "a.xlsx")
    (tmp_path / "a.csv").write_text(
        ",".join(COLUMNS)
        + "\n"
        + "\n".join(",".join("" if v is None else str(v) for v in row.values()) for row in table.to_pylist())
    )
    with Engine(memory_mib=256, threads=1) as engine:
        frames = [
            run_checks(engine, read_roster(engine, tmp_path / f"a.{kind}")).frame for kind in ("csv", "parquet", "xlsx")
        ]
    assert frames[0] == frames[1] == frames[2]
    assert frames[0].to_pylist() == [
        {"household_id": "A", "line_no": 2, "code": "FATHER_WRONG_SEX", "severity": "REFUSE"}
    ]


def test_what_is_no_roster_is_refused_in_words(tmp_path: Path) -> None:
    with Engine(memory_mib=256, threads=1) as engine:
        with pytest.raises(RosterNotFound):
            read_roster(engine, tmp_path)
        (tmp_path / "list.csv").write_text("a,b\n1,2\n")
        with pytest.raises(RosterUnrecognised, match="household_number"):
            read_roster(engine, tmp_path)
        (tmp_path / "persons.xlsx").write_bytes(b"no workbook")
        with pytest.raises(FileUnreadable):
            read_roster(engine, tmp_path)
