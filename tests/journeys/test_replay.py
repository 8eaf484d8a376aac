"""Rows taken out of quarantine, corrected in a file and replayed, by the commands that a steward types.

What is corrected is loaded and linked; what is not, or is wrong again, stays; a register keeps the
rows that it has; the same file twice changes nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.journeys.commands import Done, Nursery, nursery
from tests.journeys.database_state import rows

CSV = {"format": "csv", "encoding": "utf-8", "delimiter": ","}
CONTRACTS: dict[str, dict[str, object]] = {
    "programmes": {
        "code": "r-programmes", "entity": "programme", "country": "pak", "file": CSV,
        "facts": {"programme": "code", "programme_name": "name", "agency": "agency"},
    },
    "identities": {
        "code": "r-identities", "entity": "identity", "country": "pak", "file": CSV, "date_order": "dmy",
        "facts": {"id_number": "number", "name": "name", "sex": "sex", "birth_date": "born"},
    },
    "exits": {
        "code": "r-exits", "entity": "exit", "country": "pak", "file": CSV, "date_order": "dmy",
        "facts": {"id_number": "number", "name": "name", "programme": "programme", "exit_date": "left"},
    },
    "list": {
        "code": "r-list", "entity": "benefit", "country": "pak", "agency": "A", "file": CSV, "date_order": "dmy",
        "facts": {
            "beneficiary_id_number": "cnic", "beneficiary_name": "name", "amount": "amount", "period": "quarter",
            "programme": {"constant": "R1"},
        },
    },
}  # fmt: skip
IDENTITIES = "number,name,sex,born\n" + "".join(f"61101-{n:07d}-1,Amna Bibi {n},F,01/02/1970\n" for n in range(1, 6))
LIST = (
    "cnic,name,amount,quarter\n61101-0000001-1,Amna Bibi 1,5000,Q1-2026\n61101-0000002-1,Amna Bibi 2,5000\n"
    "61101-0000003-1,Amna Bibi 3,5000,Q1-2026,x,y\n61101-0000004-1,Amna\x01 Bibi 4,5000,Q1-2026\n"
)


class Desk:
    """A steward, her files and her database."""

    def __init__(self, folder: Path, commands: Nursery, database: str, token: str) -> None:
        self.folder, self._commands, self._who = folder, commands, {"database": database, "token": token}
        self.database = database
        for name, body in CONTRACTS.items():
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(body))

    def run(self, *words: object) -> Done:
        done = self._commands.run(*words, "--json", **self._who)  # type: ignore[arg-type]
        assert done.code == 0, (words, done.err)
        return done

    def take(self, kind: str, text: str, name: str = "") -> dict[str, object]:
        path = self.folder / (name or f"{kind}.csv")
        path.write_text(text)
        if kind == "list":
            return self.run("import", "benefits", path, "--source", "R-LIST").json
        return self.run("import", kind, path, "--contract", self.folder / f"{kind}.yaml").json

    def export(self, name: str, *words: object) -> list[dict[str, str]]:
        """Export what waits as CSV; return its rows."""
        out = self.folder / name
        done = self._commands.run("quarantine", "export", "--out", out, *words, **self._who)  # type: ignore[arg-type]
        assert done.code == 0, done.err
        assert out.stat().st_mode & 0o077 == 0
        with out.open(newline="") as handle:
            return list(csv.DictReader(handle))

    def replay(self, name: str, held: list[dict[str, str]]) -> dict[str, object]:
        """Write the corrected rows back as a spreadsheet would, and replay them."""
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8-sig") as handle:
            writer = csv.DictWriter(handle, list(held[0]))
            writer.writeheader()
            writer.writerows(held)
        return self.run("quarantine", "replay", path).json

    def count(self, table: str) -> int:
        return int(rows(self.database, f"SELECT count(*) FROM {table}")[0][0])  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def desk(server: None, database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with nursery() as commands:
        made = Desk(tmp_path_factory.mktemp("replay"), commands, database, tokens("data_steward"))
        made.take("programmes", "code,name,agency\nR1,Grant,A\n")
        made.run(
            "sources", "add", "--code", "R-LIST", "--title", "R", "--agency", "A", "--programme", "R1", "--contract",
            made.folder / "list.yaml",
        )  # fmt: skip
        made.take("identities", IDENTITIES)
        yield made


def test_a_list(desk: Desk) -> None:
    taken = desk.take("list", LIST)
    assert (taken["rows_in"], taken["rows_loaded"], taken["rows_quarantined"]) == (4, 1, 3)
    held = desk.export("held.csv", "--source", "R-LIST")
    assert [row["line"] for row in held] == ["3", "4", "5"]
    held[0]["raw"] = "61101-0000002-1,Amna Bibi 2,5000,Q1-2026"
    held[1]["raw"] = "61101-0000003-1,Amna Bibi 3,5000,Q1-2026,x"  # wrong again
    done = desk.replay("corrected.csv", held)
    assert (done["corrected"], done["replayed"], done["still_waiting"]) == (2, 1, 1)
    left = desk.export("left.csv")
    assert [row["line"] for row in left] == ["4", "5"]
    found = rows(
        desk.database,
        "SELECT file_name, line, name FROM beneficiaries_benefit WHERE source_code = 'R-LIST' ORDER BY line",
    )
    assert found == [("list.csv", 2, "Amna Bibi 1"), ("list.csv", 3, "Amna Bibi 2")]
    answer = desk.run("consolidate").json
    assert (answer["rows"], answer["findings"].get("NID_NOT_FOUND")) == (2, None)
    again = desk.run("quarantine", "replay", desk.folder / "corrected.csv").json
    assert (again["corrected"], again["replayed"]) == (1, 0)
    assert desk.count("beneficiaries_benefit") == 2
    left[0]["raw"] = "61101-0000003-1,Amna Bibi 3,5000,Q1-2026"
    left[1]["raw"] = "61101-0000004-1,Amna Bibi 4,5000,Q1-2026"
    done = desk.replay("second.csv", left)
    assert (done["replayed"], done["still_waiting"]) == (2, 0)
    assert desk.count("beneficiaries_benefit") == 4
    assert desk.export("none.csv") == []
    states = rows(desk.database, "SELECT state, count(*) FROM deliveries_quarantinedrow GROUP BY 1")
    assert states == [("REPLAYED", 3)]


def test_registers_keep_what_they_have(desk: Desk) -> None:
    broken = IDENTITIES + "61101-0000006-1,Zahid,M\n"
    taken = desk.take("identities", broken, "identities-2.csv")
    assert (taken["rows_loaded"], taken["rows_quarantined"]) == (5, 1)
    held = desk.export("identity.csv")
    assert len(held) == 1
    held[0]["raw"] = "61101-0000006-1,Zahid,M,03/04/1980"
    done = desk.replay("identity-corrected.csv", held)
    assert (done["replayed"], done["still_waiting"]) == (1, 0)
    assert desk.count("identity_nationalidrecord") == 6
    taken = desk.take("exits", "number,name,programme,left\n61101-0000001-1,Amna,R1,01/03/2026\n61101-0000002-1,B,R1\n")
    assert (taken["rows_loaded"], taken["rows_quarantined"]) == (1, 1)
    held = desk.export("exits-held.csv")
    held[0]["raw"] += ",02/03/2026"
    assert desk.replay("exits-corrected.csv", held)["replayed"] == 1
    assert desk.count("beneficiaries_exitrecord") == 2


def test_a_file_that_is_no_export_is_refused(desk: Desk) -> None:
    path = desk.folder / "other.csv"
    for content in (b"a,b\n1,2\n", b"row,raw\nx,y\n", b"\xff\xfe\x00", b""):
        path.write_bytes(content)
        done = desk._commands.run("quarantine", "replay", path, **desk._who)  # type: ignore[arg-type]
        assert (done.code, "quarantine export" in done.err) == (10, True), (content, done.err)


def test_a_formula_comes_back_as_it_was(desk: Desk) -> None:
    """What the export neutralises is no correction, and is not kept with a sign that nobody wrote."""
    taken = desk.take("list", "cnic,name,amount,quarter\n-61101-0000009-1,Amna,5000\n=1+1,Amna,5000\n", "formula.csv")
    assert taken["rows_quarantined"] == 2
    held = desk.export("formula-held.csv")
    assert all(row["raw"].startswith("'") for row in held)
    assert desk.replay("formula-same.csv", held)["corrected"] == 0
