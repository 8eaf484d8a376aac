"""What goes wrong outside of Khana, typed as its user would: one sentence, the right exit code, no trace.

Every case says what is wrong and what to do, leaves no row behind, and the same command works once
the cause is removed.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.conftest import superuser
from tests.journeys.commands import Done, Nursery, nursery
from tests.journeys.database_state import rows, state

from khana.platform import embedded, places

CONTRACT = {
    "code": "t-list", "entity": "benefit", "country": "pak", "agency": "A",
    "file": {"format": "csv", "encoding": "utf-8", "delimiter": ","},
    "facts": {
        "beneficiary_id_number": "CNIC No.", "beneficiary_name": "Name", "beneficiary_birth_date": "Date of birth",
        "amount": "Amount", "period": "Quarter", "programme": {"constant": "T1"},
    },
    "date_order": "dmy",
}  # fmt: skip
HEADER = "CNIC No.,Name,Date of birth,Amount,Quarter"
ROWS = [f"61101-{1000000 + n}-1,Person {chr(65 + n % 26)}{n},12/03/19{50 + n % 49},8500,Q1-2026" for n in range(8)]
GOOD = "\n".join([HEADER, *ROWS, ""])
NOT_ROWS = ("platform_storedfile", "deliveries_batch", "deliveries_contract", "audit_event")


@dataclass
class Desk:
    """A steward at a terminal: her folder, her token, her source."""

    folder: Path
    database: str
    token: str
    commands: Nursery
    number: int = 0

    def run(self, *words: object, **more: str) -> Done:
        return self.commands.run(*words, database=self.database, **{"token": self.token, **more})

    def file(self, content: str | bytes, suffix: str = ".csv") -> Path:
        """Write a file that nobody has sent before."""
        self.number += 1
        path = self.folder / f"list-{self.number}{suffix}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def contract(self, **layout: object) -> Path:
        """Write the contract, with another layout of the file."""
        code = f"t-list-{self.number}" if layout else "t-list"
        path = self.folder / f"contract-{self.number}.yaml"
        path.write_text(yaml.safe_dump({**CONTRACT, "code": code, "file": {**CONTRACT["file"], **layout}}))  # type: ignore[dict-item]
        return path

    def take(self, path: Path, *words: object, **more: str) -> Done:
        return self.run("import", "benefits", path, "--source", "T-LIST", *words, **more)


def told(done: Done, exit_code: int, *words: str) -> None:
    """One sentence that says what is wrong and what to do, its code and exit code; nothing of Python."""
    assert done.code == exit_code, done.err
    lines = done.err.strip().splitlines()
    assert len(lines) == 2, done.err
    assert lines[0].startswith("khana: ") and lines[0].rstrip().endswith((".", "?")), lines[0]
    assert lines[1].endswith(f"exit code {exit_code})")
    assert done.out == ""
    for text in ("Traceback", "psycopg", "Error:", 'File "'):
        assert text not in done.err
    for word in words:
        assert word.lower() in done.err.lower(), (word, done.err)


@pytest.fixture(scope="module")
def desk(server: None, database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("bad")
    with nursery() as commands:
        made = Desk(folder, database, tokens("data_steward"), commands)
        catalogue = folder / "programmes.csv"
        catalogue.write_text("code,name,agency\nT1,Test grant,A\n")
        contract = folder / "programmes.yaml"
        contract.write_text(
            yaml.safe_dump(
                {
                    "code": "t-programmes", "entity": "programme", "country": "pak",
                    "file": {"format": "csv", "encoding": "utf-8", "delimiter": ","},
                    "facts": {"programme": "code", "programme_name": "name", "agency": "agency"},
                }
            )
        )  # fmt: skip
        done = made.run("import", "programmes", catalogue, "--contract", contract)
        assert done.code == 0, done.err
        done = made.run(
            "sources", "add", "--code", "T-LIST", "--title", "T", "--agency", "A", "--programme", "T1",
            "--contract", made.contract(),
        )  # fmt: skip
        assert done.code == 0, done.err
        yield made


def xlsx(sheet: bytes) -> bytes:
    """Return a workbook of one sheet, from the XML of its rows."""
    out = io.BytesIO()
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>',
        "xl/workbook.xml": f'<workbook {space} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<sheets><sheet name="List" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Target="worksheets/sheet1.xml" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/worksheet"/></Relationships>',
    }  # fmt: skip
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet1.xml", "w") as entry:
            entry.write(f"<worksheet {space}><sheetData>".encode())
            entry.write(sheet)
            entry.write(b"</sheetData></worksheet>")
    return out.getvalue()


WIDE = [f"column {n}" for n in range(10_000)]
UNREADABLE: dict[str, tuple[Callable[[], str | bytes], str, dict[str, object], tuple[str, ...]]] = {
    "wrong_delimiter": (lambda: GOOD.replace(",", ";"), ".csv", {}, ("delimiter", "';'")),
    "wrong_encoding": (lambda: GOOD.encode("utf-16"), ".csv", {}, ("utf-16", "encoding: utf-16")),
    "wrong_encoding_of_letters": (
        lambda: GOOD.replace("Person", "José Nuñez").encode("cp1252"), ".csv", {}, ("cp1252", "encoding: cp1252"),
    ),
    "empty": (lambda: b"", ".csv", {}, ("empty", "send it again")),
    "blank_lines": (lambda: "\n\n   \n\n", ".csv", {}, ("blank lines",)),
    "header_only": (lambda: HEADER + "\n", ".csv", {}, ("no row", "ask the office")),
    "column_missing": (
        lambda: GOOD.replace("Date of birth", "Birth date").replace("Name", "Nam"), ".csv", {},
        ("'Name'", "nearest is 'Nam'", "'Date of birth'", "alternative"),
    ),
    "ten_thousand_columns": (lambda: ",".join([HEADER, *WIDE]) + "\n" + "1," * 10_004 + "1\n", ".csv", {}, ("columns", "10,005")),
    "header_twice": (lambda: GOOD.replace("Amount", "Name"), ".csv", {}, ("Name",)),
    "header_twice_beside": (
        lambda: "\n".join([HEADER + ",name", *[row + ",x" for row in ROWS], ""]), ".csv", {}, ("headed", "number 2 and number 6"),
    ),
    "for_another_file": (
        lambda: "animal,legs,colour,sound,farm\n" + "cow,4,brown,moo,a\n" * 5, ".csv", {}, ("contract t-list", "sources suggest"),
    ),
    "zip_bomb": (
        lambda: xlsx(b"<row r='1'><c r='A1' t='inlineStr'><is><t>" + b"0" * (200 << 20) + b"</t></is></c></row>"),
        ".xlsx", {"format": "xlsx"}, ("zip bomb", "csv"),
    ),
    "gzip_bomb": (lambda: gzip.compress(HEADER.encode() + b"\n" + b"\n" * (40 << 20), 9), ".csv.gz", {}, ("unpacks", "times its size")),
    "broken_workbook": (lambda: xlsx(b"<row r='1'/>")[:400], ".xlsx", {"format": "xlsx"}, ("damaged", "save it again")),
    "text_named_xlsx": (lambda: GOOD, ".xlsx", {"format": "xlsx"}, ("no Excel workbook", "contract")),
    "old_excel": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, ".xls", {}, (".xls", "save it as .xlsx")),
    "pdf": (lambda: b"%PDF-1.4\n" + b"x" * 600, ".csv", {}, ("PDF", "contract")),
    "gzip_breaks_off": (
        lambda: gzip.compress(GOOD.encode() + os.urandom(4000).hex().encode())[:-900], ".csv.gz", {}, ("damaged", "send it again"),
    ),
    "one_endless_line": (lambda: HEADER + "\n" + "x" * (9 << 20), ".csv", {}, ("line", "bytes")),
    "no_json": (lambda: GOOD, ".jsonl", {"format": "jsonl"}, ("json",)),
    "no_parquet": (lambda: b"PAR1" + b"\0" * 80, ".parquet", {"format": "parquet"}, ("parquet",)),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_cannot_be_read(desk: Desk, case: str) -> None:
    make, suffix, layout, words = UNREADABLE[case]
    before = state(desk.database, without=NOT_ROWS)
    path = desk.file(make(), suffix)
    contract = desk.contract(**layout)
    start = time.monotonic()
    done = desk.run("import", "benefits", path, "--source", "T-LIST", "--contract", contract)
    assert time.monotonic() - start < 30
    told(done, 10, *words)
    assert state(desk.database, without=NOT_ROWS) == before
    assert rows(
        desk.database, f"SELECT state, error_code <> '' FROM deliveries_batch WHERE file_name = '{path.name}'"
    ) == [("FAILED", True)]
    again = desk.run("import", "benefits", path, "--source", "T-LIST", "--contract", contract, "--json")
    assert again.code == 10 and json.loads(again.err)["code"].startswith("deliveries.")


def test_the_cause_removed(desk: Desk) -> None:
    """The file that was refused under one contract is read under the corrected one."""
    path = desk.file(GOOD.replace(",", ";"))
    told(desk.take(path), 10, "delimiter")
    done = desk.take(path, "--contract", desk.contract(delimiter="semicolon"), "--json")
    assert (done.code, done.json["rows_loaded"]) == (0, len(ROWS)), done.err
    again = desk.take(path, "--contract", desk.contract(delimiter="semicolon"), "--json")
    assert again.json["state"] == "UNCHANGED"


def test_a_contract_for_another_kind(desk: Desk) -> None:
    path = desk.file(GOOD)
    told(desk.run("import", "persons", path, "--contract", desk.contract()), 10, "benefit", "person", "contract")
    told(desk.run("import", "persons", path, "--contract", "no-such"), 11, "no-such", "khana contracts add")
    told(desk.run("import", "persons", path, "--contract", desk.folder / "none.yaml"), 11, "none.yaml")
    told(desk.run("import", "benefits", path, "--source", "NO-SUCH"), 11, "NO-SUCH")
    broken = desk.folder / "broken.yaml"
    broken.write_text("code: x\n  entity: [")
    told(desk.run("import", "persons", path, "--contract", broken), 10, "broken.yaml", "line")
    broken.write_bytes(b"\xff\xfe\x00\x01")
    told(desk.run("import", "persons", path, "--contract", broken), 10, "broken.yaml")
    broken.write_text(yaml.safe_dump({**CONTRACT, "code": "t-broken", "factz": {}}))
    told(desk.run("import", "benefits", path, "--source", "T-LIST", "--contract", broken), 10, "factz", "facts")


def test_rows_that_cannot_be_read_go_to_quarantine(desk: Desk) -> None:
    bad = [
        "61101-2000001-1,Control\x01char,12/03/1960,8500,Q1-2026",
        "61101-2000002-1,Nul\x00char,12/03/1960,8500,Q1-2026",
        "61101-2000003-1,Short row",
        "61101-2000004-1,Long row,12/03/1960,8500,Q1-2026,x,y,z",
    ]
    odd = [
        "61101-2000005-1,Amount,12/03/1960,many,Q1-2026",
        "61101-2000006-1,No such day,31/02/1960,8500,Q1-2026",
        "61101-2000007-1,Thirteenth month,12/13/1960,8500,Q1-2026",
        "61101-2000008-1,Not born yet,12/03/2960,8500,Q1-2026",
        "61101-2000009-1,\"=cmd|' /C calc'!A0\",12/03/1960,8500,Q1-2026",
    ]
    done = desk.take(desk.file("\n".join([HEADER, *ROWS, *bad, *odd, ""])), "--json")
    assert done.code == 0, done.err
    assert done.json["rows_in"] == done.json["rows_loaded"] + done.json["rows_quarantined"] == len(ROWS + bad + odd)
    held = desk.run("quarantine", "list", "--json").json["rows"]
    lines = {row["line"] for row in held if row["file"] == f"list-{desk.number}.csv"}
    first = len(ROWS) + 2
    assert set(range(first, first + len(bad))) <= lines
    dates = rows(
        desk.database,
        f"SELECT line, birth_year, birth_month, birth_day FROM beneficiaries_benefit WHERE file_name = 'list-{desk.number}.csv'"
        f" AND line > {first + len(bad)} AND line < {first + len(bad) + 4}",
    )
    assert all(None in (row[1], row[2], row[3]) for row in dates), "no day is made up for a day that is not"
    assert len(dates) + len([n for n in range(first + len(bad) + 1, first + len(bad) + 4) if n in lines]) == 3


def test_a_large_file(desk: Desk) -> None:
    """30 MB in little memory; the 2 GB one is `script/bench big_file`."""
    long = "x" * 880
    path = desk.folder / "large.csv"
    with path.open("w") as handle:
        handle.write(HEADER + ",remarks of the office\n")
        for n in range(33_000):
            handle.write(f"{3_000_000_000_000 + n},Person {n},12/03/1960,8500,Q1-2026,{long}\n")
    assert path.stat().st_size > 28 << 20
    done = desk.take(path, "--json")
    assert (done.code, done.json["rows_loaded"]) == (0, 33_000), done.err


@contextmanager
def little_disk(path: Path, kib: int) -> Iterator[str]:
    """Make a folder a disk of that size, or limit the size of a file where that is not allowed."""
    path.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(path)]
    mounted = os.getuid() == 0 and subprocess.run(words, capture_output=True, check=False).returncode == 0
    try:
        yield "" if mounted else f"fsize={kib << 10}"
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_disk(desk: Desk) -> None:
    """The store's disk is full, then has room: no part of a file is left, and the same command goes on."""
    path = desk.file(GOOD + "\n".join(f"61101-4{n:06d}-1,{'y' * 400},12/03/1960,8500,Q1-2026" for n in range(3000)))
    before = state(desk.database)
    with little_disk(places.var() / "files", 256) as limits:
        done = desk.take(path, limits=limits)
        told(done, 15, "disk is full", "again")
        left = [p for p in (places.var() / "files").rglob("*") if p.is_file() and p.stat().st_mtime > time.time() - 5]
        assert left == []
    assert state(desk.database) == before
    done = desk.take(path, "--json")
    assert (done.code, done.json["rows_in"]) == (0, 3008), done.err


