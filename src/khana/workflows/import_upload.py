"""Import a file that a browser sent, and remove the copy that brought it here.

The import keeps the file whole and encrypted before it reads a row. The copy under `uploads` is
needed again only where the import failed and is tried once more; it is swept after a day.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from khana.platform.progress import Progress, silent
from khana.workflows import import_file


def run(
    *, token: str, path: Path, entity: str, source: str, name: str, progress: Progress = silent, at: datetime
) -> dict[str, Any]:
    """Import one sent file as `import_file` does; after success its copy is gone."""
    result = import_file.run(token=token, path=path, entity=entity, source=source, name=name, progress=progress, at=at)
    path.unlink(missing_ok=True)
    return result
