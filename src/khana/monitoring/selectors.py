"""Reads of studies, snapshots and plans, for people: under the caller's scope, figures only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from khana.monitoring.models import CoverageStudy, IndicatorSnapshot, IndicatorValue, OutreachPlan, Report
from khana_methods.coverage.indicators import Value
from khana_methods.coverage.safe_values import SafeValue
from khana_methods.errors import NotFound


class NothingMeasured(NotFound):
    """There is no snapshot, study or plan of that number within the caller's scope, or none yet."""

    code: ClassVar[str] = "monitoring.nothing_measured"


@dataclass(frozen=True, slots=True)
class SnapshotHead:
    """What a snapshot stands on."""

    id: int
    framework: str
    version: str
    as_of: date
    made_at: datetime
    inputs: dict[str, Any]
    sha256: str
    threshold: int = 5


def get_snapshot(number: int | None = None) -> SnapshotHead:
    """Return one snapshot, the newest where no number is given.

    Raises:
        NothingMeasured: There is none.
    """
    rows = IndicatorSnapshot.objects.order_by("-as_of", "-id")
    found = rows.filter(pk=number).first() if number is not None else rows.first()
    if found is None:
        raise NothingMeasured("There is no snapshot yet. Run `khana monitoring indicators`.")
    return _head(found)


def list_snapshots(limit: int = 12) -> list[SnapshotHead]:
    """Return the newest snapshots."""
    return [_head(found) for found in IndicatorSnapshot.objects.order_by("-as_of", "-id")[:limit]]


def _head(found: IndicatorSnapshot) -> SnapshotHead:
    return SnapshotHead(
        found.pk, found.framework, found.version, found.as_of, found.made_at, dict(found.inputs), found.sha256,
        found.threshold,
    )  # fmt: skip


def list_values(
    snapshot: int, *, indicators: Sequence[str] = (), level: int | None = None, with_groups: bool = True
) -> list[Value]:
    """Return values of a snapshot in the order in which they were computed."""
    rows = IndicatorValue.objects.filter(snapshot_id=snapshot).order_by("id")
    if indicators:
        rows = rows.filter(indicator__in=indicators)
    if level is not None:
        rows = rows.filter(area_level=level)
    if not with_groups:
        rows = rows.filter(group_by="")
    names = ("indicator", "area_code", "area_level", "group_by", "group_value", "numerator", "denominator", "value")
    return [Value(*row) for row in rows.values_list(*names)]


_SAFE = (
    "indicator", "area_code", "area_level", "group_by", "group_value", "numerator", "denominator", "value", "hidden"
)  # fmt: skip


def list_area_values(snapshot: int, area_code: str) -> list[SafeValue]:
    """Return every value of one area as pages may show it: what is hidden has no figures."""
    rows = IndicatorValue.objects.filter(snapshot_id=snapshot, area_code=area_code).order_by("id").values_list(*_SAFE)
    return [_safe(row) for row in rows]


def list_values_of(snapshot: int, indicator: str, codes: Sequence[str]) -> dict[str, SafeValue]:
    """Return one indicator of several areas by code, for everybody in them."""
    rows = IndicatorValue.objects.filter(
        snapshot_id=snapshot, indicator=indicator, area_code__in=list(codes), group_by=""
    )
    return {row[1]: _safe(row) for row in rows.order_by("area_code").values_list(*_SAFE)}


def list_history(framework: str, indicator: str, codes: Sequence[str], limit: int = 24) -> list[tuple[date, SafeValue]]:
    """Return one indicator of some areas over the newest snapshots of a framework, oldest first; the last of each day."""
    newest: dict[date, int] = {}
    heads = IndicatorSnapshot.objects.filter(framework=framework).order_by("-as_of", "-id")
    for number, day in heads.values_list("pk", "as_of")[: limit * 2]:
        newest.setdefault(day, number)
    kept = dict(sorted(newest.items())[-limit:])
    days = {number: day for day, number in kept.items()}
    rows = IndicatorValue.objects.filter(
        snapshot_id__in=list(days), indicator=indicator, area_code__in=list(codes), group_by=""
    )
    found = [(days[row[0]], _safe(row[1:])) for row in rows.order_by("id").values_list("snapshot_id", *_SAFE)]
    return sorted(found, key=lambda one: one[0])


