"""Reads of the catalogue for people and for drawing: programmes whole, quotas and amounts in force, filters, appeals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from django.db.models import Q

from khana.programmes import rules
from khana.programmes.models import FilterAppeal, Programme, Quota
from khana.programmes.rules import PAYROLL, filter_entries, is_in_force, programme_entries
from khana_methods.errors import NotFound

__all__ = ["PAYROLL", "filter_entries", "is_in_force", "programme_entries"]


class ProgrammeUnknown(NotFound):
    """The catalogue has no programme of that code."""

    code: ClassVar[str] = "programmes.programme.unknown"


def entry_of(code: str) -> dict[str, Any]:
    """Return one programme as it is evaluated; see `rules.programme_entries`.

    Raises:
        ProgrammeUnknown: The catalogue does not have it.
    """
    found = [entry for entry in rules.programme_entries() if entry["programme"] == code]
    if not found:
        raise ProgrammeUnknown(
            f"The catalogue has no programme {code}. `khana programmes list` shows it.", programme=code
        )
    return found[0]


def quotas_on(programme: str, day: date) -> list[dict[str, Any]]:
    """Return the quotas of a programme in force on a day: the newest of each area, `area`, `places`, `budget`, `source`."""
    newest: dict[str, Quota] = {}
    for row in Quota.objects.filter(programme=programme, valid_from__lte=day).order_by("valid_from", "id"):
        newest[row.area_code] = row
    return [
        {
            "area": code,
            "places": row.places,
            "budget": None if row.budget is None else float(row.budget),
            "source": row.source,
        }
        for code, row in sorted(newest.items())
    ]


def amount_on(programme: str, day: date) -> float:
    """Return what one unit costs a period on a day: the newest amount, the highest of its variants; 0 where none is known."""
    row = Programme.objects.filter(code=programme).values_list("amounts", flat=True).first() or []
    begun = [amount for amount in row if str(amount["from"]) <= day.isoformat()]
    if not begun:
        return 0.0
    last = max(str(amount["from"]) for amount in begun)
    return max(float(amount["amount"]) for amount in begun if str(amount["from"]) == last)


def describe(code: str, day: date) -> Mapping[str, Any]:
    """Return everything that the catalogue says of one programme, with its rule's wording in force on a day.

    Raises:
        ProgrammeUnknown: The catalogue does not have it.
    """
    row = Programme.objects.filter(code=code).first()
    if row is None:
        raise ProgrammeUnknown(
            f"The catalogue has no programme {code}. `khana programmes list` shows it.", programme=code
        )
    rule = dict(row.eligibility) or rules.rule_of_fields(row)
    return {
        "code": row.code, "name": row.name, "names": dict(row.names), "agency": row.agency, "owner": row.owner, "owner_names": dict(row.owner_names),
        "budget_head": row.budget_head, "benefit_type": row.benefit_type, "counts_to_cap": row.counts_to_cap, "unit": row.unit,
        "frequency": row.frequency, "target_group": row.target_group, "valid_from": row.valid_from, "valid_to": row.valid_to,
        "areas": list(row.areas), "requires": row.requires, "incompatible_with": list(row.incompatible_with),
        "conditions": list(row.conditions), "amounts": list(row.amounts), "source": row.source, "rule_in_words": row.rule,
        "rule": rule, "entity": rule["entity"], "quotas": quotas_on(code, day),
        "filters": [one["filter"] for one in rules.filter_entries() if code in one["programmes"]],
    }  # fmt: skip


def list_catalogue(day: date) -> list[dict[str, Any]]:
    """Return one row a programme: what it gives, to whom, by whom, and whether its rule is in force on a day."""
    entries = {entry["programme"]: entry for entry in rules.programme_entries()}
    return [
        {"code": row.code, "name": row.name, "names": dict(row.names), "agency": row.agency, "benefit_type": row.benefit_type,
         "unit": row.unit, "target_group": row.target_group, "sex": row.sex, "min_age": row.min_age, "max_age": row.max_age,
         "min_age_female": row.min_age_female, "max_score": row.max_score, "poverty_targeted": row.poverty_targeted,
         "one_per_household": row.one_per_household, "in_force": rules.is_in_force(entries[row.code], day)}
        for row in Programme.objects.order_by("agency", "code")
    ]  # fmt: skip


def appeals(*, state: str = "", limit: int = 200) -> Sequence[Mapping[str, Any]]:
    """Return appeals against filters within the scope, newest first."""
    found = FilterAppeal.objects.order_by("-id")
    if state:
        found = found.filter(state=state)
    return [
        {"id": r.pk, "filter": r.filter_code, "household": r.household_number, "state": r.state, "reason": r.reason,
         "lodged_by": r.lodged_label, "lodged_at": r.lodged_at, "decided_by": r.decided_label, "decision": r.decision}
        for r in found[:limit]
    ]  # fmt: skip


def appeals_of(people: Sequence[int], households: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """Return appeals against filters that were lodged for one of these files, or for a whole household, newest first.

    Args:
        people: Every id that stands for one person.
        households: Numbers of the households in which she stands.
    """
    hers = Q(person_id__in=list(people)) | Q(person_id__isnull=True, household_number__in=list(households))
    return [
        {"id": r.pk, "filter": r.filter_code, "state": r.state, "reason": r.reason, "lodged_at": r.lodged_at,
         "decided_at": r.decided_at, "decision": r.decision, "whole_household": r.person_id is None}
        for r in FilterAppeal.objects.filter(hers).order_by("-id")[:50]
    ]  # fmt: skip


def upheld_until(moment: datetime) -> int:
    """Return how many appeals were upheld by a time."""
    return FilterAppeal.objects.filter(state=FilterAppeal.State.UPHELD, decided_at__lte=moment).count()
