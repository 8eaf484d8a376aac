"""What the public may see: put out, found by anybody, withdrawn; and the privacy budget of the year.

Reading asks for no sign-in: a publication holds safe figures only, and the database shows nobody what is not published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import connection, transaction
from django.db.models import Sum

from khana.access import services as access
from khana.audit import services as audit
from khana.monitoring.models import Publication
from khana.monitoring.selectors import NothingMeasured
from khana.platform import installation
from khana_methods.errors import Conflict

PERMISSION = "monitoring.write"
YEARLY_BUDGET = 4.0  # epsilon; the installation's parameter `privacy_budget` goes before it
_LOCK = 7_301_155


class BudgetSpent(Conflict):
    """The privacy budget of the year does not hold this publication."""

    code: ClassVar[str] = "monitoring.budget_spent"


@dataclass(frozen=True, slots=True)
class PublicationHead:
    """One publication without its figures."""

    id: int
    title: str
    published_at: datetime
    threshold: int
    epsilon: float | None
    withdrawn_at: datetime | None


@transaction.atomic
def publish(
    *, snapshot: int, title: str, threshold: int, epsilon: float | None, body: Mapping[str, Any], outlines: Mapping[str, Any],
    at: datetime,
) -> int:  # fmt: skip
    """Keep a publication, open to everybody from now on; return its number.

    Raises:
        PermissionMissing: `monitoring.write`.
        BudgetSpent: It would spend more than the year has left; two at once are told one after the other.
    """
    access.require(PERMISSION)
    if epsilon is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        require_budget(epsilon, at=at)
    kept = Publication.objects.create(
        snapshot_id=snapshot, title=title, published_at=at, actor_id=access.actor_id(), threshold=threshold,
        epsilon=epsilon, body=dict(body), outlines=dict(outlines),
    )  # fmt: skip
    audit.record(
        action="monitoring.publication.opened", subject=f"publication:{kept.pk}", at=at,
        details={"snapshot": snapshot, "values": len(body.get("values", ())), "threshold": threshold, "epsilon": epsilon},
    )  # fmt: skip
    return int(kept.pk)


@transaction.atomic
def withdraw(*, publication: int, at: datetime) -> None:
    """Close a publication to the public.

    Raises:
        NothingMeasured: There is no open publication of that number.
    """
    access.require(PERMISSION)
    if not Publication.objects.filter(pk=publication, withdrawn_at__isnull=True).update(withdrawn_at=at):
        raise NothingMeasured("There is no open publication of that number.")
    audit.record(action="monitoring.publication.withdrawn", subject=f"publication:{publication}", details={}, at=at)


def budget(year: int) -> tuple[float, float]:
    """Return the privacy budget of a year and what its publications have spent, withdrawn ones too."""
    stated = installation.read().get("parameters", {}).get("privacy_budget", YEARLY_BUDGET)
    spent = Publication.objects.filter(published_at__year=year).aggregate(all=Sum("epsilon"))["all"]
    return float(stated), float(spent or 0.0)


def require_budget(epsilon: float, *, at: datetime) -> None:
    """Raise unless the year's budget holds a publication.

    Raises:
        BudgetSpent: It does not.
    """
    whole, spent = budget(at.year)
    if spent + epsilon > whole + 1e-9:
        raise BudgetSpent(
            f"This would spend {epsilon:g} of the privacy budget, and {max(0.0, whole - spent):g} of {whole:g} are left this "
            "year. Publish with suppression instead, or with a smaller budget.", whole=whole, spent=spent,
        )  # fmt: skip


def find_open(number: int | None = None) -> PublicationHead | None:
    """Return the newest open publication, or the one of a number while it is open."""
    rows = Publication.objects.filter(withdrawn_at__isnull=True)
    row = (rows.filter(pk=number) if number is not None else rows.order_by("-published_at", "-id")).defer(
        "body", "outlines"
    )
    found = row.first()
    return _head(found) if found else None


def list_publications(limit: int = 20) -> list[PublicationHead]:
    """Return publications as far as the reader may see them, newest first."""
    rows = Publication.objects.defer("body", "outlines").order_by("-published_at", "-id")[:limit]
    return [_head(row) for row in rows]


def _head(row: Publication) -> PublicationHead:
    return PublicationHead(row.pk, row.title, row.published_at, row.threshold, row.epsilon, row.withdrawn_at)


def contents(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures and the outlines of an open publication.

    Raises:
        NothingMeasured: There is no open one of that number.
    """
    row = Publication.objects.filter(pk=number, withdrawn_at__isnull=True).values_list("body", "outlines").first()
    if row is None:
        raise NothingMeasured("There is no open publication of that number.")
    return dict(row[0]), dict(row[1])
