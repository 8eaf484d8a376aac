"""Both catalogues line by line against what the domain report says of each programme (sections 1.7 and 2.4)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from khana_country.load import load_document, load_pack
from khana_methods.rules.rulebook import load_rules

LIFE_CYCLE = {"early_childhood", "school_age", "working_age", "old_age", "disability", "household", "shock"}
# Kafaalat a quarter by the first day it holds
KAFAALAT = [("2008-07-01", 3000), ("2022-01-01", 7000), ("2023-01-01", 8750), ("2023-07-01", 9000), ("2024-01-01", 10500),
            ("2025-01-01", 13500), ("2026-01-01", 14500)]  # fmt: skip
# Taleemi Wazaif a quarter: level, boy, girl, in 2024 and before
WAZAIF = [
    ("primary", 2000, 2500, 1500, 2000),
    ("secondary", 3000, 3500, 2500, 3000),
    ("higher_secondary", 4000, 4500, 3500, 4000),
]
# code: Taka a month in FY25 and FY26, what its rule must read, what it excludes
BANGLADESH = {
    "OAA": ((600, 650), {"age", "sex", "income_year"}, {"VWB", "WDW", "DIS", "MAR"}),
    "WDW": ((550, 650), {"age", "sex", "marital", "income_year"}, {"OAA", "DIS", "MCBP", "VWB", "MAR"}),
    "DIS": ((850, 900), {"age", "disability", "income_per_person_year"}, {"OAA", "WDW", "MCBP", "VWB", "MAR"}),
    "DST": (None, {"disability", "is_attending"}, set()),
    "MCBP": ((800, 850), {"sex", "age", "is_pregnant", "income_month"}, {"WDW", "DIS", "VWB"}),
    "MAR": ((None, 650), {"is_of_listed_community", "sex"}, {"OAA", "WDW", "DIS", "VWB"}),
    "VWB": (None, {"sex", "age", "land_owned_acres", "worked"}, {"OAA", "WDW", "DIS", "MCBP", "MAR", "VGF", "EGPP"}),
    "VGF": (None, {"age"}, {"VWB"}),
    "EGPP": (None, {"land_owned_acres", "activity", "relation", "age"}, {"VWB"}),
    "PES": (None, {"is_attending", "current_class"}, set()),
}


@pytest.mark.parametrize("country", ["pak", "bgd"])
def test_every_programme_is_described_whole(country: str) -> None:
    pack = load_pack(country)
    book = load_rules(pack.folder / "eligibility.yaml")
    for code, one in pack.programmes.items():
        agency = pack.agencies[one.agency]
        assert agency.owner["en"] and agency.budget_head["en"], code
        assert one.kind and one.unit and one.target_group in LIFE_CYCLE and one.rule and one.source and one.mark, code
        assert one.amounts or one.no_amount, code
        if not one.is_planned:
            rule = book.get(code)
            assert rule.kind == "eligibility" and all(v.source and v.mark for v in rule.versions), code
            assert rule.on(max(one.valid_from, rule.versions[0].valid_from)), code
    for one in pack.exclusion_filters:
        assert book.get(one.code).kind == "exclusion" and one.programmes


def test_pakistan_is_what_the_report_says() -> None:
    pack = load_pack("pak")
    assert [(a.valid_from.isoformat(), a.amount) for a in pack.programmes["KFL"].amounts] == KAFAALAT
    wazaif = pack.programmes["TLW"]
    for level, boy, girl, boy_before, girl_before in WAZAIF:
        for day, pays in ((date(2025, 8, 1), (boy, girl)), (date(2022, 8, 1), (boy_before, girl_before))):
            found = {a.sex: a.amount for a in wazaif.amounts_on(day) if a.variant == level}
            assert found == {"M": pays[0], "F": pays[1]}, level
    assert wazaif.condition is not None and wazaif.condition.at_least == Decimal("0.70") and wazaif.requires == "KFL"
    assert {a.amount for a in wazaif.amounts if a.per == "once"} == {3000} and len(wazaif.conditions) == 3
    nashonuma = pack.programmes["NSH"]
    assert sorted(a.amount for a in nashonuma.amounts_on(date(2021, 1, 1))) == [2000, 2000, 2500]
    assert sorted(a.amount for a in nashonuma.amounts_on(date(2025, 1, 1))) == [2500, 2500, 3000]
    assert nashonuma.requires == "KFL" and len(nashonuma.conditions) == 4
    flood = pack.programmes["FLD"]
    assert [a.amount for a in flood.amounts] == [25000] and flood.unit == "family"
    assert [q.places for q in flood.quotas] == [2_759_601]
    assert [q.places for q in pack.programmes["KFL"].quotas_on(date(2026, 2, 1))] == [10_200_000]
    assert [q.places for q in pack.programmes["SFL"].quotas] == [7_810_482]
    book = load_rules(pack.folder / "eligibility.yaml")
    assert book.get("KFL").on(date(2015, 1, 1)).text.endswith("score <= 16.17")
    with pytest.raises(Exception, match="not in force"):
        book.get("FLD").on(date(2024, 1, 1))


def test_bangladesh_is_what_the_report_says() -> None:
    pack = load_pack("bgd")
    assert set(pack.programmes) == set(BANGLADESH)
    book = load_rules(pack.folder / "eligibility.yaml")
    today = date(2026, 11, 1)
    for code, (pays, reads, excludes) in BANGLADESH.items():
        one = pack.programmes[code]
        text = book.get(code).on(today).text
        assert all(name in text for name in reads), code
        assert set(pack.incompatible_with(code, today)) == excludes, code
        if pays:
            found = [[a.amount for a in one.amounts_on(day)] for day in (date(2025, 1, 1), date(2026, 1, 1))]
            assert found == [[p] if p else [] for p in pays], code
    assert [q.places for q in pack.programmes["OAA"].quotas] == [6_001_000, 6_100_000]
    assert [q.places for q in pack.programmes["WDW"].quotas] == [2_775_000, 2_900_000]
    assert [q.places for q in pack.programmes["DIS"].quotas] == [3_234_000]
    assert not pack.programmes["EGPP"].counts_to_cap and not pack.programmes["VWB"].counts_to_cap
    assert sorted(a.amount for a in pack.programmes["PES"].amounts_on(today)) == [150, 300, 400, 500, 1000]
    assert [a.amount for a in pack.programmes["EGPP"].amounts] == [200, 400]
    assert {a.variant: a.amount for a in pack.programmes["DST"].amounts} == {
        "primary": 900, "secondary": 950, "higher_secondary": 950, "higher": 1050,
    }  # fmt: skip
    assert pack.programmes["PES"].condition is not None and pack.programmes["PES"].condition.at_least == Decimal("0.85")


def test_rules_and_filters_stand_where_the_packs_say() -> None:
    for country in ("pak", "bgd"):
        codes = [entry["code"] for entry in load_document(country, "eligibility")["rules"]]
        assert len(codes) == len(set(codes)) and Path(load_pack(country).folder / "eligibility.yaml").is_file()
