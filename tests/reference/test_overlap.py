"""The SQL of the consolidation finds what its definitions in plain Python find, on any small world."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.consolidate import consolidate
from khana_methods.overlap.parameters import Parameters
from khana_methods.overlap.reference import answer_slowly, find_slowly
from khana_methods.records import FRAMES

TOKENS = [f"number-{n}".encode() for n in range(9)]
MOBILES = [f"mobile-{n}".encode() for n in range(3)]
ACCOUNTS = [f"account-{n}".encode() for n in range(3)]
AREAS = ["X1", "X2", "X101", "X102", "X201"]
PROGRAMMES = ["AAA", "BBB", "CCC", "DDD"]
PERIODS = [("2026Q1", date(2026, 1, 1)), ("2026Q2", date(2026, 4, 1))]

days = st.dates(date(1950, 1, 1), date(2026, 6, 30))
maybe_token = st.sampled_from([None, *TOKENS])
sexes = st.sampled_from(["M", "F", "O"])


@st.composite
def births(draw: st.DrawFn) -> dict[str, int | None]:
    """A date of birth, known in full, in part or not at all."""
    day = draw(days)
    known = draw(st.integers(0, 3))
    parts = (day.year, day.month, day.day)
    return {f"birth_{name}": parts[n] if n < known else None for n, name in enumerate(("year", "month", "day"))}


@st.composite
def benefits(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """One list row."""
    token = draw(maybe_token)
    other = draw(st.booleans())
    payee = draw(maybe_token) if other else None
    period, start = draw(st.sampled_from(PERIODS))
    programme = draw(st.sampled_from([*PROGRAMMES, "ZZZ"]))
    return {
        "benefit_id": number,
        "source": f"source-{programme}",
        "agency": f"agency-{programme}",
        "programme": programme,
        "period": period,
        "period_start": start,
        "period_end": None,
        "area_code": draw(st.sampled_from(["", *AREAS])),
        "id_state": draw(st.sampled_from(["MISSING", "MALFORMED"])) if token is None else "OK",
        "id_type": draw(st.sampled_from(["CARD", "BIRTH"])),
        "id_token": token,
        **draw(births()),
        "sex": draw(st.sampled_from(["", "M", "F"])),
        "payee_id_state": ("" if not other else "OK" if payee is not None else "MISSING"),
        "payee_token": payee,
        "mobile_token": draw(st.sampled_from([None, *MOBILES])),
        "account_token": draw(st.sampled_from([None, *ACCOUNTS])),
        "amount": 100.0,
        "id_year_prefix_number": draw(st.sampled_from([None, None, 1980, 2001])),
    }


@st.composite
def programmes(draw: st.DrawFn, code: str) -> dict[str, Any]:
    """One programme of the catalogue."""
    return {
        "code": code,
        "agency": f"agency-{code}",
        "benefit_type": 1,
        "counts_to_cap": draw(st.booleans()),
        "min_age": draw(st.sampled_from([None, 18, 40])),
        "max_age": draw(st.sampled_from([None, 30, 60])),
        "min_age_female": draw(st.sampled_from([None, 16, 45])),
        "sex": draw(st.sampled_from(["", "", "F"])),
        "max_score": draw(st.sampled_from([None, 20.0])),
        "poverty_targeted": draw(st.booleans()),
        "one_per_household": draw(st.booleans()),
        "requires": draw(st.sampled_from(["", "AAA", "ZZZ"])),
        "incompatible_with": draw(st.lists(st.sampled_from(PROGRAMMES), max_size=2, unique=True)),
        "areas": draw(st.lists(st.sampled_from(["X1", "X2", "X101"]), max_size=2, unique=True)),
    }


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """A small world in which numbers, households and telephones collide often."""
    homes = range(1, 5)
    households = [
        {
            "household_id": n,
            "household_number": f"H{n}",
            "area_code": draw(st.sampled_from(AREAS)),
            "members": 3,
        }
        for n in homes
    ]
    persons = [
        {
            "person_id": n,
            "household_id": draw(st.sampled_from(homes)),
            "sex": draw(sexes),
            **draw(births()),
            "marital": "M",
            "is_member": draw(st.booleans()),
            "pregnant": False,
            "disability": False,
            "family_no": 1,
        }
        for n in range(1, draw(st.integers(1, 8)))
    ]
    area = {h["household_id"]: h["area_code"] for h in households}
    identifiers = [
        {
            "token": draw(st.sampled_from(TOKENS)),
            "person_id": p["person_id"],
            "household_id": p["household_id"],
            "household_number": f"H{p['household_id']}",
            "line_no": p["person_id"],
            "area_code": area[p["household_id"]],
        }
        for p in persons
    ]
    extract = [
        {
            "token": token,
            "birth_date": draw(st.none() | days),
            "status": "",
            "death_date": draw(st.none() | st.dates(date(2025, 12, 1), date(2026, 6, 1))),
            "sex": draw(st.sampled_from(["M", "F"])),
            "spouse_token": draw(maybe_token),
            "type": "CARD",
            "year_prefix": draw(st.sampled_from([None, 1980])),
        }
        for token in draw(st.lists(st.sampled_from(TOKENS), max_size=7))
    ]
    return {
        "benefit_frame": [draw(benefits(n)) for n in range(1, draw(st.integers(1, 16)))],
        "identifier_frame": identifiers,
        "person_frame": persons,
        "household_frame": households,
        "score_frame": [
            {"household_id": n, "score": float(draw(st.integers(0, 100)))} for n in homes if draw(st.booleans())
        ],
        "national_id_frame": extract,
        "resident_frame": [],
        "sim_frame": [
            {"mobile_token": mobile, "id_token": draw(st.sampled_from(TOKENS))}
            for mobile in draw(st.lists(st.sampled_from(MOBILES), max_size=3))
        ],
        "employee_frame": [
            {"id_token": token, "status": draw(st.sampled_from(["SERVING", "PENSIONER"]))}
            for token in draw(st.lists(st.sampled_from(TOKENS), max_size=3))
        ],
        "exit_frame": [
            {
                "programme": draw(st.sampled_from(PROGRAMMES)),
                "id_token": token,
                "exit_date": draw(st.dates(date(2025, 12, 1), date(2026, 6, 1))),
                "exit_reason": draw(st.sampled_from(["MOVED", "AGED_OUT"])),
            }
            for token in draw(st.lists(st.sampled_from(TOKENS), max_size=3))
        ],
        "stop_frame": [
            {
                "programme": draw(st.sampled_from(PROGRAMMES)),
                "id_token": token,
                "stop_date": draw(st.dates(date(2025, 12, 1), date(2026, 6, 1))),
                "rule": draw(st.sampled_from(["cap-3", "A-B"])),
            }
            for token in draw(st.lists(st.sampled_from(TOKENS), max_size=3))
        ],
        "programme_frame": [draw(programmes(code)) for code in PROGRAMMES],
        "area_frame": draw(
            st.sampled_from(
                [
                    [],
                    [
                        {"area_code": "X", "parent_code": "", "level": 0},
                        {"area_code": "X1", "parent_code": "X", "level": 1},
                        {"area_code": "X101", "parent_code": "X1", "level": 2},
                    ],
                ]
            )
        ),
    }


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all examples; every table is replaced by the next example."""
    with Engine(memory_mib=256, threads=1) as one:
        yield one


