"""What a share of matched households says of the registered, when matching itself errs.

Some who are registered are not found (sensitivity under 1), some who are not are matched to another (false matches).
Both rates come from a review of pairs, so they are estimates too, and their doubt widens the interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from khana_methods.errors import InputError


class LinkageRatesWrong(InputError):
    """The rates cannot be: outside 0 and 1, or a sensitivity that is no better than a false match."""

    code: ClassVar[str] = "coverage.linkage_rates_wrong"


@dataclass(frozen=True, slots=True)
class LinkageError:
    """How well the matching finds.

    Attributes:
        sensitivity: Share of the registered that are matched.
        false_match: Share of the not registered that are matched to somebody.
        sensitivity_se: Standard error of the first; 0 where it is known.
        false_match_se: Of the second.
    """

    sensitivity: float = 1.0
    false_match: float = 0.0
    sensitivity_se: float = 0.0
    false_match_se: float = 0.0

    def __post_init__(self) -> None:
        """Refuse rates that cannot be.

        Raises:
            LinkageRatesWrong: The correction would divide by nothing, or turn round.
        """
        rates = (self.sensitivity, self.false_match, self.sensitivity_se, self.false_match_se)
        if not all(0 <= rate <= 1 for rate in rates) or self.sensitivity <= self.false_match:
            raise LinkageRatesWrong(
                "Sensitivity and false matches lie between 0 and 1, and the first is the larger: a matching that finds "
                "the registered no more often than others says nothing."
            )

    @property
    def is_perfect(self) -> bool:
        """Nothing to correct."""
        return self == LinkageError()

    def corrected(self, share: float) -> float:
        """Return C = (p - f) / (s - f).

        Source:
            Rogan and Gladen 1978, American Journal of Epidemiology 107(1).

        Examples:
            >>> round(LinkageError(0.95, 0.02).corrected(0.8), 6)
            0.83871
        """
        return (share - self.false_match) / (self.sensitivity - self.false_match)

    def added_variance(self, share: float) -> float:
        """Return what doubt in both rates adds to the variance of a corrected share (delta method).

        Args:
            share: The corrected share C.
        """
        apart = (self.sensitivity - self.false_match) ** 2
        return ((share * self.sensitivity_se) ** 2 + ((1 - share) * self.false_match_se) ** 2) / apart

    def chance_of_match(self, share: float) -> float:
        """Return the mean variance of one household's match around its chance, for a corrected share C.

        A household that is drawn with certainty is still matched by chance: a finite population takes the doubt of
        drawing away and not this one.
        """
        inside = min(1.0, max(0.0, share))
        apart = (self.sensitivity - self.false_match) ** 2
        of_registered = self.sensitivity * (1 - self.sensitivity)
        return (inside * of_registered + (1 - inside) * self.false_match * (1 - self.false_match)) / apart


def linkage_error_of(words: Mapping[str, Any]) -> LinkageError:
    """Read the rates of a study: as rates, or as counts of a review.

    Args:
        words: `sensitivity` and `false_match` with their `_se`; or `true_pairs` and `found` (registered households in
            the review, and those matched), `strangers` and `matched_wrongly` (not registered, and those matched).

    Examples:
        >>> found = linkage_error_of({"true_pairs": 400, "found": 380, "strangers": 200, "matched_wrongly": 2})
        >>> found.sensitivity, found.false_match, round(found.sensitivity_se, 5)
        (0.95, 0.01, 0.0109)
    """
    try:
        if "true_pairs" in words:
            pairs, strangers = float(words["true_pairs"]), float(words.get("strangers") or 0)
            rate = float(words["found"]) / pairs
            wrong = float(words.get("matched_wrongly") or 0) / strangers if strangers else 0.0
            return LinkageError(rate, wrong, _spread(rate, pairs), _spread(wrong, strangers))
        return LinkageError(
            float(words.get("sensitivity", 1.0)), float(words.get("false_match", 0.0)),
            float(words.get("sensitivity_se", 0.0)), float(words.get("false_match_se", 0.0)),
        )  # fmt: skip
    except (TypeError, ValueError, KeyError, ZeroDivisionError):
        raise LinkageRatesWrong(
            "Linkage error is sensitivity and false_match, or true_pairs, found, strangers and matched_wrongly."
        ) from None


def _spread(rate: float, trials: float) -> float:
    """Return the standard error of a rate from trials; half a case is added, so that none of many is not no doubt."""
    if trials <= 0:
        return 0.0
    smoothed = (rate * trials + 0.5) / (trials + 1) if rate in (0.0, 1.0) else rate
    return float((smoothed * (1 - smoothed) / trials) ** 0.5)
