"""Which programme to connect next: the ones that blur the five answers most.

A programme that nobody has connected makes "served by nothing" and "at the cap" uncertain for its
people. Cash that counts against the cap comes first, then poverty-targeted ones, then those that
exclude or require others, then the larger ones where beneficiaries or budget are known.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """One programme of the catalogue as the ranking needs it; unknown sizes are None."""

    code: str
    counts_to_cap: bool
    poverty_targeted: bool
    is_tied: bool = False
    beneficiaries: int | None = None
    budget: float | None = None


@dataclass(frozen=True)
class Ranked:
    """One programme that is not connected, with its place and the reasons for it."""

    rank: int
    code: str
    reasons: tuple[str, ...]


def rank_unconnected(catalogue: Sequence[Candidate], connected: Collection[str]) -> list[Ranked]:
    """Rank the programmes that no source delivers.

    Args:
        catalogue: Every programme; `is_tied` where it excludes or requires another.
        connected: Codes whose lists arrive.

    Returns:
        One entry per unconnected programme, first to connect first; reasons are the codes
        COUNTS_TO_CAP, POVERTY_TARGETED, TIED_TO_OTHERS, SIZE_KNOWN.

    Examples:
        >>> [r.code for r in rank_unconnected(
        ...     [Candidate("RICE", False, True), Candidate("CASH", True, True), Candidate("OLD", True, True, False, 9)],
        ...     connected=[])]
        ['OLD', 'CASH', 'RICE']
    """
    missing = [one for one in catalogue if one.code not in connected]
    missing.sort(
        key=lambda one: (
            not one.counts_to_cap,
            not one.poverty_targeted,
            not one.is_tied,
            -(one.beneficiaries or 0),
            -(one.budget or 0.0),
            one.code,
        )
    )
    return [Ranked(rank=number, code=one.code, reasons=_reasons(one)) for number, one in enumerate(missing, start=1)]


def _reasons(one: Candidate) -> tuple[str, ...]:
    held = {
        "COUNTS_TO_CAP": one.counts_to_cap,
        "POVERTY_TARGETED": one.poverty_targeted,
        "TIED_TO_OTHERS": one.is_tied,
        "SIZE_KNOWN": one.beneficiaries is not None or one.budget is not None,
    }
    return tuple(name for name, is_so in held.items() if is_so)
