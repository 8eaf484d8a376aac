"""Open a file as what it is: compression by its first bytes, encoding by its marks and letters.

A file that is plainly not what the contract says is refused by name before a row is read. Text is
handed on as UTF-8 in pieces of whole lines, so that a file of any size takes little memory.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from khana.deliveries.contracts.schema import Layout
from khana.deliveries.reading.refusals import (
    ArchiveUnsafe,
    EncodingWrong,
    FileDamaged,
    FileEmpty,
    FileMissing,
    FormatWrong,
    LineTooLong,
)

PIECE_BYTES = 1 << 20
LONGEST_LINE = 4 << 20
MOST_RATIO = 250
_LOOK = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_KINDS = (
    (b"PK\x03\x04", "xlsx", "an Excel workbook or another zip archive"),
    (b"\xd0\xcf\x11\xe0", "xls", "an Excel workbook in the old .xls format"),
    (b"PAR1", "parquet", "a Parquet file"),
    (b"%PDF", "pdf", "a PDF"),
)


def foreign_as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Show bytes that are not valid in an encoding as the Windows letters that they probably are."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("khana_foreign", foreign_as_cp1252)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole lines as UTF-8, the lines in them that are not valid, and how far they reach.

    `foreign` maps the position of a line within the piece to its text as far as it can be shown.
    """

    data: bytes
    foreign: dict[int, str]
    bytes_done: int


def refuse_other_kind(path: Path, layout: Layout) -> None:
    """Refuse a file that is missing, empty, or plainly of another kind than the contract says.

    Raises:
        FileMissing: There is no such file.
        FileEmpty: It has no bytes.
        FormatWrong: Its first bytes are those of another kind.
    """
    if not path.is_file():
        raise FileMissing(f"There is no file {path.name}.", file=path.name)
    with path.open("rb") as stream:
        start = stream.read(8)
    if not start:
        raise FileEmpty(f"{path.name} is empty: it has no bytes. Ask the office to send it again.", file=path.name)
    wanted = layout.format
    for magic, kind, words in _KINDS:
        if start.startswith(magic) and kind != wanted:
            hint = "Save it as .xlsx and send it again." if kind == "xls" else "Say so in the contract, or convert it."
            raise FormatWrong(f"{path.name} is {words}; the contract reads {wanted}. {hint}", found=kind, wanted=wanted)
    if wanted == "jsonl":
        _refuse_no_json(path)
    expected = {"xlsx": b"PK\x03\x04", "parquet": b"PAR1"}.get(wanted)
    if expected and not start.startswith(expected):
        raise FormatWrong(
            f"{path.name} is no {'Excel workbook (.xlsx)' if wanted == 'xlsx' else 'Parquet file'}; "
            "choose the contract for the kind of file that it is.",
            found="text",
            wanted=wanted,
        )


