"""Reads of the lists themselves, for people: sources, benefit rows, recorded exits.

All under the caller's scope. No number and no token leaves here: a row tells whose it is by the
file that it was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q

from khana.beneficiaries.models import Benefit, ExitRecord, Source
from khana.platform import keys
from khana_methods.disclosure.masking import mask


@dataclass(frozen=True)
class BenefitRow:
    """One row of one source's list, without any number or token."""

    id: int
    batch_id: int
    source_code: str
    agency: str
    programme: str
    period: str
    period_start: date | None
    file_name: str
    sheet: str
    line: int
    amount: Decimal | None
    is_payee_only: bool
    id_raw_state: str
    name: str


@dataclass(frozen=True)
class SourceRow:
    """One programme MIS as it is connected."""

    code: str
    title: str
    agency: str
    programmes: Sequence[str]
    contract_code: str
    frequency: str
    is_kept_here: bool
    created_at: datetime


@dataclass(frozen=True)
class ExitRow:
    """One recorded exit."""

    programme: str
    exit_date: date
    exit_reason: str


def benefits_of(tokens: Sequence[bytes], *, limit: int = 200) -> list[BenefitRow]:
    """Return list rows whose beneficiary or payee holds one of the numbers, newest period first."""
    if not tokens:
        return []
    held = list(tokens)
    found = Benefit.objects.filter(Q(id_token__in=held) | Q(payee_id_token__in=held))
    rows = found.order_by("-period_start", "source_code", "line")[:limit]
    return [_benefit(row, held) for row in rows]


def benefit(benefit_id: int) -> BenefitRow | None:
    """Return one list row within the scope."""
    row = Benefit.objects.filter(pk=benefit_id).first()
    return _benefit(row, []) if row else None


@dataclass(frozen=True)
class SeatRow:
    """One role of one row as a steward compares it with a person: number masked."""

    name: str
    guardian_name: str
    sex: str
    birth: tuple[int | None, int | None, int | None]
    masked: str
    area_path: str
    other_name: str
    programme: str
    period: str
    file_name: str
    line: int


def row_for_matching(benefit_id: int, role: str) -> SeatRow | None:
    """Return what a row says of its beneficiary, or of its payee; None outside the scope."""
    row = Benefit.objects.filter(pk=benefit_id).first()
    if row is None:
        return None
    is_payee = role == "payee"
    sealed = row.payee_id_ciphertext if is_payee else row.id_ciphertext
    return SeatRow(
        row.payee_name if is_payee else row.name or row.payee_name, "" if is_payee else row.guardian_name,
        "" if is_payee else row.sex, (None, None, None) if is_payee else (row.birth_year, row.birth_month, row.birth_day),
        mask(keys.decrypt(sealed).decode()) if sealed else "", row.area_path, row.name if is_payee else row.payee_name,
        row.programme, row.period, row.file_name, row.line,
    )  # fmt: skip


def benefit_tokens(benefit_id: int) -> list[bytes]:
    """Return the tokens of one list row: the beneficiary's, then the payee's."""
    pair = Benefit.objects.filter(pk=benefit_id).values_list("id_token", "payee_id_token").first()
    return [bytes(token) for token in pair or () if token]


def _benefit(row: Benefit, held: Sequence[bytes]) -> BenefitRow:
    own = bytes(row.id_token) if row.id_token else None
    return BenefitRow(
        row.pk, row.batch_id, row.source_code, row.agency, row.programme, row.period, row.period_start, row.file_name,
        row.sheet, row.line, row.amount, bool(held) and own not in held, row.id_raw_state, row.name,
    )  # fmt: skip


def exits_of(tokens: Sequence[bytes]) -> list[ExitRow]:
    """Return the recorded exits of whoever holds one of the numbers."""
    if not tokens:
        return []
    rows = ExitRecord.objects.filter(id_token__in=list(tokens)).order_by("-exit_date", "id")[:50]
    return [ExitRow(row.programme, row.exit_date, row.exit_reason) for row in rows]


def sources() -> list[SourceRow]:
    """Return every source, by code: there are as many as programmes, not as people."""
    return [_source(row) for row in Source.objects.order_by("code")]


def source(code: str) -> SourceRow | None:
    """Return one source."""
    row = Source.objects.filter(code=code).first()
    return _source(row) if row else None


def _source(row: Source) -> SourceRow:
    return SourceRow(
        row.code, row.title, row.agency, tuple(row.programmes), row.contract_code, row.frequency, row.is_kept_here,
        row.created_at,
    )  # fmt: skip


def rows_of_source(source_code: str, *, after: int = 0, limit: int = 50) -> list[BenefitRow]:
    """Return one page of the rows of one source in the order of their ids, those above `after`."""
    found = Benefit.objects.filter(source_code=source_code, id__gt=after).order_by("id")
    return [_benefit(row, []) for row in found[:limit]]
