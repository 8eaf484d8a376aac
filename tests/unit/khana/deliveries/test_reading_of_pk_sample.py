"""Reading held against the planted truth of the Pakistani sample, file by file and to the row.

Two things are counted apart. The truth plants *number written in scientific notation* as ROW_ODD in
the workbook alone; in the stipend list the same damage stands as NID_MALFORMED, and reading notes
both. *Chitral* and *Kohistan* name districts since divided: where no tehsil settles which, reading
leaves the row at its province, and the truth, which knows, does not.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from khana.deliveries.contracts.loading import load_contract, load_manifest
from khana.deliveries.contracts.manifest import Manifest, SourceEntry
from khana.deliveries.reading.read import read
from khana_methods.standardise.areas import AreaName, AreaResolver
from khana_methods.standardise.identifiers import IdentifierRules

REPOSITORY = Path(__file__).resolve().parents[4]
BASE = REPOSITORY / "tests" / "data" / "pk-sample"
MANIFEST = load_manifest(BASE / "sample.yaml")
IDENTIFIERS = IdentifierRules.load(REPOSITORY / "country" / "pak" / "identifiers.yaml")
Place = tuple[str, int]

pytestmark = pytest.mark.shared_data


@dataclass
class Truth:
    """What is true of one file."""

    rows: dict[Place, dict[str, str]] = field(default_factory=dict)
    not_data: set[Place] = field(default_factory=set)
    planted: dict[str, set[tuple[str, int, str, str]]] = field(default_factory=lambda: defaultdict(set))

    def places(self, code: str) -> set[Place]:
        return {(sheet, line) for sheet, line, _, _ in self.planted[code]}


@dataclass
class Read:
    """What reading makes of one file."""

    rows: dict[Place, dict[str, Any]] = field(default_factory=dict)
    refused: dict[Place, str] = field(default_factory=dict)
    not_data: int = 0

    def noted(self, code: str) -> set[Place]:
        return {
            place
            for place, row in self.rows.items()
            if any(note["code"] == code for note in json.loads(row["notes"] or "[]"))
        }


@pytest.fixture(scope="module")
def truth(pk_sample: Path) -> dict[str, Truth]:
    by_file: dict[str, Truth] = defaultdict(Truth)
    with gzip.open(pk_sample / "truth" / "list_rows.csv.gz", "rt", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            by_file[row["file"]].rows[row["sheet"], int(row["line"])] = row
    for name in ("non_data_lines", "planted"):
        with (pk_sample / "truth" / f"{name}.csv").open(encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                place = (row["sheet"], int(row["line"]))
                if name == "planted":
                    by_file[row["file"]].planted[row["code"]].add((*place, row["role"], row["detail"]))
                else:
                    by_file[row["file"]].not_data.add(place)
    return by_file


@pytest.fixture(scope="module")
def resolver(pk_sample: Path) -> AreaResolver:
    return AreaResolver(_areas(pk_sample, MANIFEST))


def _areas(folder: Path, manifest: Manifest) -> Iterator[AreaName]:
    names = yaml.safe_load((REPOSITORY / "country" / "pak" / "area_names.yaml").read_text(encoding="utf-8"))["names"]
    for entry in manifest.areas.files if manifest.areas else ():
        for feature in json.loads((folder / entry.file).read_text(encoding="utf-8"))["features"]:
            code = feature["properties"][entry.code]
            also = names.get(code, {})
            every = (feature["properties"][entry.name], also.get("ur", ""), *also.get("also", ()))
            yield AreaName(code, entry.level, code[: entry.parent_prefix or 0], tuple(filter(None, every)))


@pytest.fixture(scope="module", params=MANIFEST.sources, ids=lambda source: source.code)
def both(
    request: pytest.FixtureRequest, pk_sample: Path, truth: dict[str, Truth], resolver: AreaResolver
) -> tuple[Read, Truth, AreaResolver]:
    source: SourceEntry = request.param
    path = pk_sample / source.files[0]
    found = Read()
    for chunk in read(path, load_contract(BASE / source.contract), identifiers=IDENTIFIERS, areas=resolver):
        found.rows |= {(row["sheet"], row["line"]): row for row in chunk.rows.to_pylist()}
        found.refused |= {(row["sheet"], row["line"]): row["detail"] for row in chunk.quarantined.to_pylist()}
        found.not_data += chunk.not_data
    return found, truth[path.name], resolver


def agree(found: set[Any], true: set[Any], least: float = 0.99) -> None:
    """Hold precision and recall to a least share."""
    both = len(found & true)
    assert both >= least * len(found), f"precision {both}/{len(found)}"
    assert both >= least * len(true), f"recall {both}/{len(true)}"


def test_no_row_is_lost_and_none_invented(both: tuple[Read, Truth, AreaResolver]) -> None:
    found, true, _ = both
    assert found.rows.keys() | found.refused.keys() == true.rows.keys()
    assert not found.rows.keys() & found.refused.keys()
    assert not (found.rows.keys() | found.refused.keys()) & true.not_data
    assert found.not_data == len(true.not_data)


def test_exactly_the_malformed_rows_are_refused_each_for_its_reason(both: tuple[Read, Truth, AreaResolver]) -> None:
    found, true, _ = both
    assert found.refused == {(sheet, line): detail for sheet, line, _, detail in true.planted["ROW_MALFORMED"]}


@pytest.mark.parametrize(("code", "state"), [("NID_MISSING", "MISSING"), ("NID_MALFORMED", "MALFORMED")])
def test_numbers_missing_and_malformed(both: tuple[Read, Truth, AreaResolver], code: str, state: str) -> None:
    found, true, _ = both
    states = {
        (*place, role)
        for place, row in found.rows.items()
        for role in ("beneficiary", "payee")
        if row.get(f"{role}_id_number_state") == state
    }
    agree(states, {(sheet, line, role) for sheet, line, role, _ in true.planted[code]})


def test_programme_and_period(both: tuple[Read, Truth, AreaResolver]) -> None:
    found, true, _ = both
    wanted = {
        p: (row["programme"], row["period"].replace("F", "F0")) for p, row in true.rows.items() if p in found.rows
    }
    assert {place: (row["programme"], row["period"]) for place, row in found.rows.items()} == wanted


def test_districts(both: tuple[Read, Truth, AreaResolver]) -> None:
    found, true, resolver = both
    districts = {place: resolver.ancestor(row["area_code"], 2) for place, row in found.rows.items()}
    wrong = [place for place, code in districts.items() if code and code != true.rows[place]["area_code"]]
    open_ones = [place for place, code in districts.items() if not code]
    assert not wrong
    assert len(open_ones) * 1000 <= len(districts)


def test_odd_rows_are_received_and_noted(both: tuple[Read, Truth, AreaResolver]) -> None:
    found, true, _ = both
    planted = {(sheet, line, detail) for sheet, line, _, detail in true.planted["ROW_ODD"]}
    notes = {
        (*place, note["detail"])
        for place, row in found.rows.items()
        for note in json.loads(row["notes"] or "[]")
        if note["code"] == "ROW_ODD"
    }
    numbers = {item for item in notes - planted if item[2] == "number_scientific"}
    assert notes - numbers == planted
    assert {item[:2] for item in numbers} <= true.places("NID_MALFORMED")


def test_formulas_are_noted(both: tuple[Read, Truth, AreaResolver]) -> None:
    found, true, _ = both
    assert found.noted("FORMULA_TEXT") == true.places("FORMULA_TEXT")


@pytest.mark.parametrize("register", MANIFEST.registers, ids=lambda register: register.entity)
def test_registers_are_read_to_the_row(pk_sample: Path, register: Any) -> None:
    path = pk_sample / register.file
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="latin-1", newline="") as stream:
        count = sum(1 for _ in csv.reader(stream)) - 1
    contract = load_contract(BASE / register.contract)
    done = refused = 0
    for chunk in read(path, contract, identifiers=IDENTIFIERS, areas=None):
        done += len(chunk.rows)
        refused += len(chunk.quarantined)
        unread = [note for note in chunk.rows["notes"].to_pylist() if note and "UNKNOWN" in note]
        assert not unread
    assert done + refused == count
    assert refused <= (22 if register.entity == "person" else 0)
