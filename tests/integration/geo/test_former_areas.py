"""Lists of an older time name the country as it was: areas that were cut, moved or renamed since are found all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from khana.access import services as access
from khana.geo import services as geo
from khana.geo.name_resolver import name_resolver
from khana_country.load import areas_cut_from
from khana_methods.standardise.areas import AreaMatch, AreaName, AreaResolver
from tests.conftest import shared_data


@pytest.fixture
def steward(tokens) -> Iterator[None]:  # type: ignore[no-untyped-def]
    with access.scoped(tokens("data_steward")):
        yield


def _set(begins: date, *rows: tuple[str, str, int, str]) -> None:
    made = [geo.AreaRow(code, name, level, parent) for code, name, level, parent in rows]
    geo.put_areas(country="bgd", scheme="of-its-year", valid_from=begins, rows=made)


def test_an_area_is_found_where_it_lay_and_as_it_was_called(steward: None) -> None:
    _set(
        date(2010, 1, 1), ("BD", "Bangladesh", 0, ""), ("BD30", "Dhaka", 1, "BD"), ("BD20", "Chittagong", 1, "BD"),
        ("BD4539", "Jamalpur", 2, "BD30"), ("BD2019", "Comilla", 2, "BD20"),
    )  # fmt: skip
    resolver = name_resolver({})
    assert resolver.resolve(("Dhaka", "Jamalpur")).code == "BD4539"
    _set(
        date(2018, 1, 1), ("BD", "Bangladesh", 0, ""), ("BD30", "Dhaka", 1, "BD"), ("BD45", "Mymensingh", 1, "BD"),
        ("BD20", "Chattogram", 1, "BD"), ("BD4539", "Jamalpur", 2, "BD45"), ("BD2019", "Cumilla", 2, "BD20"),
    )  # fmt: skip
    resolver = name_resolver({})
    assert resolver.resolve(("Mymensingh", "Jamalpur")) == AreaMatch("BD4539", 2, "OK", 1.0)
    assert resolver.resolve(("Dhaka", "Jamalpur")) == AreaMatch("BD4539", 2, "OK", 0.9)
    assert resolver.resolve(("Chittagong", "Comilla")).code == "BD2019"
    assert resolver.resolve(("Chittagong", "Jamalpur")).code == "BD20", "it never lay there"


def _areas(file: Path, columns: list[tuple[str, str]], root: str) -> Iterator[AreaName]:
    cut = areas_cut_from("pak" if root == "PK" else "bgd")
    seen = {root}
    yield AreaName(root, 0, "", (root,))
    for feature in json.loads(file.read_text(encoding="utf-8"))["features"]:
        stated, parent = feature["properties"], root
        for level, (name, code) in enumerate(columns, start=1):
            own = stated[code] if code in stated else stated["tehsil_code"][: {1: 3, 2: 5}[level]]
            if own not in seen:
                seen.add(own)
                yield AreaName(own, level, parent, (stated[name],), (), cut.get(own, ()))
            parent = own


@pytest.mark.parametrize(
    ("country", "names", "found"),
    [
        ("pak", ("Balochistan", "Loralai", "Duki"), "PK234"),  # a district of its own since 2016
        ("pak", ("Sindh", "Hyderabad", "Tando Allahyar"), "PK724"),
        ("pak", ("Punjab", "Jhang", "Chiniot"), "PK606"),
        ("bgd", ("Dhaka", "Jamalpur"), "BD4539"),  # of Mymensingh since 2015
        ("bgd", ("Rajshahi", "Dinajpur"), "BD5527"),  # of Rangpur since 2010
    ],
)
def test_the_packs_know_what_was_cut_from_what(country: str, names: tuple[str, ...], found: str) -> None:
    folder = shared_data() / "boundaries"
    if not folder.exists():
        pytest.skip(f"shared data is absent: {folder} does not exist")
    if country == "pak":
        columns = [
            ("province_name", "province_code"),
            ("district_name", "district_code"),
            ("tehsil_name", "tehsil_code"),
        ]
        resolver = AreaResolver(_areas(folder / "pak" / "pak_adm3.geojson", columns, "PK"))
    else:
        columns = [(f"adm{level}_name", f"adm{level}_pcode") for level in (1, 2, 3)]
        resolver = AreaResolver(_areas(folder / "bgd" / "bgd_adm3_simplified.geojson", columns, "BD"))
    match = resolver.resolve(names)
    assert match.state == "OK" and match.code.startswith(found)


@pytest.mark.parametrize("country", ["pak", "bgd"])
def test_no_area_was_cut_from_itself_or_from_one_that_is_not_told(country: str) -> None:
    from khana_country.load import load_document

    named = load_document(country, "area_names")["names"]
    cut = areas_cut_from(country)
    assert cut and set(cut) | {above for once in cut.values() for above in once} <= set(named)
    assert not [code for code, once in cut.items() if code in once or any(len(above) != len(code) for above in once)]
