"""Places where a test may kill this process, to prove that nothing is lost or half-written.

`KHANA_FAULT=place` kills with SIGKILL when the place is reached, `place:3` at the third time. It
works with `KHANA_ENV` test or bench only; everywhere else a place costs one dictionary look-up.
"""

from __future__ import annotations

import os
import signal

PLACES = (
    "file.before_write", "file.before_rename", "file.after_rename", "import.contract_kept", "import.batch_kept",
    "import.before_read", "import.chunk_staged", "import.all_staged", "import.refused_taken", "registry.files_written",
    "registry.versions_written", "registry.numbers_written", "import.loaded", "import.quarantine_written",
    "import.verified", "import.before_commit", "import.committed", "consolidate.started", "consolidate.frames_read",
    "consolidate.compared", "consolidate.findings_written", "consolidate.before_commit", "consolidate.committed",
    "linkage.started", "linkage.compared", "linkage.pairs_written", "linkage.before_commit", "linkage.model_kept",
)  # fmt: skip
_reached: dict[str, int] = {}


def reach(place: str) -> None:
    """Kill this process here if a test asked for it; else do nothing."""
    wish = os.environ.get("KHANA_FAULT")
    if not wish or os.environ.get("KHANA_ENV") not in ("test", "bench"):
        return
    name, _, count = wish.partition(":")
    if name != place:
        return
    _reached[place] = _reached.get(place, 0) + 1
    if _reached[place] >= int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
