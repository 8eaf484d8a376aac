"""The relations of the delivery chain by hand: fifths, enrolments and places, spending by quarter, grievances, and the chain itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.unit.khana_methods.coverage.test_indicators import document

from khana_country.load import pack_folder
from khana_methods.coverage import relation_tables as tables
from khana_methods.coverage.framework import FrameworkInvalid, framework_of, read_framework
from khana_methods.coverage.indicators import compute, funnel
from khana_methods.engine.duckdb import Engine

DAY = date(2026, 6, 30)
PARAMETERS = {"cut_off": 32.0, "cap": 3.0, "poverty_line": 1000.0, "payment_days": 30.0}


def frame(names: str, *rows: tuple[Any, ...], **types: pa.DataType) -> pa.Table:
    columns = names.split()
    return pa.table({name: pa.array([row[at] for row in rows], types.get(name)) for at, name in enumerate(columns)})


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Ten households of four, the poorest first; H1 to H4 are poor."""
    homes = range(1, 11)
    with Engine(memory_mib=256, threads=1) as made:
        made.register(
            "given_household", frame("household_id household_number members", *[(n, f"H{n}", 4) for n in homes])
        )
        made.register(
            "given_text",
            frame("household_id area_path survey_date consent facts",
                  *[(n, f"PK.PK{1 + n % 2}.D{1 + n % 2}.", date(2025, 6, 30), True, '{"area_type": "rural"}') for n in homes]),
        )  # fmt: skip
        made.register("given_marks", frame("household_id has_verified_number is_woman_headed", (1, True, False)))
        made.register("given_score", frame("household_id score", *[(n, 8.0 * n) for n in homes]))
        made.register(
            "given_recipient",
            frame("recipient_id household_number area_path programmes cash_programmes is_over_cap is_well_off score amount",
                  (1, "H1", "PK.PK2.D2.", '["KFL", "TLW"]', 2, False, False, 8.0, 600.0), (2, "H9", "PK.PK2.D2.", '["KFL"]', 1, False, True, 72.0, 400.0)),
        )  # fmt: skip
        made.register("given_monthly", frame("household_number monthly", ("H1", 200.0), ("H9", 133.0)))
        days = {"days_to_enrol": pa.int32(), "days_to_payment": pa.int32()}
        made.register(
            "given_enrolment",
            frame("household_number programme agency area_path state state_on is_paid days_to_enrol days_to_payment",
                  ("H1", "KFL", "BISP", "PK.PK2.D2.", "ENROLLED", DAY, True, 10, 30), ("H1", "TLW", "BISP", "PK.PK2.D2.", "SUSPENDED", DAY, False, None, None),
                  ("H2", "KFL", "BISP", "PK.PK1.D1.", "ENROLLED", DAY, False, 20, None), ("H3", "KFL", "BISP", "PK.PK2.D2.", "WAITLISTED", DAY - timedelta(5), False, None, None),
                  ("", "KFL", "BISP", "PK.", "EXITED", DAY, False, None, None), **days),
        )  # fmt: skip
        made.register(
            "given_place",
            frame("household_number programme agency area_path since",
                  ("H4", "KFL", "BISP", "PK.PK1.D1.", DAY - timedelta(15)), ("H2", "KFL", "BISP", "PK.PK1.D1.", DAY)),
        )  # fmt: skip
        tables.make_enrolment(made, DAY)
        tables.make_household(made, DAY, tables.fifth_edges(made))
        tables.make_recipient(made)
        yield made


def test_fifths_hold_people_and_keep_one_score_together(engine: Engine) -> None:
    assert tables.fifth_edges(engine) == [16.0, 32.0, 48.0, 64.0]
    assert engine.rows("SELECT fifth, count(*) FROM household GROUP BY fifth ORDER BY fifth") == [
        (n, 2) for n in range(1, 6)
    ]
    with Engine(memory_mib=128, threads=1) as other:
        other.register(
            "given_household", frame("household_id household_number members", (1, "a", 1), (2, "b", 9), (3, "c", 1))
        )
        other.register("given_score", frame("household_id score", (1, 5.0), (2, 9.0), (3, 9.0)))
        assert tables.fifth_edges(other) == [9.0, 9.0, 9.0, 9.0]  # those of one score are never parted
        other.run("DELETE FROM given_score")
        assert tables.fifth_edges(other) == []


