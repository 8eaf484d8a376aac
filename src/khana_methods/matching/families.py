"""How often two strangers share a guardian's name, a mobile or a village: u of the family question.

Names of guardians are counted exactly, by their rarity and by place, from how many bear them where. What cannot
be counted from one column (a name nearly alike, only the call name alike) is seen on random pairs, drawn
towards what state and place alone would give where few were seen.
"""

from __future__ import annotations

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.compare import (
    ALIKE_CLASSES,
    FAMILY,
    GUARDIAN_CLASSES,
    GUARDIAN_SHARES,
    PLACES,
    SKELETON_SHARES,
    STATES,
    TIES,
    sided,
)

_COUNTED = (*GUARDIAN_CLASSES, *ALIKE_CLASSES)
_DRAWN = 10.0  # pairs' worth of belief that state and place are independent among strangers


def family_u(engine: Engine, table: str, *, pairs: int = 400_000) -> tuple[dict[str, float], dict[str, float]]:
    """Estimate u of every level of the family question, and the shares of guardians by rarity among people.

    Args:
        engine: Holds the records of `prepare` and `<table>_guardian`.
        table: The records.
        pairs: Random pairs looked at.

    Returns:
        u by level, given that both records state what the level needs; share of records by class of
        their guardian, spelt and in consonants.
    """
    seen, known = _sampled(engine, table, pairs)
    places = _places(engine, table)
    counted = _counted(engine, table)
    state_u = {state: (seen.get((state, None), 0) + 0.5) / (known + 0.5 * len(STATES)) for state in STATES}
    state_u |= {one: counted[one, None] for one in _COUNTED}
    u = dict.fromkeys(TIES, 1e-06)  # covered: EM counts them among candidates
    for state in STATES:
        for place in PLACES:
            if not place:
                u[f"{state}@"] = state_u[state]
                continue
            if state in _COUNTED:
                u[f"{state}@{place}"] = counted[state, place]
                continue
            alone = state_u[state] * places[place]
            lift = (seen.get((state, place), 0) + _DRAWN) / (alone * known + _DRAWN)
            u[f"{state}@{place}"] = alone * lift
    u |= {f"unknown@{place}": places[place] for place in PLACES if place}
    codes = [level.code for level in FAMILY.levels if not level.is_null]
    return {code: max(u[code], 1e-12) for code in codes}, _classes(engine, table)


def _sampled(engine: Engine, table: str, pairs: int) -> tuple[dict[tuple[str, str | None], int], int]:
    """Look at random pairs of different households: how many took which state, at which place and in all."""
    cases = " ".join(
        f"ELSE '{level.code}'" if level.when == "ELSE" else f"WHEN {sided(level.when)} THEN '{level.code}'"
        for level in FAMILY.levels
    )
    records = int(engine.value(f"SELECT count(*) FROM {table}"))
    rows = engine.rows(
        f"SELECT CASE {cases} END, count(*) FROM (SELECT hash(range, 1) % {records} + 1 AS a, hash(range, 2) % {records} + 1 AS b "
        f"FROM range({pairs})) d JOIN {table} l ON l.unique_id = d.a JOIN {table} r ON r.unique_id = d.b WHERE a <> b GROUP BY 1"
    )
    seen: dict[tuple[str, str | None], int] = {}
    known = 0
    for code, count in rows:
        state, _, place = code.partition("@")
        if state in ("null", "unknown"):
            continue
        known += count
        seen[state, None] = seen.get((state, None), 0) + count
        if "@" in code:
            seen[state, place] = count
    return seen, max(known, 1)


def _places(engine: Engine, table: str) -> dict[str, float]:
    """Count the shares of pairs of records that live in one tehsil, in one district but not tehsil, and further apart."""
    tehsil, district, every = engine.rows(
        f"WITH n AS (SELECT district_code AS d, tehsil_code AS t, count(*) AS n FROM {table} WHERE district_code IS NOT NULL "
        "GROUP BY ALL) SELECT (SELECT sum(n * (n - 1)) FROM n WHERE t IS NOT NULL), "
        "(SELECT sum(n * (n - 1)) FROM (SELECT sum(n) AS n FROM n GROUP BY d)), (SELECT sum(n) * (sum(n) - 1) FROM n)"
    )[0]
    every, tehsil, district = float(every or 0) + 3, float(tehsil or 0) + 1, float(district or 0) + 2
    near = max(district - tehsil, 1.0)
    return {"tehsil": tehsil / every, "district": near / every, "far": max(every - tehsil - near, 1.0) / every}


_Counts = dict[tuple[int, str | None], float]


