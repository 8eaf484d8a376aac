"""Rows of the reports that stand on one run: findings, recipients and the unserved, as SQL.

Each report is a relation with named columns; who reads it sees the rows of her scope only, as row
security holds them. A column of the kind `number` is ciphertext of a personal number, which the
writer opens and masks. May call this room's tables only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from khana.beneficiaries.models import Finding, Run, Source
from khana_methods.errors import NotFound

Kind = Literal["text", "int", "decimal", "bool", "list", "number"]


class NoRun(NotFound):
    """There is no finished consolidation to report on."""

    code: ClassVar[str] = "beneficiaries.run.none"


class NoFinding(NotFound):
    """No finding of that number lies within the reader's scope."""

    code: ClassVar[str] = "beneficiaries.finding.none"


@dataclass(frozen=True)
class Relation:
    """One report as SQL: columns with their kinds, a statement without filters, and its filters.

    Filters are bound by name; `area` is bound to the area's path and `targeted` to the
    programmes that are meant for the poor: only there is a well-off recipient leakage.
    """

    columns: tuple[tuple[str, Kind], ...]
    select: str
    order: str
    filters: Mapping[str, str]
    permission: str


@dataclass(frozen=True)
class ReportedRun:
    """The run that a report stands on."""

    id: int
    ended_at: datetime | None
    inputs: Mapping[str, Any]
    parameters: Mapping[str, Any]
    summary: Mapping[str, Any]


_AREA = "split_part(rtrim({0}.area_path, '.'), '.', -1)"
_INSIDE = "{0}.area_path ^@ %(area)s"
_HAS_PROGRAMME = "r.programmes @> to_jsonb(%(programme)s::text)"
_NUMBER = """(SELECT CASE WHEN b.payee_id_token = r.id_token THEN b.payee_id_ciphertext ELSE b.id_ciphertext END
    FROM beneficiaries_benefit b WHERE b.payee_id_token = r.id_token OR b.id_token = r.id_token LIMIT 1)"""
_WHO: tuple[tuple[str, Kind], ...] = (
    ("person", "int"), ("household_id", "text"), ("line_no", "int"), ("number", "number"), ("area", "text"),
)  # fmt: skip
_WHO_SQL = f"r.person_id, r.household_number, r.line_no, {_NUMBER}, {_AREA.format('r')}"
_RECIPIENT_FILTERS = {"programme": _HAS_PROGRAMME, "area": _INSIDE.format("r")}

