"""The model card: everything that a match was decided with, in one versioned, hashed document.

A card holds m and u of every level, the blocking passes, the prior of each use, thresholds, the hash of the
data that it was estimated on, and estimated precision and recall with intervals. A card is a draft until two
different people have approved it; only an approved one may link. Same card, same data: same pairs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

from khana_methods.errors import InputError, NotConfigured
from khana_methods.matching.compare import COMPARISONS, Comparison
from khana_methods.matching.evaluate import Interval
from khana_methods.matching.passes import PASSES, BlockingPass


class CardUnreadable(InputError):
    """A stored model card is not whole or does not fit this version's comparisons."""

    code: ClassVar[str] = "matching.card_unreadable"


class CardNotActive(NotConfigured):
    """The model has not been approved by two people; it may be tried, not used."""

    code: ClassVar[str] = "matching.card_not_active"


class SecondApproverNeeded(InputError):
    """The same person cannot approve a model twice: activation needs two people."""

    code: ClassVar[str] = "matching.second_approver_needed"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where deciding changes.

    From `link` up, without contradiction: linked. From `review` up: a steward looks. `margin`: bits by which the
    best candidate of a list row must lead the next person's.
    """

    link: float = 0.99
    review: float = 0.20
    margin: float = 1.0


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model.

    `m` and `u`: comparison -> level -> probability. `pairs_per_record`: expected matches of a record within the
    registry, from which each use derives its prior. `approved_by`: actor codes, two before use.
    """

    version: str
    m: Mapping[str, Mapping[str, float]]
    u: Mapping[str, Mapping[str, float]]
    pairs_per_record: float
    snapshot: str
    trained_records: int
    engine: str = "duckdb"
    library: str = ""
    thresholds: Thresholds = field(default_factory=Thresholds)
    passes: tuple[BlockingPass, ...] = PASSES
    precision: Interval | None = None
    recall: Interval | None = None
    estimate_from: str = ""
    approved_by: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        """Tell whether two different people have approved it."""
        return len(set(self.approved_by)) >= 2

    def approve(self, actor: str) -> ModelCard:
        """Give the card with one more approval.

        Raises:
            SecondApproverNeeded: The actor has approved it already.
        """
        if actor in self.approved_by:
            raise SecondApproverNeeded(
                "You approved this model already; somebody else must be the second.", actor=actor
            )
        return replace(self, approved_by=(*self.approved_by, actor))

    def require_active(self) -> None:
        """Refuse use before the second approval.

        Raises:
            CardNotActive: Fewer than two people have approved it.
        """
        if not self.is_active:
            raise CardNotActive(
                f"Matching model {self.version} is not active: two people must approve it.", version=self.version
            )

    def to_json(self) -> str:
        """Write the card as JSON with sorted keys."""
        values = asdict(self)
        for one in values["passes"]:
            for cut in ("finer", "finest"):
                if not one[cut]:
                    del one[cut]  # as cards were written before a pass could be cut
        return json.dumps(values, sort_keys=True, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """Read a stored card.

        Raises:
            CardUnreadable: It is not a card, or its levels are not those of this version.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            values["thresholds"] = Thresholds(**values["thresholds"])
            values["passes"] = tuple(BlockingPass(**one) for one in values["passes"])
            values["approved_by"] = tuple(values["approved_by"])
            for name in ("precision", "recall"):
                values[name] = Interval(**values[name]) if values[name] else None
            card = cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise CardUnreadable(
                "This is no model card. Train a model, or send the file that training wrote."
            ) from error
        _check_levels(card, COMPARISONS)
        return card

    def digest(self) -> str:
        """Return SHA-256 over what decides: parameters, passes and thresholds; not approvals or estimates."""
        deciding = replace(self, approved_by=(), precision=None, recall=None, estimate_from="")
        return hashlib.sha256(deciding.to_json().encode()).hexdigest()


def _check_levels(card: ModelCard, comparisons: Sequence[Comparison]) -> None:
    for comparison in comparisons:
        wanted = {level.code for level in comparison.levels if not level.is_null}
        if set(card.m.get(comparison.code, {})) != wanted or set(card.u.get(comparison.code, {})) != wanted:
            raise CardUnreadable(
                f"The model card's levels of {comparison.code} are not those of this version; train it again.",
                comparison=comparison.code,
            )
