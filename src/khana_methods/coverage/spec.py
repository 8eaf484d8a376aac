"""What a study asks of a survey: the words of its design file beside the design itself.

Every column is named once here; a study reads nothing that is not named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from khana_methods.coverage.linkage_error import LinkageError, linkage_error_of
from khana_methods.errors import InputError


class StudyUnreadable(InputError):
    """The words of a study do not say what they should."""

    code: ClassVar[str] = "coverage.study_unreadable"


@dataclass(frozen=True, slots=True)
class StudySpec:
    """The columns and values of one study.

    Attributes:
        registered: Column of 1 and 0 (yes and no), where the matching was done before; empty where it is done here.
        match: Fact of matching to column of the survey: id_number, name, birth_date, sex, ...
        household: Column of the household where the file has a row for each person; empty: a row a household.
        welfare: Column of welfare per head; its quantiles become a domain of their own.
        poor_column: Column of 1 and 0 that says who is poor.
        poor_line: Or the line that the poor are at or under.
        poor_share: Or the share of people who are poor.
        quantiles: How many quantiles of welfare.
        domains: Columns, each a domain by itself; `a+b` for a combination.
        reasons: Column of the reason why a household is not registered.
        determinants: Regressors of not being registered.
        poststrata: Columns of the post-strata of the dual-system estimate.
        compare: Fact of the registry to column of the survey, for accuracy.
        linkage: Rates of linkage error.
        gone: Column of what a visit to a registered household found: here, moved, dead, not found; blank where none was visited.
        years: Column of years since the stored interview, for how fast stored facts decay.
    """

    registered: str = ""
    match: Mapping[str, str] = field(default_factory=dict)
    household: str = ""
    welfare: str = ""
    poor_column: str = ""
    poor_line: float | None = None
    poor_share: float | None = None
    quantiles: int = 5
    domains: Sequence[str] = ()
    reasons: str = ""
    determinants: Sequence[str] = ()
    poststrata: Sequence[str] = ()
    compare: Mapping[str, str] = field(default_factory=dict)
    linkage: LinkageError = field(default_factory=LinkageError)
    gone: str = ""
    years: str = ""

    @property
    def has_poor(self) -> bool:
        """Somebody can be told to be poor."""
        return bool(self.poor_column) or (
            bool(self.welfare) and (self.poor_line is not None or self.poor_share is not None)
        )


def study_of(words: Mapping[str, Any]) -> StudySpec:
    """Read the words of a study.

    Args:
        words: `registered`, `match`, `household`, `welfare` (column, or column with `quantiles`), `poor` (column, or
            `line`, or `share`), `domains`, `reasons`, `determinants`, `poststrata`, `compare`, `linkage`.

    Raises:
        StudyUnreadable: A word has another form.

    Examples:
        >>> found = study_of({"registered": "r", "welfare": "y", "poor": {"share": 0.4}, "domains": "province"})
        >>> found.poor_share, found.domains, found.has_poor
        (0.4, ('province',), True)
    """
    welfare, poor = words.get("welfare") or "", words.get("poor") or ""
    quantiles = 5
    if isinstance(welfare, Mapping):
        quantiles, welfare = int(welfare.get("quantiles", 5)), welfare.get("column", "")
    line = share = None
    column = poor if isinstance(poor, str) else ""
    try:
        if isinstance(poor, Mapping):
            line = None if poor.get("line") is None else float(poor["line"])
            share = None if poor.get("share") is None else float(poor["share"])
            column = str(poor.get("column") or "")
    except (TypeError, ValueError):
        raise StudyUnreadable("`poor` is a column, or `line: NUMBER`, or `share: NUMBER`.") from None
    if share is not None and not 0 < share < 1:
        raise StudyUnreadable("The share of the poor lies between 0 and 1.", share=share)
    if (line is not None or share is not None) and not welfare:
        raise StudyUnreadable("A line or share of the poor needs `welfare`: the column that it is held against.")
    match = words.get("match") or {}
    if isinstance(match, str):
        match = {"id_number": match}
    compare = words.get("compare") or {}
    linkage = words.get("linkage") or {}
    if not all(isinstance(one, Mapping) for one in (match, compare, linkage)):
        raise StudyUnreadable("`match`, `compare` and `linkage` are lists of WORD: VALUE.")
    return StudySpec(
        registered=str(words.get("registered") or ""),
        match={str(k): str(v) for k, v in match.items()},
        household=str(words.get("household") or ""),
        welfare=str(welfare),
        poor_column=column,
        poor_line=line,
        poor_share=share,
        quantiles=quantiles,
        domains=_names(words.get("domains")),
        reasons=str(words.get("reasons") or ""),
        determinants=_names(words.get("determinants")),
        poststrata=_names(words.get("poststrata")),
        compare={str(k): str(v) for k, v in compare.items()},
        linkage=linkage_error_of(linkage) if linkage else LinkageError(),
        gone=str(words.get("gone") or ""),
        years=str(words.get("years") or ""),
    )


def _names(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, Sequence):
        return tuple(str(part) for part in value)
    raise StudyUnreadable("Columns are a name, or a list of names.")
