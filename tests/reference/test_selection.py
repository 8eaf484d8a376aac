"""The drawing of lists and the deciding of rules for everybody, each held against its slow version."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.rules.check import read_rule
from khana_methods.rules.decide import decidable, decide_all, decide_one
from khana_methods.rules.reference import Situation
from khana_methods.targeting.selection import (
    QuotaInvalid,
    Terms,
    TermsInvalid,
    candidate_frame,
    draw,
    draw_slowly,
    quota_frame,
)

ENGINE = Engine(memory_mib=256, threads=1)
UNITS = st.lists(
    st.tuples(st.sampled_from(["A.B.", "A.C.", "A.D."]), st.sampled_from([None, 1.0, 2.0, 2.0, 3.5]),
              st.sampled_from([None, None, 1, 2]), st.sampled_from([1.0, 2.5])), max_size=14)  # fmt: skip
QUOTAS = st.sampled_from([[], [("A.", 4, None)], [("A.B.", 2, None), ("A.C.", 0, None)], [("A.B.", 99, None)],
                          [("A.B.", None, 4.0), ("A.C.", None, 0.0)]])  # fmt: skip


@given(
    units=UNITS, quotas=QUOTAS, ties=st.sampled_from(["lottery", "none", "all"]), reserve=st.sampled_from([0, 0.5, 1])
)
@settings(max_examples=50, deadline=None)
def test_the_draw_is_the_slow_draw(units: list[Any], quotas: list[Any], ties: str, reserve: float) -> None:
    rows = [
        {"unit": f"u{n}", "household_id": n, "household_number": f"h{n}", "family_no": 1, "person_id": person,
         "area_path": area, "score": score, "cost": cost} for n, (area, score, person, cost) in enumerate(units)
    ]  # fmt: skip
    limits = [{"area_path": area, "places": places, "budget": budget} for area, places, budget in quotas]
    terms = Terms(ties=ties, seed="1947", reserve=reserve)
    if ties == "all" and any(limit["budget"] is not None for limit in limits):
        return
    ENGINE.register("candidate", pa.Table.from_pylist(rows, schema=candidate_frame))
    counts = draw(
        ENGINE,
        candidates="candidate",
        quotas=pa.Table.from_pylist(limits, schema=quota_frame),
        terms=terms,
        into="drawn",
    )
    got = {
        unit: (area, place, state)
        for unit, area, place, state in ENGINE.rows("SELECT unit, quota_area, place, state FROM drawn")
    }
    assert got == draw_slowly(rows, limits, terms)
    assert counts["considered"] == len(rows) == counts["twice"] + counts["outside"] + len(got)


@pytest.mark.parametrize(("rows", "ties"), [([("A.", 1, None), ("A.B.", 1, None)], "lottery"), ([("A.", -1, None)], "lottery"),
                                            ([("A.", 1, 2.0)], "lottery"), ([("A.", None, 5.0)], "all")])  # fmt: skip
def test_quotas_that_contradict_each_other_are_refused(rows: list[Any], ties: str) -> None:
    limits = [{"area_path": area, "places": places, "budget": budget} for area, places, budget in rows]
    ENGINE.make_empty("candidate", candidate_frame)
    with pytest.raises(QuotaInvalid):
        draw(
            ENGINE,
            candidates="candidate",
            quotas=pa.Table.from_pylist(limits, schema=quota_frame),
            terms=Terms(ties=ties, seed="s"),
            into="x",
        )


@pytest.mark.parametrize("terms", [Terms(ties="lottery"), Terms(ties="oldest", seed="s"), Terms(seed="s", reserve=2)])
def test_terms_that_settle_nothing_are_refused(terms: Terms) -> None:
    with pytest.raises(TermsInvalid):
        terms.check()


HOUSE = st.fixed_dictionaries({"rooms": st.sampled_from([None, 1.0, 4.0]), "score": st.sampled_from([None, 10.0, 60.0]),
                               "has_tv": st.sampled_from([None, True, False])})  # fmt: skip
PEOPLE = st.lists(
    st.fixed_dictionaries({"age": st.sampled_from([None, 3.0, 40.0, 70.0]), "sex": st.sampled_from([None, "F", "M"])}),
    max_size=3,
)
OF_HOUSEHOLDS = [
    "score <= 32 and rooms < 3",
    "score <= 32 and (rooms < 3 or any_member(age >= 65))",
    "(score <= 32 and not has_tv or rooms / count_members(age >= 65) < 2) and has_tv is not null",
    "case when has_tv then score < 20 else any_member(sex = 'F' and age < 5) end and coalesce(rooms, 1) < 3",
]
OF_PERSONS = ["age >= 18 and sex = 'F' and score <= 32", "age < 5 or sex = 'F' and any_member(age >= 65) and rooms < 3"]


@given(houses=st.lists(st.tuples(HOUSE, PEOPLE), min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_everybody_is_decided_as_one_by_one(houses: list[Any]) -> None:
    household = [{"household_id": n, **facts} for n, (facts, _) in enumerate(houses)]
    member = [
        {"household_id": n, "person_id": 10 * n + k, **person}
        for n, (_, people) in enumerate(houses)
        for k, person in enumerate(people)
    ]
    kinds = {
        "rooms": pa.float64(),
        "score": pa.float64(),
        "has_tv": pa.bool_(),
        "age": pa.float64(),
        "sex": pa.string(),
    }
    keys = {"household_id": pa.int64(), "person_id": pa.int64()}
    ENGINE.register(
        "household",
        pa.Table.from_pylist(
            household, schema=pa.schema({k: v for k, v in {**keys, **kinds}.items() if k in household[0]})
        ),
    )
    ENGINE.register(
        "member",
        pa.Table.from_pylist(member, schema=pa.schema({k: {**keys, **kinds}[k] for k in (*keys, "age", "sex")})),
    )
    for entity, texts in (("household", OF_HOUSEHOLDS), ("person", OF_PERSONS)):
        rules = {f"r{n}": decidable(read_rule(text, entity=entity)) for n, text in enumerate(texts)}
        decide_all(ENGINE, rules, into="decided")
        for row in ENGINE.table("SELECT * FROM decided").to_pylist():
            facts, people = houses[row["household_id"]]
            person = people[row["person_id"] % 10] if entity == "person" else None
            at = Situation(facts, people, person)
            assert {name: row[name] for name in rules} == {name: decide_one(rule, at) for name, rule in rules.items()}
