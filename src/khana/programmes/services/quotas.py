"""Places or a budget of a programme by area, and exclusion filters: put, withdraw; every row dated and with its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.programmes.models import ExclusionFilter, Programme, Quota
from khana.programmes.rules import read_book
from khana_methods.errors import InputError, NotFound


class QuotaInvalid(InputError):
    """A quota is of no known programme, is negative, or is neither places nor a budget."""

    code: ClassVar[str] = "programmes.quota.invalid"


class FilterUnknown(NotFound):
    """No exclusion filter has that code."""

    code: ClassVar[str] = "programmes.filter.unknown"


@transaction.atomic
def put_quotas(*, rows: Iterable[Mapping[str, Any]], at: datetime) -> int:
    """Set quotas: each counts from its day on and replaces the one before of its programme and area.

    Args:
        rows: `programme`, `area`, `from` (day), `places` or `budget`, `source`.
        at: Recorded at.

    Raises:
        QuotaInvalid: A row contradicts itself; none is written.
    """
    access.require("programmes.write")
    agencies = dict(Programme.objects.values_list("code", "agency"))
    made = []
    for number, row in enumerate(rows, start=1):
        places, budget, code = row.get("places"), row.get("budget"), row["programme"]
        if code not in agencies:
            raise QuotaInvalid(f"Quota {number} is of programme {code}, which the catalogue does not have.")
        if (places is None) == (budget is None) or int(places or 0) < 0 or Decimal(str(budget or 0)) < 0:
            raise QuotaInvalid(f"Quota {number} states either places or a budget, and nothing negative.", row=number)
        made.append(
            Quota(
                programme=row["programme"], agency=agencies[row["programme"]], area_code=row["area"],
                valid_from=row["from"], places=places, budget=budget, source=row["source"], recorded_at=at,
            )
        )  # fmt: skip
    known = set(Quota.objects.values_list("programme", "area_code", "valid_from", "places", "budget"))
    made = [q for q in made if (q.programme, q.area_code, q.valid_from, q.places, q.budget) not in known]
    Quota.objects.bulk_create(made)
    audit.record(action="programmes.quota.put", subject="programmes", details={"quotas": len(made)}, at=at)
    return len(made)


@transaction.atomic
def put_filters(*, rows: Iterable[Mapping[str, Any]], at: datetime) -> int:
    """Add exclusion filters or bring known ones up to date; one that is withdrawn stays so.

    Args:
        rows: `code`, `name`, `names` by language, `agency`, `programmes`, `rule` (as the rule language has it), `reported`, `source`, in the
            order in which they are applied.
        at: Recorded at.
    """
    access.require("programmes.write")
    made = [
        ExclusionFilter(
            code=row["code"], name=row["name"], names=dict(row.get("names") or {}), agency=row["agency"], programmes=list(row["programmes"]),
            rule=dict(row["rule"]), place=place, reported=dict(row.get("reported") or {}), source=row["source"], recorded_at=at,
        )
        for place, row in enumerate(rows)
    ]  # fmt: skip
    read_book([one.rule for one in made])
    ExclusionFilter.objects.bulk_create(
        made, update_conflicts=True, unique_fields=["code"],
        update_fields=["name", "names", "agency", "programmes", "rule", "place", "reported", "source", "recorded_at"],
    )  # fmt: skip
    audit.record(action="programmes.filter.put", subject="programmes", details={"filters": len(made)}, at=at)
    return len(made)


@transaction.atomic
def withdraw_filter(*, code: str, since: date | None, reason: str, at: datetime) -> None:
    """Withdraw a filter from a day on, or bring it back (no day): whoever it removed is decided anew.

    Raises:
        FilterUnknown: There is none of that code, or it is another agency's.
    """
    access.require("programmes.write")
    changed = ExclusionFilter.objects.filter(code=code).update(
        withdrawn_from=since, withdrawn_reason=reason, recorded_at=at
    )
    if not changed:
        raise FilterUnknown(f"There is no filter {code}, or it is another agency's.", filter=code)
    what = "withdrawn" if since else "restored"
    details = {"from": since.isoformat() if since else None, "reason": reason}
    audit.record(action=f"programmes.filter.{what}", subject=f"filter:{code}", details=details, at=at)
