"""How often two strangers share a guardian's name, a mobile or a village: u of the family question.

Names of guardians are counted exactly, by their rarity and by place, from how many bear them where. What cannot
be counted from one column (a name nearly alike, only the call name alike) is seen on random pairs, drawn
towards what state and place alone would give where few were seen.
"""

from __future__ import annotations

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.compare import FAMILY, GUARDIAN_CLASSES, GUARDIAN_SHARES, PLACES, STATES, TIES, sided

_DRAWN = 10.0  # pairs' worth of belief that state and place are independent among strangers


def family_u(engine: Engine, table: str, *, pairs: int = 400_000) -> tuple[dict[str, float], dict[str, float]]:
    """Estimate u of every level of the family question, and the shares of guardians by rarity among people.

    Args:
        engine: Holds the records of `prepare` and `<table>_guardian`.
        table: The records.
        pairs: Random pairs looked at.

    Returns:
        u by level, given that both records state what the level needs; share of records by class of their guardian.
    """
    seen, known = _sampled(engine, table, pairs)
    places = _places(engine, table)
    counted = _counted(engine, table)
    state_u = {state: (seen.get((state, None), 0) + 0.5) / (known + 0.5 * len(STATES)) for state in STATES}
    state_u |= {one: counted[one, None] for one in GUARDIAN_CLASSES}
    u = dict.fromkeys(TIES, 1e-06)  # covered: EM counts them among candidates
    for state in STATES:
        for place in PLACES:
            if not place:
                u[f"{state}@"] = state_u[state]
                continue
            if state in GUARDIAN_CLASSES:
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


def _counted(engine: Engine, table: str) -> dict[tuple[str, str | None], float]:
    """Count the pairs of different households that share a guardian, by rarity and place; pairs that share two count twice."""
    rows = engine.rows(
        f"WITH one AS (SELECT unnest(guardians) AS guardian, coalesce(nullif(household_id, ''), record_id) AS h, "
        f"district_code AS d, tehsil_code AS t FROM {table}), "
        "n AS (SELECT guardian, d, t, h, count(*)::DOUBLE AS n FROM one GROUP BY ALL), "
        "by_home AS (SELECT guardian, d, t, sum(n) AS n, sum(n * n) AS squares FROM n GROUP BY ALL), "
        "by_district AS (SELECT guardian, d, sum(n) AS n, sum(squares) AS squares, "
        "sum(n * n - squares) FILTER (WHERE t IS NOT NULL) AS tehsil FROM by_home GROUP BY ALL), "
        "by_guardian AS (SELECT guardian, sum(n) AS n, sum(squares) AS squares, sum(n) FILTER (WHERE d IS NOT NULL) AS placed, "
        "sum(squares) FILTER (WHERE d IS NOT NULL) AS placed_squares, sum(tehsil) FILTER (WHERE d IS NOT NULL) AS tehsil, "
        "sum(n * n - squares) FILTER (WHERE d IS NOT NULL) AS district FROM by_district GROUP BY ALL) "
        "SELECT list_position(list_transform($shares, lambda s: s >= t.share), true) AS class, sum(n * n - squares), "
        "sum(coalesce(tehsil, 0)), sum(coalesce(district, 0)), sum(coalesce(placed * placed - placed_squares, 0)) "
        f"FROM by_guardian JOIN {table}_guardian t USING (guardian) GROUP BY class",
        {"shares": list(GUARDIAN_SHARES)},
    )
    records = float(engine.value(f"SELECT count(*) FROM {table} WHERE len(guardians) > 0"))
    placed = float(engine.value(f"SELECT count(*) FROM {table} WHERE len(guardians) > 0 AND district_code IS NOT NULL"))
    possible, possible_placed = max(records * (records - 1), 2.0), max(placed * (placed - 1), 2.0)
    found: dict[tuple[str, str | None], float] = {
        (one, place): 0.5 / possible for one in GUARDIAN_CLASSES for place in (None, "tehsil", "district", "far")
    }
    for place, every, tehsil, district, anywhere in rows:
        one = GUARDIAN_CLASSES[place - 1 if place else len(GUARDIAN_SHARES)]
        found[one, None] = max(every, 0.5) / possible
        found[one, "tehsil"] = max(tehsil, 0.5) / possible_placed
        found[one, "district"] = max(district - tehsil, 0.5) / possible_placed
        found[one, "far"] = max(anywhere - district, 0.5) / possible_placed
    return found


def _classes(engine: Engine, table: str) -> dict[str, float]:
    """Count records by the rarity of their rarest guardian."""
    held = " ".join(f"WHEN len(guardians_{place}) > 0 THEN {place}" for place in range(1, len(GUARDIAN_SHARES) + 1))
    last = len(GUARDIAN_CLASSES)
    rows = dict(
        engine.rows(f"SELECT CASE {held} ELSE {last} END, count(*) FROM {table} WHERE len(guardians) > 0 GROUP BY 1")
    )
    total = sum(rows.values()) + 0.5 * last
    return {one: (rows.get(place, 0) + 0.5) / total for place, one in enumerate(GUARDIAN_CLASSES, 1)}
