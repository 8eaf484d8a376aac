"""kill -9 at every place of `faults.PLACES`: nothing half-written, nothing twice, and the same command goes on.

Two copies of one database take the same files by the same commands. In the calm one nothing
happens; in the other every command is killed once at a place of its own and typed again. After each
kill the tables are as they were; at the end both databases hold the same.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import yaml
from tests.conftest import REPOSITORY, clone
from tests.journeys.commands import Nursery, nursery
from tests.journeys.database_state import State, rows, state

from khana.platform import embedded, faults, places

BEFORE_A_ROW = (  # the file and its batch are safe, no row is
    "import.batch_kept", "import.before_read", "import.chunk_staged", "import.all_staged", "import.refused_taken",
    "import.loaded", "import.quarantine_written", "import.before_commit",
)  # fmt: skip
BEFORE_THE_FILE = ("file.before_write", "file.before_rename", "file.after_rename", "import.contract_kept")
LIST = (*BEFORE_THE_FILE, *BEFORE_A_ROW, "import.committed")
HOUSEHOLDS = ("registry.files_written", "registry.versions_written")
PERSONS = ("registry.numbers_written", "import.verified")
CONSOLIDATE = tuple(place for place in faults.PLACES if place.startswith("consolidate."))
KEPT_ONLY = ("platform_storedfile", "deliveries_batch", "deliveries_contract", "audit_event")


def test_every_place_is_tried() -> None:
    linkage = {place for place in faults.PLACES if place.startswith("linkage.")}  # test_one_person_one_file.py
    assert {*LIST, *HOUSEHOLDS, *PERSONS, *CONSOLIDATE} == set(faults.PLACES) - linkage
    assert len(faults.PLACES) >= 20


@dataclass(frozen=True)
class Country:
    """A small made-up country cut into pieces, and two databases that know its areas and registers."""

    folder: Path
    token: str
    calm: str
    killed: str
    commands: Nursery
    sizes: dict[str, int]

    def words(self, kind: str, place: str) -> list[str]:
        """Return the command that takes the piece of one place."""
        number = self.sizes[place]
        if kind == "list":
            return ["import", "benefits", str(self.folder / f"list-{number}.txt"), "--source", "FISA", "--json"]
        contract = self.folder / "contracts" / f"{kind}.yaml"
        return ["import", kind, str(self.folder / f"{kind}-{number}.csv"), "--contract", str(contract), "--json"]

    def type(self, kind: str, place: str) -> None:
        """Take one piece in both databases; in one the command is killed first, and checked."""
        words = self.words(kind, place)
        before = state(self.killed)
        dead = self.commands.run(*words, database=self.killed, token=self.token, KHANA_FAULT=place)
        assert dead.code == -signal.SIGKILL, (place, dead.code, dead.err)
        after = state(self.killed)
        self.check(place, words, before, after)
        again = self.commands.run(*words, database=self.killed, token=self.token)
        assert again.code == 0, (place, again.err)
        calm = self.commands.run(*words, database=self.calm, token=self.token)
        assert calm.code == 0, calm.err
        expected = {**calm.json, **({"state": "UNCHANGED"} if place == "import.committed" else {})}
        assert {k: again.json[k] for k in COUNTS} == {k: expected[k] for k in COUNTS}, place
        assert again.json["rows_in"] > 0

    def check(self, place: str, words: list[str], before: State, after: State) -> None:
        """After a kill: the file whole or absent, its batch kept and without rows, no other table touched."""
        changed = {table for table in after if after[table] != before[table]}
        batches = rows(self.killed, f"SELECT state FROM deliveries_batch WHERE file_name = '{Path(words[2]).name}'")
        if place == "import.committed":
            assert batches == [("LOADED",)]
            return
        assert changed <= set(KEPT_ONLY), (place, changed)
        assert batches == ([] if place in BEFORE_THE_FILE else [("KEPT",)]), place
        whole_files_only()


COUNTS = ("rows_in", "rows_loaded", "rows_quarantined", "lines_not_data", "state")


_there_before: set[Path] = set()


def files_of_the_store() -> set[Path]:
    """Return every file that the store holds."""
    return set((places.var() / "files").glob("??/*"))


def whole_files_only() -> None:
    """Every file that these tests brought opens to its end: it is whole or not there.

    Other tests share the store, and damage files of it on purpose.
    """
    import hashlib

    from khana.platform import files

    for path in files_of_the_store() - _there_before:
        with files.open(path.name) as handle:
            assert hashlib.file_digest(handle, "sha256").hexdigest() == path.name


def cut(source: Path, pieces: int, names: list[Path], newline: bytes = b"\n") -> None:
    """Cut the lines of a text file into pieces that each begin with its header."""
    header, *lines = source.read_bytes().rstrip(b"\r\n").split(newline)
    for number, path in enumerate(names):
        path.write_bytes(newline.join([header, *lines[number::pieces], b""]))


@pytest.fixture(scope="module")
def commands(server: None) -> Iterator[Nursery]:
    with nursery() as lent:
        yield lent


@pytest.fixture(scope="module")
def made(commands: Nursery, database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    _there_before.update(files_of_the_store())
    folder = tmp_path_factory.mktemp("kill") / "land"
    token = tokens("data_steward")
    done = commands.run(
        "synth", "--country", "pak", "--households", 100, "--seed", 5, "--out", folder, database=database
    )
    assert done.code == 0, done.err
    manifest = yaml.safe_load((folder / "sample.yaml").read_text())
    manifest["registers"] = [r for r in manifest["registers"] if r["entity"] not in ("household", "person")]
    manifest["registers"] = [r for r in manifest["registers"] if r["entity"] != "score"]
    fisa = next(s for s in manifest["sources"] if s["code"] == "FISA")
    manifest["sources"] = [s for s in manifest["sources"] if s["code"] in ("ZAKAT", "PSPA")]
    (folder / "base.yaml").write_text(yaml.safe_dump(manifest, allow_unicode=True, sort_keys=False))
    done = commands.run(
        "sample", "load", folder / "base.yaml", "--data", folder, "--json", database=database, token=token
    )
    assert done.code == 0, done.err
    done = commands.run(
        "sources", "add", "--code", "FISA", "--title", "Income support", "--agency", fisa["agency"], "--programme", "KFL",
        "--contract", folder / fisa["contract"], database=database, token=token,
    )  # fmt: skip
    assert done.code == 0, done.err
    text = next(folder.glob("income_support_*.txt"))
    cut(
        text,
        len(LIST),
        [folder / f"list-{n}.txt" for n in range(len(LIST))],
        b"\r\n" if b"\r\n" in text.read_bytes() else b"\n",
    )
    for kind, places_of in (("households", HOUSEHOLDS), ("persons", PERSONS)):
        cut(folder / f"{kind}.csv", len(places_of), [folder / f"{kind}-{n}.csv" for n in range(len(places_of))])
    sizes = {place: n for group in (LIST, HOUSEHOLDS, PERSONS) for n, place in enumerate(group)}
    close(database)
    with clone(database) as killed:
        yield Country(folder, token, database, killed, commands, sizes)


def close(_database: str) -> None:
    """Leave no connection open: a database is copied only while nobody looks."""
    from django.db import connection
    from tests.conftest import close_pool

    close_pool(connection)


def test_lists_and_registers(made: Country) -> None:
    for place in HOUSEHOLDS:
        made.type("households", place)
    for place in PERSONS:
        made.type("persons", place)
    for place in LIST:
        made.type("list", place)
    assert state(made.killed) == state(made.calm)
    assert not [path for name in ("incoming", "reading") for path in (places.var() / "files" / name).glob("*")][1:]


RESULTS = ("finding", "recipient", "unservedhousehold", "areafigure")


def results(database: str) -> dict[str, list[tuple[object, ...]]]:
    """Return what the newest finished run wrote, as sets of rows."""
    asked = {
        "finding": "source_code, file_name, sheet, line, code, role, severity, household_number, line_no, detail",
        "recipient": "household_number, line_no, programmes, rows, amount, is_over_cap, is_well_off",
        "unservedhousehold": "household_number, rank, score, members, eligible_for",
        "areafigure": "area_code, level, figure, programme, value",
    }
    newest = "(SELECT max(id) FROM beneficiaries_run WHERE state = 'DONE')"
    return {
        table: sorted(rows(database, f"SELECT ROW({columns})::text FROM beneficiaries_{table} WHERE run_id = {newest}"))
        for table, columns in asked.items()
    }


def test_consolidation(made: Country) -> None:
    calm = made.commands.run("consolidate", "--json", database=made.calm, token=made.token)
    assert calm.code == 0, calm.err
    expected = results(made.calm)
    assert len(expected["finding"]) > 50
    for place in CONSOLIDATE:
        before = state(made.killed, without=("beneficiaries_run", "audit_event"))
        dead = made.commands.run("consolidate", "--json", database=made.killed, token=made.token, KHANA_FAULT=place)
        assert dead.code == -signal.SIGKILL, (place, dead.err)
        if place != "consolidate.committed":
            assert state(made.killed, without=("beneficiaries_run", "audit_event")) == before, place
        if place in ("consolidate.frames_read", "consolidate.compared", "consolidate.before_commit"):
            continue  # killed again before it is typed again
        again = made.commands.run("consolidate", "--json", database=made.killed, token=made.token)
        assert again.code == 0, (place, again.err)
        assert {**again.json, "run": 0} == {**calm.json, "run": 0}, place
        assert results(made.killed) == expected, place
        states = rows(made.killed, "SELECT state, count(*) FROM beneficiaries_run GROUP BY 1 ORDER BY 1")
        assert "RUNNING" not in dict(states), "a run whose process is dead is not left as running"
    assert not list((places.var() / "scratch").glob("*"))


def job(database: str, token: str, kind: str, arguments: dict[str, str]) -> str:
    """Ask for one piece of long work, as a page does; return its number."""
    program = (
        "import django, json, sys; django.setup()\n"
        "from khana.access import selectors, services as access\n"
        "from khana.platform import clock, jobs\n"
        "with access.scoped(sys.argv[1]):\n"
        "    print(jobs.enqueue(kind=sys.argv[2], arguments=json.loads(sys.argv[3]), actor=selectors.me(), at=clock.now()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, token, kind, json.dumps(arguments)],
        env=as_user(database, token, KHANA_DB_ROLE="web"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def as_user(database: str, token: str, **extra: str) -> dict[str, str]:
    return {
        **os.environ, "KHANA_TOKEN": token, "KHANA_DB_ROLE": "worker", "KHANA_DATABASE_NAME": database,
        "PYTHONPATH": str(REPOSITORY / "src"), **extra,
    }  # fmt: skip


def test_a_job_of_a_killed_worker_is_resumed(made: Country) -> None:
    """The real worker process, killed in the middle of an import that a page asked for."""
    late = made.folder / "late.txt"
    whole = (made.folder / "list-0.txt").read_bytes().splitlines(keepends=True)
    late.write_bytes(b"".join(whole[:3]).replace(b"Q1-2026", b"Q2-2026"))
    number = job(made.killed, made.token, "import_file", {"path": str(late), "entity": "benefit", "source": "FISA"})
    worker = [sys.executable, "-m", "khana", "worker", "--once"]
    count = "SELECT count(*) FROM beneficiaries_benefit"
    before = rows(made.killed, count)
    dead = subprocess.run(worker, env=as_user(made.killed, "", KHANA_FAULT="import.loaded"), capture_output=True)
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    assert rows(made.killed, f"SELECT state FROM platform_jobrun WHERE uuid = '{number}'") == [("RUNNING",)]
    assert rows(made.killed, count) == before
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": made.killed}) as owner:
        owner.execute("UPDATE platform_jobrun SET heartbeat_at = %s", [datetime.now(UTC) - timedelta(minutes=5)])
    done = subprocess.run(worker, env=as_user(made.killed, ""), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = rows(
        made.killed, f"SELECT state, result->>'state', result->>'rows_in' FROM platform_jobrun WHERE uuid = '{number}'"
    )
    assert found == [("DONE", "LOADED", "2")]
    assert rows(made.killed, count) == [(before[0][0] + 2,)]  # type: ignore[operator]
