"""How long each question took, from the audit log that ODK Collect writes beside the answers.

Each line is an event with its question and two clocks in milliseconds. A question that was opened again adds up; what was open
longer than the limit is a telephone that lay on the table, and is left out.
"""

from __future__ import annotations

import csv
import io
import re

_PLACE = re.compile(r"\[\d+\]")
LONGEST_SECONDS = 1800.0


def question_seconds(text: str, *, longest: float = LONGEST_SECONDS) -> dict[str, float]:
    """Add up the seconds that each question was open.

    Args:
        text: The content of one `audit.csv`.
        longest: A single opening of more seconds is left out.

    Returns:
        Path of the question without the form's root and without places in a repeat -> seconds over all openings.

    Source:
        ODK form audit log: columns event, node, start, end; times in milliseconds since 1970.

    Examples:
        >>> log = '''event,node,start,end
        ... form start,,1000,
        ... question,/data/place/rooms,1000,5000
        ... question,/data/place/rooms,9000,10000
        ... question,/data/roster/member[2]/name,10000,12500
        ... question,/data/place/wall,12500,99999999
        ... form exit,,99999999,
        ... '''
        >>> question_seconds(log)
        {'place/rooms': 5.0, 'roster/member/name': 2.5}
    """
    found: dict[str, float] = {}
    try:
        for row in csv.DictReader(io.StringIO(text)):
            if (row.get("event") or "").strip() != "question":
                continue
            seconds = _seconds(row.get("start"), row.get("end"))
            if seconds is None or not 0 <= seconds <= longest:
                continue
            path = _PLACE.sub("", row.get("node") or "").lstrip("/").partition("/")[2]
            if path:
                found[path] = found.get(path, 0.0) + seconds
    except csv.Error:  # a damaged log says what it said before the damage
        return found
    return found


def _seconds(start: str | None, end: str | None) -> float | None:
    try:
        return (float(end or "") - float(start or "")) / 1000.0
    except ValueError:
        return None
