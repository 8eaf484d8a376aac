"""Publish a frozen list in the anonymised form that the law asks for: no name, no number, no household that stands out.

A row has the area, the place and a mark that only the family can recognise: an HMAC of the list and its own number under
the key ring, printed on her letter. Areas in which fewer than `FEWEST` were selected are told with the area above them.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from datetime import datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.platform import keys
from khana.programmes import lists
from khana.programmes.services import lists as list_services
from khana_methods.errors import Conflict

FEWEST = 5
MARK_LETTERS = 10
_PAGE = 20_000


class NotFrozen(Conflict):
    """Only a frozen list is published."""

    code: ClassVar[str] = "workflows.publish_list.not_frozen"


def mark_of(code: str, unit: str) -> str:
    """Return the mark by which a family recognises itself on a published list."""
    return keys.token(f"publication:{code}", unit).hex()[:MARK_LETTERS].upper()


def run(*, token: str, code: str, at: datetime) -> dict[str, Any]:
    """Return the published form of a frozen list as CSV with its hash and what was coarsened, and record it.

    Raises:
        NotFrozen: The list may still change, or was withdrawn.
    """
    with access.scoped(token):
        known = lists.get_list(code)
        if known.state not in ("FROZEN", "PUBLISHED"):
            raise NotFrozen(f"The list {code} is {known.state.lower()}: only a frozen list is published.", list=code)
        chosen: list[tuple[str, str]] = []
        last = 0
        while page := lists.entries_of(known.id, after=last, limit=_PAGE, state="SELECTED"):
            chosen += [(entry.area_path, mark_of(code, entry.unit)) for entry in page]
            last = page[-1].id
        paths = _coarse([path for path, _ in chosen])
        rows = sorted((path.rstrip(".").split(".")[-1], mark) for path, (_, mark) in zip(paths, chosen, strict=True))
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["list", "programme", "area", "mark"])
        writer.writerows([code, known.programme, area, mark] for area, mark in rows)
        content = out.getvalue().encode()
        sha256 = hashlib.sha256(content).hexdigest()
        coarsened = sum(path != own for path, (own, _) in zip(paths, chosen, strict=True))
        list_services.mark_published(code=code, sha256=sha256, rows=len(rows), at=at)
    return {"list": code, "rows": len(rows), "coarsened": coarsened, "sha256": sha256, "content": content}


def _coarse(paths: list[str]) -> list[str]:
    """Return paths of which none holds fewer than `FEWEST`: rare ones are told with the area above them.

    Examples:
        >>> _coarse(["A.B.C."] * 5 + ["A.B.D."] * 3 + ["A.B.E."] * 2)[::3]
        ['A.B.C.', 'A.B.C.', 'A.B.', 'A.B.']
    """
    now = list(paths)
    while True:
        counts = Counter(now)
        rare = {path for path, n in counts.items() if n < FEWEST and path.count(".") > 1}
        top = [path for path, n in counts.items() if n < FEWEST and path.count(".") <= 1]
        if not rare and top and len(counts) > len(top):  # the few at the top take the smallest area with them
            rare = {min((path for path in counts if path not in top), key=lambda path: (counts[path], path))}
        if not rare:
            return now
        now = [_above(path) if path in rare else path for path in now]


def _above(path: str) -> str:
    return ".".join(path.rstrip(".").split(".")[:-1]) + "."
