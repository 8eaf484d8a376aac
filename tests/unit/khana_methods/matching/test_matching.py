"""Matching end to end on made-up people: candidates, weights, decisions, clusters, and what must be refused."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from tests.factories.linked_people import frame, people, record

from khana_methods.engine.duckdb import Engine
from khana_methods.matching import backends, blocking, compare, em, evaluate, fellegi, link
from khana_methods.matching import cluster as cluster_module
from khana_methods.matching import prepare as prepare_module
from khana_methods.matching.blocking import BlockPoisoned, Cutting, candidate_pairs
from khana_methods.matching.cluster import Edge, cluster
from khana_methods.matching.compete import let_compete
from khana_methods.matching.evaluate import LabelsMissing, Stratum, estimate, kappa, quality
from khana_methods.matching.link import decisions, find_duplicates, link_list
from khana_methods.matching.lookup import DeskIndex, OnePersonAtATime
from khana_methods.matching.model import CardNotActive, CardUnreadable, ModelCard, SecondApproverNeeded
from khana_methods.matching.one_record import one_record
from khana_methods.matching.passes import PASSES
from khana_methods.matching.prepare import authority_frame, prepare
from khana_methods.matching.train import TooFewRecords, train
from khana_methods.matching.weights import compare_pairs, weigh


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=1024, threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def card(engine: Engine) -> ModelCard:
    records, _ = people()
    prepare(engine, frame(records), plain="plain_record")
    return train(engine, "person_record", "plain_record", version="T-1", max_pairs=2e5).card


@pytest.mark.parametrize("module", [evaluate, blocking, cluster_module, compare, em, fellegi])
def test_doctests(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_people_registered_twice_are_found(engine: Engine, card: ModelCard) -> None:
    records, truth = people()
    prepare(engine, frame(records))
    clusters, counts = find_duplicates(engine, "person_record", card)
    ids = dict(engine.rows("SELECT unique_id, record_id FROM person_record"))
    found = quality([(ids[a], ids[b]) for a, b in clusters.pairs()], truth)
    assert found.precision.value >= 0.98, found
    assert found.recall.value >= 0.95, found
    assert {count.code for count in counts} <= {one.code for one in PASSES}


def test_a_block_that_grew_too_large_is_cut_and_nobody_is_lost(engine: Engine, card: ModelCard) -> None:
    records, truth = people()
    prepare(engine, frame(records))
    made = []
    for cutting in (Cutting(10_000, 10_000), Cutting(3, 3), Cutting(10_000, 2, 0.05)):
        counts = candidate_pairs(engine, "person_record", card.passes, cutting=cutting)
        assert sum(count.pairs for count in counts) == engine.value(
            "SELECT count(*) FROM block_key l JOIN block_key r USING (pass, key) WHERE l.unique_id < r.unique_id"
        )
        made.append(set(engine.rows("SELECT join_key_l, join_key_r FROM candidate")))
    uncut, cut, within = made
    assert cut < uncut and within < uncut and cut != within
    clusters, _ = find_duplicates(engine, "person_record", card, cutting=Cutting(10_000, 2, 0.05))
    ids = dict(engine.rows("SELECT unique_id, record_id FROM person_record"))
    found = quality([(ids[a], ids[b]) for a, b in clusters.pairs()], truth)
    assert found.precision.value >= 0.98 and found.recall.value >= 0.95, found


def test_records_read_a_slice_at_a_time_are_the_same(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    records, _ = people(60, 6)
    said = [{"number": one["number"], "name": one["name"], "father_name": one["guardian_name"]} for one in records]
    known = pa.Table.from_pylist([one for one in said if one["number"]], schema=authority_frame)
    prepare(engine, frame(records), authority=known)
    whole = engine.rows("SELECT * FROM person_record ORDER BY unique_id")
    assert engine.value("SELECT count(*) FROM person_record WHERE is_verified") > 50
    monkeypatch.setattr(prepare_module, "_AT_ONCE", 7)
    prepare(engine, frame(records).to_reader(max_chunksize=3), authority=known)
    assert engine.rows("SELECT * FROM person_record ORDER BY unique_id") == whole
    prepare(engine, frame([]).to_reader())
    assert engine.value("SELECT count(*) FROM person_record") == 0


def test_same_card_same_data_same_pairs(engine: Engine, card: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    records, _ = people(400, 20)
    seen = []
    for order, at_once in ((records, 10**6), (records[::-1], 10**6), (records, 90)):
        monkeypatch.setattr(blocking, "PAIRS_AT_ONCE", at_once)  # candidates are made, and weighed, in parts
        monkeypatch.setattr(link, "RECORDS_AT_ONCE", at_once)
        prepare(engine, frame(order))
        find_duplicates(engine, "person_record", ModelCard.from_json(card.to_json()))
        rows = decisions(engine, "person_record").to_pylist()
        seen.append([row | {name: round(row[name], 9) for name in ("match_weight", "probability")} for row in rows])
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize(
    "slips",
    [
        {"name": "Abdur Rehman Khoso", "number": ""},
        {"name": "Abdul Rahmaan Khoso", "number": "", "birth_day": None, "birth_month": None},
        {"number": "1234567890132"},
        {"number": "123456789012"},
        {"name": "Abdul Rahim Khoso", "number": "", "district_code": "D9", "tehsil_code": "D9T1"},
    ],
)
def test_a_moved_and_misspelt_person_is_a_candidate(engine: Engine, slips: dict[str, object]) -> None:
    one = record(
        "A", household_id="1", name="Abdul Rahman Khoso", guardian_name="Ghulam Rasul", sex="M", birth_year=1980,
        birth_month=5, birth_day=17, number="1234567890123", district_code="D1", tehsil_code="D1T1",
    )  # fmt: skip
    prepare(engine, frame([one, one | {"record_id": "B", "household_id": "2", "district_code": "D2"} | slips]))
    candidate_pairs(engine, "person_record")
    assert engine.value("SELECT count(*) FROM candidate") == 1


def test_one_household_holds_nobody_twice(engine: Engine) -> None:
    twin = record("A", household_id="1", name="Bilal Khan", guardian_name="Aslam", sex="M", birth_year=2010)
    prepare(engine, frame([twin, twin | {"record_id": "B"}]))
    candidate_pairs(engine, "person_record")
    assert engine.value("SELECT count(*) FROM candidate") == 0


def test_poisoned_block_is_named_before_it_runs(engine: Engine) -> None:
    everybody = [
        record(f"{n}", household_id=str(n), name="Muhammad Ali", guardian_name="Muhammad Khan", sex="M", birth_year=1980,
               birth_month=1, birth_day=1, tehsil_code="T")
        for n in range(500)
    ]  # fmt: skip
    prepare(engine, frame(everybody))
    with pytest.raises(BlockPoisoned) as refused:
        candidate_pairs(engine, "person_record", max_block_pairs=100_000)
    assert refused.value.details["blocking_pass"] in {one.code for one in PASSES}
    assert refused.value.details["pairs"] == 500 * 499 // 2
    counts = candidate_pairs(engine, "person_record", max_block_pairs=100_000, refuse_poisoned=False)
    assert sum(count.left_out for count in counts) > 0
    assert engine.value("SELECT count(*) FROM candidate") == 0


@pytest.mark.parametrize("name", ["", "A", "?", "\u200b", "محمد"])
def test_empty_and_single_letter_names_pass_through(engine: Engine, card: ModelCard, name: str) -> None:
    prepare(engine, frame([record(f"{n}", name=name, household_id=str(n)) for n in range(5)]))
    clusters, _ = find_duplicates(engine, "person_record", card)
    assert clusters.members == {}


def test_list_rows_find_their_person(engine: Engine, card: ModelCard) -> None:
    records, _ = people(600, 0)
    rows = [
        dict(records[n]) | {"record_id": f"row{n}", "side": "LIST", "household_id": "", "number": ""} for n in range(40)
    ]
    stranger = record(
        "row-x", side="LIST", name="Zulfiqar Talpur", guardian_name="Dodo Talpur", sex="M", birth_year=1950
    )
    prepare(engine, frame([*records, *rows, stranger]))
    link_list(engine, "person_record", card)
    linked = {
        row["left"]: row["right"] for row in decisions(engine, "person_record").to_pylist() if row["decision"] == "LINK"
    }
    assert sum(linked.get(f"row{n}") == f"P{n:05d}" for n in range(40)) >= 38
    assert "row-x" not in linked


def test_a_row_told_apart_from_one_brother_leads_to_the_other(engine: Engine, card: ModelCard) -> None:
    records, _ = people(600, 0)
    one = dict(records[7]) | {"record_id": "B1", "household_id": "b", "number": "", "mobile": ""}
    brother = one | {"record_id": "B2", "household_id": "c", "birth_year": (one["birth_year"] or 1980) + 2}
    row = one | {"record_id": "row", "side": "LIST", "household_id": ""}
    prepare(engine, frame([*records[8:], one, brother, row]))
    link_list(engine, "person_record", card)
    (led,) = [pair for pair in decisions(engine, "person_record").to_pylist() if pair["left"] == "row"]
    assert led["right"] == "B1"
    engine.run("""
        CREATE OR REPLACE TABLE told_apart AS SELECT l.unique_id AS left_id, r.unique_id AS right_id
        FROM person_record l, person_record r WHERE l.record_id = 'row' AND r.record_id = 'B1'
        """)
    link_list(engine, "person_record", card, apart="told_apart")
    (led,) = [pair for pair in decisions(engine, "person_record").to_pylist() if pair["left"] == "row"]
    assert led["right"] == "B2" and led["decision"] in ("LINK", "REVIEW")


def test_a_card_needs_two_people(card: ModelCard) -> None:
    with pytest.raises(CardNotActive):
        card.require_active()
    once = card.approve("first")
    with pytest.raises(SecondApproverNeeded):
        once.approve("first")
    twice = once.approve("second")
    twice.require_active()
    assert twice.digest() == card.digest()


def test_a_card_survives_storage(card: ModelCard) -> None:
    assert ModelCard.from_json(card.to_json()) == card
    for text in ("", "{}", "[]", card.to_json().replace('"same_day"', '"same_hour"')):
        with pytest.raises(CardUnreadable):
            ModelCard.from_json(text)


def test_too_few_records_teach_nothing(engine: Engine) -> None:
    prepare(engine, frame([record(str(n), name="Bilal") for n in range(9)]))
    with pytest.raises(TooFewRecords):
        train(engine, "person_record", "plain_record", version="T-2")


def test_clusters_refuse_chains_contradictions_and_doubles() -> None:
    chain = [Edge(1, 2, 20, True), Edge(2, 3, 19, True)]
    assert cluster(chain, {}).pairs() == {(1, 2)}
    assert cluster([*chain, Edge(1, 3, 5, False, contradicts=True)], {}).pairs() == {(1, 2)}
    assert cluster([Edge(1, 2, 20, True), Edge(1, 3, 19, True), Edge(2, 3, 9, True)], {2: "h", 3: "h"}).pairs() == {
        (1, 2)
    }
    assert cluster([Edge(1, 2, 20, True, contradicts=True)], {}).pairs() == set()


def test_estimates_say_when_they_cannot() -> None:
    with pytest.raises(LabelsMissing):
        estimate([Stratum(100, 0, 0, True)])
    with pytest.raises(LabelsMissing):
        kappa([], [])
    precision, recall = estimate([Stratum(0, 0, 0, True)])
    assert (precision.value, recall.value) == (0.0, 0.0)


def test_the_desk_finds_whom_a_list_would_find(engine: Engine, card: ModelCard) -> None:
    """The written-out weights are Splink's, but for name frequencies, in which the list's own rows count too."""
    records, _ = people(600, 0)
    asked = dict(records[5]) | {
        "record_id": "desk",
        "side": "DESK",
        "household_id": "",
        "number": "",
        "name": "Jaaved Shah",
    }
    prepare(engine, frame([*records, asked]))
    link_list(engine, "person_record", card)
    theirs = dict(
        engine.rows(
            "SELECT r.record_id, w.match_weight - w.bits_frequency FROM weighed w JOIN person_record r ON r.unique_id = w.right_id"
        )
    )
    prepare(engine, frame(records))
    found = DeskIndex(engine, "person_record", card).find(frame([asked]))
    assert found[0].record_id == records[5]["record_id"]
    assert theirs
    ours = {one.record_id: one.match_weight - one.bits["frequency"] for one in found}
    for record_id, weight in theirs.items():
        assert ours[record_id] == pytest.approx(weight, abs=1e-6)
    with pytest.raises(OnePersonAtATime):
        DeskIndex(engine, "person_record", card).find(frame([asked, asked]))


def test_weights_are_splinks(engine: Engine, card: ModelCard) -> None:
    records, _ = people(600, 40)
    prepare(engine, frame(records))
    candidate_pairs(engine, "person_record")
    compare_pairs(engine, "person_record", "candidate")
    weigh(engine, "compared", prior=1e-4, m=card.m, u=card.u, into="ours")
    backends.splink_weigh(engine, "person_record", "candidate", prior=1e-4, m=card.m, u=card.u, into="theirs")
    bits = [f"{side}.bits_{one.code}" for one in compare.COMPARISONS for side in ("o", "t")]
    rows = engine.rows(
        f"SELECT o.match_weight, t.match_weight, o.bits_frequency, t.bits_frequency, o.contradiction = t.contradiction, "
        f"{', '.join(bits)} FROM ours o FULL JOIN theirs t USING (left_id, right_id)"
    )
    assert len(rows) > 40
    for ours, splinks, rarity, splinks_rarity, is_agreed, *parts in rows:
        assert is_agreed
        assert ours == pytest.approx(splinks, abs=1e-6)
        assert rarity == pytest.approx(float(splinks_rarity), abs=1e-6)
        assert [float(part) for part in parts[::2]] == pytest.approx([float(part) for part in parts[1::2]], abs=1e-6)


def test_rivals_weaken_each_other(engine: Engine) -> None:
    engine.run(
        "CREATE OR REPLACE TABLE tried AS SELECT * FROM (VALUES (1, 2, 4.0, ''), (1, 3, 4.0, ''), (4, 5, 4.0, ''), (6, 7, 4.0, ''), "
        "(6, 8, 4.0, ''), (7, 8, 3.0, ''), (9, 10, -6.0, 'two_verified_numbers')) t(left_id, right_id, match_weight, contradiction), "
        "(SELECT -9.0 AS bits_number, 0.5 AS probability)"
    )
    let_compete(engine, "tried", into="tried_out")
    found = {(a, b): p for a, b, p in engine.rows("SELECT left_id, right_id, probability FROM tried_out")}
    assert found[4, 5] == pytest.approx(16 / 17)
    assert found[1, 2] == found[1, 3] == pytest.approx(16 / 33)
    assert found[6, 7] == pytest.approx(16 / 17)  # 7 and 8 are likely one person themselves: three files, no rivals
    assert engine.value("SELECT control FROM tried_out WHERE left_id = 9") == pytest.approx(8 / 9)


def test_splink_is_imported_in_one_place() -> None:
    source = Path(backends.__file__).parents[2]
    users = {
        file.relative_to(source).as_posix()
        for file in source.rglob("*.py")
        if re.search(r"^\s*(from|import) splink\b", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert users == {"khana_methods/matching/backends.py"}


def test_one_record_is_what_prepare_makes(engine: Engine) -> None:
    """The row that a desk reads without a statement is the row of the table, for names in either script and for nobody."""
    stated = [
        record("P1", side="DESK", name="Muhammad Javed Shah", guardian_name="Ghulam Rasool", sex="M", birth_year=1980, number="3520112345671"),
        record("P1", side="DESK", name="شازیہ بی بی", guardian_name="محمد اسلم", sex="F", number="1111111", mobile="+92300"),
        record("P1", side="DESK", name="", district_code="PK101"),
        record("P1", side="DESK", name="A", guardian_name="Khan", guardian_kind="H", birth_year=1999, birth_month=2, birth_day=3),
    ]  # fmt: skip
    for one in stated:
        prepare(engine, frame([one]), table="one_prepared")
        (row,) = engine.table("SELECT * FROM one_prepared").to_pylist()
        counted = engine.table("SELECT * FROM one_prepared_guardian")
        assert one_record(one, shares=lambda _wanted, known=counted: known) == row
