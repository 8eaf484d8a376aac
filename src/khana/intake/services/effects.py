"""Keep what a form would do to a score, and who besides its sender confirmed it.

The figures come from above: intake knows no scores. A confirmation holds for these figures only; where they change before
the form is taken, it is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from khana.intake import opened as drafts
from khana.intake.models import AmendmentEffect, Submission
from khana.intake.services.match import target_of


@dataclass(frozen=True)
class Effect:
    """What one form would do to one household; `filters` are those by which a programme is lost, or was not gained before."""

    household_id: int
    area_path: str
    model_label: str
    score_before: float | None
    score_after: float | None
    class_before: str
    class_after: str
    members_before: int
    members_after: int
    gains: tuple[str, ...]
    loses: tuple[str, ...]
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def crosses(self) -> bool:
        """Say whether a line is crossed: another class, or a programme gained or lost."""
        return self.class_before != self.class_after or bool(self.gains or self.loses)


def targets(rows: Sequence[Submission]) -> dict[int, int]:
    """Return the household that each submission would change, by its row number; new households are absent."""
    found = {row.pk: target_of(row, drafts.of(row)) for row in rows}
    return {number: household for number, household in found.items() if household is not None}


def survey_days(rows: Sequence[Submission]) -> list[object]:
    """Return the day of each interview."""
    return [drafts.of(row).survey_date for row in rows]


def keep(row: Submission, effect: Effect, *, at: datetime) -> bool:
    """Keep an effect; say whether the form has to wait for its second person."""
    last = AmendmentEffect.objects.filter(submission=row).order_by("-id").first()
    same = last is not None and (
        _rounded(last.score_before), _rounded(last.score_after), last.class_after, tuple(last.gains), tuple(last.loses),
        last.filters,
    ) == (
        _rounded(effect.score_before), _rounded(effect.score_after), effect.class_after, effect.gains, effect.loses,
        {code: list(told) for code, told in effect.filters.items()},
    )  # fmt: skip
    if same and last is not None:
        return effect.crosses and last.confirmed_by is None
    AmendmentEffect.objects.create(
        submission=row, household_id=effect.household_id, area_path=row.area_path, model_label=effect.model_label,
        score_before=_rounded(effect.score_before), score_after=_rounded(effect.score_after), class_before=effect.class_before,
        class_after=effect.class_after, members_before=effect.members_before, members_after=effect.members_after,
        gains=list(effect.gains), loses=list(effect.loses),
        filters={code: list(told) for code, told in effect.filters.items()}, crosses=effect.crosses, sent_by=row.actor_id, reckoned_at=at,
    )  # fmt: skip
    return effect.crosses


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def of_submission(number: int) -> AmendmentEffect | None:
    """Return the newest effect of a submission within the scope."""
    return AmendmentEffect.objects.filter(submission_id=number).order_by("-id").first()
