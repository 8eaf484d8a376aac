"""Places, bases and roads of an outreach plan from files: what is missing is named, and bases are made where none are given."""

from __future__ import annotations

from collections import defaultdict
from typing import ClassVar

import pyarrow as pa

from khana_methods.coverage.outreach import Base, Place
from khana_methods.errors import InputError
from khana_methods.surveys.tables import numbers, require_columns, texts


class PlacesUnreadable(InputError):
    """A place has no position or no count, or a code stands twice."""

    code: ClassVar[str] = "coverage.outreach.places_unreadable"


def _filled(table: pa.Table, name: str, low: float, high: float) -> list[float]:
    found = numbers(table, name)
    values = found.values.to_pylist()
    wrong = sum(1 for value in values if value is None or not low <= value <= high)
    if wrong:
        raise PlacesUnreadable(f"{wrong} rows have no {name} that can be one.", column=name, rows=wrong)
    return [float(value) for value in values]


def read_places(table: pa.Table, *, missing: str = "missing") -> list[Place]:
    """Read places: `code`, the column of missing poor households, `latitude`, `longitude`; `province` and `today_days` if there.

    Raises:
        PlacesUnreadable: A number is not there or cannot be one; a code stands twice.
        ColumnMissing: A column is not there.
    """
    require_columns(table, ["code", missing, "latitude", "longitude"])
    codes = texts(table, "code").to_pylist()
    if len(set(codes)) != len(codes) or None in codes:
        raise PlacesUnreadable("A code stands twice, or is blank.")
    counts = _filled(table, missing, 0, 1e9)
    latitudes, longitudes = _filled(table, "latitude", -90, 90), _filled(table, "longitude", -180, 180)
    provinces = texts(table, "province").to_pylist() if "province" in table.schema.names else [""] * len(codes)
    today = (
        numbers(table, "today_days").values.to_pylist() if "today_days" in table.schema.names else [None] * len(codes)
    )
    return [
        Place(str(code), count, latitude, longitude, province or "", days)
        for code, count, latitude, longitude, province, days in zip(
            codes, counts, latitudes, longitudes, provinces, today, strict=True
        )
    ]


def read_bases(table: pa.Table) -> list[Base]:
    """Read bases: `code`, `latitude`, `longitude`, `vans`."""
    require_columns(table, ["code", "latitude", "longitude", "vans"])
    rows = zip(
        texts(table, "code").to_pylist(), _filled(table, "latitude", -90, 90), _filled(table, "longitude", -180, 180),
        _filled(table, "vans", 0, 1e6), strict=True,
    )  # fmt: skip
    return [Base(str(code), latitude, longitude, round(vans)) for code, latitude, longitude, vans in rows]


def make_bases(places: list[Place], vans: int) -> list[Base]:
    """Put a base in the middle of each province's missing, with vans by its share of them (largest remainders).

    Examples:
        >>> places = [Place("a", 30, 25.0, 67.0, "s"), Place("b", 10, 31.0, 74.0, "p")]
        >>> [(base.code, base.vans) for base in make_bases(places, 4)]
        [('base s', 3), ('base p', 1)]
    """
    inside: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        if place.missing > 0:
            inside[place.province].append(place)
    whole = sum(place.missing for part in inside.values() for place in part) or 1.0
    shares = {name: vans * sum(place.missing for place in part) / whole for name, part in inside.items()}
    given = {name: int(share) for name, share in shares.items()}
    for name in sorted(shares, key=lambda one: given[one] - shares[one])[: vans - sum(given.values())]:
        given[name] += 1
    made = []
    for name, part in inside.items():
        mass = sum(place.missing for place in part)
        made.append(
            Base(
                f"base {name}".strip(), sum(p.latitude * p.missing for p in part) / mass,
                sum(p.longitude * p.missing for p in part) / mass, given[name],
            )
        )  # fmt: skip
    return made


def read_roads(table: pa.Table) -> dict[tuple[str, str], float]:
    """Read road distances: `base`, `place`, `km`."""
    require_columns(table, ["base", "place", "km"])
    rows = zip(
        texts(table, "base").to_pylist(), texts(table, "place").to_pylist(), _filled(table, "km", 0, 1e5), strict=True
    )
    return {(str(base), str(place)): km for base, place, km in rows}
