"""Secrets of this installation that are not keys: database passwords and the web secret.

Each is a file of its own, readable by its owner only, under `<var>/secrets`. A process reads
the one it needs and no other; nothing of this is ever in the repository or in the database.
"""

from __future__ import annotations

import contextlib
import os
import secrets

from khana.platform import places


def get_secret(name: str) -> str:
    """Return the secret of that name; it is made on first use (256 bits, URL-safe).

    An environment variable `KHANA_SECRET_<NAME>` goes before the file, for installations that
    hand secrets over in their own way.
    """
    given = os.environ.get(f"KHANA_SECRET_{name.upper()}")
    if given:
        return given
    path = places.folder("secrets") / name
    if not path.exists():
        temporary = path.with_suffix(f".{os.getpid()}.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_urlsafe(32))
            handle.flush()
            os.fsync(handle.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        temporary.unlink()
    return path.read_text().strip()
