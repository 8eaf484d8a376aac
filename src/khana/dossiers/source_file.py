"""One source's file: what it is, what arrived, how fresh it is, what waits in quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from khana.beneficiaries import lists, results
from khana.deliveries import batches
from khana.programmes import names as programmes
from khana_methods.errors import NotFound

_DUE = {
    "weekly": timedelta(days=7), "fortnightly": timedelta(days=14), "monthly": timedelta(days=31),
    "quarterly": timedelta(days=92), "half_yearly": timedelta(days=183), "yearly": timedelta(days=366),
}  # fmt: skip


class SourceNotFound(NotFound):
    """There is no source of that code."""

    code: ClassVar[str] = "dossiers.source.not_found"


@dataclass(frozen=True)
class SourceLine:
    """One source in the list: what arrived last, and whether the next list is overdue."""

    source: lists.SourceRow
    last: batches.BatchRow | None
    freshness: str
    quarantined: int
    programmes: Sequence[programmes.ProgrammeName]


@dataclass(frozen=True)
class SourceFile:
    """Everything about one source."""

    line: SourceLine
    contract: batches.ContractRow | None
    batches: Sequence[batches.BatchRow]
    findings: Mapping[str, int]
    run_id: int | None


def freshness(last_loaded: datetime | None, frequency: str, at: datetime) -> str:
    """Say how fresh a source is: `none`, `fresh`, `due` (up to half a turn late) or `late`.

    Examples:
        >>> from datetime import UTC
        >>> now = datetime(2026, 7, 1, tzinfo=UTC)
        >>> freshness(None, "monthly", now), freshness(datetime(2026, 6, 20, tzinfo=UTC), "monthly", now)
        ('none', 'fresh')
        >>> freshness(datetime(2026, 5, 20, tzinfo=UTC), "monthly", now), freshness(now, "", now)
        ('due', 'fresh')
    """
    if last_loaded is None:
        return "none"
    turn = _DUE.get(frequency)
    if turn is None or at - last_loaded <= turn:
        return "fresh"
    return "due" if at - last_loaded <= turn * 1.5 else "late"


def source_lines(*, at: datetime) -> list[SourceLine]:
    """Return every source with its last batch."""
    catalogue = programmes.catalogue()
    return [_line(source, catalogue, at) for source in lists.sources()]


def _line(source: lists.SourceRow, catalogue: Mapping[str, programmes.ProgrammeName], at: datetime) -> SourceLine:
    last = batches.last_loaded(source.code)
    return SourceLine(
        source=source,
        last=last,
        freshness=freshness(last.loaded_at if last else None, source.frequency, at),
        quarantined=batches.count_quarantine(source.code),
        programmes=[catalogue[code] for code in source.programmes if code in catalogue],
    )


def source_file(code: str, *, at: datetime) -> SourceFile:
    """Read one source.

    Raises:
        SourceNotFound: There is none of that code.
    """
    source = lists.source(code)
    if source is None:
        raise SourceNotFound(f"There is no source '{code}'.", source=code)
    run = results.latest_run()
    by_source: Mapping[str, Any] = run.summary.get("findings_by_source", {}) if run else {}
    return SourceFile(
        line=_line(source, programmes.catalogue(), at),
        batches=batches.batches_of(code),
        findings=dict(sorted(by_source.get(code, {}).items(), key=lambda item: -int(item[1]))),
        run_id=run.id if run else None,
        contract=batches.contract(source.contract_code) if source.contract_code else None,
    )


@dataclass(frozen=True)
class Unconnected:
    """One programme of the catalogue that no source delivers, with why it matters."""

    rank: int
    programme: programmes.ProgrammeName


def onboarding() -> list[Unconnected]:
    """Rank the programmes that are not connected: what blurs most answers first."""
    connected = {code for source in lists.sources() for code in source.programmes}
    found = [row for code, row in programmes.catalogue().items() if code not in connected]
    found.sort(key=lambda row: (not row.counts_to_cap, not row.poverty_targeted, not row.incompatible_with, row.code))
    return [Unconnected(number, row) for number, row in enumerate(found, 1)]
