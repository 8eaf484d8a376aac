"""Files that appear whole or not at all, and that only their owner may read.

What Khana writes may be of people. It is written beside its place under a name that begins with a dot, brought to disk,
and then takes its place in one step; what fails leaves nothing behind and an older file as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Lend an empty file of mode 0600 beside the target, which takes its place when the block ends without an error.

    Args:
        target: Where the file shall stand; a file that is there is replaced.

    Yields:
        The path to write to, by whatever writes; it is open to its owner only.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with whole_file(folder / "a.txt") as place:
        ...     _ = place.write_text("whole")
        >>> (folder / "a.txt").read_text(), oct((folder / "a.txt").stat().st_mode & 0o777), len(list(folder.iterdir()))
        ('whole', '0o600', 1)
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield temporary
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