def test_who_waits_on_a_frozen_list_is_counted_once(engine: Engine) -> None:
    states = dict(engine.rows("SELECT state, count(*) FROM enrolment GROUP BY state"))
    assert states == {
        "ENROLLED": 2,
        "SUSPENDED": 1,
        "WAITLISTED": 2,
        "EXITED": 1,
    }  # H2 is enrolled: her place no longer waits
    assert engine.rows("SELECT days_waiting FROM enrolment WHERE is_waiting ORDER BY 1") == [(5,), (15,)]
    homes = engine.rows(
        "SELECT household_number, enrolments, waiting FROM household WHERE enrolments + waiting > 0 ORDER BY 1"
    )
    assert homes == [("H1", 2, 0), ("H2", 1, 0), ("H3", 0, 1), ("H4", 0, 1)]


def test_the_chain_of_the_pack_with_its_delays(engine: Engine) -> None:
    framework = read_framework(pack_folder("pak") / "results_framework.yaml")
    values = compute(engine, framework, parameters=PARAMETERS)
    told = [(s.indicator, s.count, s.conversion, s.days, s.is_aside) for s in funnel(framework, values, "PK")]
    assert told == [
        ("HH_REGISTERED", 10, None, None, False), ("HH_ASSESSED", 10, 1.0, None, False), ("HH_ELIGIBLE", 4, 0.4, None, False),
        ("HH_WAITING", 2, 0.5, 10.0, True), ("HH_ENROLLED", 2, 0.5, 15.0, False), ("HH_RECEIVING", 1, 0.5, 30.0, False),
    ]  # fmt: skip
    top = {v.indicator: v.value for v in values if v.area_code == "PK" and not v.group_by}
    assert top["EXCLUSION_ERROR"] == 0.75 == pytest.approx(top["EXCLUSION_NOT_ENROLLED"] + top["EXCLUSION_NOT_PAID"])
    assert top["EXCLUSION_NOT_PAID"] == 0.25  # H2: enrolled, on no list
    assert (top["LEAKAGE_AMOUNT"], top["INCIDENCE_POOREST"], top["INCIDENCE_POOREST_TWO"], top["CGH"]) == (
        0.4,
        0.6,
        0.6,
        1.5,
    )
    assert top["ADEQUACY"] == pytest.approx(200 / 4000) and top["PROGRAMMES_A_HOUSEHOLD"] == 1.5
    fifths = {
        v.group_value: v.value
        for v in values
        if v.indicator == "COVERAGE_PEOPLE" and v.area_code == "PK" and v.group_by
    }
    assert fifths == {"1": 0.5, "2": 0.0, "3": 0.0, "4": 0.0, "5": 0.5}


def test_a_chain_that_names_what_is_not_there_is_refused() -> None:
    with pytest.raises(FrameworkInvalid, match="funnel: DELAY is no indicator"):
        framework_of({**document(), "funnel": ["HH", {"of": "SHARE_POOR", "delay": "DELAY", "aside": True}]})
    framework = framework_of({**document(), "funnel": ["HH", {"of": "SHARE_POOR", "aside": True}]})
    assert [step.is_aside for step in framework.funnel] == [False, True]


SUM = "programme agency period period_start period_end area_path paid_month list_rows rows_with_number amount rows_dated rows_on_time days_late"


