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
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from khana.platform import places

_KEPT_SECONDS = 86_400
_UNSAFE = re.compile(r"[^\w.\- ()]+")


def safe_name(name: str) -> str:
    """Return the name of a file without folders and without signs that mean something elsewhere."""
    return _UNSAFE.sub("_", Path(name.replace("\\", "/")).name)[:120] or "file"


def keep(sent: UploadedFile[Any]) -> Path:
    """Write what was sent to a file that only we can read; sweep what is older than a day."""
    folder = places.folder("uploads")
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > _KEPT_SECONDS:
            old.unlink(missing_ok=True)
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
