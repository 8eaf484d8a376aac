"""One table for every interface: what a foreign error means in our kinds.

Our own errors carry their HTTP status and exit code; this module translates those of the
database, the disk and the operating system, and never shows their text (it may hold values).
"""

from __future__ import annotations

import errno
from typing import ClassVar

from django.db import utils as database_errors

from khana_methods.errors import Conflict, InputError, KhanaError, NotPermitted, Unavailable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_OURS = (
    errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP,
)  # fmt: skip


class DatabaseGone(Unavailable):
    """The database does not answer or went away in the middle."""

    code: ClassVar[str] = "interfaces.database_gone"


class DiskFull(Unavailable):
    """No room is left on the disk."""

    code: ClassVar[str] = "interfaces.disk_full"


class FileMissing(InputError):
    """A named file or folder is not there, or may not be read."""

    code: ClassVar[str] = "interfaces.file_missing"


class RefusedByDatabase(NotPermitted):
    """Row security or a privilege of the database refused it."""

    code: ClassVar[str] = "interfaces.refused_by_database"


class ValueImpossible(InputError):
    """A text or number that no column can hold: a null character, more digits than there are."""

    code: ClassVar[str] = "interfaces.value_impossible"


class StateMoved(Conflict):
    """Somebody else wrote the same thing first."""

    code: ClassVar[str] = "interfaces.state_moved"


def translate(error: BaseException) -> KhanaError | None:
    """Return our error for a foreign one, or None where it is a mistake of ours."""
    import psycopg

    cause = error.__cause__ if isinstance(error, database_errors.Error) and error.__cause__ else error
    if isinstance(cause, psycopg.errors.DiskFull) or (isinstance(error, OSError) and error.errno in _FULL):
        return DiskFull("The disk is full. Make room and run the same command again: nothing was half-written.")
    if isinstance(cause, psycopg.Error) and cause.sqlstate == "KH403":
        needed = cause.diag.message_detail or ""
        return RefusedByDatabase(f"You may not do this: it needs the permission '{needed}'.", permission=needed)
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        return RefusedByDatabase("The database refused it: your role or scope does not reach that far.")
    if isinstance(cause, psycopg.errors.UniqueViolation | psycopg.errors.SerializationFailure):
        return StateMoved("Somebody else wrote the same thing first. Look again and retry.")
    if isinstance(cause, psycopg.DataError):
        return ValueImpossible("A value is none that can be kept: it holds a null character or too many digits.")
    if isinstance(error, database_errors.OperationalError | database_errors.InterfaceError) or isinstance(
        cause, psycopg.OperationalError | psycopg.InterfaceError
    ):
        return DatabaseGone("The database does not answer. Start it with `khana up` and run the same command again.")
    if isinstance(error, OSError) and error.filename and error.errno in _NOT_OURS:
        return FileMissing(
            f"Cannot read or write {error.filename}: {error.strerror}. Check the path and who may write there.",
        )
    return None
