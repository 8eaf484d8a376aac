"""A little consumption survey, made up and seeded: four strata, units of ten households, numbers and codes."""

from __future__ import annotations

import math
import random
from typing import Any

import pyarrow as pa

WALLS = {"mud": 0.0, "brick": 0.2, "cement": 0.45}
SCHOOL = ["none", "primary", "secondary"]


def rows(households: int = 400, seed: int = 7) -> list[dict[str, Any]]:
    """Return households as rows; log consumption is a straight line of their answers and a little noise."""
    lot = random.Random(seed)
    made = []
    for number in range(households):
        size, rooms = lot.randint(1, 11), lot.randint(1, 5)
        wall, school = lot.choice(list(WALLS)), lot.choice(SCHOOL)
        urban, tv = lot.random() < 0.4, lot.random() < 0.5
        log = (
            8
            - 0.08 * min(size, 8)
            + 0.3 * rooms / size
            + WALLS[wall]
            + 0.15 * SCHOOL.index(school)
            + 0.25 * tv
            + 0.1 * urban
        )
        made.append(
            {
                "hh": number, "pcc": math.exp(log + lot.gauss(0, 0.25)), "size": size, "rooms": rooms, "wall": wall,
                "school": school, "tv": tv, "place": "urban" if urban else "rural", "weight": lot.uniform(50, 200),
                "stratum": f"s{number // 10 % 4}", "psu": number // 10, "head_sex": lot.choice(["M", "F"]),
                "visited": 2020 + number % 3,
            }
        )  # fmt: skip
    return made


def survey(households: int = 400, **columns: list[Any]) -> pa.Table:
    """Return the survey as a table; columns given by name take the place of its own or are added."""
    table = pa.Table.from_pylist(rows(households))
    for name, values in columns.items():
        if name in table.schema.names:
            table = table.drop_columns([name])
        table = table.append_column(name, pa.array(values))
    return table


def spec(**more: Any) -> dict[str, Any]:
    """Return a SPEC that fits the survey; keys given take the place of its own."""
    return {
        "welfare": "pcc", "size": "size", "weight": "weight", "strata": "stratum", "psu": "psu",
        "regressors": [
            {"column": "size", "at_most": 8}, {"code": "rooms_per_head", "column": "rooms", "per": "size"}, "wall",
            {"column": "school", "order": SCHOOL}, "tv",
        ],
        "benchmark": False, "robustness": False, **more,
    }  # fmt: skip
