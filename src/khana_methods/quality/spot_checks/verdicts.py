"""What follows from a spot check: which lots pass, and who would change sides of the cut-off.

A household is faulty if a fact of type 1 differs. A verdict on a lot that was checked too little is no verdict,
and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from khana_methods.errors import InputError
from khana_methods.quality.spot_checks.lots import judge_plan
from khana_methods.quality.spot_checks.reliability import flips


class ScoreUnusable(InputError):
    """The column of the score is not in both files, or holds no number that both have."""

    code: ClassVar[str] = "quality.verdicts.score_unusable"


def judge_lots(
    households: pa.Table, lot: str, interviews: Sequence[object], *, good: float, bad: float, producer: float = 0.05,
    consumer: float = 0.10,
) -> list[dict[str, Any]]:  # fmt: skip
    """Judge each lot by its faulty households.

    Args:
        households: As `compare` gives them, with the column `lot`.
        lot: Column whose values are the lots.
        interviews: The lot of every interview of the survey: how large each lot is.
        good: Share of faulty households of a lot that should pass.
        bad: Share of one that should not.
        producer: Risk to fail a good lot.
        consumer: Risk to pass a bad lot.

    Returns:
        By lot: interviews, checked, faulty, allowed, `passes`, `can_tell` and a warning where it cannot.
    """
    sizes: dict[str, int] = {}
    for name in interviews:
        sizes[str(name or "")] = sizes.get(str(name or ""), 0) + 1
    seen: dict[str, list[int]] = {}
    for row in households.to_pylist():
        counts = seen.setdefault(row[lot], [0, 0])
        counts[0] += 1
        counts[1] += row["type_1"] > 0
    rows = []
    for name, (checked, faulty) in sorted(seen.items()):
        size = max(sizes.get(name, checked), checked)
        plan = judge_plan(checked, good, bad, producer=producer, consumer=consumer, lot=size)
        rows.append(
            {"lot": name, "interviews": size, "checked": checked, "faulty": faulty, "allowed": plan.d,
             "passes": faulty <= plan.d, "can_tell": plan.can_tell, "warning": plan.warning}
        )  # fmt: skip
    return rows


def flips_of(survey: pa.Table, again: pa.Table, key: str, score: str, cut_off: float) -> dict[str, Any]:
    """Count who changes sides of the cut-off between interview and re-interview.

    Raises:
        ScoreUnusable: A file has no such column, or no household has both scores.
    """
    if not all(score in table.schema.names for table in (survey, again)):
        raise ScoreUnusable(f"'{score}' is not a column of both files.", column=score)
    first, second = (
        {str(k): _number(v) for k, v in zip(t.column(key).to_pylist(), t.column(score).to_pylist(), strict=True)}
        for t in (survey, again)
    )
    pairs = [(first[k], value) for k, value in second.items() if value is not None and first.get(k) is not None]
    if not pairs:
        raise ScoreUnusable(f"No household has a number in '{score}' of both files.", column=score)
    one, two = (np.array([pair[n] for pair in pairs], dtype=float) for n in (0, 1))
    found = flips(one, two, cut_off)
    return {"compared": found.compared, "mean_difference": float((two - one).mean())} | {
        f"{name}{end}": getattr(getattr(found, name), part)
        for name in ("flip", "lost", "gained")
        for end, part in (("", "value"), ("_low", "low"), ("_high", "high"))
    }


def _number(value: object) -> float | None:
    try:
        return float(str(value).strip())
    except ValueError:
        return None
