"""Why a whole file is refused: each says what is wrong with it and what to do.

A single bad row never refuses a file; it goes to quarantine. Messages hold headers, counts and
positions, and no cell of a row.
"""

from __future__ import annotations

from typing import ClassVar

from khana_methods.errors import InputError, NotFound


class FileMissing(NotFound):
    """There is no such file."""

    code: ClassVar[str] = "deliveries.file.missing"


class FileEmpty(InputError):
    """The file has no bytes, or nothing but blank lines."""

    code: ClassVar[str] = "deliveries.file.empty"


class HeaderOnly(InputError):
    """The file has its header and no row."""

    code: ClassVar[str] = "deliveries.file.header_only"


class DelimiterWrong(InputError):
    """The columns are parted by another sign than the contract says."""

    code: ClassVar[str] = "deliveries.file.delimiter_wrong"


class EncodingWrong(InputError):
    """The letters are stored in another encoding than the contract says."""

    code: ClassVar[str] = "deliveries.file.encoding_wrong"


class FormatWrong(InputError):
    """The file is of another kind than the contract says, or of none that Khana reads."""

    code: ClassVar[str] = "deliveries.file.format_wrong"


class FileDamaged(InputError):
    """The file breaks off, or its parts contradict each other."""

    code: ClassVar[str] = "deliveries.file.damaged"


class ArchiveUnsafe(InputError):
    """A compressed file would unpack to more than it has any business to."""

    code: ClassVar[str] = "deliveries.file.archive_unsafe"


class ColumnMissing(InputError):
    """A column that the contract maps is not in the file."""

    code: ClassVar[str] = "deliveries.file.column_missing"


class HeaderTwice(InputError):
    """Two columns bear one name: which is meant would be a guess."""

    code: ClassVar[str] = "deliveries.file.header_twice"


class TooManyColumns(InputError):
    """The file has more columns than any list of people has."""

    code: ClassVar[str] = "deliveries.file.too_many_columns"


class ContractForAnotherFile(InputError):
    """Hardly any column that the contract maps is in the file."""

    code: ClassVar[str] = "deliveries.file.contract_for_another"


class SheetMissing(InputError):
    """A sheet that the contract names is not in the workbook."""

    code: ClassVar[str] = "deliveries.file.sheet_missing"


class LineTooLong(InputError):
    """One line is so long that the file cannot be a list."""

    code: ClassVar[str] = "deliveries.file.line_too_long"
