"""What passes between the parts of reading: parted records, typed chunks, refused rows.

A *parted* block holds texts by fact and line; a *chunk* holds typed columns. Line numbers are
physical and 1-based, so that anybody can open the file and look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

ROW_MALFORMED = "ROW_MALFORMED"
ROW_ODD = "ROW_ODD"
FORMULA_TEXT = "FORMULA_TEXT"
QUARANTINE_SCHEMA = pa.schema(
    [
        ("sheet", pa.string()),
        ("line", pa.int64()),
        ("column", pa.string()),
        ("code", pa.string()),
        ("detail", pa.string()),
        ("raw", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file, typed; and what around them was refused or is no data.

    Attributes:
        rows: One row per row of the file that was read; see `docs/contracts.md` for the columns.
        quarantined: One row per row of the file that was refused: sheet, line, column, code, detail, raw.
        not_data: Lines that are no rows: headers, titles, totals, notes, blank lines.
        bytes_done: How far into the file, as stored, reading has come: for progress.
    """

    rows: pa.Table
    quarantined: pa.Table
    not_data: int
    bytes_done: int


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that cannot be read: where it stands, why, and its text as it came."""

    sheet: str
    line: int
    detail: str
    raw: str
    column: str = ""


@dataclass(slots=True)
class Parted:
    """Records of one block, parted into texts.

    `texts` has one column per fact and `unmapped` one per header that the contract does not map,
    all of one length and without nulls. `raw_of` gives the text of one record, by position.
    """

    sheet: str
    lines: npt.NDArray[np.int64]
    texts: dict[str, pa.Array]
    raw_of: Callable[[int], str]
    unmapped: dict[str, pa.Array] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    notes: dict[int, list[tuple[str, str, str]]] = field(default_factory=dict)
    not_data: int = 0
    bytes_done: int = 0

    def __len__(self) -> int:
        """Count the records."""
        return len(self.lines)


def joined(blocks: Sequence[Parted]) -> Parted:
    """Join blocks of one sheet, in order."""
    if len(blocks) == 1:
        return blocks[0]
    starts = np.cumsum([0, *(len(block) for block in blocks)])

    def raw_of(position: int) -> str:
        number = int(np.searchsorted(starts, position, side="right")) - 1
        return blocks[number].raw_of(position - int(starts[number]))

    def columns(name: str) -> dict[str, pa.Array]:
        return {
            key: pa.concat_arrays([getattr(block, name)[key] for block in blocks]) for key in getattr(blocks[0], name)
        }

    return Parted(
        sheet=blocks[0].sheet,
        lines=np.concatenate([block.lines for block in blocks]),
        texts=columns("texts"),
        raw_of=raw_of,
        unmapped=columns("unmapped"),
        refused=[row for block in blocks for row in block.refused],
        notes={
            position + int(start): notes
            for block, start in zip(blocks, starts, strict=False)
            for position, notes in block.notes.items()
        },
        not_data=sum(block.not_data for block in blocks),
        bytes_done=blocks[-1].bytes_done,
    )


def quarantine_table(refused: Sequence[Refused]) -> pa.Table:
    """Return refused rows as a table in the order of their lines."""
    ordered = sorted(refused, key=lambda row: row.line)
    return pa.table(
        {
            "sheet": [row.sheet for row in ordered],
            "line": [row.line for row in ordered],
            "column": [row.column for row in ordered],
            "code": [ROW_MALFORMED] * len(ordered),
            "detail": [row.detail for row in ordered],
            "raw": [row.raw for row in ordered],
        },
        schema=QUARANTINE_SCHEMA,
    )
