"""Keep the catalogue of programmes: from a country pack, or from a ministry's own file over it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa

from khana.access import services as access
from khana.audit import services as audit
from khana.programmes.models import Programme
from khana.programmes.rules import read_book
from khana_methods.errors import InputError

CASH = 1


class CatalogueInvalid(InputError):
    """The catalogue contradicts itself."""

    code: ClassVar[str] = "programmes.catalogue.invalid"


def put_programmes(*, entries: Iterable[Mapping[str, Any]], at: datetime) -> dict[str, int]:
    """Add programmes or bring known ones up to date; those not named stay as they are.

    Args:
        entries: Mappings of fields of `Programme`; `code`, `name`, `agency` and `benefit_type` at least.
        at: Recorded at.

    Returns:
        Counts: programmes written.
    """
    access.require("programmes.write")
    rows = [_programme(entry, at) for entry in entries]
    read_book(
        [row.eligibility for row in rows if row.eligibility]
    )  # a rule with a mistake is refused before it is kept
    codes = {row.code for row in rows} | set(Programme.objects.values_list("code", flat=True))
    for row in rows:
        unknown = {row.requires, *row.incompatible_with} - codes - {""}
        if unknown:
            raise CatalogueInvalid(
                f"Programme {row.code} names {', '.join(sorted(unknown))}, which the catalogue does not have.",
                programme=row.code,
            )
    fields = [f.name for f in Programme._meta.concrete_fields if f.name not in ("id", "code")]
    Programme.objects.bulk_create(rows, update_conflicts=True, unique_fields=["code"], update_fields=fields)
    audit.record(action="programmes.catalogue.put", subject="programmes", details={"programmes": len(rows)}, at=at)
    return {"programmes": len(rows)}


def _programme(entry: Mapping[str, Any], at: datetime) -> Programme:
    benefit_type = int(entry["benefit_type"])
    counts = entry.get("counts_to_cap")
    return Programme(
        code=entry["code"],
        name=entry["name"],
        names=dict(entry.get("names") or {}),
        agency=entry["agency"],
        benefit_type=benefit_type,
        counts_to_cap=benefit_type == CASH if counts is None else bool(counts),
        min_age=entry.get("min_age"),
        max_age=entry.get("max_age"),
        min_age_female=entry.get("min_age_female"),
        sex=entry.get("sex") or "",
        max_score=None if entry.get("max_score") is None else Decimal(str(entry["max_score"])),
        poverty_targeted=bool(entry.get("poverty_targeted")),
        one_per_household=bool(entry.get("one_per_household")),
        requires=entry.get("requires") or "",
        incompatible_with=list(entry.get("incompatible_with") or []),
        areas=list(entry.get("areas") or []),
        amounts=list(entry.get("amounts") or []),
        rule=entry.get("rule") or "",
        target_group=entry.get("target_group") or "",
        source=entry.get("source") or "",
        unit=entry.get("unit") or "",
        frequency=entry.get("frequency") or "",
        owner=entry.get("owner") or "",
        owner_names=dict(entry.get("owner_names") or {}),
        budget_head=entry.get("budget_head") or "",
        conditions=list(entry.get("conditions") or []),
        eligibility=dict(entry.get("eligibility") or {}),
        valid_from=entry.get("valid_from"),
        valid_to=entry.get("valid_to"),
        recorded_at=at,
    )


class ProgrammeLoader:
    """A catalogue that arrives as a file under contract; what the file does not say, the old entry keeps."""

    numbers: tuple[str, ...] = ()
    mobiles: tuple[str, ...] = ()

    def __init__(self) -> None:
        access.require("programmes.write")
        self._entries: list[dict[str, Any]] = []

    def stage(self, rows: pa.Table) -> None:
        """Take a chunk: one row a programme, with the facts of the entity `programme`."""
        for row in rows.to_pylist():
            self._entries.append(
                {
                    "code": row["programme"],
                    "name": row.get("programme_name") or row["programme"],
                    "agency": row.get("agency") or "",
                    "benefit_type": row.get("benefit_type") or CASH,
                    "counts_to_cap": row.get("counts_to_cap"),
                    "min_age": row.get("min_age"),
                    "max_age": row.get("max_age"),
                    "min_age_female": row.get("min_age_female"),
                    "sex": row.get("programme_sex"),
                    "max_score": row.get("max_score"),
                    "poverty_targeted": row.get("is_poverty_targeted"),
                    "one_per_household": row.get("is_one_per_household"),
                    "requires": row.get("requires_programme"),
                    "incompatible_with": [c for c in re.split(r"[\s,;|]+", row.get("incompatible_with") or "") if c],
                    "rule": row.get("rule"),
                    "target_group": row.get("target_group"),
                }
            )

    def finish(self, *, batch_id: int, at: datetime) -> dict[str, int]:
        """Write what was staged."""
        return put_programmes(entries=self._entries, at=at)


def replace_catalogue(*, codes: Iterable[str], at: datetime) -> int:
    """Take programmes out of the catalogue that a country's own set does not name; return how many."""
    access.require("programmes.write")
    gone, _ = Programme.objects.exclude(code__in=list(codes)).delete()
    if gone:
        audit.record(action="programmes.catalogue.replaced", subject="programmes", details={"removed": gone}, at=at)
    return gone


def put_areas(*, areas: Mapping[str, list[str]], at: datetime) -> int:
    """Say where programmes run: programme -> area codes; a programme not named runs everywhere."""
    access.require("programmes.write")
    for code, found in areas.items():
        if not Programme.objects.filter(code=code).update(areas=sorted(found), recorded_at=at):
            raise CatalogueInvalid(f"The list of areas names programme {code}, which the catalogue does not have.")
    audit.record(action="programmes.areas.put", subject="programmes", details={"programmes": len(areas)}, at=at)
    return len(areas)
