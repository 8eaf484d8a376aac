"""Files that a browser sends: written under var for the job that reads them, swept after a day.

The import keeps the file whole and encrypted before it reads a row; this copy is only the way
there. Its name on disk is our own; the name it came with is kept apart, cut to what is safe.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from pathlib import Path
from typing import Any, ClassVar

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from khana.platform import places
from khana_methods.errors import InputError

MOST_BYTES = 1 << 30
MOST_WAITING = 8 << 30
_KEPT_SECONDS = 86_400
_UNSAFE = re.compile(r"[^\w.\- ()]+")


class FileTooLarge(InputError):
    """A file is larger than a browser may send, or too much waits to be read already."""

    code: ClassVar[str] = "web.upload.too_large"


def safe_name(name: str) -> str:
    """Return the name of a file without folders and without signs that mean something elsewhere."""
    return _UNSAFE.sub("_", Path(name.replace("\\", "/")).name)[:120] or "file"


def keep(sent: UploadedFile[Any]) -> Path:
    """Write what was sent to a file that only we can read; sweep what is older than a day.

    Raises:
        FileTooLarge: It has more than a gigabyte, or what waits has more than eight: the disk must not run full.
    """
    if (sent.size or 0) > MOST_BYTES:
        raise FileTooLarge(
            _("A file may have %(n)s gigabyte at most here. Pack it with gzip, or load it with `khana import`.")
            % {"n": MOST_BYTES >> 30}
        )
    folder = places.folder("uploads")
    waiting = 0
    for old in folder.iterdir():
        try:
            found = old.stat()
        except FileNotFoundError:  # a job has read it meanwhile
            continue
        if time.time() - found.st_mtime > _KEPT_SECONDS:
            old.unlink(missing_ok=True)
        else:
            waiting += found.st_size
    if waiting + (sent.size or 0) > MOST_WAITING:
        raise FileTooLarge(_("Too many files wait to be read. Try again when the jobs before yours are done."))
    path = folder / f"{uuid.uuid4().hex}{Path(safe_name(sent.name or '')).suffix.lower()[:10]}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target:
            for chunk in sent.chunks():
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path
