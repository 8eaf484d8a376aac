"""Each finding code on the smallest world that shows it, and on the nearest one that does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from tests.unit.khana_methods.overlap.worlds import (
    AS_OF,
    benefit,
    claim,
    compare,
    findings,
    household,
    issued,
    person,
    programme,
    token,
)

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.finding_codes import load_finding_codes
from khana_methods.overlap.parameters import ParameterOutOfRange, Parameters

KFL = programme("KFL")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as one:
        yield one


def test_numbers(engine: Engine) -> None:
    rows = [
        benefit(1),
        benefit(2, id_state="MALFORMED"),
        benefit(3, who="typo"),
        benefit(4, who="known", birth_year=1980, birth_month=5, id_year_prefix_number=1977),
        benefit(5, who="known", birth_year=1980, period="2026Q1", id_year_prefix_number=1980),
        benefit(6, who="known", period="2025Q4", payee_id_state="MISSING"),
    ]
    compare(engine, benefit=rows, programme=[KFL], national_id=[issued("known", birth_date=date(1980, 4, 1))])
    assert findings(engine) == {
        (1, "NID_MISSING"),
        (2, "NID_MALFORMED"),
        (3, "NID_NOT_FOUND"),
        (4, "NID_DOB_MISMATCH"),
        (4, "NID_YEAR_PREFIX"),
        (6, "NID_MISSING"),
    }
    assert engine.rows("SELECT role FROM finding WHERE benefit_id = 6") == [("payee",)]


def test_an_empty_extract_denies_nobody(engine: Engine) -> None:
    done = compare(engine, benefit=[benefit(1, who="a")], programme=[KFL])
    assert findings(engine) == set()
    assert "NID_NOT_FOUND" in done.summary["undecided_codes"]


def test_a_kind_of_number_that_the_extract_does_not_hold_is_not_looked_for(engine: Engine) -> None:
    compare(engine, benefit=[benefit(1, who="a", id_type="BIRTH")], programme=[KFL], national_id=[issued("b")])
    assert findings(engine) == set()


def test_duplicates_stay_inside_one_list_and_period(engine: Engine) -> None:
    rows = [
        benefit(1, who="a"),
        benefit(2, who="a"),
        benefit(3, who="a", period="2026Q1"),
        benefit(4, "ZKT", who="a"),
    ]
    compare(engine, benefit=rows, programme=[KFL, programme("ZKT")])
    assert findings(engine) == {(1, "DUP_NID"), (2, "DUP_NID")}
    assert engine.rows("SELECT DISTINCT group_no FROM finding") == [(1,)]


def test_a_shared_telephone_inside_one_household_is_only_noted(engine: Engine) -> None:
    phone = token("0300")
    rows = [benefit(1, who="a", mobile_token=phone), benefit(2, who="b", mobile_token=phone)]
    compare(engine, benefit=rows, programme=[KFL], identifier=[claim("a", 1, 1), claim("b", 2, 1)])
    assert findings(engine) == {(1, "DUP_MOBILE_HOUSEHOLD"), (2, "DUP_MOBILE_HOUSEHOLD")}
    compare(engine, benefit=rows, programme=[KFL], identifier=[claim("a", 1, 1), claim("b", 2, 2)])
    assert findings(engine) == {(1, "DUP_MOBILE"), (2, "DUP_MOBILE")}


def test_a_person_registered_twice_still_shares_her_household(engine: Engine) -> None:
    account = token("PK00")
    rows = [benefit(1, who="a", account_token=account), benefit(2, who="b", account_token=account)]
    twice = [claim("a", 1, 1), claim("a", 3, 2), claim("b", 2, 2)]
    compare(engine, benefit=rows, programme=[KFL], identifier=twice)
    assert findings(engine) == {(1, "DUP_ACCOUNT_HOUSEHOLD"), (2, "DUP_ACCOUNT_HOUSEHOLD")}


def test_a_payee_of_no_known_household_proves_nothing(engine: Engine) -> None:
    phone = token("0300")
    rows = [benefit(1, who="a", mobile_token=phone), benefit(2, who="b", mobile_token=phone)]
    compare(engine, benefit=rows, programme=[KFL], identifier=[claim("a", 1, 1)])
    assert findings(engine) == {(2, "NOT_IN_SOCIAL_REGISTRY")}


def test_second_recipient_of_a_household(engine: Engine) -> None:
    one = programme("RTN", one_per_household=True)
    rows = [benefit(1, "RTN", who="a"), benefit(2, "RTN", who="b"), benefit(3, "RTN", who="b", period="2026Q1")]
    compare(engine, benefit=rows, programme=[one], identifier=[claim("a", 1, 1), claim("b", 2, 1)])
    assert findings(engine) == {(1, "DUP_HOUSEHOLD"), (2, "DUP_HOUSEHOLD")}


def test_the_dead_the_employed_and_their_spouses(engine: Engine) -> None:
    free = programme("ALL", poverty_targeted=False)
    rows = [
        benefit(1, who="dead"),
        benefit(2, who="dies later"),
        benefit(3, who="clerk"),
        benefit(4, who="retired"),
        benefit(5, who="wife"),
        benefit(6, who="husband"),
        benefit(7, "ALL", who="clerk"),
    ]
    extract = [
        issued("dead", death_date=date(2026, 3, 31)),
        issued("dies later", death_date=date(2026, 4, 1)),
        issued("clerk", spouse_token=token("husband")),
        issued("retired"),
        issued("wife", spouse_token=token("clerk")),
        issued("husband"),
    ]
    employees = [
        {"id_token": token("clerk"), "status": "SERVING"},
        {"id_token": token("retired"), "status": "PENSIONER"},
    ]
    compare(engine, benefit=rows, programme=[KFL, free], national_id=extract, employee=employees)
    assert findings(engine) == {
        (1, "DECEASED"),
        (3, "GOVT_EMPLOYEE"),
        (4, "PENSIONER"),
        (5, "GOVT_EMPLOYEE_SPOUSE"),
        (6, "GOVT_EMPLOYEE_SPOUSE"),
    }


def test_telephones(engine: Engine) -> None:
    rows = [
        benefit(1, who="a", mobile_token=token("hers")),
        benefit(2, who="b", mobile_token=token("hers")),
        benefit(3, who="c", mobile_token=token("nobody's")),
    ]
    sims = [
        {"mobile_token": token("hers"), "id_token": token("a")},
        {"mobile_token": token("other"), "id_token": token("c")},
    ]
    compare(engine, benefit=rows, programme=[KFL], sim=sims)
    assert findings(engine) == {(2, "MOBILE_NOT_REGISTERED_TO_NID"), (2, "NID_HAS_NO_SIM")}


@pytest.mark.parametrize(
    ("born", "proven", "is_out"),
    [
        ((2008, 4, 1), None, False),  # eighteen on the first day
        ((2008, 4, 2), None, True),
        ((2008, None, None), None, False),  # may be eighteen
        ((2009, None, None), None, True),
        ((2009, None, None), date(2000, 1, 1), False),  # the extract says otherwise
        ((None, None, None), date(2009, 1, 1), True),
        ((1965, 4, 1), None, True),  # sixty-one
    ],
)
def test_age_on_the_first_day(
    engine: Engine, born: tuple[int | None, int | None, int | None], proven: date | None, is_out: bool
) -> None:
    row = benefit(1, "PWP", who="a", birth_year=born[0], birth_month=born[1], birth_day=born[2])
    works = programme("PWP", min_age=18, max_age=60)
    compare(engine, benefit=[row], programme=[works], national_id=[issued("a", birth_date=proven)])
    assert ((1, "AGE_OUT_OF_RANGE") in findings(engine)) is is_out


def test_a_lower_age_for_women(engine: Engine) -> None:
    old_age = programme("OAA", min_age=65, min_age_female=62)
    rows = [
        benefit(1, "OAA", who="a", birth_year=1963, birth_month=1, birth_day=1, sex="F"),
        benefit(2, "OAA", who="b", birth_year=1963, birth_month=1, birth_day=1, sex="M"),
    ]
    compare(engine, benefit=rows, programme=[old_age])
    assert findings(engine) == {(2, "AGE_OUT_OF_RANGE")}


def test_out_of_area_goes_by_residence_then_by_the_row(engine: Engine) -> None:
    local = programme("RTN", areas=["X1"])
    rows = [
        benefit(1, "RTN", who="a", area_code="X1"),
        benefit(2, "RTN", who="b", area_code="X2"),
        benefit(3, "RTN", who="c", area_code="X2"),
    ]
    known = [claim("a", 1, 1, "X201"), claim("b", 2, 2, "X101")]
    compare(engine, benefit=rows, programme=[local], identifier=known)
    assert findings(engine) == {(1, "OUT_OF_AREA"), (3, "OUT_OF_AREA"), (3, "NOT_IN_SOCIAL_REGISTRY")}


def test_well_off_by_score_and_exempt_payees(engine: Engine) -> None:
    scores = [{"household_id": n, "score": float(10 * n)} for n in range(1, 6)]
    rows = [benefit(n, who=str(n)) for n in (4, 5)]
    claims = [claim("4", 4, 4), claim("5", 5, 5)]
    compare(engine, benefit=rows, programme=[KFL], identifier=claims, score=scores)
    assert findings(engine) == {(5, "WELL_OFF")}
    assert engine.rows("SELECT household_id, is_well_off FROM leakage") == [(5, True)]
    exempt = [person(5, 5, sex="O")]
    compare(engine, benefit=rows, programme=[KFL], identifier=claims, score=scores, person=exempt)
    assert findings(engine) == set()


def test_prerequisite_goes_by_the_payee_and_only_where_it_is_connected(engine: Engine) -> None:
    catalogue = [KFL, programme("TLW", requires="KFL")]
    child = {"payee_id_state": "OK", "payee_token": token("mother")}
    rows = [benefit(1, "TLW", who="child", **child), benefit(2, "TLW", who="x"), benefit(3, who="mother")]
    compare(engine, benefit=rows, programme=catalogue)
    assert findings(engine) == {(2, "PREREQUISITE_MISSING")}
    compare(engine, benefit=rows[:2], programme=catalogue)
    assert findings(engine) == set()
    compare(engine, Parameters(as_of=AS_OF, connected=frozenset({"KFL"})), benefit=rows[1:2], programme=catalogue)
    assert findings(engine) == {(2, "PREREQUISITE_MISSING")}


def test_conflicts_hold_both_ways(engine: Engine) -> None:
    catalogue = [programme("ZKT", incompatible_with=["PBM"]), programme("PBM")]
    compare(engine, benefit=[benefit(1, "ZKT", who="a"), benefit(2, "PBM", who="a")], programme=catalogue)
    assert set(engine.rows("SELECT benefit_id, detail FROM finding")) == {(1, "PBM"), (2, "ZKT")}


def test_the_cap_counts_programmes_not_rows_and_not_work(engine: Engine) -> None:
    catalogue = [*(programme(code) for code in "ABCD"), programme("W", counts_to_cap=False)]
    rows = [benefit(n, code, who="a") for n, code in enumerate("AABCW", start=1)]
    compare(engine, benefit=rows, programme=catalogue)
    assert not any(code == "CAP_EXCEEDED" for _, code in findings(engine))
    done = compare(engine, benefit=[*rows, benefit(6, "D", who="a")], programme=catalogue)
    over = {row for row, code in findings(engine) if code == "CAP_EXCEEDED"}
    assert over == {1, 2, 3, 4, 6}
    assert done.summary["over_cap"] == 1
    assert engine.value("SELECT detail FROM finding WHERE code = 'CAP_EXCEEDED'") == "A+B+C+D"


def test_two_numbers_of_one_registered_person_are_one_holder(engine: Engine) -> None:
    catalogue = [programme("A", incompatible_with=["B"]), programme("B")]
    rows = [benefit(1, "A", who="card"), benefit(2, "B", who="birth")]
    both = [claim("card", 1, 1), claim("birth", 1, 1)]
    compare(engine, benefit=rows, programme=catalogue, identifier=both)
    assert {code for _, code in findings(engine)} == {"OTHER_PROGRAMME_CONFLICT"}


def test_graduated_still_listed(engine: Engine) -> None:
    exits = [
        {"programme": "KFL", "id_token": token("a"), "exit_date": date(2026, 3, 31), "exit_reason": "MOVED"},
        {"programme": "KFL", "id_token": token("b"), "exit_date": date(2026, 4, 1), "exit_reason": "MOVED"},
        {"programme": "ZKT", "id_token": token("c"), "exit_date": date(2025, 1, 1), "exit_reason": "MOVED"},
    ]
    rows = [benefit(n, who=who) for n, who in enumerate("abc", start=1)]
    compare(engine, benefit=rows, programme=[KFL], exit=exits)
    assert engine.rows("SELECT benefit_id, code, detail FROM finding") == [
        (1, "GRADUATED_STILL_LISTED", "2026-03-31 MOVED")
    ]


def test_a_stopped_payee_is_refused_on_rows_of_others(engine: Engine) -> None:
    """The child's row still names her as payee; her own row is told by her exit, a row before the stop by nothing."""
    stops = [
        {"programme": "KFL", "id_token": token("mother"), "stop_date": date(2026, 3, 31), "rule": "cap-3"},
        {"programme": "KFL", "id_token": token("aunt"), "stop_date": date(2026, 4, 1), "rule": "cap-3"},
        {"programme": "ZKT", "id_token": token("granny"), "stop_date": date(2025, 1, 1), "rule": "cap-3"},
    ]
    rows = [
        *(
            benefit(n, who=f"child{n}", payee_id_state="OK", payee_token=token(who))
            for n, who in enumerate(("mother", "aunt", "granny"), start=1)
        ),
        benefit(4, who="mother"),
    ]
    compare(engine, benefit=rows, programme=[KFL], stop=stops)
    assert engine.rows("SELECT benefit_id, role, detail FROM finding WHERE code = 'STOPPED_STILL_LISTED'") == [
        (1, "payee", "2026-03-31 cap-3")
    ]


def test_findings_carry_severity_and_the_registry_s_own_keys(engine: Engine) -> None:
    rows = [benefit(1, who="a"), benefit(2, who="a")]
    compare(engine, benefit=rows, programme=[KFL], identifier=[claim("a", 7, 3)], household=[household(3)])
    assert engine.rows("SELECT * FROM finding ORDER BY benefit_id") == [
        (n, "DUP_NID", "beneficiary", load_finding_codes()["DUP_NID"].severity, 7, "H3", 7, "2 rows", 1) for n in (1, 2)
    ]


def test_policy_that_nobody_could_mean_is_refused() -> None:
    with pytest.raises(ParameterOutOfRange):
        Parameters(as_of=AS_OF, cap=-1)
