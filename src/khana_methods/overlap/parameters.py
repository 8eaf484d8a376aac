"""What a consolidation is asked with, and what it gives back.

Every value here is policy, not method: the caller takes it from the country pack for the date
that the question is asked of, and stores it with the run, so that the run can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, ClassVar

from khana_methods.errors import InputError

Progress = Callable[[str, float], None]


class ParameterOutOfRange(InputError):
    """A cap, a cut-off or a percentile that no policy could mean."""

    code: ClassVar[str] = "overlap.parameter_out_of_range"


@dataclass(frozen=True)
class Parameters:
    """The policy values of one consolidation.

    Attributes:
        as_of: The day that the question is asked of; ages of people on no list are taken on it.
        cap: How many programmes that count (`counts_to_cap`) one payee may draw.
        poor_cutoff: A household with this score or less is poor (score points, 0 poorest).
        well_off_percentile: A household above this percentile of all scores is well off.
        connected: Programmes whose lists are in; None takes those that have rows.
        exempt_sexes: Payees never called well off (Pakistan: transgender persons are eligible
            without a score cut-off since December 2022).
    """

    as_of: date
    cap: int = 3
    poor_cutoff: float = 32.0
    well_off_percentile: float = 80.0
    connected: frozenset[str] | None = None
    exempt_sexes: frozenset[str] = field(default_factory=lambda: frozenset({"O"}))

    def __post_init__(self) -> None:
        """Refuse what no policy could mean."""
        if self.cap < 0 or not 0 <= self.poor_cutoff <= 100 or not 0 < self.well_off_percentile <= 100:
            raise ParameterOutOfRange(
                "The cap must be 0 or more, the poor cut-off 0 to 100, the well-off percentile above 0 and up to 100.",
                cap=self.cap,
                poor_cutoff=self.poor_cutoff,
                well_off_percentile=self.well_off_percentile,
            )

    def as_json(self) -> dict[str, Any]:
        """Give the values in a form that JSON can hold."""
        values = asdict(self)
        values["as_of"] = self.as_of.isoformat()
        values["connected"] = sorted(self.connected) if self.connected is not None else None
        values["exempt_sexes"] = sorted(self.exempt_sexes)
        return values


@dataclass(frozen=True)
class Consolidation:
    """What a consolidation left in the engine, and its answers in numbers.

    Attributes:
        summary: Counts only, fit for JSON; see `summary.summarise`.
        tables: Names of the result tables in the engine.
    """

    summary: dict[str, Any]
    tables: tuple[str, ...]
