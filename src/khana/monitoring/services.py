"""Keep what was measured: studies, snapshots, plans. Permission first, one event for each, figures only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.monitoring.models import CoverageStudy, IndicatorSnapshot, OutreachPlan, Report
from khana.platform import bulk

PERMISSION = "monitoring.write"


@transaction.atomic
def keep_study(
    *, title: str, parameters: Mapping[str, Any], summary: Mapping[str, Any], figures: Sequence[Mapping[str, Any]],
    determinants: Sequence[Mapping[str, Any]], notes: Sequence[str], at: datetime,
) -> int:  # fmt: skip
    """Keep one coverage study; return its number."""
    access.require(PERMISSION)
    kept = CoverageStudy.objects.create(
        title=title, made_at=at, actor_id=access.actor_id(), parameters=dict(parameters), summary=dict(summary),
        figures=list(figures), determinants=list(determinants), notes=list(notes),
    )  # fmt: skip
    audit.record(action="monitoring.study.kept", subject=f"study:{kept.pk}", details={"figures": len(figures)}, at=at)
    return int(kept.pk)


@transaction.atomic
def keep_snapshot(
    *, framework: str, version: str, as_of: date, inputs: Mapping[str, Any], sha256: str,
    values: Sequence[Mapping[str, Any]], hidden: Sequence[str], threshold: int, spending: Sequence[Mapping[str, Any]] = (),
    at: datetime,
) -> int:  # fmt: skip
    """Keep one computation of a framework with every value; return its number.

    Args:
        framework: Code.
        version: Of the framework's file.
        as_of: The day that the question is asked of.
        inputs: What was read.
        sha256: Over the values, in order.
        values: indicator, area_code, area_level, group_by, group_value, numerator, denominator, value.
        hidden: Of each value, why pages do not show it; empty where they do (`coverage.safe_values`).
        threshold: Counts below it were taken as small.
        spending: programme, agency, quarter, area_code, area_level, amount, list_rows.
        at: When.
    """
    import pyarrow as pa

    access.require(PERMISSION)
    kept = IndicatorSnapshot.objects.create(
        framework=framework, version=version, as_of=as_of, made_at=at, actor_id=access.actor_id(), inputs=dict(inputs),
        sha256=sha256, threshold=threshold,
    )  # fmt: skip
    cursor = bulk.raw_cursor()
    columns = [
        ("indicator", "text"), ("area_code", "text"), ("area_level", "smallint"), ("group_by", "text"),
        ("group_value", "text"), ("numerator", "double precision"), ("denominator", "double precision"),
        ("value", "double precision"), ("hidden", "text"),
    ]  # fmt: skip
    bulk.make_staging(cursor, "_indicator_value", columns)
    if values:
        given = [{**value, "hidden": why} for value, why in zip(values, hidden, strict=True)]
        rows = pa.Table.from_pylist([{name: value[name] for name, _ in columns} for value in given])
        bulk.copy_in(cursor, "_indicator_value", rows)
    cursor.execute(
        """INSERT INTO monitoring_indicatorvalue (snapshot_id, indicator, area_code, area_level, group_by, group_value,
                  numerator, denominator, value, hidden)
           SELECT %s, indicator, area_code, area_level, coalesce(group_by, ''), coalesce(group_value, ''), numerator,
                  denominator, value, coalesce(hidden, '') FROM _indicator_value""",
        [kept.pk],
    )
    _keep_spending(kept.pk, spending)
    audit.record(
        action="monitoring.snapshot.kept", subject=f"snapshot:{kept.pk}", details={"values": len(values)}, at=at
    )
    return int(kept.pk)


def _keep_spending(snapshot: int, spending: Sequence[Mapping[str, Any]]) -> None:
    """Keep what was spent by programme, quarter and area beside the values of a snapshot."""
    import pyarrow as pa

    if not spending:
        return
    cursor = bulk.raw_cursor()
    columns = [
        ("programme", "text"), ("agency", "text"), ("quarter", "date"), ("area_code", "text"), ("area_level", "smallint"),
        ("amount", "double precision"), ("list_rows", "double precision"),
    ]  # fmt: skip
    bulk.make_staging(cursor, "_spending", columns)
    rows = [{name: row[name] for name, _ in columns} for row in spending]
    bulk.copy_in(cursor, "_spending", pa.Table.from_pylist(rows))
    cursor.execute(
        """INSERT INTO monitoring_spending (snapshot_id, programme, agency, quarter, area_code, area_level, amount, list_rows)
           SELECT %s, programme, agency, quarter, coalesce(area_code, ''), area_level, amount, list_rows FROM _spending""",
        [snapshot],
    )


@transaction.atomic
def keep_report(
    *, title: str, period: str, form: str, language: str, snapshot: int | None, study: int | None, sha256: str, size: int,
    at: datetime,
) -> int:  # fmt: skip
    """Keep where a report that was written lies; return its number."""
    access.require("results.read")
    kept = Report.objects.create(
        title=title, period=period, form=form, language=language, snapshot_id=snapshot, study_id=study, sha256=sha256, size=size,
        actor_id=access.actor_id(), made_at=at,
    )  # fmt: skip
    audit.record(
        action="monitoring.report.kept", subject=f"report:{kept.pk}", details={"form": form, "period": period}, at=at
    )
    return int(kept.pk)


@transaction.atomic
def keep_plan(
    *, title: str, parameters: Mapping[str, Any], summary: Mapping[str, Any], stops: Sequence[Mapping[str, Any]],
    at: datetime,
) -> int:  # fmt: skip
    """Keep one outreach plan; return its number."""
    access.require(PERMISSION)
    kept = OutreachPlan.objects.create(
        title=title, made_at=at, actor_id=access.actor_id(), parameters=dict(parameters), summary=dict(summary),
        stops=list(stops),
    )  # fmt: skip
    audit.record(action="monitoring.plan.kept", subject=f"plan:{kept.pk}", details={"stops": len(stops)}, at=at)
    return int(kept.pk)
