"""What reviewers are asked, and what their labels say; the reviewer here is the truth of made-up people."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from tests.factories.linked_people import frame, people

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.evaluate import LabelsMissing
from khana_methods.matching.labels import CUT_OFF, draw_labels, judge_by_labels, missed_by_blocking, with_estimate
from khana_methods.matching.link import find_duplicates
from khana_methods.matching.passes import PASSES
from khana_methods.matching.prepare import prepare
from khana_methods.matching.train import train


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=512, threads=1) as opened:
        yield opened


def _graded(engine: Engine, seed: int) -> set[tuple[int, int]]:
    """Make weighed pairs whose probabilities hold: each is a match with its own probability. Returns the matches."""
    dice = random.Random(seed)
    rows = []
    for probability, count in (
        (0.9995, 1800),
        (0.97, 400),
        (0.9, 250),
        (0.7, 120),
        (0.35, 100),
        (0.1, 300),
        (0.03, 900),
        (0.005, 6000),
    ):
        for _ in range(count):
            rows.append((len(rows) * 2, len(rows) * 2 + 1, probability, dice.random() < probability))
    engine.run(
        "CREATE OR REPLACE TABLE weighed (left_id BIGINT, right_id BIGINT, probability DOUBLE, contradiction VARCHAR)"
    )
    listed = ", ".join(f"({left}, {right}, {probability}, '')" for left, right, probability, _ in rows)
    engine.run(f"INSERT INTO weighed VALUES {listed}")
    engine.run("CREATE OR REPLACE TABLE decision AS SELECT *, CASE WHEN probability >= 0.8 THEN 'LINK' ELSE 'REVIEW' END AS decision "
               "FROM weighed WHERE probability >= 0.2")  # fmt: skip
    return {(left, right) for left, right, _, is_match in rows if is_match}


def test_four_hundred_labels_come_within_two_points(engine: Engine) -> None:
    inside = []
    for seed in range(12):
        matches = _graded(engine, seed)
        linked = set(engine.rows("SELECT left_id, right_id FROM decision WHERE decision = 'LINK'"))
        drawn = draw_labels(engine, seed=seed)
        assert drawn.pairs.num_rows <= 400
        answers = {
            (row["left_id"], row["right_id"]): (row["left_id"], row["right_id"]) in matches
            for row in drawn.pairs.to_pylist()
        }
        precision, recall = judge_by_labels(drawn, answers)
        true = (len(linked & matches) / len(linked), len(linked & matches) / len(matches))
        for said, held in zip((precision, recall), true, strict=True):
            assert abs(said.value - held) < 0.03
            inside.append((said.low <= held <= said.high, abs(said.value - held) < 0.02))
    assert sum(covered for covered, _ in inside) >= 21
    assert sum(near for _, near in inside) >= 21


def test_the_same_seed_asks_the_same_pairs(engine: Engine) -> None:
    _graded(engine, 1)
    first, again, other = (draw_labels(engine, seed=seed, labels=100).pairs for seed in (5, 5, 6))
    assert first.equals(again)
    assert not first.equals(other)
    assert 60 <= first.num_rows <= 100
    asked = {(row["left_id"], row["right_id"]) for row in first.to_pylist()}
    below = set(engine.rows(f"SELECT left_id, right_id FROM weighed WHERE probability < {CUT_OFF}"))
    assert not asked & below
    with pytest.raises(LabelsMissing):
        judge_by_labels(draw_labels(engine), {})


def test_labels_go_on_the_card(engine: Engine) -> None:
    records, truth = people(1200, 60)
    prepare(engine, frame(records), plain="plain_record")
    card = train(engine, "person_record", "plain_record", version="L-1", max_pairs=2e5).card
    find_duplicates(engine, "person_record", card)
    drawn = draw_labels(engine, labels=80)
    ids = dict(engine.rows("SELECT unique_id, record_id FROM person_record"))
    answers = {}
    for row in drawn.pairs.to_pylist():
        pair = (ids[row["left_id"]], ids[row["right_id"]])
        answers[row["left_id"], row["right_id"]] = pair in truth or pair[::-1] in truth
    precision, recall = judge_by_labels(drawn, answers, missed=missed_by_blocking(engine, PASSES))
    labelled = with_estimate(card, precision, recall, labels=len(answers))
    assert labelled.digest() == card.digest()
    assert labelled.estimate_from == f"{len(answers)} labels"
    assert precision.low <= precision.value <= precision.high
    assert precision.value > 0.95
    assert recall.value > 0.9