RELATIONS: dict[str, Relation] = {
    "findings": Relation(
        columns=(
            ("source", "text"), ("file", "text"), ("sheet", "text"), ("line", "int"), ("code", "text"),
            ("role", "text"), ("severity", "text"), ("person", "int"), ("household_id", "text"),
            ("line_no", "int"), ("detail", "text"), ("group", "int"),
        ),
        select="""SELECT f.source_code, f.file_name, f.sheet, f.line, f.code, f.role, f.severity, f.person_id,
            f.household_number, f.line_no, f.detail, f.group_no
            FROM beneficiaries_finding f WHERE f.run_id = %(run)s""",
        order="f.source_code, f.file_name, f.sheet, f.line, f.code, f.role, f.id",
        filters={
            "programme": "f.programme = %(programme)s", "source": "f.source_code = %(source)s",
            "code": "f.code = %(code)s", "area": _INSIDE.format("f"),
        },
        permission="findings.read",
    ),
    "recipients": Relation(
        columns=(
            *_WHO, ("programmes", "list"), ("agencies", "list"), ("cash_programmes", "int"), ("over_cap", "bool"),
            ("rows", "int"), ("amount", "decimal"), ("score", "decimal"), ("well_off", "bool"),
        ),
        select=f"""SELECT {_WHO_SQL}, r.programmes, r.agencies, r.cash_programmes, r.is_over_cap, r.rows, r.amount,
            r.score, r.is_well_off
            FROM beneficiaries_recipient r WHERE r.run_id = %(run)s""",
        order="r.id",
        filters=_RECIPIENT_FILTERS,
        permission="recipients.read",
    ),
    "cap": Relation(
        columns=(*_WHO, ("cash_programmes", "int"), ("programmes", "list"), ("agencies", "list"), ("amount", "decimal")),
        select=f"""SELECT {_WHO_SQL}, r.cash_programmes, r.programmes, r.agencies, r.amount
            FROM beneficiaries_recipient r WHERE r.run_id = %(run)s AND r.is_over_cap""",
        order="r.cash_programmes DESC, r.id",
        filters=_RECIPIENT_FILTERS,
        permission="recipients.read",
    ),
    "leakage": Relation(
        columns=(*_WHO, ("score", "decimal"), ("programmes", "list"), ("agencies", "list"), ("amount", "decimal")),
        select=f"""SELECT {_WHO_SQL}, r.score, r.programmes, r.agencies, r.amount
            FROM beneficiaries_recipient r WHERE r.run_id = %(run)s AND r.is_well_off AND r.programmes ?| %(targeted)s""",
        order="r.score DESC, r.id",
        filters=_RECIPIENT_FILTERS,
        permission="recipients.read",
    ),
    "overlaps": Relation(
        columns=(("programme_a", "text"), ("programme_b", "text"), ("persons", "int"), ("over_cap", "int")),
        select="""SELECT o.a, o.b, o.persons, o.over_cap FROM (
            SELECT a.value AS a, b.value AS b, count(*) AS persons, count(*) FILTER (WHERE r.is_over_cap) AS over_cap
            FROM beneficiaries_recipient r,
                LATERAL jsonb_array_elements_text(r.programmes) a, LATERAL jsonb_array_elements_text(r.programmes) b
            WHERE r.run_id = %(run)s AND jsonb_array_length(r.programmes) > 1 AND a.value < b.value
                AND (%(area)s::text IS NULL OR r.area_path ^@ %(area)s)
            GROUP BY 1, 2) o WHERE true""",
        order="o.persons DESC, o.a, o.b",
        filters={"programme": "%(programme)s IN (o.a, o.b)", "area": "true"},
        permission="recipients.read",
    ),
    "unserved": Relation(
        columns=(
            ("rank", "int"), ("household_id", "text"), ("area", "text"), ("score", "decimal"), ("members", "int"),
            ("eligible_for", "list"),
        ),
        select=f"""SELECT u.rank, u.household_number, {_AREA.format("u")}, u.score, u.members, u.eligible_for
            FROM beneficiaries_unservedhousehold u WHERE u.run_id = %(run)s""",
        order="u.rank, u.id",
        filters={
            "programme": "u.eligible_for @> to_jsonb(%(programme)s::text)", "area": _INSIDE.format("u"),
        },
        permission="recipients.read",
    ),
}  # fmt: skip


def get_run(number: int | None = None) -> ReportedRun:
    """Return the newest finished run, or the finished run of that number.

    Raises:
        NoRun: There is none.
    """
    runs = Run.objects.filter(state=Run.State.DONE).order_by("-id")
    found = (runs if number is None else runs.filter(pk=number)).first()
    if found is None:
        which = "There is no finished run yet" if number is None else f"There is no finished run {number}"
        raise NoRun(f"{which}. Consolidate first: `khana consolidate`.", run=number)
    return ReportedRun(found.pk, found.ended_at, found.inputs, found.parameters, found.summary)


def list_sources() -> list[dict[str, Any]]:
    """Return every source by code: title, agency, programmes, contract, how often it delivers."""
    return [
        {
            "source": found.code, "title": found.title, "agency": found.agency, "programmes": found.programmes,
            "contract": found.contract_code, "frequency": found.frequency, "kept_here": found.is_kept_here,
        }
        for found in Source.objects.order_by("code")
    ]  # fmt: skip


def get_finding(number: int) -> dict[str, Any]:
    """Return one finding: where it stands and what was found; no name and no number of a person.

    Raises:
        NoFinding: There is none of that number in the reader's scope.
    """
    found = Finding.objects.filter(pk=number).first()
    if found is None:
        raise NoFinding(f"There is no finding {number}. `khana report findings` lists them.", finding=number)
    return {
        "finding": found.pk, "run": found.run_id, "source": found.source_code, "file": found.file_name,
        "sheet": found.sheet, "line": found.line, "programme": found.programme, "code": found.code, "role": found.role,
        "person": found.person_id, "household_id": found.household_number, "line_no": found.line_no,
        "detail": found.detail, "group": found.group_no,
    }  # fmt: skip
