"""The findings of the last run as pages of rows, with the counts of every code.

A page is read by key; counts of the whole run come from its summary, counts under a filter stop
at a limit: a page of the web never counts a country.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from khana.beneficiaries import lists, results
from khana.dossiers.benefit_lines import BenefitLine, with_findings
from khana.dossiers.person_file import FileNotFound
from khana.geo import area_names as geo

COUNTED_AT_MOST = 10_000


@dataclass(frozen=True)
class FindingsPage:
    """One page of findings; `after` is the key of the next one, 0 where this is the last."""

    rows: Sequence[results.FindingRow]
    areas: Mapping[str, geo.AreaName]
    counts: Mapping[str, int]
    count: int
    is_more_than_counted: bool
    after: int
    run_id: int


def findings_page(
    filters: results.FindingFilters, area_code: str = "", *, after: int = 0, limit: int = 50
) -> FindingsPage | None:
    """Read one page of findings of the last finished run, or nothing where none has finished."""
    run = results.latest_run()
    if run is None:
        return None
    area = geo.area(area_code) if area_code else None
    asked = results.FindingFilters(**{**vars(filters), "area_path": area.path if area and area.level else ""})
    rows = results.findings(run.id, asked, after=after, limit=limit + 1)
    shown = rows[:limit]
    counted = results.count_findings(run.id, asked, at_most=COUNTED_AT_MOST + 1)
    return FindingsPage(
        rows=shown,
        areas=geo.areas(row.area_path.rstrip(".").split(".")[-1] for row in shown if row.area_path),
        counts={code: int(row.get("rows", 0)) for code, row in run.summary.get("findings", {}).items()},
        count=min(counted, COUNTED_AT_MOST),
        is_more_than_counted=counted > COUNTED_AT_MOST,
        after=shown[-1].id if len(rows) > limit else 0,
        run_id=run.id,
    )


def row_file(benefit_id: int) -> BenefitLine:
    """Read one list row with everything found about it.

    Raises:
        FileNotFound: It does not exist or lies outside the scope.
    """
    row = lists.benefit(benefit_id)
    if row is None:
        raise FileNotFound("No such row, or it lies outside the area that you work for.", benefit=benefit_id)
    return with_findings([row])[0]


@dataclass(frozen=True)
class RecipientsPage:
    """One page of recipients or of unserved households."""

    recipients: Sequence[results.RecipientRow]
    unserved: Sequence[results.UnservedRow]
    areas: Mapping[str, geo.AreaName]
    after: int
    area: geo.AreaName | None


def answer_rows(
    key: str,
    *,
    area_code: str = "",
    programmes: Sequence[str] = (),
    targeted: Sequence[str] = (),
    after: int = 0,
    limit: int = 50,
) -> RecipientsPage | None:
    """Read one page of the rows behind one answer.

    Args:
        key: recipients, overlaps, cap, unserved or leakage.
        area_code: Rows under this area only.
        programmes: Recipients who draw from all of these.
        targeted: The programmes meant for the poor, for the answer `leakage`.
        after: Key of the last row seen.
        limit: Rows a page.
    """
    run = results.latest_run()
    if run is None:
        return None
    area = geo.area(area_code) if area_code else None
    path = area.path if area and area.level else ""
    recipients: list[results.RecipientRow] = []
    unserved: list[results.UnservedRow] = []
    if key == "unserved":
        unserved = results.unserved(run.id, path, after=after, limit=limit + 1)
    else:
        filters = results.RecipientFilters(
            area_path=path,
            programmes=tuple(programmes),
            is_over_cap=key == "cap",
            is_well_off=key == "leakage",
            has_overlap=key == "overlaps",
            any_programme=tuple(targeted) if key == "leakage" else (),
        )
        recipients = results.recipients(run.id, filters, after=after, limit=limit + 1)
    found: list[results.RecipientRow | results.UnservedRow] = [*recipients, *unserved]
    last = found[limit - 1] if len(found) > limit else None
    paths = [row.area_path for row in found[:limit]]
    return RecipientsPage(
        recipients=recipients[:limit],
        unserved=unserved[:limit],
        areas=geo.areas(path.rstrip(".").split(".")[-1] for path in paths if path),
        after=(last.rank if isinstance(last, results.UnservedRow) else last.id) if last else 0,
        area=area,
    )
