"""The five answers, the summary beside them, and the seam for other ways of linking."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from tests.unit.khana_methods.overlap.worlds import (
    AS_OF,
    benefit,
    claim,
    compare,
    fill,
    household,
    person,
    programme,
    token,
)

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.consolidate import RESULT_TABLES, consolidate
from khana_methods.overlap.link import link_by_number
from khana_methods.overlap.parameters import Parameters


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as one:
        yield one


def test_rows_in_are_linked_or_unmatched(engine: Engine) -> None:
    rows = [
        benefit(1, who="a"),
        benefit(2, who="stranger"),
        benefit(3),
        benefit(4, who="child", payee_id_state="OK", payee_token=token("a")),
    ]
    done = compare(engine, benefit=rows, programme=[programme("KFL")], identifier=[claim("a", 1, 1)])
    assert (done.summary["rows"], done.summary["linked"], done.summary["unmatched"]) == (4, 2, 2)
    assert engine.rows("SELECT benefit_id, role, state, person_id FROM link ORDER BY 1, 2") == [
        (1, "beneficiary", "LINKED", 1),
        (2, "beneficiary", "UNMATCHED", None),
        (3, "beneficiary", "UNMATCHED", None),
        (4, "beneficiary", "UNMATCHED", None),
        (4, "payee", "LINKED", 1),
    ]
    assert all(engine.has(name) for name in RESULT_TABLES)


def test_one_list_of_recipients(engine: Engine) -> None:
    catalogue = [programme("KFL"), programme("RTN", counts_to_cap=False)]
    rows = [
        benefit(1, who="a"),
        benefit(2, who="a", period="2026Q1"),
        benefit(3, "RTN", who="a", agency="province"),
        benefit(4, who="b", area_code="X2"),
        benefit(5),
    ]
    done = compare(engine, benefit=rows, programme=catalogue, identifier=[claim("a", 1, 1)], household=[household(1)])
    found = engine.rows("""
        SELECT is_identified, household_number, line_no, area_code, agencies, programmes, cash_programmes, rows, amount
        FROM recipient ORDER BY rows DESC, is_identified DESC""")
    assert found == [
        (True, "H1", 1, "X101", ["agency", "province"], ["KFL", "RTN"], 1, 3, 300.0),
        (True, "", None, "X2", ["agency"], ["KFL"], 1, 1, 100.0),
        (False, "", None, "", ["agency"], ["KFL"], 1, 1, 100.0),
    ]
    assert (done.summary["recipients"], done.summary["identified_recipients"]) == (3, 2)


def test_overlaps_count_persons_and_households(engine: Engine) -> None:
    rows = [benefit(1, "A", who="a"), benefit(2, "B", who="a"), benefit(3, "A", who="b"), benefit(4, "B", who="c")]
    claims = [claim("a", 1, 1), claim("b", 2, 2), claim("c", 3, 2)]
    compare(engine, benefit=rows, programme=[programme("A"), programme("B")], identifier=claims)
    assert engine.rows("SELECT * FROM pair_overlap") == [("A", "B", 1, 2)]


def test_unserved_are_poor_ranked_and_told_what_they_could_get(engine: Engine) -> None:
    catalogue = [
        programme("KFL", sex="F", min_age=18),
        programme("TLW", requires="KFL"),
        programme("OAA", min_age=60),
        programme("LOC", areas=["X2"]),
        programme("DEEP", max_score=15.0),
    ]
    done = compare(
        engine,
        benefit=[benefit(1, who="served")],
        programme=catalogue,
        identifier=[claim("served", 9, 3)],
        household=[household(1, "X201"), household(2), household(3), household(4)],
        person=[person(1, 1), person(2, 2, birth_year=1950), person(3, 3), person(4, 4)],
        score=[{"household_id": n, "score": score} for n, score in ((1, 20.0), (2, 10.0), (3, 5.0), (4, 33.0))],
    )
    assert engine.rows("SELECT rank, household_number, score, members, eligible_for FROM unserved ORDER BY rank") == [
        (1, "H2", 10.0, 4, ["DEEP", "KFL", "OAA"]),
        (2, "H1", 20.0, 4, ["KFL", "LOC"]),
    ]
    assert (done.summary["poor_households"], done.summary["unserved"]) == (3, 2)


def test_a_household_is_served_by_any_claim_of_its_members(engine: Engine) -> None:
    compare(
        engine,
        benefit=[benefit(1, who="a")],
        programme=[programme("KFL")],
        identifier=[claim("a", 1, 1), claim("a", 2, 2)],
        household=[household(1), household(2)],
        score=[{"household_id": 1, "score": 1.0}, {"household_id": 2, "score": 2.0}],
    )
    assert engine.rows("SELECT * FROM unserved") == []


def test_figures_add_up_the_areas(engine: Engine) -> None:
    areas = [
        {"area_code": "X", "parent_code": "", "level": 0},
        {"area_code": "X1", "parent_code": "X", "level": 1},
        {"area_code": "X101", "parent_code": "X1", "level": 2},
    ]
    rows = [benefit(1, who="a", area_code="X1"), benefit(2, who="a", area_code="X1")]
    compare(
        engine,
        benefit=rows,
        programme=[programme("KFL")],
        identifier=[claim("a", 1, 1)],
        household=[household(1), household(2)],
        score=[{"household_id": 2, "score": 1.0}],
        area=areas,
    )
    found = engine.rows(
        "SELECT area_code, level, figure, value FROM area_figure WHERE programme = '' ORDER BY figure, level"
    )
    assert [row for row in found if row[2] == "recipients"] == [
        ("X", 0, "recipients", 1),
        ("X1", 1, "recipients", 1),
        ("X101", 2, "recipients", 1),
    ]
    assert ("X", 0, "rows", 2) in found
    assert ("X", 0, "refused_rows", 2) in found
    assert ("X101", 2, "unserved", 1) in found


def test_summary_says_what_is_connected_and_to_when(engine: Engine) -> None:
    catalogue = [programme("KFL"), programme("PBM")]
    done = compare(engine, benefit=[benefit(1, who="a"), benefit(2, "NEW", who="a")], programme=catalogue)
    assert done.summary["connected"][0] == {
        "programme": "KFL",
        "agency": "agency",
        "sources": ["source-KFL"],
        "periods": ["2026Q2"],
        "to": "2026-06-30",
        "rows": 1,
    }
    assert done.summary["not_connected"] == ["PBM"]
    assert done.summary["not_in_catalogue"] == ["NEW"]


def test_findings_are_counted_by_code_and_source(engine: Engine) -> None:
    rows = [benefit(1), benefit(2), benefit(3, "PBM")]
    done = compare(engine, benefit=rows, programme=[programme("KFL"), programme("PBM")])
    assert done.summary["findings"]["NID_MISSING"]["rows"] == 3
    assert done.summary["findings_by_source"] == {"source-KFL": {"NID_MISSING": 2}, "source-PBM": {"NID_MISSING": 1}}


def test_nothing_at_all_is_an_answer(engine: Engine) -> None:
    done = compare(engine)
    assert (done.summary["rows"], done.summary["recipients"], done.summary["well_off_score"]) == (0, 0, None)


def test_progress_runs_from_nothing_to_one(engine: Engine) -> None:
    fill(engine, benefit=[benefit(1)], programme=[programme("KFL")])
    told: list[float] = []
    consolidate(engine, Parameters(as_of=AS_OF), lambda step, share: told.append(share))
    assert told[0] == 0.0 and told[-1] == 1.0 and told == sorted(told)


def link_by_friend(engine: Engine) -> str:
    """Every row that is still without a person belongs to person 8."""
    return "SELECT benefit_id, 'beneficiary' AS role, 8 AS person_id, 4 AS household_id FROM work_row"


def test_another_linker_sees_only_what_is_left(engine: Engine) -> None:
    fill(
        engine,
        benefit=[benefit(1, who="a"), benefit(2), benefit(3, "PBM", who="unknown")],
        programme=[programme("KFL"), programme("PBM", incompatible_with=["KFL"])],
        identifier=[claim("a", 1, 1)],
        person=[person(8, 4)],
        household=[household(1), household(4)],
    )
    done = consolidate(engine, Parameters(as_of=AS_OF), linkers=(link_by_number, link_by_friend))
    assert engine.rows("SELECT benefit_id, person_id, method FROM link ORDER BY 1") == [
        (1, 1, "link_by_number"),
        (2, 8, "link_by_friend"),
        (3, 8, "link_by_friend"),
    ]
    assert done.summary["unmatched"] == 0
    conflicts = engine.rows("SELECT benefit_id FROM finding WHERE code = 'OTHER_PROGRAMME_CONFLICT' ORDER BY 1")
    assert conflicts == [(2,), (3,)]
    assert engine.value("SELECT household_number FROM recipient WHERE person_id = 8") == "H4"


def test_a_list_without_dates_is_asked_on_the_day_of_the_question(engine: Engine) -> None:
    row = benefit(1, who="a", period="", period_start=None, period_end=None)
    gone = {"programme": "KFL", "id_token": token("a"), "exit_date": date(2026, 6, 29), "exit_reason": "MOVED"}
    compare(engine, benefit=[row], programme=[programme("KFL")], exit=[gone])
    assert engine.value("SELECT code FROM finding") == "GRADUATED_STILL_LISTED"
