"""Folders to work in, which are gone afterwards even where the process was killed.

What is written there may be plain text of people. A process holds a lock on its own folder for
as long as it works; a kill drops the lock, and the next who asks for a folder beside it removes
what nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from khana.platform import places

_NEWBORN_SECONDS = 1.0  # between the making of a folder and its lock


@contextmanager
def workplace(*names: str) -> Iterator[Path]:
    """Lend an empty folder under a folder of var, open to its owner only; it is removed at the end.

    Args:
        names: The folder under var that holds such folders, such as `"files", "reading"`.
    """
    room = places.folder(*names)
    remove_abandoned(room)
    mine = Path(tempfile.mkdtemp(dir=room))
    lock = os.open(mine, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield mine
    finally:
        shutil.rmtree(mine, ignore_errors=True)
        os.close(lock)


def remove_abandoned(room: Path) -> int:
    """Remove what killed processes left in a folder; return how many things."""
    removed = 0
    for path in room.iterdir():
        try:
            if time.time() - path.stat().st_mtime < _NEWBORN_SECONDS:
                continue
            lock = os.open(path, os.O_RDONLY)
        except OSError:  # it went away, or is somebody else's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # its process lives
            continue
        else:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            removed += 1
        finally:
            os.close(lock)
    return removed
