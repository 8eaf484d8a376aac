"""Households that share people: what the others in them gain, and which pairs of households are reported."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.factories.linked_people import frame, people

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.households import PERSON, SAME, SPLIT, household_pairs
from khana_methods.matching.link import find_duplicates
from khana_methods.matching.prepare import prepare
from khana_methods.matching.train import train


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Hold decisions on a register in which H100 stands twice in full, H110 in half, and one person of H120 elsewhere."""
    records, _ = people(1200, 40)
    by_home: dict[object, list[dict[str, object]]] = {}
    for one in records:
        by_home.setdefault(one["household_id"], []).append(one)
    for home, copy, count in (("H100", "W100", 4), ("H110", "W110", 2), ("H120", "W120", 1)):
        for place, one in enumerate(by_home[home][:count]):
            weak = {"number": "", "birth_month": None, "birth_day": None}
            weak |= {"guardian_name": "", "mobile": ""}
            changed = weak if place % 2 and home == "H100" else {}
            records.append(
                dict(one)
                | {"record_id": f"{copy}-{place}", "household_id": copy, "tehsil_code": "D9T29", "district_code": "D9"}
                | changed
            )
    lodgers = [
        dict(one) | {"record_id": f"X{n}", "household_id": "W110"} for n, one in enumerate(people(8, 0, seed=99)[0])
    ]
    with Engine(memory_mib=1024, threads=1) as opened:
        prepare(opened, frame(records + lodgers), plain="plain_record")
        card = train(opened, "person_record", "plain_record", version="H-1", max_pairs=2e5).card
        find_duplicates(opened, "person_record", card)
        household_pairs(opened, "person_record", "decision", into="household_pair")
        yield opened


def test_members_gain_from_members(engine: Engine) -> None:
    rows = engine.rows(
        "SELECT l.record_id, r.record_id, d.probability, w.bits_context FROM decision d JOIN weighed w USING (left_id, right_id) "
        "JOIN person_record l ON l.unique_id = d.left_id JOIN person_record r ON r.unique_id = d.right_id "
        "WHERE l.household_id = 'H100' AND r.household_id = 'W100'"
    )
    found = {(left, right): (probability, bits) for left, right, probability, bits in rows}
    true = {(f"P{400 + place:05d}", f"W100-{place}") for place in range(4)}
    assert {pair for pair, (probability, _) in found.items() if probability > 0.9} == true
    assert max(bits for _, bits in found.values()) > 5


def test_kinds_of_household_pairs(engine: Engine) -> None:
    kinds = {(left, right): kind for left, right, kind in engine.rows(
        "SELECT left_household, right_household, kind FROM household_pair")}  # fmt: skip
    assert kinds["H100", "W100"] == SAME
    assert kinds["H110", "W110"] == SPLIT
    assert kinds["H120", "W120"] == PERSON


def test_evidence_adds_up_to_the_weight(engine: Engine) -> None:
    parts = " + ".join(
        f"bits_{one}" for one in ("name", "birth", "sex", "number", "family", "company", "frequency", "context")
    )
    spread = engine.rows(f"SELECT min(match_weight - ({parts})), max(match_weight - ({parts})) FROM weighed")[0]
    assert spread[0] == pytest.approx(spread[1], abs=1e-6)  # what is left is the prior, the same for all