policies = st.builds(
    Parameters,
    as_of=st.just(date(2026, 6, 30)),
    cap=st.integers(0, 2),
    poor_cutoff=st.sampled_from([32.0, 60.0]),
    well_off_percentile=st.sampled_from([50.0, 80.0]),
    connected=st.sampled_from([None, frozenset(PROGRAMMES)]),
)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=worlds(), parameters=policies)
def test_sql_equals_definitions(engine: Engine, world: dict[str, list[dict[str, Any]]], parameters: Parameters) -> None:
    for name, rows in world.items():
        engine.register(name, pa.Table.from_pylist(rows, schema=FRAMES[name]), schema=FRAMES[name])
    summary = consolidate(engine, parameters).summary

    found = engine.rows("SELECT benefit_id, code, role, detail, group_no, person_id FROM finding")
    assert len(found) == len(set(found))
    assert set(found) == find_slowly(world, parameters)

    slowly = answer_slowly(world, parameters)
    assert summary["rows"] == len(world["benefit_frame"])
    assert summary["linked"] == slowly["linked"]
    recipients = engine.rows("SELECT programmes, cash_programmes, is_over_cap, rows, is_well_off FROM recipient")
    assert sorted((tuple(programmes), *rest) for programmes, *rest in recipients) == slowly["recipients"]
    pairs = engine.rows("SELECT programme_a, programme_b, persons, households FROM pair_overlap")
    assert {(a, b): (persons, households) for a, b, persons, households in pairs} == slowly["pairs"]
    unserved = engine.rows("SELECT household_id, eligible_for FROM unserved ORDER BY rank")
    assert unserved == slowly["unserved"]
