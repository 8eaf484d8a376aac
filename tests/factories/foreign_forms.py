"""Real questionnaires that were not written here, out of the wheels that `script/test` fetches into .venv/forms.

The wheels are read as data: nothing of them is installed or run, and no form of them stands in this repository.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

WHEEL = "osm_fieldwork-*.whl"
BUILDINGS = "osm_fieldwork/xlsforms/buildings.xls"
_MOST_BYTES = 500_000  # some workbooks of the collection are megabytes of empty rows


def _wheel() -> Path:
    found = sorted((Path(sys.prefix) / "forms").glob(WHEEL))
    if not found:
        pytest.skip("the foreign questionnaires are not fetched: script/test fetches them (requirements/forms.txt)")
    return found[-1]


def foreign_form(name: str) -> bytes:
    """Return one workbook by its path in the wheel; skip the test where the wheel is not there."""
    with zipfile.ZipFile(_wheel()) as archive:
        return archive.read(name)


def foreign_forms() -> Iterator[tuple[str, bytes]]:
    """Return name and bytes of every XLSForm of the wheel that is no megabytes of empty rows."""
    with zipfile.ZipFile(_wheel()) as archive:
        for entry in archive.infolist():
            if (
                "/xlsforms/" in entry.filename
                and entry.filename.endswith((".xls", ".xlsx"))
                and entry.file_size < _MOST_BYTES
            ):
                yield Path(entry.filename).name, archive.read(entry)
