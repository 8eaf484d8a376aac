"""Reports of a run: columns, scopes, masks, formats, formula text, whole files, what is connected."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from khana.access import services as access
from khana.beneficiaries.report_rows import NoRun
from khana.beneficiaries.services.sources import SourceUnknown
from khana.dossiers import reports
from khana.dossiers.report_files import FormatUnknown
from khana.geo.selectors import AreaUnknown
from khana.platform import embedded
from khana_methods.overlap.finding_codes import FindingCodeUnknown
from tests.factories import little_country
from tests.factories.little_country import AT, FORMULA, NUMBERS

FINDINGS = "source,file,sheet,line,code,role,severity,person,household_id,line_no,detail,group"


@pytest.fixture(scope="module")
def country(database: str) -> dict[str, Any]:
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        return little_country.build(connection)


@pytest.fixture(scope="module")
def steward(country, tokens) -> str:
    return tokens("data_steward")


def export(token: str, kind: str, out: Path, **more: Any) -> dict[str, Any]:
    with access.scoped(token):
        return reports.export(kind=kind, out=out, at=AT, **more)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_findings_have_exactly_their_columns(steward, tmp_path, country) -> None:
    out = tmp_path / "findings.csv"
    result = export(steward, "findings", out)
    assert out.read_text().splitlines()[0] == FINDINGS
    assert (result["rows"], result["run"]) == (2, country["run"])
    first = rows_of(out)[0]
    assert (first["line"], first["code"], first["household_id"], first["group"]) == ("2", "CAP_EXCEEDED", "H1", "7")
    assert first["person"] == str(country["persons"][1])


def test_formula_text_is_harmless_in_csv_and_xlsx_and_itself_in_parquet(steward, tmp_path) -> None:
    export(steward, "findings", tmp_path / "f.csv")
    assert rows_of(tmp_path / "f.csv")[0]["detail"] == "'" + FORMULA
    export(steward, "findings", tmp_path / "f.xlsx")
    sheet = load_workbook(tmp_path / "f.xlsx")["rows"]
    values = list(sheet.iter_rows(values_only=True))
    assert ",".join(values[0]) == FINDINGS
    assert (values[1][10], values[1][3]) == ("'" + FORMULA, 2)
    export(steward, "findings", tmp_path / "f.parquet")
    table = pq.read_table(tmp_path / "f.parquet")
    assert table["detail"].to_pylist()[0] == FORMULA
    assert json.loads(table.schema.metadata[b"khana"])["report"] == "findings"


def test_numbers_are_masked_everywhere(steward, tmp_path) -> None:
    for kind in ("recipients", "cap", "leakage"):
        out = tmp_path / f"{kind}.json"
        export(steward, kind, out)
        body = out.read_text()
        assert "*********5671" in body
        assert not any(number in body for number in NUMBERS.values())


@pytest.mark.parametrize(
    ("kind", "households"),
    [("recipients", ["H1", "H2", "H3"]), ("cap", ["H1"]), ("leakage", ["H1"]), ("unserved", ["H9"])],
)
def test_who_is_in_each_answer(steward, tmp_path, kind: str, households: list[str]) -> None:
    result = json.loads((_written(steward, kind, tmp_path)).read_text())
    assert [row["household_id"] for row in result["rows"]] == households
    assert result["not_connected"] == ["CASH"]
    assert result["connected"][0]["to"] == "2026-03-31"


def _written(token: str, kind: str, folder: Path) -> Path:
    export(token, kind, folder / f"{kind}.json")
    return folder / f"{kind}.json"


def test_overlaps_by_pair(steward, tmp_path) -> None:
    assert rows_of_json(_written(steward, "overlaps", tmp_path)) == [
        {"programme_a": "OAA", "programme_b": "STIP", "persons": 1, "over_cap": 1}
    ]


def rows_of_json(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text())["rows"]  # type: ignore[no-any-return]


def test_filters_and_what_a_report_cannot_be_filtered_by(steward, tmp_path) -> None:
    out = tmp_path / "f.csv"
    assert export(steward, "findings", out, filters={"code": "DUP_NID"})["rows"] == 1
    assert export(steward, "findings", out, filters={"area": "PK101"})["rows"] == 1
    assert export(steward, "recipients", out, filters={"programme": "STIP", "area": "PK1"})["rows"] == 2
    assert export(steward, "overlaps", out, filters={"area": "PK2"})["rows"] == 0
    assert export(steward, "recipients", out, limit=1)["rows"] == 1
    with pytest.raises(reports.FilterNotOfKind):
        export(steward, "recipients", out, filters={"code": "DUP_NID"})
    for unknown, filters in (
        (AreaUnknown, {"area": "XX"}), (SourceUnknown, {"source": "XX"}), (FindingCodeUnknown, {"code": "XX"}),
        (reports.ProgrammeUnknown, {"programme": "XX"}),
    ):  # fmt: skip
        with pytest.raises(unknown):
            export(steward, "findings", out, filters=filters)


def test_an_officer_sees_her_agency_and_an_analyst_no_rows(tokens, country, tmp_path) -> None:
    assert export(tokens("programme_officer", agency="EDU"), "findings", tmp_path / "a.csv")["rows"] == 0
    assert export(tokens("programme_officer", agency="DSS"), "findings", tmp_path / "a.csv")["rows"] == 2
    with pytest.raises(access.PermissionMissing):
        export(tokens("analyst"), "findings", tmp_path / "a.csv")


def test_a_refused_report_leaves_no_file_and_keeps_the_old_one(steward, tmp_path) -> None:
    out = tmp_path / "f.csv"
    out.write_text("old")
    with pytest.raises(NoRun):
        export(steward, "findings", out, run=999)
    with pytest.raises(FormatUnknown):
        export(steward, "findings", out, format="docx")

    def full(done: int, total: int, phase: str) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError):
        export(steward, "findings", out, progress=full)
    assert [path.name for path in tmp_path.iterdir()] == ["f.csv"]
    assert out.read_text() == "old"


def test_what_it_stands_on_is_beside_it_and_the_export_is_an_event(steward, tmp_path, connect) -> None:
    out = tmp_path / "cap.csv"
    export(steward, "cap", out)
    about = json.loads((tmp_path / "cap.csv.about.json").read_text())
    assert (about["rows"], about["not_connected"]) == (1, ["CASH"])
    with connect("owner") as connection:
        details = connection.execute(
            "SELECT details FROM audit_event WHERE action = 'dossiers.report.exported' ORDER BY id DESC LIMIT 1"
        ).fetchone()[0]
    assert details["rows"] == 1
