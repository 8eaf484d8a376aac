"""The household register and the population register beside each other, page by page.

Residents in no household are people whom no programme can find; members in no population register
are people whom the state does not know by name. Totals are those of the last consolidation: a page
never counts a country.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries import results
from khana.geo import area_names as geo
from khana.platform import keys
from khana.registry import report_rows as registers
from khana_methods.disclosure.masking import mask
from khana_methods.errors import InputError

KINDS = ("residents", "members")


class RegisterKindUnknown(InputError):
    """There is no such comparison of the registers."""

    code: ClassVar[str] = "dossiers.registers.kind_unknown"


@dataclass(frozen=True)
class RegisterPage:
    """One page of rows; `after` is the key of the next page, 0 where this is the last."""

    kind: str
    rows: Sequence[Mapping[str, Any]]
    areas: Mapping[str, geo.AreaName]
    area: geo.AreaName | None
    after: int
    totals: Mapping[str, int]
    counted_at: datetime | None


def register_page(kind: str, *, area_code: str = "", after: int = 0, limit: int = 50, at: datetime) -> RegisterPage:
    """Read one page of residents in no household, or of members in no population register.

    Args:
        kind: residents or members.
        area_code: Rows under this area only.
        after: Key of the last row seen.
        limit: Rows a page.
        at: When, for the event.

    Raises:
        RegisterKindUnknown: It is neither.
        PermissionMissing: The reader may not read the registers.
    """
    if kind not in KINDS:
        raise RegisterKindUnknown(f"There is no comparison '{kind}'. There are: {', '.join(KINDS)}.", kind=kind)
    access.require(registers.PERMISSION)
    area = geo.area(area_code) if area_code else None
    found = registers.register_page(
        kind, area_path=area.path if area and area.level else "", after=after, limit=limit + 1
    )
    shown = [_shown(row) for row in found[:limit]]
    audit.record(
        action="registry.registers.read",
        subject=f"registers:{kind}",
        details={"rows": len(shown), "area": area_code},
        at=at,
    )
    run = results.latest_run()
    return RegisterPage(
        kind=kind,
        rows=shown,
        areas=geo.areas(str(row["area"]) for row in shown if row["area"]),
        area=area,
        after=int(found[limit - 1]["key"]) if len(found) > limit else 0,
        totals=run.summary.get("registers", {}) if run else {},
        counted_at=run.ended_at if run else None,
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its number masked."""
    out = dict(row)
    if "number" in out:
        out["number"] = mask(keys.decrypt(out["number"]).decode()) if out["number"] is not None else ""
    return out
