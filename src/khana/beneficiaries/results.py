"""Reads of what consolidations found, for people: runs, figures, recipients, unserved, findings.

All under the caller's scope: row security decides what comes back. Lists are pages by key (the
last id or rank seen and a limit), never an offset. A *figure* is read from what a run wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from khana.beneficiaries.models import AreaFigure, Finding, Recipient, Run, UnservedHousehold


@dataclass(frozen=True)
class RunResult:
    """The last finished consolidation: what it read and its answers in numbers."""

    id: int
    ended_at: datetime | None
    parameters: Mapping[str, Any]
    inputs: Mapping[str, Any]
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class RecipientRow:
    """One recipient of one run."""

    id: int
    person_id: int | None
    household_number: str
    area_path: str
    agencies: Sequence[str]
    programmes: Sequence[str]
    cash_programmes: int
    is_over_cap: bool
    rows: int
    amount: Decimal
    score: Decimal | None
    is_well_off: bool


@dataclass(frozen=True)
class UnservedRow:
    """One poor household that no connected programme serves."""

    id: int
    rank: int
    household_number: str
    area_path: str
    score: Decimal
    members: int
    eligible_for: Sequence[str]


@dataclass(frozen=True)
class FindingRow:
    """One thing found about one benefit row."""

    id: int
    benefit_id: int
    source_code: str
    agency: str
    programme: str
    area_path: str
    file_name: str
    sheet: str
    line: int
    code: str
    role: str
    severity: str
    person_id: int | None
    household_number: str
    detail: str
    group_no: int | None


@dataclass(frozen=True)
class FindingFilters:
    """What a reader asked the list of findings for; empty means all."""

    code: str = ""
    programme: str = ""
    source: str = ""
    area_path: str = ""
    severity: str = ""

    def as_arguments(self) -> dict[str, str]:
        """Return the filters that are set, for an address or a report."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class RecipientFilters:
    """Which recipients a page shows."""

    area_path: str = ""
    programmes: Sequence[str] = field(default_factory=tuple)
    is_over_cap: bool = False
    is_well_off: bool = False
    has_overlap: bool = False
    any_programme: Sequence[str] = field(default_factory=tuple)


def latest_run() -> RunResult | None:
    """Return the last finished run, or nothing where none has finished yet."""
    run = Run.objects.filter(state=Run.State.DONE).order_by("-id").first()
    return RunResult(run.pk, run.ended_at, run.parameters, run.inputs, run.summary) if run else None


def figures_by_area(run_id: int, figure: str, codes: Iterable[str], programme: str = "") -> dict[str, int]:
    """Return one figure of one run for some areas, by area code; an area without rows is absent."""
    rows = AreaFigure.objects.filter(run_id=run_id, figure=figure, programme=programme, area_code__in=list(codes))
    return dict(rows.values_list("area_code", "value"))


def figures_of_area(run_id: int, area_code: str) -> dict[tuple[str, str], int]:
    """Return every figure of one area in one run by (figure, programme)."""
    rows = AreaFigure.objects.filter(run_id=run_id, area_code=area_code)
    return {(figure, programme): value for figure, programme, value in rows.values_list("figure", "programme", "value")}


def whole_country_figures(run_id: int, figure: str) -> dict[str, int]:
    """Return one figure of one run for the whole country, by programme."""
    rows = AreaFigure.objects.filter(run_id=run_id, figure=figure, level=0).exclude(programme="")
    return dict(rows.values_list("programme", "value"))


def figures_over(run_id: int, codes: Iterable[str]) -> dict[tuple[str, str], int]:
    """Return every figure of some areas together, by (figure, programme): areas that do not overlap."""
    rows = AreaFigure.objects.filter(run_id=run_id, area_code__in=list(codes)).values("figure", "programme")
    return {(row["figure"], row["programme"]): int(row["sum"]) for row in rows.annotate(sum=Sum("value")).order_by()}


