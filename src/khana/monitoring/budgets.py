"""Budgets of governments as data: kept from a file, whole or not at all; read with what was spent against each line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.monitoring.models import Budget, Spending
from khana_methods.coverage.budgets import BudgetLine
from khana_methods.coverage.budgets import Spending as Spent

PERMISSION = "monitoring.write"


@transaction.atomic
def keep(*, lines: Sequence[BudgetLine], sha256: str, at: datetime) -> int:
    """Keep the lines of one file; return how many are new or say another amount than before.

    Raises:
        PermissionMissing: `monitoring.write`.
    """
    access.require(PERMISSION)
    before = {_key(line): line for line in list_lines()}
    changed = [line for line in lines if before.get(_key(line)) != line]
    Budget.objects.bulk_create(
        Budget(
            programme=line.programme, agency=line.agency, area_code=line.area_code, government=line.government, year=line.year,
            starts_on=line.starts_on, ends_on=line.ends_on, amount=line.amount, source=line.source, file_sha256=sha256,
            actor_id=access.actor_id(), recorded_at=at,
        )
        for line in changed
    )  # fmt: skip
    audit.record(
        action="monitoring.budget.kept", subject=f"file:{sha256[:16]}", at=at,
        details={"lines": len(lines), "changed": len(changed)},
    )  # fmt: skip
    return len(changed)


def _key(line: BudgetLine) -> tuple[str, str, str, str]:
    return (line.programme, line.area_code, line.government, line.year)


def list_lines(year: str = "") -> list[BudgetLine]:
    """Return the lines in force, of one fiscal year where it is named: of each the newest row, by year and programme."""
    rows = Budget.objects.filter(year=year) if year else Budget.objects.all()
    newest: dict[tuple[str, str, str, str], BudgetLine] = {}
    for row in rows.order_by("id"):
        line = BudgetLine(
            row.programme, row.agency, row.area_code, row.government, row.year, row.starts_on, row.ends_on, row.amount, row.source
        )  # fmt: skip
        newest[_key(line)] = line
    return sorted(newest.values(), key=lambda one: (one.starts_on, one.programme, one.area_code, one.government))


def list_years() -> list[str]:
    """Return the fiscal years that have a budget, newest first."""
    found = Budget.objects.order_by("-starts_on").values_list("year", flat=True)
    return list(dict.fromkeys(found))


def list_spending(snapshot: int, *, levels: Sequence[int] = (0, 1, 2)) -> list[Spent]:
    """Return what was spent by programme, quarter and area as one snapshot has it."""
    rows = Spending.objects.filter(snapshot_id=snapshot, area_level__in=list(levels)).order_by("id")
    names = ("programme", "agency", "quarter", "area_code", "amount", "list_rows")
    return [Spent(*row) for row in rows.values_list(*names)]
