"""Hold a findings report against a truth folder: by code, to the row."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.commands import standing

DECIDED = (
    "NID_MISSING", "NID_MALFORMED", "NID_NOT_FOUND", "NID_DOB_MISMATCH", "DUP_NID", "DUP_MOBILE", "DUP_ACCOUNT",
    "OTHER_PROGRAMME_CONFLICT", "PREREQUISITE_MISSING", "CAP_EXCEEDED", "DECEASED", "GOVT_EMPLOYEE",
    "GRADUATED_STILL_LISTED",
)  # fmt: skip
# why some truth cannot be seen from the files: the truth's own marks, counted apart
UNSEEN = {
    "by_name_only": "only recognising the person by her name shows it; numbers are missing, mistyped or another's",
    "denied_by_name_only": "the numbers show it and only recognising the person denies it",
    "register_does_not_show": "no register in the folder records it",
}
COLUMNS = "source,file,sheet,line,code,role,severity,person,household_id,line_no,detail,group"
Key = tuple[str, str, int]
Planted = dict[str, dict[str, set[Key]]]


def khana(*words: str, token: str, database: str) -> str:
    """Run one command as its user would; return what it printed."""
    done = standing().run(*words, database=database, token=token, KHANA_TRACEBACK="1")
    assert done.code == 0, done.err[-3000:]
    return done.out


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Return the rows of a CSV, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as handle:
        yield from csv.DictReader(handle)


def read_findings(path: Path) -> dict[str, set[Key]]:
    """Return a findings report by code."""
    found: dict[str, set[Key]] = defaultdict(set)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        assert reader.fieldnames == COLUMNS.split(",")
        for row in reader:
            found[row["code"]].add((row["file"], row["sheet"], int(row["line"])))
    return found


def read_planted(path: Path) -> Planted:
    """Return the truth: code -> mark ('' where exact matching decides) -> rows."""
    out: Planted = defaultdict(lambda: defaultdict(set))
    for row in rows_of(path):
        mark = row["detail"].rsplit(";", 1)[-1]
        out[row["code"]][mark if mark in UNSEEN else ""].add((row["file"], row["sheet"], int(row["line"])))
    return out


@dataclass(frozen=True)
class Verdict:
    """How one code fares, and what the files cannot show of it."""

    code: str
    true: int
    found: int
    precision: float
    recall: float
    too_many: tuple[Key, ...]
    too_few: tuple[Key, ...]
    apart: dict[str, int]


def judge(code: str, findings: dict[str, set[Key]], planted: Planted) -> Verdict:
    """Return precision and recall of one code; rows that the files cannot show count neither way."""
    found, true = findings[code], planted[code][""]
    unseen: set[Key] = set().union(*(planted[code][mark] for mark in UNSEEN)) - true
    counted = found - unseen
    hit = len(counted & true)
    return Verdict(
        code, len(true), len(counted), hit / max(1, len(counted)) if counted else 1.0, hit / len(true) if true else 1.0,
        tuple(sorted(counted - true)[:10]), tuple(sorted(true - counted)[:10]),
        {mark: len(rows) for mark, rows in planted[code].items() if mark},
    )  # fmt: skip