def recipients(run_id: int, filters: RecipientFilters, *, after: int = 0, limit: int = 50) -> list[RecipientRow]:
    """Return one page of recipients in the order of their ids, those above `after`."""
    found = Recipient.objects.filter(run_id=run_id, id__gt=after)
    if filters.area_path:
        found = found.filter(area_path__startswith=filters.area_path)
    if filters.programmes:
        found = found.filter(programmes__contains=list(filters.programmes))
    if filters.is_over_cap:
        found = found.filter(is_over_cap=True)
    if filters.is_well_off:
        found = found.filter(is_well_off=True)
    if filters.has_overlap:
        found = found.filter(programmes__1__isnull=False)
    if filters.any_programme:
        wanted = Q()
        for code in filters.any_programme:
            wanted |= Q(programmes__contains=[code])
        found = found.filter(wanted)
    return [_recipient(row) for row in found.order_by("id")[:limit]]


def recipient(recipient_id: int) -> RecipientRow | None:
    """Return one recipient within the scope."""
    row = Recipient.objects.filter(pk=recipient_id).first()
    return _recipient(row) if row else None


def recipient_token(recipient_id: int) -> bytes | None:
    """Return the token of one recipient's number, to read her rows where she has no file."""
    token = Recipient.objects.filter(pk=recipient_id).values_list("id_token", flat=True).first()
    return bytes(token) if token else None


def recipients_of_household(run_id: int, household_number: str) -> list[RecipientRow]:
    """Return the recipients of one household in one run."""
    found = Recipient.objects.filter(run_id=run_id, household_number=household_number).order_by("id")
    return [_recipient(row) for row in found[:100]]


def _recipient(row: Recipient) -> RecipientRow:
    return RecipientRow(
        row.pk, row.person_id, row.household_number, row.area_path, tuple(row.agencies), tuple(row.programmes),
        row.cash_programmes, row.is_over_cap, row.rows, row.amount, row.score, row.is_well_off,
    )  # fmt: skip


def unserved(run_id: int, area_path: str = "", *, after: int = 0, limit: int = 50) -> list[UnservedRow]:
    """Return one page of unserved poor households, poorest first, those ranked below `after`."""
    found = UnservedHousehold.objects.filter(run_id=run_id, rank__gt=after)
    if area_path:
        found = found.filter(area_path__startswith=area_path)
    return [_unserved(row) for row in found.order_by("rank", "id")[:limit]]


def unserved_household(run_id: int, household_number: str) -> UnservedRow | None:
    """Return what a run said of one household, if it was poor and served by nothing."""
    row = UnservedHousehold.objects.filter(run_id=run_id, household_number=household_number).first()
    return _unserved(row) if row else None


def _unserved(row: UnservedHousehold) -> UnservedRow:
    return UnservedRow(
        row.pk, row.rank, row.household_number, row.area_path, row.score, row.members, tuple(row.eligible_for)
    )


def findings(run_id: int, filters: FindingFilters, *, after: int = 0, limit: int = 50) -> list[FindingRow]:
    """Return one page of findings in the order of their ids, those above `after`."""
    found = _filtered(run_id, filters).filter(id__gt=after)
    return [_finding(row) for row in found.order_by("id")[:limit]]


def count_findings(run_id: int, filters: FindingFilters, *, at_most: int = 10_000) -> int:
    """Count the findings that a filter shows, up to `at_most`: a page must not count a whole country."""
    return int(_filtered(run_id, filters).order_by()[:at_most].count())


def _filtered(run_id: int, filters: FindingFilters) -> Any:
    found = Finding.objects.filter(run_id=run_id)
    exact = {
        "code": filters.code, "programme": filters.programme, "source_code": filters.source,
        "severity": filters.severity,
    }  # fmt: skip
    found = found.filter(**{name: value for name, value in exact.items() if value})
    return found.filter(area_path__startswith=filters.area_path) if filters.area_path else found


def findings_of_benefits(run_id: int, benefit_ids: Sequence[int]) -> list[FindingRow]:
    """Return every finding of one run about some benefit rows."""
    found = Finding.objects.filter(run_id=run_id, benefit_id__in=list(benefit_ids)).order_by("benefit_id", "id")
    return [_finding(row) for row in found[:500]]


def _finding(row: Finding) -> FindingRow:
    return FindingRow(
        row.pk, row.benefit_id, row.source_code, row.agency, row.programme, row.area_path, row.file_name, row.sheet,
        row.line, row.code, row.role, row.severity, row.person_id, row.household_number, row.detail, row.group_no,
    )  # fmt: skip
