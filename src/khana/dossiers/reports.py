"""The answers of one run as rows: exported to a file, streamed, or the first rows for a screen.

Kinds: recipients, overlaps, cap, unserved, leakage, findings, quarantine; residents (of the population
register, in no household) and members (of households, in no population register). Rows are those of the
reader's scope, read by a cursor of the server inside her transaction; numbers are masked. Every
report says which programmes are connected and to which period: 'served by nothing' is never said
of what is not known. Each export leaves an event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from django.db import connection

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries import report_rows as results
from khana.beneficiaries.services import sources
from khana.deliveries import report_rows as quarantine
from khana.dossiers.report_files import open_writer
from khana.geo import selectors as geo
from khana.platform import keys
from khana.platform.progress import Progress, silent
from khana.programmes import selectors as programmes
from khana.registry import report_rows as registers
from khana_methods.disclosure.masking import mask
from khana_methods.engine.whole_file import whole_file
from khana_methods.errors import InputError, NotFound
from khana_methods.overlap.finding_codes import finding_code

CHUNK = 20_000
OF_NO_RUN = ("quarantine", "residents", "members")  # they stand on what is loaded, not on a run
KINDS = (*results.RELATIONS, *OF_NO_RUN)
_QUARANTINE = results.Relation(
    columns=quarantine.COLUMNS,  # type: ignore[arg-type]
    select=quarantine.SELECT,
    order=quarantine.ORDER,
    filters=quarantine.FILTERS,
    permission=quarantine.PERMISSION,
)
_RESIDENTS = results.Relation(
    columns=registers.RESIDENT_COLUMNS,  # type: ignore[arg-type]
    select=registers.RESIDENT_SELECT,
    order=registers.RESIDENT_ORDER,
    filters=registers.RESIDENT_FILTERS,
    permission=registers.PERMISSION,
)
_MEMBERS = results.Relation(
    columns=registers.MEMBER_COLUMNS,  # type: ignore[arg-type]
    select=registers.MEMBER_SELECT,
    order=registers.MEMBER_ORDER,
    filters=registers.MEMBER_FILTERS,
    permission=registers.PERMISSION,
)
_RELATIONS = {**results.RELATIONS, "quarantine": _QUARANTINE, "residents": _RESIDENTS, "members": _MEMBERS}


class KindUnknown(InputError):
    """There is no report of that kind."""

    code: ClassVar[str] = "dossiers.report.kind_unknown"


class FilterNotOfKind(InputError):
    """This report has no such column to filter by."""

    code: ClassVar[str] = "dossiers.report.filter_not_of_kind"


class ProgrammeUnknown(NotFound):
    """The catalogue has no such programme, and no list does."""

    code: ClassVar[str] = "dossiers.report.programme_unknown"


@dataclass(frozen=True)
class Filters:
    """Which rows of a report; an empty field asks for all."""

    programme: str = ""
    source: str = ""
    code: str = ""
    area: str = ""
    state: str = ""


@dataclass(frozen=True)
class _Asked:
    kind: str
    relation: results.Relation
    where: str
    parameters: dict[str, Any]
    header: dict[str, Any]


def _ask(kind: str, run: int | None, filters: Filters | Mapping[str, str] | None, at: datetime) -> _Asked:
    if kind not in KINDS:
        raise KindUnknown(f"There is no report '{kind}'. The reports are: {', '.join(KINDS)}.", kind=kind)
    relation = _RELATIONS[kind]
    access.require(relation.permission)
    given = filters if isinstance(filters, Filters) else Filters(**(filters or {}))
    asked = {name: value for name, value in asdict(given).items() if value}
    for name in asked:
        if name not in relation.filters:
            raise FilterNotOfKind(
                f"The report '{kind}' cannot be filtered by {name}; it can by {', '.join(relation.filters)}.",
                filter=name,
            )
    header: dict[str, Any] = {"report": kind, "made_at": at.isoformat(), "filters": asked}
    number = None
    known: set[str] = set()
    if kind not in OF_NO_RUN:
        found = results.get_run(run)
        number = found.id
        header |= {"run": found.id, "consolidated_at": found.ended_at, **connected_of(found)}
        known = {str(row["programme"]) for row in header["connected"]}
    _refuse_unknown(kind, given, known)
    where = "".join(f" AND {relation.filters[name]}" for name in asked)
    parameters = {"run": number, **{name: value or None for name, value in asdict(given).items()}}
    if kind == "leakage":
        parameters["targeted"] = [p.code for p in programmes.list_programmes() if p.poverty_targeted]
    if given.area:
        parameters["area"] = geo.get_path(given.area)
    return _Asked(kind, relation, relation.select + where, parameters, header)


def _refuse_unknown(kind: str, asked: Filters, connected: set[str]) -> None:
    """Raise where a filter names what is not there: a typing error would look like a clean list."""
    if asked.code and kind == "findings":
        finding_code(asked.code)
    if asked.source:
        sources.get_source(asked.source)
    if asked.programme and asked.programme not in connected | {p.code for p in programmes.list_programmes()}:
        raise ProgrammeUnknown(
            f"There is no programme '{asked.programme}' in the catalogue or on a list.", programme=asked.programme
        )


def connected_of(run: results.ReportedRun) -> dict[str, Any]:
    """Return which programmes a run knew, to which period, and which of the catalogue it did not."""
    return {
        "connected": run.summary.get("connected", []),
        "not_connected": run.summary.get("not_connected", []),
    }


def _count(asked: _Asked, limit: int | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({asked.where}) counted", asked.parameters)
        total = int(cursor.fetchone()[0])
    return min(total, limit) if limit else total


def _chunks(asked: _Asked, limit: int | None) -> Iterator[list[Sequence[Any]]]:
    statement = f"{asked.where} ORDER BY {asked.relation.order}" + (f" LIMIT {int(limit)}" if limit else "")
    kinds = [kind for _, kind in asked.relation.columns]
    numbers = [place for place, kind in enumerate(kinds) if kind == "number"]
    lists = [place for place, kind in enumerate(kinds) if kind == "list"]
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, asked.parameters)
        while rows := cursor.fetchmany(CHUNK):
            if not numbers and not lists:
                yield rows
                continue
            yield [_opened(row, numbers, lists) for row in rows]


def _opened(row: Sequence[Any], numbers: Sequence[int], lists: Sequence[int]) -> list[Any]:
    out = list(row)
    for place in numbers:
        out[place] = mask(keys.decrypt(out[place]).decode()) if out[place] is not None else ""
    for place in lists:
        if isinstance(out[place], str):  # jsonb as a raw cursor gives it
            out[place] = json.loads(out[place])
    return out


def stream(
    *, kind: str, target: BinaryIO, format: str, run: int | None = None,
    filters: Filters | Mapping[str, str] | None = None, limit: int | None = None,
    progress: Progress = silent, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Write one report into an open binary target.

    Args:
        kind: Which answer.
        target: Where the bytes go.
        format: csv, xlsx, json or parquet.
        run: Number of a finished run; the newest if absent.
        filters: Which rows.
        limit: At most so many rows.
        progress: Told after each chunk.
        at: When.

    Returns:
        What the report stands on (kind, run, connected programmes and periods) and `rows` written.

    Raises:
        KindUnknown, FilterNotOfKind, FormatUnknown: It is asked for what is not there.
        NoRun: There is no finished run.
        AreaUnknown, SourceUnknown, ProgrammeUnknown, FindingCodeUnknown: A filter names what is not there.
        PermissionMissing: The reader may not see such rows anywhere.
        TooManyRows: A spreadsheet cannot hold them.
    """
    asked = _ask(kind, run, filters, at)
    total = _count(asked, limit)
    writer = open_writer(format, target, asked.relation.columns, {**asked.header, "count": total})
    done = 0
    progress(0, total, "writing")
    for rows in _chunks(asked, limit):
        writer.write(rows)
        done += len(rows)
        progress(done, total, "writing")
    writer.close()
    audit.record(
        action="dossiers.report.exported",
        subject=f"report:{kind}",
        details={"run": asked.parameters["run"], "rows": done, "format": format, "filters": asked.header["filters"]},
        at=at,
    )
    return {**asked.header, "rows": done}