def test_a_full_disk_under_a_report(desk: Desk) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "disk" / "quarantine.csv"
        with little_disk(out.parent, 64) as limits:
            (out.parent / "filler").write_bytes(b"x" * (56 << 10))
            done = desk.run("schema", "facts", "--json", "--out", out, limits=limits and "fsize=1000")
            told(Done(done.code, done.out, _plain(done.err)), 15, "disk is full")
            assert [p.name for p in out.parent.iterdir()] == ["filler"]


def _plain(err: str) -> str:
    """Return an error that was printed as JSON in the form for people."""
    found = json.loads(err)
    return f"khana: {found['message']}\n ({found['code']}, exit code 15)\n"


def test_a_folder_that_may_not_be_written(desk: Desk) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "closed"
        place.mkdir(mode=0o555)
        if os.getuid() == 0:
            words = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)]
            if subprocess.run(words, capture_output=True, check=False).returncode != 0:
                pytest.skip("root may write everywhere and may not mount here")
        try:
            done = desk.run("report", "quarantine", "--format", "csv", "--out", place / "q.csv")
            told(done, 10, "q.csv", "read")
            done = desk.run("synth", "--households", 60, "--seed", 1, "--out", place / "land")
            told(done, done.code, "land", "read-only")
            assert done.code in (10, 15)
        finally:
            if os.getuid() == 0:
                subprocess.run(["umount", "-l", str(place)], check=True)


