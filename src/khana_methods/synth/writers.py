"""Files that grow block by block: registers as comma-separated text, lists with their line numbers.

A register is never whole in memory; nor is a list. Writing counts physical lines, so that the
truth can say on which line of which file each row stands.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ClassVar

import pyarrow as pa
import pyarrow.csv as pacsv

from khana_methods.errors import Conflict, InputError, Unavailable

Table = dict[str, Any]


class FolderInUse(Conflict):
    """The folder already holds other files, which a new country would be mixed with."""

    code: ClassVar[str] = "synth.folder_in_use"


class CountryUnknown(InputError):
    """There is no such country to make."""

    code: ClassVar[str] = "synth.country_unknown"


class SizeRefused(InputError):
    """A country needs at least a few dozen households, and numbers for all of them."""

    code: ClassVar[str] = "synth.size_refused"


class DiskRefused(Unavailable):
    """The disk is full or refuses to be written."""

    code: ClassVar[str] = "synth.disk_refused"


class Registers:
    """All comma-separated registers and truth tables of one country, opened when first written."""

    def __init__(self, out: Path) -> None:
        """Keep the folder; nothing is opened yet."""
        self._out = out
        self._open: dict[str, Any] = {}
        self.rows: dict[str, int] = {}

    def write(self, name: str, table: Table) -> None:
        """Append a table of columns to the file ``name``; its header is written with the first."""
        batch = pa.table(
            {key: pa.array(value) if not isinstance(value, pa.ChunkedArray) else value for key, value in table.items()}
        )
        if name not in self._open:
            path = self._out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(",".join(table) + "\n", encoding="utf-8")
            stream = pa.OSFile(str(path), mode="ab")
            options = pacsv.WriteOptions(include_header=False, quoting_style="none")
            self._open[name] = (
                pacsv.CSVWriter(stream, batch.schema, write_options=options),
                stream,
                batch.schema,
            )
            self.rows[name] = 0
        writer, _, schema = self._open[name]
        writer.write_table(batch.cast(schema))
        self.rows[name] += batch.num_rows

    def close(self) -> None:
        """Close every file."""
        for writer, stream, _ in self._open.values():
            writer.close()
            stream.close()
        self._open.clear()


class LineFile:
    """A text file of lines that knows the number of the next line."""

    def __init__(self, path: Path, encoding: str, end: str, errors: str = "strict") -> None:
        """Open the file; ``utf-16`` writes its byte-order mark once."""
        self._stream: IO[bytes] = path.open("wb")
        self._encoding, self._end, self._errors = encoding, end, errors
        self.next_line = 1
        if encoding == "utf-16":
            self._stream.write(b"\xff\xfe")
            self._encoding = "utf-16-le"
        elif encoding == "utf-8-sig":
            self._stream.write(b"\xef\xbb\xbf")
            self._encoding = "utf-8"

    def write(self, lines: list[str], patch: Callable[[bytes], bytes] | None = None) -> None:
        """Append lines; a line with a line feed inside counts as two."""
        text = self._end.join(lines) + self._end if lines else ""
        data = text.encode(self._encoding, self._errors)
        self._stream.write(patch(data) if patch else data)
        self.next_line += text.count("\n")

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> LineFile:
        """Use as a context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close whatever happened."""
        self.close()
