"""Reads of the catalogue, for people and for the methods."""

from __future__ import annotations

import pyarrow as pa
from django.db.models import QuerySet

from khana.programmes.models import Programme
from khana_methods.records import programme_frame


def list_programmes() -> QuerySet[Programme]:
    """Return every programme by code."""
    return Programme.objects.order_by("code")


def get_programme_frame() -> pa.Table:
    """Return the catalogue as the methods read it: one row a programme."""
    rows = [
        {
            "code": p.code,
            "agency": p.agency,
            "benefit_type": p.benefit_type,
            "counts_to_cap": p.counts_to_cap,
            "min_age": p.min_age,
            "max_age": p.max_age,
            "min_age_female": p.min_age_female,
            "sex": p.sex,
            "max_score": None if p.max_score is None else float(p.max_score),
            "poverty_targeted": p.poverty_targeted,
            "one_per_household": p.one_per_household,
            "requires": p.requires,
            "incompatible_with": p.incompatible_with,
            "areas": p.areas,
        }
        for p in list_programmes()
    ]
    return pa.Table.from_pylist(rows, schema=programme_frame)