def test_nobody_and_a_token_that_opens_nothing(desk: Desk) -> None:
    path = desk.file(GOOD + ROWS[0].replace("1000000", "1999999") + "\n")
    for words in (("import", "benefits", path, "--source", "T-LIST"), ("consolidate",), ("report", "findings")):
        told(desk.run(*words, token="", XDG_CONFIG_HOME="/nowhere"), 13, "khana login")
        told(desk.run(*words, token="nonsense"), 13, "khana login")
    assert rows(desk.database, f"SELECT 1 FROM deliveries_batch WHERE file_name = '{path.name}'") == []
    assert desk.take(path).code == 0


def test_the_database_goes_away_in_the_middle(desk: Desk) -> None:
    path = desk.folder / "middle.csv"
    with path.open("w") as handle:
        handle.write(HEADER + "\n")
        for n in range(60_000):
            handle.write(f"{6_000_000_000_000 + n},Person {n},12/03/1960,8500,Q1-2026\n")
    before = state(desk.database, without=NOT_ROWS)
    pid = desk.commands.start(
        "import", "benefits", path, "--source", "T-LIST", database=desk.database, token=desk.token
    )
    with superuser() as connection:
        for _ in range(2000):
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = 'khana_worker'"
                " AND query ILIKE '%%_benefit%%'", [desk.database],
            ).fetchall()  # fmt: skip
            if ended:
                break
            time.sleep(0.005)
    told(desk.commands.wait(pid), 15, "khana up", "again")
    assert state(desk.database, without=NOT_ROWS) == before
    done = desk.take(path, "--json")
    assert (done.code, done.json["rows_loaded"]) == (0, 60_000), done.err


def test_the_database_is_not_there(desk: Desk) -> None:
    if embedded.own_url():
        pytest.skip("a database of one's own is not ours to stop")
    from django.db import connection
    from tests.conftest import close_pool

    close_pool(connection)
    path = desk.file(GOOD + ROWS[1].replace("1000001", "1888888") + "\n")
    embedded.stop()
    try:
        for words in (
            ("import", "benefits", path, "--source", "T-LIST"),
            ("consolidate",),
            ("sources", "list"),
            ("users", "list"),
        ):
            told(desk.run(*words), 15, "khana up")
    finally:
        embedded.start()
    assert desk.take(path).code == 0


def test_no_copy_of_people_is_left_behind(desk: Desk) -> None:
    for name in ("files/incoming", "files/reading", "scratch"):
        folder = places.var() / name
        assert not folder.exists() or list(folder.iterdir()) == []
    shutil.rmtree(desk.folder, ignore_errors=True)
