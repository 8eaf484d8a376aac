"""The truth that is shown by number agrees with a slow reading of the files themselves."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from khana_methods.synth.programmes import LISTS, PROGRAMMES
from khana_methods.synth.synthesise import synthesise

from .files_as_sent import STARTS, Row, canonical, clean, mobile, read_list, rows_of

Key = tuple[str, str, int]


class Country:
    """One made-up country, read back."""

    def __init__(self, country: str, out: Path) -> None:
        self.country, self.out = country, out
        self.truth: dict[Key, dict[str, str]] = {
            (r["file"], r["sheet"], int(r["line"])): r for r in rows_of(out / "truth" / "list_rows.csv")
        }
        self.planted = rows_of(out / "truth" / "planted.csv")
        self.live = {k: r for k, r in self.truth.items() if "ROW_MALFORMED" not in r["codes"].split()}
        self.rows: dict[Key, Row] = {}
        for item in LISTS[country]:
            wanted = {(k[1], k[2]): r for k, r in self.live.items() if k[0] == item.name}
            for (sheet, line), row in read_list(out / item.name, country, wanted).items():
                key = (item.name, sheet, line)
                row.programme, row.period = self.truth[key]["programme"], self.truth[key]["period"]
                self.rows[key] = row
        number = "cnic" if country == "pak" else "id_number"
        self.extract = {self.number(r[number]): r for r in rows_of(out / "national_id.csv")}
        self.programmes = {p.code: p for p in PROGRAMMES[country]}

    def number(self, text: str) -> str:
        return canonical(self.country, clean(text))

    def shown(self, code: str, role: str | None = None) -> set[Any]:
        """Rows of which the files show the code, after the truth."""
        hidden = ("by_name_only", "register_does_not_show")
        return {
            (p["file"], p["sheet"], int(p["line"]))
            for p in self.planted
            if p["code"] == code
            and (role is None or p["role"] == role)
            and not (p["detail"].endswith(hidden) and not p["detail"].endswith("denied_by_name_only"))
        }

    def undecided(self, code: str) -> set[Key]:
        return {
            (p["file"], p["sheet"], int(p["line"]))
            for p in self.planted
            if p["code"] == code and p["detail"].endswith("register_does_not_show")
        }


@pytest.fixture(scope="module", params=["pak", "bgd"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Country:
    out = tmp_path_factory.mktemp(request.param) / "country"
    synthesise(country=request.param, households=900, seed=11, out=out)
    return Country(request.param, out)


def test_numbers_are_missing_malformed_or_not_found_as_planted(world: Country) -> None:
    for role in ("beneficiary", "payee"):
        numbers = {
            k: (r.number if role == "beneficiary" else r.payee)
            for k, r in world.rows.items()
            if role == "beneficiary" or not r.own
        }
        assert world.shown("NID_MISSING", role) == {k for k, n in numbers.items() if n == ""}
        assert world.shown("NID_MALFORMED", role) == {k for k, n in numbers.items() if n == "?"}
        absent = {k for k, n in numbers.items() if n not in ("", "?") and n not in world.extract}
        assert world.shown("NID_NOT_FOUND", role) == absent


def test_the_same_number_twice_in_a_list_and_period_is_planted(world: Country) -> None:
    groups: dict[Any, list[Key]] = defaultdict(list)
    for key, row in world.rows.items():
        if row.number not in ("", "?"):
            groups[row.programme, row.period, row.number].append(key)
    assert world.shown("DUP_NID") == {k for keys in groups.values() if len(keys) > 1 for k in keys}


def test_births_that_differ_from_the_extract_are_planted(world: Country) -> None:
    differ = set()
    for key, row in world.rows.items():
        known = world.extract.get(row.number)
        if known and row.birth and known["dob"][: len(row.birth)] != row.birth:
            differ.add(key)
    assert world.shown("NID_DOB_MISMATCH") == differ


def test_recorded_deaths_before_the_period_are_planted(world: Country) -> None:
    for role in ("beneficiary", "payee"):
        dead = set()
        for key, row in world.rows.items():
            if role == "payee" and row.own:
                continue
            known = world.extract.get(row.number if role == "beneficiary" else row.payee)
            died = known and known["date_of_death"]
            if died and dt.date.fromisoformat(died) < STARTS[row.period]:
                dead.add(key)
        assert world.shown("DECEASED", role) == dead


def test_programmes_beside_each_other_are_planted_by_payee(world: Country) -> None:
    on: dict[str, set[str]] = defaultdict(set)
    for row in world.rows.values():
        if row.payee not in ("", "?"):
            on[row.payee].add(row.programme)
    cap, clash, lacking = set(), set(), set()
    for key, row in world.rows.items():
        mine, programme = on.get(row.payee, set()), world.programmes[row.programme]
        if row.payee in ("", "?"):
            continue
        if programme.is_cash and sum(world.programmes[p].is_cash for p in mine) > 3:
            cap.add(key)
        if mine & set(programme.incompatible):
            clash.add(key)
        if programme.requires and programme.requires not in mine:
            lacking.add(key)
    assert world.shown("CAP_EXCEEDED") == cap
    assert world.shown("OTHER_PROGRAMME_CONFLICT") == clash
    assert world.shown("PREREQUISITE_MISSING") == lacking


def test_public_posts_and_exits_are_planted_by_number(world: Country) -> None:
    posts = {world.number(r["id_number"]): r["status"] for r in rows_of(world.out / "employees.csv") if r["id_number"]}
    exits: dict[tuple[str, str], dt.date] = {}
    for r in rows_of(world.out / "exits.csv"):
        if r["id_number"]:
            when = dt.datetime.strptime(r["exit_date"], "%d/%m/%Y").date()
            key = (world.number(r["id_number"]), r["programme"])
            exits[key] = min(when, exits.get(key, when))
    for code, status in (("GOVT_EMPLOYEE", "IN SERVICE"), ("PENSIONER", "PENSIONER")):
        found = {
            k
            for k, r in world.rows.items()
            if world.programmes[r.programme].poverty_targeted and posts.get(r.payee) == status
        }
        assert world.shown(code) == found
    gone = {k for k, r in world.rows.items() if exits.get((r.number, r.programme), dt.date.max) < STARTS[r.period]}
    assert world.shown("GRADUATED_STILL_LISTED") == gone


def test_telephones_and_accounts_of_several_households_are_planted(world: Country) -> None:
    forms: dict[str, set[str]] = defaultdict(set)
    for r in rows_of(world.out / "persons.csv"):
        if r["id_number"]:
            forms[world.number(r["id_number"])].add(r["household_id"])
    for code, field in (("DUP_MOBILE", "mobile"), ("DUP_ACCOUNT", "account")):
        groups: dict[Any, list[Key]] = defaultdict(list)
        for key, row in world.rows.items():
            if getattr(row, field):
                groups[row.programme, row.period, getattr(row, field)].append(key)
        found = set()
        for keys in groups.values():
            homes = [forms.get(world.rows[k].payee, set()) for k in keys]
            if len({next(iter(h)) for h in homes if len(h) == 1}) > 1:
                found |= set(keys)
        unclear = world.undecided(code)
        assert world.shown(code) - unclear == found - unclear


def test_the_telephone_register_shows_whose_mobile_it_is(world: Country) -> None:
    sims = {mobile(r["mobile"]): world.number(r["id_number"]) for r in rows_of(world.out / "mobiles.csv")}
    holders = set(sims.values())
    other, none = set(), set()
    for key, row in world.rows.items():
        if row.mobile and row.payee in world.extract:
            if sims.get(row.mobile, row.payee) != row.payee:
                other.add(key)
            if row.payee not in holders:
                none.add(key)
    for code, found in (("MOBILE_NOT_REGISTERED_TO_NID", other), ("NID_HAS_NO_SIM", none)):
        assert {k for k, r in world.live.items() if code in r["codes"].split()} == found


def test_people_on_no_form_are_planted(world: Country) -> None:
    registered = {world.number(r["id_number"]) for r in rows_of(world.out / "persons.csv")}
    absent = {k for k, r in world.rows.items() if r.number not in ("", "?") and r.number not in registered}
    assert world.shown("NOT_IN_SOCIAL_REGISTRY") == absent


def test_year_prefixes_that_nobody_issued_are_planted(world: Country) -> None:
    if world.country == "pak":
        assert not world.shown("NID_YEAR_PREFIX")
    else:
        assert all(k in world.live for k in world.shown("NID_YEAR_PREFIX"))


def _registered(world: Country) -> tuple[dict[str, set[str]], dict[str, dict[str, str]]]:
    """Return the forms on which each number stands, and the forms themselves."""
    forms: dict[str, set[str]] = defaultdict(set)
    for r in rows_of(world.out / "persons.csv"):
        if r["id_number"]:
            forms[world.number(r["id_number"])].add(r["household_id"])
    return forms, {r["household_id"]: r for r in rows_of(world.out / "households.csv")}


def _age(born: str, on: dt.date) -> int:
    birth = dt.date.fromisoformat(born)
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def test_ages_outside_the_range_are_planted(world: Country) -> None:
    outside = set()
    for key, row in world.rows.items():
        known, programme = world.extract.get(row.number), world.programmes[row.programme]
        born = known["dob"] if known else row.birth
        if len(born) == 10:
            age = _age(born, STARTS[row.period])
            women = known is not None and known["sex"] == "F" and programme.min_age_female is not None
            least = programme.min_age_female if women else programme.min_age
            if age < (-1 if least is None else least) or age > (programme.max_age or 200):
                outside.add(key)
    unclear = world.undecided("AGE_OUT_OF_RANGE")
    # Without a known number the sex, and so a woman's lower age, is not told.
    unclear |= {
        k
        for k, r in world.rows.items()
        if r.number not in world.extract and (len(r.birth) == 4 or world.programmes[r.programme].min_age_female)
    }
    assert world.shown("AGE_OUT_OF_RANGE") - unclear == outside - unclear


def test_places_outside_the_programme_are_planted(world: Country) -> None:
    forms, households = _registered(world)
    runs: dict[str, set[str]] = defaultdict(set)
    for r in rows_of(world.out / "programme_areas.csv"):
        runs[r["programme"]].add(r["district_code"])
    outside = set()
    for key, row in world.rows.items():
        homes = forms.get(row.number, set())
        stated = world.live[key]["area_code"]
        districts = {households[h]["district_code"] for h in homes} or {stated}
        if runs[row.programme] and not districts & runs[row.programme] and stated not in runs[row.programme]:
            outside.add(key)
    unclear = world.undecided("OUT_OF_AREA")
    assert world.shown("OUT_OF_AREA") - unclear == outside - unclear


def test_second_cards_of_a_household_are_planted(world: Country) -> None:
    forms, _ = _registered(world)
    groups: dict[Any, dict[str, list[Key]]] = defaultdict(lambda: defaultdict(list))
    for key, row in world.rows.items():
        homes = forms.get(row.number, set())
        if world.programmes[row.programme].one_per_household and len(homes) == 1:
            groups[row.programme, row.period, next(iter(homes))][row.number].append(key)
    found = {k for numbers in groups.values() if len(numbers) > 1 for keys in numbers.values() for k in keys}
    unclear = world.undecided("DUP_HOUSEHOLD")
    assert world.shown("DUP_HOUSEHOLD") - unclear == found - unclear


def test_well_off_by_the_score_is_planted(world: Country) -> None:
    forms, _ = _registered(world)
    scores = {r["household_id"]: float(r["score"]) for r in rows_of(world.out / "scores.csv")}
    line = sorted(scores.values())[int(len(scores) * 0.8)]
    unclear = world.undecided("WELL_OFF")
    found = set()
    for key, row in world.rows.items():
        homes = forms.get(row.number) or forms.get(row.payee, set())
        if world.programmes[row.programme].poverty_targeted and len(homes) == 1 and scores[next(iter(homes))] > line:
            found.add(key)
    assert world.shown("WELL_OFF") - unclear == found - unclear


def test_households_that_no_number_shows_on_a_list_are_unserved(world: Country) -> None:
    forms, _ = _registered(world)
    served = {h for row in world.rows.values() for number in (row.number, row.payee) for h in forms.get(number, ())}
    scores = {r["household_id"]: float(r["score"]) for r in rows_of(world.out / "scores.csv")}
    told = {
        r["household_id"]
        for r in rows_of(world.out / "truth" / "unserved.csv")
        if r["unserved_by_score_and_number"] == "1"
    }
    assert told == {h for h, score in scores.items() if score <= 32 and h not in served}