def _refuse_no_json(path: Path) -> None:
    """Refuse a plain text none of whose first lines begins as a JSON record does."""
    with path.open("rb") as stream:
        start = stream.read(_LOOK)
    is_plain = b"\0" not in start and not start.startswith((b"\x1f\x8b", codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    lines = [line.strip() for line in start.removeprefix(codecs.BOM_UTF8).split(b"\n")]
    if is_plain and any(lines) and not any(line.startswith((b"{", b"[")) for line in lines):
        raise FormatWrong(
            f"{path.name} holds no JSON records; the contract reads jsonl, one record a line. "
            "Say in the contract what kind of file it is, or convert it.",
            found="text",
            wanted="jsonl",
        )


@contextmanager
def opened(path: Path, layout: Layout) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a text file, unpacked where it is packed.

    Yields:
        The stream to read and the stream whose position tells how far reading has come.
    """
    with path.open("rb") as stored:
        is_packed = stored.read(2) == b"\x1f\x8b"
        stored.seek(0)
        if layout.compression == "gzip" and not is_packed:
            raise FormatWrong(f"{path.name} is not packed with gzip as the contract says.", wanted="gzip")
        if not is_packed or layout.compression == "none":
            yield stored, stored
            return
        with gzip.GzipFile(fileobj=stored) as unpacked:
            yield cast(BinaryIO, unpacked), stored


def find_encoding(start: bytes, layout: Layout) -> tuple[str, int]:
    """Settle the encoding of a text file from its first bytes and the contract.

    Returns:
        The encoding and the length of the byte-order mark.

    Raises:
        EncodingWrong: The bytes are plainly of another encoding than the contract says.
    """
    mark = next(((name, len(bom)) for bom, name in _MARKS if start.startswith(bom)), None)
    seen = mark[0] if mark else _encoding_by_letters(start)
    wanted = "auto" if layout.encoding == "auto" else codecs.lookup(layout.encoding).name
    if wanted == "auto":
        return seen, mark[1] if mark else 0
    family = wanted.replace("-sig", "").removesuffix("-le").removesuffix("-be")
    if family == seen.removesuffix("-le").removesuffix("-be"):
        return seen, mark[1] if mark else 0
    is_contradicted = mark is not None or family.startswith("utf-16") or seen.startswith("utf-16")
    is_contradicted = is_contradicted or (family != "utf-8" and not start.isascii() and _is_all_utf8(start))
    if is_contradicted and not (family == "utf-8" and seen == "ascii"):
        raise EncodingWrong(
            f"The contract reads {layout.encoding}, but this file is {seen}. "
            f"Write 'encoding: {seen}' in the contract, or have the file saved again.",
            found=seen,
            wanted=layout.encoding,
        )
    if family == "utf-8" and seen == "cp1252":
        raise EncodingWrong(
            f"The contract reads {layout.encoding}, but many lines of this file are not valid in it. It looks like "
            "cp1252 (Windows): write 'encoding: cp1252' in the contract, or have the file saved again.",
            found="cp1252",
            wanted=layout.encoding,
        )
    return family, 0


def _encoding_by_letters(start: bytes) -> str:
    """Guess an encoding from bytes without a mark: UTF-16 by its noughts, UTF-8 by its validity."""
    head = start[:4096]
    if head.count(0) * 5 > len(head):
        return "utf-16-le" if head[1::2].count(0) >= head[0::2].count(0) else "utf-16-be"
    whole = start[: start.rfind(b"\n") + 1] or start
    marked = [line for line in whole.split(b"\n") if not line.isascii()]
    bad = [line for line in marked if not _is_utf8(line)]
    is_windows = len(bad) >= 5 and len(bad) * 20 > whole.count(b"\n")
    is_windows = is_windows or (
        len(bad) == len(marked) and len(bad) * 100 > whole.count(b"\n") and sum(map(_has_accent, bad)) * 2 > len(bad)
    )
    return "cp1252" if bad and is_windows else "utf-8"


def _has_accent(line: bytes) -> bool:
    """Tell whether what is not ASCII in a line are accented letters or fixed spaces of cp1252, at words."""
    return bool(
        re.search(rb"[A-Za-z][\xa0\xc0-\xff]|[\xa0\xc0-\xff][A-Za-z]|[A-Za-z0-9 ][\x85\x91-\x97][A-Za-z0-9 ]", line)
    )


def _is_all_utf8(start: bytes) -> bool:
    """Tell whether all whole lines are valid UTF-8: letters of another encoding hardly ever are."""
    return _is_utf8(start[: start.rfind(b"\n") + 1] or start)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def text_pieces(stream: BinaryIO, stored: BinaryIO, path: Path, layout: Layout) -> Iterator[Piece]:
    """Yield a text file as pieces of whole lines in UTF-8.

    Args:
        stream: The unpacked bytes.
        stored: The bytes as stored, whose position tells how far reading has come.
        path: For messages.
        layout: The contract's layout.

    Raises:
        EncodingWrong: The bytes are plainly of another encoding than the contract says.
        FileDamaged: The packed file breaks off.
        ArchiveUnsafe: The packed file unpacks to far more than a list packs to.
        LineTooLong: One line has more than four million bytes.
    """
    size = path.stat().st_size
    rest, unpacked, first, encoding = b"", 0, True, ""
    while True:
        data = _read(stream, max(PIECE_BYTES, _LOOK), path)
        unpacked += len(data)
        if stream is not stored and unpacked > max(16 << 20, size * MOST_RATIO):
            raise ArchiveUnsafe(
                f"{path.name} unpacks to more than {MOST_RATIO:,} times its size and was not read further.",
                ratio=MOST_RATIO,
            )
        if first:
            encoding, mark = find_encoding(data[:_LOOK], layout)
            data, first = data[mark:], False
        whole, rest = _whole_lines(rest + data, encoding, is_end=not data)
        if len(rest) > LONGEST_LINE:
            raise LineTooLong(
                f"{path.name} has a line of more than {LONGEST_LINE:,} bytes; a list has one line a row.",
                most=LONGEST_LINE,
            )
        if whole:
            yield Piece(*_as_utf8(whole, encoding), bytes_done=stored.tell())
        if not data:
            return


def _read(stream: BinaryIO, count: int, path: Path) -> bytes:
    try:
        return stream.read(count)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileDamaged(
            f"{path.name} is damaged: it cannot be unpacked to its end. Ask the office to send it again.",
            file=path.name,
        ) from error


def _whole_lines(data: bytes, encoding: str, *, is_end: bool) -> tuple[bytes, bytes]:
    """Cut after the last line break; at the end of the file everything is whole."""
    if is_end:
        return data, b""
    unit = 4 if encoding.startswith("utf-32") else 2 if encoding.startswith("utf-16") else 1
    if unit > 1:
        line_break = "\n".encode(encoding)
        cut = data.rfind(line_break)
        while cut >= 0 and cut % unit:
            cut = data.rfind(line_break, 0, cut + unit - 1)
        cut = cut + unit if cut >= 0 else 0
    else:
        cut = data.rfind(b"\n") + 1
        if not cut and b"\r" in data[:-1]:
            cut = data.rfind(b"\r", 0, len(data) - 1) + 1
    return data[:cut], data[cut:]


def _as_utf8(data: bytes, encoding: str) -> tuple[bytes, dict[int, str]]:
    """Return lines as UTF-8 and the positions of those that are not valid in the encoding."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return _with_foreign(data, encoding)
    utf8 = data if encoding in ("utf-8", "ascii") else text.encode()
    return (utf8 if b"\n" in utf8 or b"\r" not in utf8 else utf8.replace(b"\r", b"\n")), {}


def _with_foreign(data: bytes, encoding: str) -> tuple[bytes, dict[int, str]]:
    foreign: dict[int, str] = {}
    if encoding.startswith(("utf-16", "utf-32")):
        lines = data.decode(encoding, "replace").split("\n")
        foreign = {number: line for number, line in enumerate(lines) if "\ufffd" in line}
        return "\n".join("" if n in foreign else line for n, line in enumerate(lines)).encode(), foreign
    kept = []
    for number, line in enumerate(data.split(b"\n")):
        try:
            kept.append(line.decode(encoding).encode())
        except UnicodeDecodeError:
            foreign[number] = line.decode(encoding, "khana_foreign").rstrip("\r")
            kept.append(b"")
    return b"\n".join(kept), foreign
