"""A snapshot in the forms that others read: tables, DHIS2, SDMX, DDI; small cells hidden, by default always.

What leaves is an event. Whoever may see figures may take safe ones; nothing here points at a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.monitoring import selectors as monitoring
from khana.monitoring.frameworks import country_in_use, framework_of
from khana_methods.coverage import exports
from khana_methods.coverage.framework import Framework
from khana_methods.coverage.indicators import funnel
from khana_methods.coverage.safe_values import SafeValue, make_safe
from khana_methods.errors import InputError

FORMATS = ("csv", "xlsx", "parquet", "dhis2", "sdmx-csv", "sdmx-json", "ddi")
TABLES = ("csv", "xlsx", "parquet")


class FormatUnknown(InputError):
    """Indicators leave in one of the forms that are known."""

    code: ClassVar[str] = "workflows.publish.format_unknown"


def safe_snapshot(number: int | None, threshold: int) -> tuple[monitoring.SnapshotHead, Framework, list[SafeValue]]:
    """Return a snapshot's head, its framework and its safe values, within the scope that is open.

    Raises:
        NothingMeasured: There is no such snapshot.
        PermissionMissing: `results.read`.
    """
    access.require("results.read")
    head = monitoring.get_snapshot(number)
    framework = framework_of(country_in_use())
    relations = {one.code: one.relation for one in framework.indicators}
    values = [v for v in monitoring.list_values(head.id) if v.indicator in relations]
    return head, framework, make_safe(values, relations, geo.list_parents(), threshold=threshold)


def run(
    *, token: str, form: str, snapshot: int | None = None, threshold: int = 5, language: str = "en", at: datetime
) -> dict[str, Any]:
    """Return a snapshot in one form: `text` for documents, `rows` for tables.

    Args:
        token: In whose name; `results.read`.
        form: One of `FORMATS`.
        snapshot: Its number; the newest if absent.
        threshold: Counts below it are hidden.
        language: Of names and definitions in DDI.
        at: When.

    Raises:
        FormatUnknown: Another form.
    """
    if form not in FORMATS:
        raise FormatUnknown(f"Indicators are exported as {', '.join(FORMATS)}.", format=form)
    with access.scoped(token):
        head, framework, values = safe_snapshot(snapshot, threshold)
        audit.record(
            action="monitoring.snapshot.exported", subject=f"snapshot:{head.id}", at=at,
            details={"format": form, "values": len(values), "threshold": threshold},
        )  # fmt: skip
    result: dict[str, Any] = {
        "snapshot": head.id, "framework": framework.code, "as_of": head.as_of.isoformat(), "format": form,
        "hidden": sum(1 for value in values if value.hidden), "threshold": threshold,
    }  # fmt: skip
    if form in TABLES:
        return {**result, "rows": [asdict(value) for value in values]}
    texts = {
        "dhis2": lambda: exports.as_json(exports.dhis2(framework, values, head.as_of, made_at=head.made_at)),
        "sdmx-csv": lambda: exports.sdmx_csv(framework, values, head.as_of),
        "sdmx-json": lambda: exports.as_json(exports.sdmx_json(framework, values, head.as_of, made_at=head.made_at)),
        "ddi": lambda: exports.ddi(framework, head.as_of, made_at=head.made_at, rows=len(values), language=language),
    }
    return {**result, "text": texts[form]()}


def overview(*, number: int | None, area_code: str, threshold: int = 5) -> Mapping[str, Any]:
    """Return what a page shows of one area: its figures, the funnel, and where more can be seen; in the open scope."""
    head, framework, values = safe_snapshot(number, threshold)
    top = area_code or next((v.area_code for v in values if v.area_level == 0), "")
    asked = [code for step in framework.funnel for code in (step.code, step.delay) if code]
    whole = monitoring.list_values(head.id, indicators=asked, with_groups=False)
    return {
        "head": head,
        "framework": framework,
        "values": values,
        "area": top,
        "funnel": funnel(framework, whole, top),
    }
