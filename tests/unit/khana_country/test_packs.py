"""Both country packs are whole, dated, cited and consistent; a broken pack is refused by name."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from khana_country.load import (
    CountryUnknown,
    PackInvalid,
    list_countries,
    load_document,
    load_pack,
    pack_folder,
    read_pack,
)
from khana_country.pack import BENEFIT_KINDS, MARKS, CountryPack, NotInForce, ProgrammeUnknown
from khana_methods.overlap.finding_codes import load_finding_codes
from khana_methods.rules.facts import load_facts

TODAY = date(2026, 6, 30)
countries = pytest.mark.parametrize("pack", [load_pack("bgd"), load_pack("pak")], ids=["bgd", "pak"])


def test_both_countries_are_found_and_loaded_once() -> None:
    assert set(list_countries()) >= {"bgd", "pak"}
    assert load_pack("pak") is load_pack("pak")


@countries
def test_every_value_is_dated_cited_and_marked(pack: CountryPack) -> None:
    amounts = [amount for programme in pack.programmes.values() for amount in programme.amounts]
    rules = (*pack.cut_offs, *pack.lines, *pack.cap_rules, *pack.exclusion_pairs, *pack.deadlines)
    for value in (
        *pack.programmes.values(),
        *amounts,
        *rules,
        *pack.holidays,
        *pack.figures,
        *pack.weekends,
        *pack.fiscal_years,
    ):
        assert isinstance(value.valid_from, date)
        assert value.source
        assert value.mark in MARKS


@countries
def test_a_fiscal_year_begins_as_the_pack_says(pack: CountryPack) -> None:
    assert pack.fiscal_year_of(date(2026, 6, 30)) == date(2025, 7, 1)
    assert pack.fiscal_year_of(date(2026, 7, 1)) == date(2026, 7, 1)
    later = replace(
        pack, fiscal_years=(*pack.fiscal_years, replace(pack.fiscal_years[0], valid_from=TODAY, starts_month=1))
    )
    assert (later.fiscal_month(date(2026, 6, 29)), later.fiscal_year_of(date(2026, 12, 31))) == (7, date(2026, 1, 1))
    with pytest.raises(NotInForce):
        pack.fiscal_month(date(1900, 1, 1))


@countries
def test_exclusion_is_symmetric(pack: CountryPack) -> None:
    for code in pack.programmes:
        for other in pack.incompatible_with(code, TODAY):
            assert code in pack.incompatible_with(other, TODAY)


@countries
def test_cap_counts_cash_and_nothing_else(pack: CountryPack) -> None:
    assert pack.cap(TODAY).max_programmes == 3
    for programme in pack.programmes.values():
        assert programme.counts_to_cap == (programme.benefit_type == 1), programme.code
        assert BENEFIT_KINDS[programme.benefit_type] == programme.kind


@countries
def test_more_than_the_cap_can_be_drawn_at_all(pack: CountryPack) -> None:
    running = [x for x in pack.programmes.values() if x.counts_to_cap and x.is_in_force(TODAY)]
    assert len(running) > pack.cap(TODAY).max_programmes


@countries
def test_amounts_are_positive_and_in_the_countrys_money(pack: CountryPack) -> None:
    for programme in pack.programmes.values():
        for amount in programme.amounts:
            assert amount.amount > 0
            assert amount.currency == pack.currency


@countries
def test_facts_and_registers_that_a_pack_names_are_known(pack: CountryPack) -> None:
    for programme in pack.programmes.values():
        for limit in programme.limits:
            assert load_facts().get(limit.fact).unit
        if programme.condition:
            load_facts().get(programme.condition.fact)
        marital = load_facts().get("marital").codes
        assert set(programme.marital) <= set(marital)
    assert {register.code for register in pack.register_exclusions} <= set(load_finding_codes())


@countries
def test_every_name_that_a_page_or_letter_shows_is_in_all_its_languages(pack: CountryPack) -> None:
    """Names of programmes, agencies, owners, filters, holidays, numbers, levels, indicators: whatever a pack gives by language.

    Texts of a document that a page marks as English (a rule in words, conditions, budget heads) are none.
    """
    texts = {"rule", "budget_head", "conditions", "primary", "secondary", "higher_secondary", "higher", "primary_completed", "woman",
             "child", "one_child", "two_children", "three_children", "four_children", "kit"}  # fmt: skip
    seen, lacking = 0, []

    def look(value: object, path: tuple[str, ...]) -> None:
        nonlocal seen
        if isinstance(value, dict):
            if "en" in value and all(isinstance(words, str) for words in value.values()):
                seen += 1
                if path[-1] not in texts and not all(value.get(tongue) for tongue in ("en", "ur", "bn")):
                    lacking.append((*path, value["en"]))
                return
            for key, inner in value.items():
                look(inner, (*path, str(key)))
        elif isinstance(value, list):
            for inner in value:
                look(inner, path)

    for file in sorted(pack.folder.glob("*.yaml")):
        look(yaml.safe_load(file.read_text(encoding="utf-8")), (file.stem,))
    assert seen > 100 and not lacking


@countries
def test_levels_begin_at_the_country_and_names_are_in_its_languages(pack: CountryPack) -> None:
    assert [level.level for level in pack.levels] == list(range(len(pack.levels)))
    for level in pack.levels:
        re.compile(level.pattern)
        assert {language.code for language in pack.languages} <= set(level.names)


def test_three_incomes_of_bangladesh_are_three_facts() -> None:
    facts = {
        limit.fact
        for programme in load_pack("bgd").programmes.values()
        for limit in programme.limits
        if limit.fact.startswith("income")
    }
    assert facts == {"income_year", "income_per_person_year", "income_month"}


@pytest.mark.parametrize(
    ("on", "amount"),
    [
        (date(2008, 12, 31), 3000),
        (date(2023, 12, 31), 9000),
        (date(2024, 1, 1), 10500),
        (date(2025, 12, 31), 13500),
        (date(2026, 6, 30), 14500),
    ],
)
def test_kafaalat_by_date(on: date, amount: int) -> None:
    (found,) = load_pack("pak").programme("KFL").amounts_on(on)
    assert found.amount == amount
    assert found.per == "quarter"


@pytest.mark.parametrize(
    ("on", "when", "score"),
    [
        (date(2010, 6, 30), "", None),
        (date(2015, 1, 1), "", "16.17"),
        (date(2021, 9, 22), "", "16.17"),
        (date(2021, 9, 23), "", "32"),
        (date(2021, 9, 23), "member_with_disability", "37"),
        (date(2022, 11, 30), "transgender", None),
        (date(2026, 6, 30), "transgender", "100"),
    ],
)
def test_cut_off_of_kafaalat_by_date(on: date, when: str, score: str | None) -> None:
    found = load_pack("pak").cut_off("KFL", on, when)
    assert (None if found is None else found.max_score) == (None if score is None else Decimal(score))


def test_allowances_of_bangladesh_change_with_the_fiscal_year() -> None:
    pack = load_pack("bgd")
    for code, before, after in (("OAA", 600, 650), ("WDW", 550, 650), ("DIS", 850, 900), ("MCBP", 800, 850)):
        assert [x.amount for x in pack.programme(code).amounts_on(date(2025, 6, 30))] == [before]
        assert [x.amount for x in pack.programme(code).amounts_on(date(2025, 7, 1))] == [after]


def test_filters_overlap_as_reported() -> None:
    hits = sum(sum(x.hits.values()) for x in load_pack("pak").exclusion_filters)
    assert hits == 890_984
    assert load_document("pak", "exclusions")["removed"]["distinct"] == 820_165


def test_women_reach_the_old_age_allowance_earlier() -> None:
    programme = load_pack("bgd").programme("OAA")
    assert (programme.min_age, programme.min_age_female) == (65, 62)


def test_planned_programme_is_not_in_force() -> None:
    assert not load_pack("pak").programme("PWR").is_in_force(date(2030, 1, 1))
    assert not load_pack("pak").programme("FLD").is_in_force(TODAY)
    assert load_pack("pak").programme("KFL").is_in_force(TODAY)


def test_what_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(CountryUnknown, match="bgd, pak"):
        load_pack("npl")
    with pytest.raises(ProgrammeUnknown, match="KFL"):
        load_pack("pak").programme("XXX")
    with pytest.raises(NotInForce, match="cap"):
        load_pack("pak").cap(date(2000, 1, 1))
    with pytest.raises(NotInForce, match="rich"):
        load_pack("pak").line("rich", TODAY)
    with pytest.raises(PackInvalid, match=r"no pmt\.yaml"):
        load_document("pak", "pmt")


def _broken(tmp_path: Path, name: str, path: list[Any], value: object) -> Path:
    """Copy the pack of Bangladesh and change one value of one file."""
    folder = tmp_path / "bgd"
    shutil.copytree(pack_folder("bgd"), folder, ignore=shutil.ignore_patterns("*.py"))
    file = folder / f"{name}.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    place = document
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "path", "value", "says"),
    [
        ("programmes", ["programmes", 0, "amounts", 0, "from"], None, "OAA amount has no date"),
        ("programmes", ["programmes", 0, "amounts", 0, "source"], None, "OAA amount has no source"),
        ("programmes", ["programmes", 0, "mark"], "Z", "OAA has no mark"),
        ("programmes", ["programmes", 0, "known_to"], "week", "known_to is none of"),
        ("programmes", ["programmes", 0, "agency"], "NSA", "agency 'NSA' is not listed"),
        ("programmes", ["programmes", 0, "kind"], "in_kind", "benefit type 1 is not in_kind"),
        ("programmes", ["programmes", 0, "requires"], "XXX", "requires 'XXX'"),
        ("programmes", ["programmes", 0, "amounts"], [], "no amount, and no word why"),
        ("programmes", ["programmes", 0, "names"], {"en": "Old"}, "no name in bn"),
        ("programmes", ["programmes", 0, "areas"], ["PK1"], "area 'PK1' has no shape"),
        ("programmes", ["programmes", 3, "variants"], {}, "variant 'higher' is not described"),
        ("programmes", ["programmes", 6, "counts_to_cap"], True, "VWB: counts to the cap against"),
        ("programmes", ["programmes", 0, "unit"], None, "a value is missing"),
        ("exclusions", ["pairs", 0, "programmes"], ["OAA", "OAA"], "cannot exclude itself"),
        ("exclusions", ["pairs", 0, "programmes"], ["OAA", "XXX"], "programme 'XXX' is not"),
        ("exclusions", ["pairs", 0, "programmes"], ["OAA"], "a value is missing or of another kind"),
        ("exclusions", ["registers", 0, "programmes"], ["XXX"], "register GOVT_EMPLOYEE"),
        ("cut_offs", ["lines", 0, "max_score"], 20, "exactly one bound"),
    ],
)
def test_each_mistake_is_refused_by_name(tmp_path: Path, name: str, path: list[Any], value: object, says: str) -> None:
    with pytest.raises(PackInvalid, match=says):
        read_pack(_broken(tmp_path, name, path, value))


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    folder = _broken(tmp_path, "cap", ["rules"], [])
    (folder / "cap.yaml").unlink()
    with pytest.raises(PackInvalid, match=r"no cap\.yaml"):
        read_pack(folder)


def test_packs_are_found_where_a_wheel_puts_them(tmp_path: Path) -> None:
    source = Path(__file__).parents[3]
    for package in ("khana_country", "khana_methods"):
        shutil.copytree(source / "src" / package, tmp_path / package)
    for country in ("bgd", "pak"):
        shutil.copytree(source / "country" / country, tmp_path / "khana_country" / country)
    script = "from khana_country.load import load_pack; print(load_pack('bgd').folder)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()) == tmp_path / "khana_country" / "bgd"
