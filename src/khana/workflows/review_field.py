"""The high-frequency checks over the registry's own filled forms: each night, and whenever somebody asks.

The methods are those of any file. What they find is kept by enumerator and by question; it says whom to visit and accuses nobody.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from khana.access import services as access
from khana.intake import interviews
from khana.intake.services import reviews
from khana.platform.progress import Progress, silent
from khana_methods.engine.duckdb import Engine
from khana_methods.quality.interviews import question_evidence
from khana_methods.quality.interviews.review import MEASURES, review
from khana_methods.quality.interviews.submissions import lay_out

MEMORY_MIB = 512
ROLES = {
    "submission": "submission", "enumerator": "enumerator", "started": "started", "ended": "ended", "latitude": "latitude",
    "longitude": "longitude", "accuracy": "accuracy", "village": "village", "age": "head_age",
}  # fmt: skip


def run(
    *, token: str, begins: date | None = None, ends: date | None = None, days: int = 1, keep: bool = True,
    progress: Progress = silent, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Check the filled forms that arrived in a span of days.

    Args:
        token: In whose name: submissions.read for what is checked, centres.manage to keep it.
        begins: First day; `days` before the end if absent.
        ends: The day after the last; today if absent, so that a night's run sees whole days.
        days: How many days where `begins` is absent.
        keep: Keep the lines, for the pages.
        progress: Told how many forms were read.
        at: When.

    Returns:
        submissions, enumerators, minutes_median, whipple, myers, findings (count by code), rows (a line by enumerator).
    """
    last = ends or at.date()
    first = begins or last - timedelta(days=days)
    with access.scoped(token):
        found = list(_told(interviews.read(begins=first, ends=last), progress))
        if not found:
            return {"from": first, "until": last, "submissions": 0, "findings": {}, "rows": []}
        with Engine(memory_mib=MEMORY_MIB, threads=1) as engine:
            checked = _checked(engine, found, at.date())
            evidence = question_evidence.evidence(engine, _answers(found)).to_pylist()
        if keep:
            reviews.keep_lines(
                lines=_lines(found, checked), run=f"{at.isoformat()}-{os.getpid()}", begins=first, ends=last, at=at
            )
            for form, version in sorted({(one.row.form_code, one.row.version) for one in found}):
                rows = [row for row in evidence if row["version"] == f"{form}/{version}"]
                reviews.keep_evidence(form=form, version=version, rows=rows, at=at)
    counts: dict[str, int] = {}
    for code in checked.findings.column("code").to_pylist():
        counts[code] = counts.get(code, 0) + 1
    shown = ("enumerator", "submissions", "minutes_median", "day_most", "alike_median", "review_rank", "first")
    rows = [{name: row[name] for name in shown} for row in checked.enumerators.to_pylist()]
    return {"from": first, "until": last, **checked.overall, "findings": counts, "rows": rows}


def _told(found: Any, progress: Progress) -> Any:
    for number, one in enumerate(found, start=1):
        if number % 100 == 0:
            progress(number, 0, "reading")
        yield one


def _checked(engine: Engine, found: Sequence[interviews.Interview], today: date) -> Any:
    names = sorted({path for one in found for path in one.questions})
    columns = {
        "submission": [str(one.row.pk) for one in found], "enumerator": [one.row.actor_label for one in found],
        "started": [one.started for one in found], "ended": [one.ended for one in found],
        "latitude": [one.position[0] for one in found], "longitude": [one.position[1] for one in found],
        "accuracy": [one.position[2] for one in found], "village": [one.village for one in found],
        "head_age": [one.head_age for one in found],
        **{f"q:{name}": [one.questions.get(name) for one in found] for name in names},
    }  # fmt: skip
    engine.register(
        "submissions_read", pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    )
    layout = lay_out(engine, "submissions_read", ROLES)
    return review(engine, layout, today=today)


def _answers(found: Sequence[interviews.Interview]) -> pa.Table:
    rows = [
        row for one in found
        for row in question_evidence.as_rows(one.questions, one.seconds, str(one.row.pk), f"{one.row.form_code}/{one.row.version}")
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=question_evidence.answer_frame)


def _lines(found: Sequence[interviews.Interview], checked: Any) -> list[reviews.Line]:
    by_label: dict[str, list[interviews.Interview]] = {}
    for one in found:
        by_label.setdefault(one.row.actor_label, []).append(one)
    findings: dict[str, list[dict[str, Any]]] = {}
    for row in checked.findings.to_pylist():
        findings.setdefault(row["enumerator"], []).append(
            {
                "submission": int(row["submission"]),
                "code": row["code"],
                "variable": str(row["variable"] or "").removeprefix("q:"),
            }
        )
    lines = []
    for row in checked.enumerators.to_pylist():
        mine = by_label.get(row["enumerator"], [])
        if mine:
            lines.append(
                reviews.Line(
                    user_id=mine[0].row.actor_id, user_label=row["enumerator"], area_path=_common([one.row.area_path for one in mine]),
                    submissions=row["submissions"], rank=row["review_rank"], first=row["first"] or "",
                    measures={name: row[name] for name in ("days", "minutes_median", *MEASURES) if row.get(name) is not None},
                    findings=findings.get(row["enumerator"], ()),
                )
            )  # fmt: skip
    return lines


def _common(paths: Sequence[str]) -> str:
    """Return the smallest area that holds all of some.

    Examples:
        >>> _common(["PK.PK1.PK101.", "PK.PK1.PK102."])
        'PK.PK1.'
    """
    shared = []
    for parts in zip(*(path.rstrip(".").split(".") for path in paths), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "".join(f"{part}." for part in shared)


def compare_ballots(
    *, token: str, form: str, first: str, second: str, begins: date, ends: date
) -> list[dict[str, object]]:
    """Compare the answers that two versions of a form got, question by question; see `question_evidence.compare_ballots`."""
    code, _sign, of_second = second.rpartition("/")
    with access.scoped(token):
        found = [
            *interviews.read(begins=begins, ends=ends, form=form, versions=[first]),
            *interviews.read(begins=begins, ends=ends, form=code or form, versions=[of_second]),
        ]
        return question_evidence.compare_ballots(_answers(found), f"{form}/{first}", f"{code or form}/{of_second}")
