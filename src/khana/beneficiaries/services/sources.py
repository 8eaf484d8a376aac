"""Connect sources: a ministry's MIS, its programmes, its contract, how often it delivers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries.models import Source
from khana_methods.errors import NotFound


class SourceUnknown(NotFound):
    """There is no source of that code."""

    code: ClassVar[str] = "beneficiaries.source.unknown"


def add_source(
    *,
    code: str,
    title: str,
    agency: str,
    programmes: Sequence[str],
    contract_code: str,
    frequency: str,
    at: datetime,
    is_kept_here: bool = False,
) -> Source:
    """Connect a source, or change what is known of it; the same again changes nothing."""
    access.require("sources.write")
    source, created = Source.objects.update_or_create(
        code=code,
        defaults={
            "title": title,
            "agency": agency,
            "programmes": list(programmes),
            "contract_code": contract_code,
            "frequency": frequency,
            "is_kept_here": is_kept_here,
        },
        create_defaults={
            "title": title,
            "agency": agency,
            "programmes": list(programmes),
            "contract_code": contract_code,
            "frequency": frequency,
            "is_kept_here": is_kept_here,
            "created_at": at,
        },
    )
    audit.record(
        action="beneficiaries.source.connected" if created else "beneficiaries.source.changed",
        subject=f"source:{code}",
        details={"agency": agency, "programmes": list(programmes), "contract": contract_code},
        at=at,
    )
    return source


def get_source(code: str) -> Source:
    """Return one source.

    Raises:
        SourceUnknown: There is none of that code.
    """
    found = Source.objects.filter(code=code).first()
    if found is None:
        raise SourceUnknown(f"There is no source '{code}'. `khana sources list` shows them.", source=code)
    return found