def _safe(row: tuple[Any, ...]) -> SafeValue:
    code, area, level, fact, group, above, below, value, hidden = row
    if hidden:
        above = below = value = None
    return SafeValue(code, area, level, fact, group, above, below, value, hidden)


@dataclass(frozen=True, slots=True)
class StudyFile:
    """A kept study."""

    id: int
    title: str
    made_at: datetime
    parameters: dict[str, Any]
    summary: dict[str, Any]
    figures: list[dict[str, Any]]
    determinants: list[dict[str, Any]]
    notes: list[str]


def get_study(number: int | None = None) -> StudyFile:
    """Return one study, the newest where no number is given.

    Raises:
        NothingMeasured: There is none.
    """
    rows = CoverageStudy.objects.order_by("-id")
    found = rows.filter(pk=number).first() if number is not None else rows.first()
    if found is None:
        raise NothingMeasured("There is no coverage study yet. Run `khana coverage study`.")
    return StudyFile(
        found.pk, found.title, found.made_at, dict(found.parameters), dict(found.summary), list(found.figures),
        list(found.determinants), list(found.notes),
    )  # fmt: skip


def list_studies(limit: int = 20) -> list[tuple[int, str, datetime]]:
    """Return number, title and time of the newest studies."""
    rows = CoverageStudy.objects.order_by("-id").values_list("pk", "title", "made_at")[:limit]
    return [(int(number), title, made_at) for number, title, made_at in rows]


def get_plan(number: int | None = None) -> dict[str, Any]:
    """Return one outreach plan, the newest where no number is given.

    Raises:
        NothingMeasured: There is none.
    """
    rows = OutreachPlan.objects.order_by("-id")
    found = rows.filter(pk=number).first() if number is not None else rows.first()
    if found is None:
        raise NothingMeasured("There is no outreach plan yet. Run `khana outreach plan`.")
    return {
        "plan": found.pk, "title": found.title, "summary": found.summary, "rows": found.stops, "parameters": found.parameters,
        "made_at": found.made_at,
    }  # fmt: skip


def list_plans(limit: int = 20) -> list[tuple[int, str, datetime]]:
    """Return number, title and time of the newest plans."""
    rows = OutreachPlan.objects.order_by("-id").values_list("pk", "title", "made_at")[:limit]
    return [(int(number), title, made_at) for number, title, made_at in rows]


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report that was written: what it is, and the hash under which its file is kept."""

    id: int
    title: str
    period: str
    form: str
    language: str
    sha256: str
    size: int
    made_at: datetime


def list_reports(limit: int = 50) -> list[ReportFile]:
    """Return the newest reports."""
    return [_report(row) for row in Report.objects.order_by("-id")[:limit]]


def get_report(number: int) -> ReportFile:
    """Return one report.

    Raises:
        NothingMeasured: There is none of that number.
    """
    found = Report.objects.filter(pk=number).first()
    if found is None:
        raise NothingMeasured("There is no report of that number.")
    return _report(found)


def _report(row: Report) -> ReportFile:
    return ReportFile(row.pk, row.title, row.period, row.form, row.language, row.sha256, row.size, row.made_at)


def snapshot_for(framework: str, start: date, end: date) -> tuple[SnapshotHead, SnapshotHead | None]:
    """Return the snapshot that speaks for a period, and one to hold it against.

    The newest as of a day within the period, else the first as of a later day; before it, the newest as of a day before
    the period.

    Raises:
        NothingMeasured: No snapshot is as of a day in or after the period.
    """
    rows = IndicatorSnapshot.objects.filter(framework=framework)
    inside = rows.filter(as_of__gte=start, as_of__lte=end).order_by("-as_of", "-id").first()
    found = inside or rows.filter(as_of__gt=end).order_by("as_of", "-id").first()
    if found is None:
        raise NothingMeasured(
            f"No snapshot is as of a day from {start.isoformat()} on. Run `khana monitoring indicators --as-of "
            f"{end.isoformat()}`."
        )
    before = rows.filter(as_of__lt=start).order_by("-as_of", "-id").first()
    return _head(found), _head(before) if before else None