def export(
    *, kind: str, out: Path, format: str | None = None, run: int | None = None,
    filters: Filters | Mapping[str, str] | None = None, limit: int | None = None,
    progress: Progress = silent, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Write one report to a file that appears whole or not at all, with what it stands on beside it.

    The format is that of the file's name where none is given. Beside all but JSON a file `<out>.about.json`
    says which programmes are connected and to which period.

    Returns:
        As `stream`, and the `file`.
    """
    chosen = format or out.suffix.lstrip(".").lower() or "csv"
    with whole_file(out) as place:
        with place.open("wb") as target:
            result = stream(
                kind=kind, target=target, format=chosen, run=run, filters=filters, limit=limit, progress=progress, at=at
            )
        if chosen != "json":
            about = json.dumps({**result, "file": out.name}, default=str, ensure_ascii=False, indent=1)
            with whole_file(out.with_name(out.name + ".about.json")) as beside:
                beside.write_text(about + "\n", encoding="utf-8")
    return {**result, "file": str(out)}


def preview(
    *, kind: str, run: int | None = None, filters: Filters | Mapping[str, str] | None = None, limit: int, at: datetime
) -> dict[str, Any]:
    """Return the first rows of one report for a screen, with the total and what it stands on."""
    asked = _ask(kind, run, filters, at)
    names = [name for name, _ in asked.relation.columns]
    rows = [dict(zip(names, row, strict=True)) for chunk in _chunks(asked, limit) for row in chunk]
    audit.record(
        action="dossiers.report.shown",
        subject=f"report:{kind}",
        details={"run": asked.parameters["run"], "rows": len(rows), "filters": asked.header["filters"]},
        at=at,
    )
    return {**asked.header, "total": _count(asked, None), "rows": rows}