def test_spending_counts_in_its_month_or_is_spread_over_its_period() -> None:
    kinds = {name: pa.date32() for name in ("period_start", "period_end", "paid_month")}
    rows = [
        ("KFL", "BISP", "2026Q1", date(2026, 1, 1), date(2026, 3, 31), "PK.PK1.D1.U1.", date(2026, 4, 1), 10, 10, 100.0, 10, 5, 40.0),
        ("KFL", "BISP", "2026H1", date(2026, 1, 1), date(2026, 6, 30), "PK.PK1.D2.", None, 6, 6, 60.0, 0, 0, 0.0),
        ("KFL", "BISP", "2026-02", date(2026, 2, 1), None, "", None, 1, 1, 7.0, 0, 0, 0.0),
        ("KFL", "BISP", "", None, None, "PK.PK1.", None, 1, 1, 3.0, 0, 0, 0.0),
    ]  # fmt: skip
    with Engine(memory_mib=128, threads=1) as engine:
        engine.register("given_sum", frame(SUM, *rows, **kinds))
        tables.make_payment(engine)
        made = {
            (row["quarter"], row["area_code"]): (row["amount"], row["list_rows"])
            for row in tables.make_spending(engine)
        }
        paid = engine.rows("SELECT sum(amount), sum(rows_on_time), sum(rows_dated), sum(days_late) FROM payment")
    first, second = date(2026, 1, 1), date(2026, 4, 1)
    assert made == {
        (first, ""): (37.0, 1), (second, ""): (130.0, 16), (first, "PK1"): (30.0, 0), (second, "PK1"): (130.0, 16),
        (second, "D1"): (100.0, 10), (first, "D2"): (30.0, 0), (second, "D2"): (30.0, 6),
    }  # fmt: skip
    assert paid == [(170.0, 5, 10, 40.0)]


def test_grievances_against_their_standard() -> None:
    rows = [
        ("STOP_APPEAL", "KFL", "BISP", "PK.", DAY - timedelta(60), DAY - timedelta(50), True, None), ("STOP_APPEAL", "KFL", "BISP", "PK.", DAY - timedelta(60), DAY, False, None),
        ("PROPOSAL", "KFL", "BISP", "PK.", DAY - timedelta(60), None, None, None), ("PROPOSAL", "KFL", "BISP", "PK.", DAY - timedelta(1), None, None, None),
        # on that day nobody knew of the one, nor of the other's decision
        ("PROPOSAL", "KFL", "BISP", "PK.", DAY + timedelta(1), None, None, None), ("PROPOSAL", "KFL", "BISP", "PK.", DAY - timedelta(2), DAY + timedelta(1), True, None),
        # a person was told a day of her own: it counts, whatever the standard of the kind says
        ("FILE_CORRECTION", "", "", "PK.", DAY - timedelta(40), DAY, True, DAY), ("FILE_CORRECTION", "", "", "PK.", DAY - timedelta(5), None, None, DAY - timedelta(1)),
    ]  # fmt: skip
    types = {"decided_on": pa.date32(), "is_upheld": pa.bool_(), "due_on": pa.date32()}
    with Engine(memory_mib=128, threads=1) as engine:
        engine.register(
            "given_case",
            frame("kind programme agency area_path received_on decided_on is_upheld due_on", *rows, **types),
        )
        tables.make_grievance(engine, DAY, lambda kind, received: received + timedelta(days=30))
        framework = read_framework(pack_folder("bgd") / "results_framework.yaml")
        values = compute(engine, framework, parameters=PARAMETERS)
    told = {v.indicator: (v.numerator, v.denominator) for v in values if not v.group_by}
    assert told["CASES"] == (7, None) and told["CASES_IN_TIME"] == (2, 5) and told["CASES_OVERDUE"] == (2, None)
    assert told["CASES_UPHELD"] == (2, 3) and told["DAYS_TO_DECISION"] == (110, 3)


@pytest.mark.parametrize("country", ["pak", "bgd"])
def test_frameworks_name_only_relations_that_are_described(country: str) -> None:
    from khana_methods.coverage import framework as module

    read = read_framework(pack_folder(country) / "results_framework.yaml")
    folder = Path(module.__file__).parent / "relations"
    assert (
        {one.relation for one in read.indicators}
        == {path.stem for path in folder.glob("*.yaml")}
        == set(module.RELATIONS)
    )
