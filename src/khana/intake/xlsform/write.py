"""Write a questionnaire as an XLSForm workbook, byte for byte the same each time.

A workbook bears the hour of its making in two places (its properties and the entries of the archive); both are held still,
so that the same questions are the same file and the same hash.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime

from openpyxl import Workbook

from khana_country.questionnaire import Questionnaire

_STILL = (1980, 1, 1, 0, 0, 0)


def workbook_bytes(questionnaire: Questionnaire) -> bytes:
    """Return the workbook with the sheets survey, choices, settings and entities."""
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for name in ("survey", "choices", "settings", "entities"):
        rows: Sequence[dict[str, str]] = getattr(questionnaire, name)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        sheet = book.create_sheet(name)
        sheet.append(columns)
        for row in rows:
            sheet.append([row.get(column) for column in columns])
    book.properties.created = book.properties.modified = datetime(1980, 1, 1)
    book.properties.creator = "Khana"
    raw = io.BytesIO()
    book.save(raw)
    return _still(raw.getvalue())


def _still(data: bytes) -> bytes:
    """Return the archive with every entry at one fixed time, and its properties too."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist()):
            body = source.read(name)
            if name == "docProps/core.xml":
                start, end = body.find(b"<dcterms:modified"), body.find(b"</dcterms:modified>")
                if start >= 0 and end > start:
                    inner = body.find(b">", start) + 1
                    body = body[:inner] + b"1980-01-01T00:00:00Z" + body[end:]
            target.writestr(zipfile.ZipInfo(name, _STILL), body, zipfile.ZIP_DEFLATED)
    return out.getvalue()
