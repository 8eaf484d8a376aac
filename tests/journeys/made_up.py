"""The main job on a made-up country: what the test modules of both packs share; each has a database of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journeys.truth import DECIDED, Key, Planted, judge, khana, read_findings, read_planted, rows_of

HOUSEHOLDS = 1500


@dataclass(frozen=True)
class Made:
    """A made-up country, loaded and consolidated."""

    folder: Path
    summary: dict[str, Any]
    findings: dict[str, set[Key]]
    planted: Planted
    quarantine: list[dict[str, Any]]


def make(country: str, folder: Path, *, token: str, database: str) -> Made:
    """Make a country, load it and consolidate it, by the commands that a user types."""
    ask = {"token": token, "database": database}
    khana("synth", "--country", country, "--households", str(HOUSEHOLDS), "--seed", "11", "--out", str(folder), **ask)
    khana("sample", "load", str(folder / "sample.yaml"), "--data", str(folder), "--json", **ask)
    summary = json.loads(khana("consolidate", "--json", **ask))
    out = folder / "findings.csv"
    khana("report", "findings", "--format", "csv", "--out", str(out), **ask)
    held = json.loads(khana("report", "quarantine", "--json", **ask))["rows"]
    return Made(folder, summary, read_findings(out), read_planted(folder / "truth" / "planted.csv"), held)


def check_codes(made: Made) -> None:
    """Every code that numbers decide has precision and recall of at least 0.99."""
    verdicts = [judge(code, made.findings, made.planted) for code in DECIDED]
    for verdict in verdicts:
        print(verdict)
    assert sum(verdict.true > 0 for verdict in verdicts) >= 11
    assert [v for v in verdicts if v.precision < 0.99 or v.recall < 0.99] == []


def check_counts(made: Made) -> None:
    """Rows in are linked, unmatched or quarantined, to the row."""
    rows = list(rows_of(made.folder / "truth" / "list_rows.csv"))
    lists = {row["file"] for row in rows}
    malformed = {(r["file"], r["sheet"], int(r["line"])) for r in rows if "ROW_MALFORMED" in r["codes"].split()}
    quarantined = {(r["file"], r["sheet"], int(r["line"])) for r in made.quarantine if r["file"] in lists}
    assert quarantined == malformed
    assert made.summary["rows"] == made.summary["linked"] + made.summary["unmatched"]
    assert made.summary["rows"] + len(malformed) == len(rows)
