"""The made-up country: provinces of districts of tehsils on one lattice, with codes, names and outlines.

No real boundary is used and no real place is named: names are put together from ordinary place
words. Corners are shared by neighbours, so that outlines fit together without gaps. The number
of tehsils grows with the number of households, because people are made tehsil by tehsil.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_HEADS = {
    "pak": "Noor|نور;Shah|شاہ;Islam|اسلام;Rahim|رحیم;Gul|گل;Sher|شیر;Mir|میر;Pir|پیر;Taj|تاج;Fateh|فتح;Qadir|قادر;Sultan|سلطان;Karam|کرم"
    ";Dost|دوست;Murad|مراد;Basti|بستی;Kot|کوٹ;Chak|چک;Nawa|نوا;Zafar|ظفر;Bahar|بہار;Jalal|جلال;Sardar|سردار;Hakim|حکیم;Amin|امین",
    "bgd": "Nur|নূর;Shanti|শান্তি;Rupa|রূপা;Sona|সোনা;Kanchan|কাঞ্চন;Mati|মাটি;Nil|নীল;Alo|আলো;Chandra|চন্দ্র;Surja|সূর্য;Padma|পদ্ম;Shapla|শাপলা"
    ";Mohan|মোহন;Rahim|রহিম;Karim|করিম;Hasan|হাসান;Modhu|মধু;Phul|ফুল;Bakul|বকুল;Kamal|কমল;Dhan|ধান;Nodi|নদী;Char|চর;Bil|বিল;Tal|তাল",
}
_TAILS = {
    "pak": "abad|آباد;pur|پور;garh|گڑھ;wala|والا;kot|کوٹ;nagar|نگر;ganj|گنج;sarai|سرائے;khel|خیل;dera|ڈیرہ;bagh|باغ;pind|پنڈ",
    "bgd": "pur|পুর;ganj|গঞ্জ;hat|হাট;nagar|নগর;bari|বাড়ি;khali|খালী;tala|তলা;kandi|কান্দি;para|পাড়া;gaon|গাঁও;danga|ডাঙ্গা;bazar|বাজার",
}
_REGIONS = {
    "pak": [("Shimal", "شمال"), ("Mashriq", "مشرق"), ("Maghrib", "مغرب"), ("Janub", "جنوب")],
    "bgd": [("Uttar", "উত্তর"), ("Purba", "পূর্ব"), ("Paschim", "পশ্চিম"), ("Dakshin", "দক্ষিণ")],
}
LEVELS = {"pak": ("province", "district", "tehsil"), "bgd": ("division", "district", "upazila")}
_CELL_DEGREES = 0.25


@dataclass(frozen=True)
class Area:
    """One area: ``ring`` is its outline in degrees, closed, counter-clockwise."""

    code: str
    parent: str
    level: int
    name: str
    native: str
    ring: list[tuple[float, float]]

    @property
    def alias(self) -> str:
        """Another spelling that offices use."""
        for usual, other in (("ee", "i"), ("aa", "a"), ("a", "aa"), ("i", "ee"), ("u", "oo"), ("o", "oo")):
            if usual in self.name[1:]:
                return self.name[0] + self.name[1:].replace(usual, other, 1)
        return self.name + "h"

    @property
    def centre(self) -> tuple[float, float]:
        """Mean of the corners (longitude, latitude); inside, as every outline is nearly a rectangle."""
        points = self.ring[:-1]
        return sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)


@dataclass(frozen=True)
class Geography:
    """All areas of the country, and how households fall on the tehsils.

    Attributes:
        areas: Provinces, districts and tehsils, parents first.
        tehsils, districts, provinces: The same by level.
        district_of, province_of: Position of each tehsil's district and province.
        place: Five-digit number of each tehsil as it stands at the head of identity numbers.
        households: How many households each tehsil has on the register.
    """

    country: str
    areas: list[Area]
    tehsils: list[Area]
    districts: list[Area]
    provinces: list[Area]
    district_of: np.ndarray[Any, Any]
    province_of: np.ndarray[Any, Any]
    place: np.ndarray[Any, Any]
    households: np.ndarray[Any, Any]


def make_geography(country: str, households: int, rng: np.random.Generator) -> Geography:
    """Lay out the country: 48 tehsils below ten thousand households, 96 above, more above a million."""
    shape = (2, 2, 3, 1) if households < 10_000 else (3, 2, 2, 2)
    wanted = households / 10_000
    # Ten tehsils a district are the most that the five digits of a place can tell apart.
    while 4 * math.prod(shape) < wanted and shape[2] * shape[3] < 10:
        dx, dy, tx, ty = shape
        shape = (dx + 1, dy + 1, tx, ty) if dx * dy < 72 else (dx, dy, tx + 1, ty)
    lattice = _Lattice(2 * shape[0] * shape[2], 2 * shape[1] * shape[3], rng)
    names = _Names(country, rng)
    dx, dy, tx, ty = shape
    areas: list[Area] = []
    district_of: list[int] = []
    places: list[int] = []
    prefix = "PK9" if country == "pak" else "BD9"
    for p in range(4):
        px, py = (p % 2) * dx * tx, (p // 2) * dy * ty
        name, native = _REGIONS[country][p]
        areas.append(Area(f"{prefix}{p + 1}", "", 1, name, native, lattice.ring(px, py, dx * tx, dy * ty)))
        for d in range(dx * dy):
            x, y = px + (d % dx) * tx, py + (d // dx) * ty
            district = f"{prefix}{p + 1}{d + 1:02d}"
            areas.append(Area(district, f"{prefix}{p + 1}", 2, *names.next(), lattice.ring(x, y, tx, ty)))
            number = sum(1 for a in areas if a.level == 2) - 1
            for t in range(tx * ty):
                ring = lattice.ring(x + t % tx, y + t // tx, 1, 1)
                areas.append(Area(f"{district}{t + 1:02d}", district, 3, *names.next(), ring))
                district_of.append(number)
                places.append(_place(country, p, d, t))
    of = np.array(district_of)
    weight = rng.lognormal(0, 0.45, of.size)
    share = np.floor(weight / weight.sum() * households).astype(np.int64)
    share[np.argsort(-weight)[: households - int(share.sum())]] += 1
    return Geography(
        country=country,
        areas=areas,
        tehsils=[a for a in areas if a.level == 3],
        districts=[a for a in areas if a.level == 2],
        provinces=[a for a in areas if a.level == 1],
        district_of=of,
        province_of=of // (dx * dy),
        place=np.array(places, dtype=np.int64),
        households=share,
    )


def _place(country: str, province: int, district: int, tehsil: int) -> int:
    """Five digits: pak p9ddt (9 is no division), bgd dd7uu (7 is no kind of settlement)."""
    if country == "pak":
        return ([1, 3, 4, 5][province] * 10 + 9) * 1000 + (district + 1) * 10 + tehsil
    # Four divisions share the two digits: 25 districts each, the upazila digits take the overflow.
    return (province * 22 + 10 + district % 22) * 1000 + 700 + (district // 22) * 20 + tehsil + 1


class _Lattice:
    """Corner points of a grid of cells, each shaken a little; a block of cells has one outline."""

    def __init__(self, columns: int, rows: int, rng: np.random.Generator) -> None:
        shake = rng.uniform(-0.2, 0.2, (rows + 1, columns + 1, 2))
        x, y = np.meshgrid(np.arange(columns + 1), np.arange(rows + 1))
        self.points = np.round((np.stack([x, y], axis=2) + shake) * _CELL_DEGREES + np.array([64.0, 8.0]), 5)

    def ring(self, x: int, y: int, width: int, height: int) -> list[tuple[float, float]]:
        path = [(x + i, y) for i in range(width)] + [(x + width, y + j) for j in range(height)]
        path += [(x + width - i, y + height) for i in range(width)] + [
            (x, y + height - j) for j in range(height)
        ]
        points = [(float(self.points[j, i, 0]), float(self.points[j, i, 1])) for i, j in path]
        return [*points, points[0]]


class _Names:
    """Deals out place names without repeating one."""

    def __init__(self, country: str, rng: np.random.Generator) -> None:
        heads = [h.split("|") for h in _HEADS[country].split(";")]
        tails = [t.split("|") for t in _TAILS[country].split(";")]
        joined = [
            (a[0] + b[0], a[1] + b[1] if country == "bgd" else f"{a[1]} {b[1]}") for a in heads for b in tails
        ]
        self._pool = [joined[i] for i in rng.permutation(len(joined))]
        self._dealt = 0

    def next(self) -> tuple[str, str]:
        lap, place = divmod(self._dealt, len(self._pool))
        self._dealt += 1
        name, native = self._pool[place]
        return (name, native) if lap == 0 else (f"{name} {lap + 1}", f"{native} {lap + 1}")


def write_areas(geography: Geography, out: Path) -> None:
    """Write ``areas.csv`` (parents first), ``areas.geojson`` (outlines) and one file of outlines a level."""
    levels = LEVELS[geography.country]
    language = "ur" if geography.country == "pak" else "bn"
    head = [
        "code",
        "parent_code",
        "level",
        "kind",
        "name_en",
        f"name_{language}",
        "aliases",
        "longitude",
        "latitude",
        "valid_from",
    ]
    features: list[dict[str, Any]] = []
    with (out / "areas.csv").open("w", encoding="utf-8", newline="") as stream:
        sheet = csv.writer(stream, lineterminator="\n")
        sheet.writerow(head)
        for a in geography.areas:
            x, y = a.centre
            row = [
                a.code,
                a.parent,
                a.level,
                levels[a.level - 1],
                a.name,
                a.native,
                a.alias,
                f"{x:.5f}",
                f"{y:.5f}",
                "2018-01-01",
            ]
            sheet.writerow(row)
            features.append(
                {
                    "type": "Feature",
                    "properties": dict(zip(head[:7], row[:7], strict=True)),
                    "geometry": {"type": "Polygon", "coordinates": [a.ring]},
                }
            )
    _dump(out / "areas.geojson", features)
    for level, kind in enumerate(levels, start=1):
        _dump(out / f"areas_{kind}.geojson", [f for f in features if f["properties"]["level"] == level])


def _dump(path: Path, features: list[dict[str, Any]]) -> None:
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")