def _shared(engine: Engine, table: str, column: str, name: str, share: str, limits: tuple[float, ...]) -> _Counts:
    """Count (twice) the pairs of different households that share a name, by its class of rarity and place.

    `column` holds the names; `name` and `share` say how `<table>_guardian` calls them and their share. Pairs that share two
    names count for each.
    """
    rows = engine.rows(
        f"WITH one AS (SELECT unnest({column}) AS name, coalesce(nullif(household_id, ''), record_id) AS h, "
        f"district_code AS d, tehsil_code AS t FROM {table}), "
        "n AS (SELECT name, d, t, h, count(*)::DOUBLE AS n FROM one GROUP BY ALL), "
        "by_home AS (SELECT name, d, t, sum(n) AS n, sum(n * n) AS squares FROM n GROUP BY ALL), "
        "by_district AS (SELECT name, d, sum(n) AS n, sum(squares) AS squares, "
        "sum(n * n - squares) FILTER (WHERE t IS NOT NULL) AS tehsil FROM by_home GROUP BY ALL), "
        "by_name AS (SELECT name, sum(n) AS n, sum(squares) AS squares, sum(n) FILTER (WHERE d IS NOT NULL) AS placed, "
        "sum(squares) FILTER (WHERE d IS NOT NULL) AS placed_squares, sum(tehsil) FILTER (WHERE d IS NOT NULL) AS tehsil, "
        "sum(n * n - squares) FILTER (WHERE d IS NOT NULL) AS district FROM by_district GROUP BY ALL), "
        f"shares AS (SELECT {name} AS name, any_value({share}) AS share FROM {table}_guardian GROUP BY 1) "
        "SELECT coalesce(list_position(list_transform($limits, lambda s: s >= share), true), 0) AS class, sum(n * n - squares), "
        "sum(coalesce(tehsil, 0)), sum(coalesce(district, 0)), sum(coalesce(placed * placed - placed_squares, 0)) "
        "FROM by_name JOIN shares USING (name) GROUP BY class",
        {"limits": list(limits)},
    )
    found: _Counts = {}
    for place, every, tehsil, district, anywhere in rows:
        one = place or len(limits) + 1
        found |= {(one, None): every, (one, "tehsil"): tehsil, (one, "district"): district - tehsil}
        found[one, "far"] = anywhere - district
    return found


def _counted(engine: Engine, table: str) -> dict[tuple[str, str | None], float]:
    """Give the shares of pairs that agree on a guardian in full, or in consonants only, by rarity and place."""
    spelt = _shared(engine, table, "guardians", "guardian", "share", GUARDIAN_SHARES)
    bones = _shared(engine, table, "guardian_skeletons", "skeleton", "skeleton_share", SKELETON_SHARES)
    in_full = _shared(engine, table, "guardians", "guardian", "skeleton_share", SKELETON_SHARES)
    known = float(engine.value(f"SELECT count(*) FROM {table} WHERE len(guardians) > 0"))
    placed = float(engine.value(f"SELECT count(*) FROM {table} WHERE len(guardians) > 0 AND district_code IS NOT NULL"))
    possible = {None: max(known * (known - 1), 2.0)} | dict.fromkeys(PLACES, max(placed * (placed - 1), 2.0))
    found: dict[tuple[str, str | None], float] = {}
    for place in (None, "tehsil", "district", "far"):
        for number, one in enumerate(GUARDIAN_CLASSES, 1):
            found[one, place] = max(spelt.get((number, place), 0.0), 0.5) / possible[place]
        for number, one in enumerate(ALIKE_CLASSES, 1):
            pairs = bones.get((number, place), 0.0) - in_full.get((number, place), 0.0)
            found[one, place] = max(pairs, 0.5) / possible[place]
    return found


def _classes(engine: Engine, table: str) -> dict[str, float]:
    """Count records by the rarity of their rarest guardian, and of her consonants."""
    made: dict[str, float] = {}
    for column, every, classes in (
        ("guardians", "guardians", GUARDIAN_CLASSES),
        ("skeletons", "guardian_skeletons", ALIKE_CLASSES),
    ):
        held = " ".join(f"WHEN len({column}_{place}) > 0 THEN {place}" for place in range(1, len(classes)))
        rows = dict(
            engine.rows(
                f"SELECT CASE {held} ELSE {len(classes)} END, count(*) FROM {table} WHERE len({every}) > 0 GROUP BY 1"
            )
        )
        total = sum(rows.values()) + 0.5 * len(classes)
        made |= {one: (rows.get(place, 0) + 0.5) / total for place, one in enumerate(classes, 1)}
    return made
