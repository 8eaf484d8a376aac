"""Each question with what is known of it: left empty, seconds, reliability, and the models and rules that read its facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from khana.intake import selectors
from khana.intake.services import reviews
from khana.platform import installation
from khana.workflows import facts_in_use


def of_version(*, form: str, version: str = "") -> list[dict[str, Any]]:
    """Return one row for each question that somebody answers, within the scope that is open.

    Returns:
        question, asked, missing_share, other_share, timed, seconds_median, compared, error_rate, reliability, used_by; None
        where nothing is known yet.
    """
    row = selectors.get_version(form, version)
    definition = selectors.definition_of(row)
    known = reviews.evidence_of(row)
    users: dict[str, list[str]] = {}
    for use in facts_in_use.run(country=installation.read().get("country", "pak")):
        users.setdefault(use.fact, []).append(use.name)
    found = []
    for question in definition.questions:
        if not question.is_asked:
            continue
        one = known.get(question.path)
        used = sorted({name for fact in question.facts for name in users.get(fact, ())})
        found.append(
            {
                "question": question.name, "asked": one.asked if one else 0, "missing_share": one.missing_share if one else None,
                "other_share": one.other_share if one else None, "timed": one.timed if one else 0,
                "seconds_median": one.seconds_median if one else None, "compared": one.compared if one else 0,
                "error_rate": one.error_rate if one else None, "reliability": one.reliability if one else None,
                "used_by": ", ".join(used),
            }
        )  # fmt: skip
    return found


def keep_reliability(*, form: str, version: str, rows: Iterable[Mapping[str, Any]], at: datetime) -> int:
    """Keep what re-interviews showed of the questions of a version, as `khana spotcheck analyse` gives it; return how many."""
    row = selectors.get_version(form, version)
    paths = {question.name: question.path for question in selectors.definition_of(row).questions}
    kept = [
        {"question": paths[str(one["question"])], "reliability": _number(one.get("reliability")), "error_rate": _number(one.get("rate")),
         "compared": round(_number(one.get("compared")) or 0)}
        for one in rows if str(one.get("question")) in paths
    ]  # fmt: skip
    return reviews.keep_evidence(form=row.form.code, version=row.version, rows=kept, at=at)


def _number(value: object) -> float | None:
    try:
        return None if value in (None, "") else float(str(value))
    except ValueError:
        return None
