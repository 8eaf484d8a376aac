"""Does everything that was received stand somewhere? Received = registered + waiting + returned + under way.

Counted to the submission, and looked behind: each has its bytes in the store, its stamps lead to its state, each registered
one names its household.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from khana.access import services as access
from khana.intake.selectors import count_by_state
from khana.platform import bulk, files
from khana.platform.progress import Progress, silent

UNDER_WAY = ("RECEIVED", "CHECKED", "VERIFIED", "MATCHED")
_STAMPS = """SELECT s.id, 'stamp_missing' FROM intake_submission s
WHERE NOT EXISTS (SELECT 1 FROM intake_stamp t WHERE t.submission_id = s.id)
UNION ALL
SELECT s.id, 'stamp_differs' FROM intake_submission s
JOIN LATERAL (SELECT t.state FROM intake_stamp t WHERE t.submission_id = s.id ORDER BY t.id DESC LIMIT 1) l ON l.state <> s.state
UNION ALL
SELECT s.id, 'household_missing' FROM intake_submission s WHERE s.state = 'REGISTERED' AND s.household_id IS NULL"""
_FILES = """SELECT s.id, s.sha256 FROM intake_submission s
UNION ALL SELECT p.submission_id, p.sha256 FROM intake_submissionpart p"""


def run(*, progress: Progress = silent) -> dict[str, Any]:
    """Count the submissions of the scope and look behind each.

    Returns:
        received, registered, waiting, returned, under_way, balanced, files, and `rows`: (submission, problem) for each that
        does not stand as it should; no rows and `balanced` mean that nothing is lost.
    """
    access.require("submissions.read")
    cursor = bulk.raw_cursor()
    counts = count_by_state()
    received = cursor.execute("SELECT count(*) FROM intake_submission").fetchone()
    total = int(received[0]) if received else 0
    problems = [{"submission": number, "problem": problem} for number, problem in cursor.execute(_STAMPS).fetchall()]
    looked = 0
    for number, sha256 in _files(cursor):
        looked += 1
        if not files.path_of(sha256).exists():
            problems.append({"submission": number, "problem": "file_missing"})
        if looked % 1000 == 0:
            progress(looked, 0, "looking")
    under_way = sum(counts[state] for state in UNDER_WAY)
    found = {
        "received": total, "registered": counts["REGISTERED"], "waiting": counts["WAITING"], "returned": counts["RETURNED"],
        "under_way": under_way,
    }  # fmt: skip
    balanced = total == found["registered"] + found["waiting"] + found["returned"] + under_way and not problems
    return {**found, "balanced": balanced, "files": looked, "rows": problems}


def _files(cursor: Any) -> Iterator[tuple[int, str]]:
    cursor.execute(_FILES)
    while rows := cursor.fetchmany(5000):
        yield from rows
