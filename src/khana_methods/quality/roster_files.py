"""Find and read the files of a roster: one file, or a folder with persons and perhaps households.

CSV (also .gz), Parquet and XLSX. A `codebook.csv` (file, column, code, label) in the folder says what numbers mean.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import ClassVar

from khana_methods.engine.duckdb import Engine
from khana_methods.engine.files import FileUnreadable, load_table
from khana_methods.errors import InputError
from khana_methods.quality.roster import Roster, make_roster

KINDS = (".csv", ".csv.gz", ".parquet", ".xlsx")
PERSONS = ("roster", "persons", "members", "individuals", "people", "person", "member")
HOUSEHOLDS = ("households", "household", "hh")


class RosterNotFound(InputError):
    """The folder has no file that looks like a roster."""

    code: ClassVar[str] = "quality.roster.not_found"


def find_files(place: Path) -> tuple[Path, Path | None]:
    """Return the file of persons and, where there is one, of households.

    Args:
        place: A file, which is the roster, or a folder.

    Raises:
        RosterNotFound: No file of the folder has a name of a roster, and it holds not exactly one table.
    """
    if place.is_file():
        return place, None
    files = sorted(p for p in place.iterdir() if p.name.lower().endswith(KINDS) and not p.name.startswith("codebook"))
    named = {_stem(path): path for path in reversed(files)}
    households = next((named[name] for name in HOUSEHOLDS if name in named), None)
    persons = next((named[name] for name in PERSONS if name in named), None)
    others = [path for path in files if path != households]
    if persons is None and len(others) == 1:
        persons = others[0]
    if persons is None:
        raise RosterNotFound(
            f"The folder has no roster. Name it persons or roster ({', '.join(KINDS)}), households beside it as "
            "households, or name the file itself.",
            files=len(files),
        )
    return persons, households


def _stem(path: Path) -> str:
    return path.name.lower().split(".", 1)[0]


def read_codebook(place: Path) -> dict[tuple[str, str], str]:
    """Read what the numbers of columns mean from the codebook beside a roster; empty where there is none.

    Raises:
        FileUnreadable: It lacks one of its columns.
    """
    file = (place if place.is_dir() else place.parent) / "codebook.csv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    if rows and not {"column", "code", "label"} <= set(rows[0]):
        raise FileUnreadable("codebook.csv needs the columns column, code and label (and file).", file=file.name)
    return {
        (column.strip(), str(row["code"]).strip()): str(row["label"])
        for row in rows
        for column in str(row["column"]).split(",")
    }


def read_roster(engine: Engine, place: Path, *, wanted: frozenset[str] | None = None) -> Roster:
    """Read a roster from a file or folder by the registry's facts and the words that are known.

    Raises:
        RosterNotFound, RosterUnrecognised, ValuesNotUnderstood, FileUnreadable: It cannot be read so.
    """
    persons, households = find_files(place)
    load_table(engine, "persons_read", persons)
    if households is not None:
        load_table(engine, "households_read", households)
    roster = make_roster(
        engine,
        "persons_read",
        "households_read" if households is not None else "",
        wanted=wanted,
        codebook=read_codebook(place),
        file=persons.name,
    )
    engine.drop("persons_read", "households_read")
    return roster
