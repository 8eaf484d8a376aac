"""How a process writes its log: one JSON object a line, UTC, no line break, no secret of an address, no value of an error.

Of an exception only its kind and the places are written: its text may hold what somebody typed. The token that
ODK Collect carries in the address (`/key/<token>/`) is cut out wherever an address is logged.
"""

from __future__ import annotations

import json
import logging
import os
import re
import traceback
from datetime import UTC, datetime

_KEY = re.compile(r"(/key/)[^/\s]+")


def without_keys(text: str) -> str:
    """Return a text without the tokens that stand in addresses.

    Examples:
        >>> without_keys("Not Found: /api/odk/v1/key/abc123/forms")
        'Not Found: /api/odk/v1/key/…/forms'
    """
    return _KEY.sub(r"\1…", text)


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON: when, how grave, who says it, in which process and part, what."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "part": os.environ.get("KHANA_DB_ROLE", ""),
            "process": record.process,
            "message": without_keys(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])[-4:]
            line["places"] = [f"{frame.filename}:{frame.lineno}" for frame in frames]
        return json.dumps(line, ensure_ascii=False, default=str)
