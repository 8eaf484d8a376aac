"""One household at the desk: scored by the model in force through the same function as the whole registry.

The operator sees score, place and class at once; the score supersedes the household's last one.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.assessment import model_store, runs
from khana.assessment.one_household import reckon
from khana.assessment.services import record_scores
from khana.platform import installation
from khana.registry import files
from khana_methods.errors import NotFound
from khana_methods.pmt.from_facts import percentile_in


class HouseholdUnknown(NotFound):
    """No household of that number lies within the scope."""

    code: ClassVar[str] = "workflows.score.household_unknown"


def run(*, token: str, number: str, as_of: date | None = None, at: datetime) -> dict[str, Any]:
    """Score one household and record the score.

    Args:
        token: In whose name; it needs `scores.desk` for the household's area.
        number: The number on the household's slip.
        as_of: The day for which facts are read; the installation's world date, or today.
        at: When.

    Returns:
        household, score (its number, for `khana explain`), value, class, percentile, missing, due_on; where the model
        refuses the household `score` and `value` are null and `missing` and `unseen` say why.

    Raises:
        HouseholdUnknown: There is none of that number within the scope.
        NoModelInForce: Two people have signed no model for that day.
    """
    day = as_of or installation.today(at)
    with access.scoped(token):
        access.require("scores.desk")
        household = files.household_id_of(number)
        if household is None:
            raise HouseholdUnknown("No such household, or it lies outside the area that you work for.")
        current = model_store.get_in_force(day)
        found = reckon(household_id=household, known=current.known, as_of=day, known_at=at)
        result: dict[str, Any] = {
            "household": number, "model": f"{current.known.code}/{current.known.version}", "score": None,
            "value": found.score, "class": found.class_name, "percentile": None, "missing": list(found.missing),
            "unseen": list(found.unseen), "due_on": None,
        }  # fmt: skip
        if found.score is None:
            return result
        place = percentile_in(found.score, runs.quantiles_of(current.known.id))
        due = runs.due_on(found.survey_date, current.signatures.recertify_months)
        row = {
            "household_id": household, "area_path": found.area_path, "score": found.score, "score_date": found.survey_date,
            "raw": found.raw, "percentile": place, "class_name": found.class_name, "contributions": list(found.contributions),
            "missing": list(found.missing), "unseen": list(found.unseen), "facts_mark": found.facts_mark, "due_on": due,
        }  # fmt: skip
        number_of_score = record_scores.record_desk_score(
            row=row, model_id=current.known.id, model_code=current.known.code, as_of=day, at=at
        )
    return {**result, "score": number_of_score, "percentile": place, "due_on": due}
