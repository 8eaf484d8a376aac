"""`khana assign` from files, as an officer types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tests.interfaces.cli.test_commands import run


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    texts = {
        "persons": "person,area,score\n=a,X,10\nb,X,20\nc,X,30\n",
        "programmes": "programme,value,kind,excludes\nP,100,cash,Q\nQ,40,cash,\nFOOD,5,in_kind,\n",
        "eligibility": "person,programme\n=a,P\n=a,Q\nb,P\nc,FOOD\nb,FOOD\n",
        "quotas": "programme,area,quota\nP,X,1\nQ,X,1\nFOOD,,1\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return [word for name in texts for word in (f"--{name}", str(tmp_path / f"{name}.csv"))]


def test_the_best_assignment_into_a_file(capfd: pytest.CaptureFixture[str], files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "assigned.csv"
    code, text, _ = run(capfd, "assign", *files, "--json", "--out", str(out))
    assert code == 0
    figures = json.loads(text)
    assert (figures["served"], figures["greedy_served"], figures["value"]) == (3, 2, 145.0)
    with out.open(encoding="utf-8-sig") as handle:
        rows = [(row["person"], row["programme"]) for row in csv.DictReader(handle)]
    assert rows == [("'=a", "Q"), ("b", "P"), ("c", "FOOD")]


def test_a_wrong_file_is_refused(capfd: pytest.CaptureFixture[str], files: list[str]) -> None:
    files[files.index("--quotas") + 1] = files[files.index("--persons") + 1]
    code, _, err = run(capfd, "assign", *files)
    assert code == 10
    assert "lack the column programme, quota" in err
