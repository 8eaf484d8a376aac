"""One score's file: what it was made of, in words; and the same number again from stored versions.

Reads the score, the model version that it names and the household's facts as they stood on its day and
were known when it was made. A score that arrived with a registry has no parts: only its maker knows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.assessment import letter, model_store
from khana.assessment import scores as assessment
from khana.assessment.one_household import Reckoned, reckon
from khana.audit import services as audit
from khana_methods.errors import Conflict


class ScoreArrived(Conflict):
    """The score arrived with a registry: it was made elsewhere, and nothing is known of its parts."""

    code: ClassVar[str] = "dossiers.score.arrived"


@dataclass(frozen=True)
class ScoreFile:
    """A score, the model that made it, and its parts as the stored versions give them."""

    score: assessment.KnownScore
    known: model_store.KnownModel | None
    reckoned: Reckoned | None
    overrides: list[assessment.KnownOverride]


def score_file(score_id: int) -> ScoreFile:
    """Read one score with its parts.

    Raises:
        ScoreUnknown: There is none of that number within the scope.
    """
    score = assessment.get_score(score_id)
    known = reckoned = None
    if score.model_id is not None and score.as_of and score.known_at:
        known = model_store.get_model_by_id(score.model_id)
        reckoned = reckon(household_id=score.household_id, known=known, as_of=score.as_of, known_at=score.known_at)
    return ScoreFile(score, known, reckoned, assessment.overrides_of(score.household_id))


def explain(score_id: int, language: str, *, at: datetime) -> dict[str, Any]:
    """Say in words what a score was made of.

    Args:
        score_id: Number of the score.
        language: en, ur or bn.
        at: When; that somebody read it is recorded.
    """
    access.require("scores.read")
    file = score_file(score_id)
    audit.record(action="assessment.score.read", subject=f"score:{score_id}", at=at)
    return letter.write(file.score, file.known, file.reckoned, language)


def replay(score_id: int, *, at: datetime) -> dict[str, Any]:
    """Make a score again from stored versions and hold it against what was recorded.

    Raises:
        ScoreArrived: It was made elsewhere.
    """
    access.require("scores.read")
    file = score_file(score_id)
    if file.known is None or file.reckoned is None:
        raise ScoreArrived("This score arrived with a registry: it was made elsewhere and cannot be made again here.")
    audit.record(action="assessment.score.replayed", subject=f"score:{score_id}", at=at)
    again = None if file.reckoned.score is None else round(file.reckoned.score, 2)
    return {
        "score": score_id, "model": f"{file.known.code}/{file.known.version}", "as_of": file.score.as_of,
        "known_at": file.score.known_at, "recorded": file.score.score, "replayed": again,
        "facts": file.score.facts_mark, "facts_replayed": file.reckoned.facts_mark,
        "is_same": again is not None and float(file.score.score) == again
        and file.score.facts_mark == file.reckoned.facts_mark,
    }  # fmt: skip
