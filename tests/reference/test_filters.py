"""Exclusion filters: the published case of December 2019 to the unit, dates, appeals, overlap."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.filters import FiltersInvalid, load_filters, report
from tests.interfaces.cli.test_commands import run

# domain.md §1.4: hits of each filter by the person herself and by her spouse; 820,165 persons were removed
PUBLISHED = {
    "travel_once": (153_302, 195_364), "travel_more": (10_476, 166_319), "vehicle": (692, 43_746), "phone_bill": (24_546, 115_767),
    "executive_passport": (666, 580), "executive_cnic": (36_970, 0), "government": (14_730, 127_826),
}  # fmt: skip
REMOVED = 820_165


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    path = tmp_path / "filters.yaml"
    entries = "".join(
        f"- {{code: {code}, name: {code}, valid_from: 2019-12-01, {'valid_to: 2022-04-01, ' if code == 'phone_bill' else ''}"
        "source: answer to parliament}\n"
        for code in PUBLISHED
    )
    path.write_text(f"filters:\n{entries}")
    return path


def published_hits() -> pa.Table:
    """Hits that add up as published: one after another in a circle, so that just 820,165 persons are hit."""
    with Engine(memory_mib=512, threads=1) as engine:
        parts, start = [], 0
        for code, both in PUBLISHED.items():
            for subject, count in zip(("self", "spouse"), both, strict=True):
                parts.append(
                    f"SELECT ((i + {start}) % {REMOVED})::VARCHAR AS person, '{code}' AS filter, '{subject}' AS subject FROM range({count}) t(i)"
                )
                start += count
        return engine.table(" UNION ALL ".join(parts))


def test_the_published_case_is_representable(definitions: Path) -> None:
    with Engine(memory_mib=512, threads=1) as engine:
        found = report(engine, hits=published_hits(), filters=load_filters(definitions), on=date(2019, 12, 31))
    assert {row["filter"]: (row["self"], row["spouse"]) for row in found["filters"]} == PUBLISHED
    assert (found["hits"], found["removed"], found["overlap"]) == (890_984, REMOVED, 70_819)
    assert sum(row["first"] for row in found["filters"]) == REMOVED
    assert all(row["alone"] <= row["first"] <= row["persons"] <= row["hits"] for row in found["filters"])


def test_a_withdrawn_filter_and_an_upheld_appeal_remove_nobody(definitions: Path) -> None:
    hits = pa.table({
        "person": ["a", "a", "b", "b", "c", "c"],
        "filter": ["phone_bill", "vehicle", "phone_bill", "phone_bill", "government", "government"],
        "subject": ["self", "spouse", "self", "self", "self", "spouse"],
        "appeal": ["", "", "", "", "upheld", ""],
    })  # fmt: skip
    known = load_filters(definitions)
    with Engine(memory_mib=256, threads=1) as engine:
        before = report(engine, hits=hits, filters=known, on=date(2021, 1, 1))
        after = report(engine, hits=hits, filters=known, on=date(2022, 4, 1))
    assert (before["hits"], before["removed"], before["upheld"], before["not_in_force"]) == (4, 3, 1, 0)
    assert (after["hits"], after["removed"], after["not_in_force"]) == (2, 2, 2)
    assert "phone_bill" not in {row["filter"] for row in after["filters"]}


@pytest.mark.parametrize(
    ("columns", "says"),
    [({"person": ["a"]}, "lack the column filter"), ({"person": ["a"], "filter": ["moon"]}, "no filter: moon"),
     ({"person": ["a"], "filter": ["vehicle"], "subject": ["cat"]}, "no subject: cat")],
)  # fmt: skip
def test_hits_that_say_nothing_are_refused(definitions: Path, columns: dict[str, list[str]], says: str) -> None:
    with Engine(memory_mib=256, threads=1) as engine, pytest.raises(FiltersInvalid, match=says):
        report(engine, hits=pa.table(columns), filters=load_filters(definitions), on=date(2021, 1, 1))


def test_all_mistakes_of_the_definitions_at_once(tmp_path: Path) -> None:
    path = tmp_path / "filters.yaml"
    path.write_text(
        "filters:\n- {code: a, name: A, valid_from: soon, source: s}\n- {name: B, valid_from: 2020-01-01, colour: red}\n"
    )
    with pytest.raises(FiltersInvalid) as refused:
        load_filters(path)
    for said in ("a: valid_from is a day", "code is missing", "source is missing", "'colour' is no key"):
        assert said in refused.value.message


def test_the_command(capfd: pytest.CaptureFixture[str], definitions: Path, tmp_path: Path) -> None:
    hits = tmp_path / "hits.csv"
    pa_csv.write_csv(pa.table({"person": ["a", "a", "b"], "filter": ["vehicle", "government", "vehicle"]}), hits)
    words = ("filters", "report", "--in", str(hits), "--filters", str(definitions), "--on", "2020-01-01")
    code, text, _ = run(capfd, *words, "--json")
    found = json.loads(text)
    assert (code, found["hits"], found["removed"]) == (0, 3, 2)
    out = tmp_path / "waterfall.csv"
    assert run(capfd, *words, "--out", str(out))[0] == 0
    assert out.read_text(encoding="utf-8-sig").splitlines()[0].startswith("filter,name,self,spouse")
