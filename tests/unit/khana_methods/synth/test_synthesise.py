"""What a made-up country holds, whatever its truth: the same bytes, every line accounted for, groups, refusals."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
import yaml

from khana_methods.synth.programmes import LISTS, PROGRAMMES
from khana_methods.synth.synthesise import SynthSummary, synthesise
from khana_methods.synth.writers import CountryUnknown, FolderInUse, SizeRefused

from .files_as_sent import rows_of

EVERY_LIST_CODE = {
    "NID_MISSING", "NID_MALFORMED", "NID_NOT_FOUND", "NID_DOB_MISMATCH", "DUP_NID", "DUP_PERSON", "DUP_MOBILE", "DUP_ACCOUNT",
    "DECEASED", "GOVT_EMPLOYEE", "PENSIONER", "AGE_OUT_OF_RANGE", "OUT_OF_AREA", "OTHER_PROGRAMME_CONFLICT", "CAP_EXCEEDED",
    "WELL_OFF", "GRADUATED_STILL_LISTED", "NOT_IN_SOCIAL_REGISTRY", "ROW_MALFORMED", "ROW_ODD", "FORMULA_TEXT",
    "DUP_HOUSEHOLD", "NAME_MISMATCH",
}  # fmt: skip
EVERYDAY = {"DUP_ACCOUNT_HOUSEHOLD", "DUP_MOBILE_HOUSEHOLD", "MOBILE_NOT_REGISTERED_TO_NID", "NID_HAS_NO_SIM"}


@pytest.fixture(scope="module", params=["pak", "bgd"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SynthSummary:
    out = tmp_path_factory.mktemp("made") / request.param
    return synthesise(country=request.param, households=300, seed=3, out=out)


def test_the_same_seed_gives_the_same_bytes(made: SynthSummary, tmp_path: Path) -> None:
    synthesise(country=made.country, households=300, seed=3, out=tmp_path / "again")
    files = sorted(p.relative_to(made.out) for p in made.out.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file())
    assert [f for f in files if (made.out / f).read_bytes() != (tmp_path / "again" / f).read_bytes()] == []


def test_every_programme_has_its_list(made: SynthSummary) -> None:
    listed = {r["programme"] for r in rows_of(made.out / "truth" / "list_rows.csv")}
    assert listed == {p.code for p in PROGRAMMES[made.country]}
    assert all(made.list_rows[item.name] for item in LISTS[made.country])


def test_another_seed_gives_other_people(made: SynthSummary, tmp_path: Path) -> None:
    synthesise(country=made.country, households=300, seed=4, out=tmp_path / "other")
    assert (made.out / "persons.csv").read_bytes() != (tmp_path / "other" / "persons.csv").read_bytes()


def test_every_line_of_every_list_is_a_row_or_no_data(made: SynthSummary) -> None:
    told: dict[tuple[str, str], set[int]] = defaultdict(set)
    for table in ("list_rows", "non_data_lines"):
        for r in rows_of(made.out / "truth" / f"{table}.csv"):
            assert int(r["line"]) not in told[r["file"], r["sheet"]]
            told[r["file"], r["sheet"]].add(int(r["line"]))
    for item in LISTS[made.country]:
        path = made.out / item.name
        if item.shape == "xlsx":
            for page in openpyxl.load_workbook(path):
                filled = {row for row in range(1, page.max_row + 1) if any(c.value is not None for c in page[row])}
                assert filled == told[item.name, page.title]
        elif item.shape == "parquet":
            assert told[item.name, ""] == set(range(1, pq.read_metadata(path).num_rows + 1))
        else:
            data = path.read_bytes()
            text = data.decode("utf-16") if item.shape == "utf16" else data.decode("utf-8", "replace")
            lines = text.split("\n")[:-1]
            inside = {
                int(r["line"]) + 1
                for r in rows_of(made.out / "truth" / "planted.csv")
                if r["file"] == item.name and r["detail"] == "embedded_newline"
            }
            assert set(range(1, len(lines) + 1)) - inside == told[item.name, ""]


def test_every_code_is_planted_and_groups_have_members(tmp_path: Path) -> None:
    for country, more in (("pak", {"PREREQUISITE_MISSING"}), ("bgd", {"NID_YEAR_PREFIX"})):
        out = tmp_path / country
        codes = synthesise(country=country, households=2000, seed=5, out=out).codes
        assert (EVERY_LIST_CODE | more) - set(codes) == set()
        groups: dict[tuple[str, str], int] = defaultdict(int)
        rows = set()
        for r in rows_of(out / "truth" / "planted.csv"):
            if r["group"]:
                groups[r["code"], r["group"]] += 1
            if not r["detail"].endswith("denied_by_name_only"):
                rows.add((r["file"], r["sheet"], r["line"], r["code"]))
        assert min(groups.values()) >= 2
        listed = {
            (r["file"], r["sheet"], r["line"], code)
            for r in rows_of(out / "truth" / "list_rows.csv")
            for code in r["codes"].split()
        }
        assert {x for x in listed if x[3] not in EVERYDAY} <= rows
        assert EVERYDAY - {x[3] for x in listed} == set()


def test_a_refused_row_carries_no_other_code(made: SynthSummary) -> None:
    for r in rows_of(made.out / "truth" / "list_rows.csv"):
        assert "ROW_MALFORMED" not in r["codes"] or r["codes"] == "ROW_MALFORMED"


def test_numbers_are_ones_that_no_authority_issues(made: SynthSummary) -> None:
    number = "cnic" if made.country == "pak" else "id_number"
    numbers = [r[number] for r in rows_of(made.out / "national_id.csv")]
    assert len(numbers) == len(set(numbers))
    for text in numbers:
        if made.country == "pak":
            assert len(text) == 13 and text[1] == "9"
        else:
            assert len(text) in (10, 17) and (len(text) == 10 or text[6] == "7")
    mobiles = {r["mobile"] for r in rows_of(made.out / "mobiles.csv")}
    assert {m[:3] for m in mobiles} <= {"036", "038", "039", "012"}


def test_the_register_counts_its_households_and_points_at_itself(made: SynthSummary) -> None:
    households = {r["household_id"]: r for r in rows_of(made.out / "households.csv")}
    copies = [r for r in rows_of(made.out / "truth" / "household_truth.csv") if r["copy_of"]]
    assert len(households) == 300 + len(copies)
    lines: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for r in rows_of(made.out / "persons.csv"):
        assert r["line_no"] not in lines[r["household_id"]]
        lines[r["household_id"]][r["line_no"]] = r
    assert set(lines) <= set(households)
    for members in lines.values():
        for r in members.values():
            mother = members.get(r["mother_line"])
            assert mother is None or (mother["sex"] == "2" and mother["dob"][:4] < r["dob"][:4])
            spouse = members.get(r["spouse_line"])
            assert spouse is None or spouse["sex"] != r["sex"]


def test_areas_nest_and_their_outlines_close(made: SynthSummary) -> None:
    areas = {r["code"]: r for r in rows_of(made.out / "areas.csv")}
    for r in areas.values():
        assert r["parent_code"] in areas or r["level"] == "1"
    document = json.loads((made.out / "areas.geojson").read_text(encoding="utf-8"))
    assert {f["properties"]["code"] for f in document["features"]} == set(areas)
    for feature in document["features"]:
        ring = feature["geometry"]["coordinates"][0]
        assert ring[0] == ring[-1] and len(ring) >= 5
    assert {r["tehsil_code"] for r in rows_of(made.out / "households.csv")} <= set(areas)


def test_the_manifest_names_files_that_are_there(made: SynthSummary) -> None:
    manifest = yaml.safe_load((made.out / "sample.yaml").read_text(encoding="utf-8"))
    named = [f["file"] for f in manifest["areas"]["files"]]
    for entry in (manifest["programmes"], *manifest["registers"], *manifest["sources"]):
        named += [entry["contract"], *entry.get("files", [entry.get("file")])]
    assert [name for name in named if not (made.out / name).is_file()] == []
    assert {s["files"][0] for s in manifest["sources"]} == {item.name for item in LISTS[made.country]}


def test_poor_households_without_any_benefit_receive_nothing(made: SynthSummary) -> None:
    households = {r["household_id"]: r for r in rows_of(made.out / "truth" / "household_truth.csv")}
    unserved = rows_of(made.out / "truth" / "unserved.csv")
    assert unserved
    for r in unserved:
        if r["poor_unserved"] == "1":
            assert float(r["percentile"]) < 20 and not households[r["household_id"]]["programmes"]


def test_progress_is_told_and_summary_counts_rows(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    summary = synthesise(
        country="pak", households=60, seed=1, out=tmp_path / "c", progress=lambda a, b: told.append((a, b))
    )
    assert told[-1] == (60, 60)
    with (tmp_path / "c" / "persons.csv").open(encoding="utf-8", newline="") as stream:
        assert summary.files["persons.csv"] == sum(1 for _ in csv.reader(stream)) - 1
    assert sum(summary.list_rows.values()) == summary.files["truth/list_rows.csv"]
    assert summary.manifest.is_file()


def test_what_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CountryUnknown):
        synthesise(country="xyz", households=300, seed=1, out=tmp_path / "a")
    with pytest.raises(SizeRefused):
        synthesise(country="pak", households=1, seed=1, out=tmp_path / "a")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(FolderInUse):
        synthesise(country="pak", households=300, seed=1, out=tmp_path / "full")
