"""Lists as other countries write them, never seen before: drafted, corrected by hand, imported, studied.

Each is written here by hand with what it means beside it. The draft comes from `khana sources
suggest`; a steward adds what no file says (agency and programme), and the rest must be right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.journeys.commands import Nursery, nursery
from tests.journeys.database_state import rows

PEOPLE = [  # number, name, born (y, m, d), amount
    ("6110100000011", "Nimali Perera", (1980, 1, 12), "1234.50"),
    ("6110100000022", "José Fernando", (1975, 12, 3), "12500.00"),
    ("6110100000033", "Kamala Silva", (1990, 2, 28), "999.00"),
    ("6110100000044", "Wanjiku Mwangi", (1968, 7, 31), "4000.00"),
    ("6110100000055", "Otieno Odhiambo", (1955, 11, 9), "1000000.25"),
    ("6110100000066", "Ruwan Jayasuriya", (2001, 10, 30), "2345.00"),
]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _european(amount: str) -> str:
    whole, _, part = amount.partition(".")
    return f"{int(whole):,}".replace(",", ".") + "," + part


def tabs(path: Path) -> None:
    """Tabs, cp1252, a title, the header in the second line, units in the third, `12 Jan 1980`."""
    lines = [
        "Department of Samurdhi Development \u2013 paid list",
        "NIC No.\tName of beneficiary\tDate of birth\tAmount\tMonth\tSex",
        "(13 digits)\t\t(day month year)\t(Rs.)\t\t(M/F)",
    ]
    for number, name, (y, m, d), amount in PEOPLE:
        lines.append(f"{number}\t{name}\t{d} {MONTHS[m - 1]} {y}\t{float(amount):,.2f}\tApril 2026\tF")
    lines.append(f"Total\t\t\t{sum(float(p[3]) for p in PEOPLE):,.2f}\t\t")
    path.write_bytes("\r\n".join([*lines, ""]).encode("cp1252"))


def semicolons(path: Path) -> None:
    """Semicolons, `1.234,50`, `12.01.1980`, per cent signs, a byte-order mark, quotes around everything."""
    lines = ['"National ID";"Full name";"DOB";"Amount (KES)";"Period";"Attendance %"']
    for number, name, (y, m, d), amount in PEOPLE:
        lines.append(f'"{number}";"{name}";"{d:02d}.{m:02d}.{y}";"{_european(amount)}";"2026-04";"87,5%"')
    path.write_bytes(("\ufeff" + "\n".join([*lines, ""])).encode())


def nested(path: Path) -> None:
    """JSON lines: a person within the record, payments in an array, numbers as numbers."""
    out = []
    for number, name, (y, m, d), amount in PEOPLE:
        out.append({
            "beneficiary": {"cnic": number, "name": name, "date_of_birth": f"{y:04d}-{m:02d}-{d:02d}", "phones": ["03001234567"]},
            "payments": [{"amount": float(amount), "period": "2026-04"}],
            "tags": [],
        })  # fmt: skip
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in out))


def workbook(path: Path) -> None:
    """A workbook: a title, two header lines of which the upper is merged, real dates, a hidden sheet of notes."""
    import datetime

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "April 2026"
    sheet.append(["Inua Jamii payroll, April 2026"])
    sheet.append([])
    sheet.append(["Beneficiary", None, None, "Payment"])
    sheet.merge_cells("A3:C3")
    sheet.merge_cells("D3:E3")
    sheet.append(["CNIC", "Name", "Date of birth", "Amount", "Month"])
    for line, (number, name, born, amount) in enumerate(PEOPLE, 5):
        sheet.append([number, name, datetime.datetime(*born), float(amount), "Apr 2026"])
        sheet.cell(line, 3).number_format = "dd/mm/yyyy"
        sheet.cell(line, 4).number_format = "#,##0.00"
    notes = book.create_sheet("lookup")
    notes.append(["code", "meaning"])
    notes.append(["1", "old age"])
    notes.sheet_state = "hidden"
    book.save(path)


@dataclass(frozen=True)
class Style:
    """One list: how it is written and what its name ends with."""

    write: Callable[[Path], None]
    suffix: str


STYLES = {"tabs": Style(tabs, ".txt"), "semicolons": Style(semicolons, ".csv"), "nested": Style(nested, ".jsonl"),
          "workbook": Style(workbook, ".xlsx")}  # fmt: skip


UNITS = {"tabs": 1}


@dataclass
class Desk:
    """A steward, her files and her database."""

    folder: Path
    commands: Nursery
    database: str
    token: str

    def run(self, *words: object) -> str:
        done = self.commands.run(*words, database=self.database, token=self.token)
        assert done.code == 0, (words, done.err)
        return done.out


@pytest.fixture(scope="module")
def desk(server: None, database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("unseen")
    with nursery() as commands:
        made = Desk(folder, commands, database, tokens("data_steward"))
        (folder / "programmes.csv").write_text("code,name,agency\nNEW,New grant,A\n")
        facts = {"programme": "code", "programme_name": "name", "agency": "agency"}
        file = {"format": "csv", "encoding": "utf-8", "delimiter": ","}
        contract = {"code": "u-programmes", "entity": "programme", "country": "pak", "file": file, "facts": facts}
        (folder / "programmes.yaml").write_text(yaml.safe_dump(contract))
        made.run("import", "programmes", folder / "programmes.csv", "--contract", folder / "programmes.yaml")
        yield made


@pytest.mark.parametrize("style", STYLES)
def test_from_a_draft_to_a_verdict(desk: Desk, style: str) -> None:
    path = desk.folder / f"{style}{STYLES[style].suffix}"
    STYLES[style].write(path)
    draft_path = desk.folder / f"{style}.yaml"
    desk.run("sources", "suggest", path, "--out", draft_path)
    draft = yaml.safe_load(draft_path.read_text())
    assert draft["entity"] == "benefit", draft
    found = set(draft["facts"])
    assert {"beneficiary_id_number", "beneficiary_name", "beneficiary_birth_date", "amount", "period"} <= found, draft
    source = style.upper()
    desk.run(
        "sources", "add", "--code", source, "--title", style, "--agency", "A", "--programme", "NEW",
        "--contract", draft_path,
    )  # fmt: skip
    counts = json.loads(desk.run("import", "benefits", path, "--source", source, "--json"))
    units = UNITS.get(style, 0)  # a line of units under the header is taken as a row, and shows: its number is none
    assert (counts["rows_loaded"], counts["rows_quarantined"]) == (len(PEOPLE) + units, 0), (counts, draft)
    read = rows(
        desk.database,
        "SELECT name, birth_year, birth_month, birth_day, amount::text, period, programme, id_raw_state"
        f" FROM beneficiaries_benefit WHERE source_code = '{source}' AND id_raw_state = 'OK' ORDER BY line",
    )
    assert read == [(name, *born, amount, "2026-04", "NEW", "OK") for _, name, born, amount in PEOPLE], draft
    study = json.loads(desk.run("sources", "study", source, "--json"))
    assert study["rows"] == len(PEOPLE) + units, study
    assert study["verdict"]
