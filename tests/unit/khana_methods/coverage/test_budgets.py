"""Budgets: files read whole or refused whole, and spending that is never counted twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khana_methods.coverage.budgets import BudgetFileWrong, BudgetLine, Spending, execute, read_budget

PROGRAMMES = {"KFL": "BISP", "TOP": "PSPA"}
AREAS = {"Punjab": ("PK3", 1), "PK301": ("PK301", 2), "Chak 9": ("PK30101", 3), "Pakistan": ("PK", 0)}
PARENTS = {"PK": "", "PK3": "PK", "PK4": "PK", "PK301": "PK3", "PK302": "PK3"}
NAMES = ("programme", "area", "government", "year", "amount", "unit", "source")
Q1, Q2, NEXT = date(2025, 7, 1), date(2025, 10, 1), date(2026, 7, 1)


def table(*rows: tuple[str, ...]) -> pa.Table:
    return pa.table({name: [row[at] for row in rows] for at, name in enumerate(NAMES)})


def read(*rows: tuple[str, ...]) -> list[BudgetLine]:
    return read_budget(table(*rows), programmes=PROGRAMMES, areas=AREAS)


def test_a_file_is_read_with_its_units_and_years() -> None:
    made = read(
        ("KFL", "", "Federal", "2025-26", "598.7", "billion", "Budget in brief 2025-26"),
        ("TOP", "Punjab", "Punjab", "FY2025-26", "1,20,000", "", "ADP"), ("", "", "", "", "", "", ""),
        ("KFL", "Pakistan", "Federal", "2026", "7", "crore", "x"),
    )  # fmt: skip
    assert [(one.area_code, one.year, one.amount) for one in made] == [
        ("", "FY2025-26", Decimal("598700000000.00")), ("PK3", "FY2025-26", Decimal("120000.00")), ("", "2026", Decimal("70000000.00")),
    ]  # fmt: skip
    assert (made[0].starts_on, made[0].ends_on, made[1].agency) == (Q1, date(2026, 6, 30), "PSPA")


def test_every_mistake_is_told_by_line_and_nothing_of_the_cells() -> None:
    with pytest.raises(BudgetFileWrong) as error:
        read(
            ("XXX", "", "Federal", "2025-26", "1", "", "s"), ("KFL", "Shazia Bibi", "Federal", "Q1", "one", "dozen", ""),
            ("KFL", "Chak 9", "", "2025-26", "-4", "", "s"), ("KFL", "", "Federal", "2025-26", "1", "", "s"),
            ("KFL", "", "Federal", "FY2025-26", "2", "", "s"),
        )  # fmt: skip
    told = error.value.message
    for words in (
        "line 2: the programme", "line 3: the area", "line 3: the year", "line 3: the source", "line 3: the unit", "line 3: the amount is no",
        "line 4: the area is smaller", "line 4: the government", "line 4: the amount is negative", "line 6: the same programme", "nothing of it was kept",
    ):  # fmt: skip
        assert words in told
    assert "Shazia" not in told and "XXX" not in told
    with pytest.raises(BudgetFileWrong, match="missing: government, source"):
        read_budget(table(("KFL",) * 7).drop_columns(["government", "source"]), programmes=PROGRAMMES, areas=AREAS)
    with pytest.raises(BudgetFileWrong, match="no line"):
        read(("", "", "", "", "", "", ""))


def line(area: str, amount: int, government: str = "Federal", programme: str = "KFL") -> BudgetLine:
    return BudgetLine(
        programme, "BISP", area, government, "FY2025-26", Q1, date(2026, 6, 30), Decimal(amount), "s"
    )  # fmt: skip


def spent(area: str, amount: float, quarter: date = Q1) -> Spending:
    return Spending("KFL", "BISP", quarter, area, amount, 1)


def test_a_line_takes_what_no_smaller_area_takes() -> None:
    spending = [
        spent("", 100),
        spent("", 40, Q2),
        spent("", 900, NEXT),
        spent("PK3", 50),
        spent("PK301", 20),
        spent("PK4", 30),
    ]
    made = {
        one.line.area_code: one
        for one in execute([line("", 200), line("PK3", 60), line("PK301", 10)], spending, PARENTS)
    }
    assert {code: one.spent for code, one in made.items()} == {"": 90, "PK3": 30, "PK301": 20}
    assert made["PK301"].share == 2.0 and made[""].quarters == 2
    shared = execute([line("", 75), line("", 25, "Donor"), line("", 0, "Nobody")], spending, PARENTS)
    assert [one.spent for one in shared] == [105, 35, 0] and shared[2].share is None
    assert execute([line("", 5, programme="TOP")], spending, PARENTS)[0].spent == 0


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["", "PK3", "PK4", "PK301", "PK302"]), st.sampled_from("ABC"), st.integers(0, 9)), max_size=9),
    st.lists(st.tuples(st.sampled_from(["PK4", "PK301", "PK302", "elsewhere"]), st.integers(0, 99)), max_size=9),
)  # fmt: skip
def test_lines_never_add_up_to_more_than_was_spent(
    named: list[tuple[str, str, int]], drawn: list[tuple[str, int]]
) -> None:  # fmt: skip
    rows = [spent("", float(amount)) for _, amount in drawn]
    for area, amount in drawn:  # every area holds what is spent below it
        while area and area != "elsewhere" and area != "PK":
            rows.append(spent(area, float(amount)))
            area = PARENTS[area]
    lines = list({(area, who): line(area, amount, who) for area, who, amount in named}.values())
    made = execute(lines, rows, PARENTS)
    assert all(one.spent >= 0 for one in made)
    assert sum(one.spent for one in made) <= sum(amount for _, amount in drawn) + 1e-9
