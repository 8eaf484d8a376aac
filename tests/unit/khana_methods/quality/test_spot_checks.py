"""Spot checks: draws that can be repeated and proved, lots against published plans, re-interviews against known values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom
from sklearn.metrics import cohen_kappa_score

from khana.interfaces.cli.main import khana
from khana_methods.quality.spot_checks.compare import (
    PairsNotFound,
    Question,
    QuestionsInvalid,
    compare,
    load_questions,
)
from khana_methods.quality.spot_checks.draw import (
    Design,
    DrawNotAsAnnounced,
    FrameUnusable,
    announce,
    draw,
    hash_frame,
    inclusion,
    verify_sample,
)
from khana_methods.quality.spot_checks.lots import RisksImpossible, chance_to_pass, judge_plan, plan_lot
from khana_methods.quality.spot_checks.reliability import (
    bootstrap,
    kappa,
    reliability_ratio,
    response_variance,
    wilson,
)
from khana_methods.quality.spot_checks.verdicts import flips_of, judge_lots


def frame(count: int = 300) -> pa.Table:
    chance = np.random.default_rng(2)
    return pa.table(
        {
            "id": [f"h{n}" for n in range(count)],
            "district": [("north", "south", "south")[n % 3] for n in range(count)],
            "village": [f"v{n // 10}" for n in range(count)],
            "people": chance.integers(1, 12, count),
            "income": chance.integers(1, 90_000, count),
        }
    )


# --- the draw --------------------------------------------------------------------------------------------


def test_the_same_seed_and_frame_give_the_same_sample_in_any_order_of_the_file() -> None:
    one = frame()
    shuffled = one.take(pa.array(np.random.default_rng(9).permutation(one.num_rows)))
    design = Design(key="id", size=60, stratum="district", measure="people", reserve=5)
    first, second = draw(one, design, "seed"), draw(shuffled, design, "seed")
    assert verify_sample(first, second) == []
    assert verify_sample(first, draw(one, design, "another")) != []
    assert "income" not in first.schema.names  # who visits sees no answer


def test_strata_get_their_share_reserves_have_no_weight_and_weights_add_up() -> None:
    sample = draw(frame(), Design(key="id", size=60, stratum="district", reserve=4), "seed").to_pylist()
    drawn = [row for row in sample if not row["is_reserve"]]
    assert {s: sum(row["stratum"] == s for row in drawn) for s in ("north", "south")} == {"north": 20, "south": 40}
    assert sum(row["is_reserve"] for row in sample) == 8
    assert all(row["weight"] is None for row in sample if row["is_reserve"])
    assert sum(row["weight"] for row in drawn) == pytest.approx(300)
    assert len({row["id"] for row in sample}) == len(sample)


def test_chances_are_proportional_to_size_over_many_draws() -> None:
    table = frame(40)
    design = Design(key="id", size=10, measure="people")
    hits = dict.fromkeys(table.column("id").to_pylist(), 0)
    for n in range(600):
        for row in draw(table, design, f"seed {n}").to_pylist():
            hits[row["id"]] += 1
    expected = inclusion(table.column("people").to_numpy().astype(float), 10)
    # five standard errors of a share over 600 draws, and what Pareto sampling is off by in so small a frame
    assert np.abs(np.array(list(hits.values())) / 600 - expected).max() < 5 * np.sqrt(0.25 / 600) + 0.01


def test_areas_first_then_households_is_self_weighting() -> None:
    sample = draw(frame(), Design(key="id", size=50, cluster="village", take=5), "seed").to_pylist()
    assert len(sample) == 50 and len({row["cluster"] for row in sample}) == 10
    assert {round(row["weight"], 9) for row in sample} == {6.0}  # villages are of equal size here


def test_a_draw_must_be_as_it_was_announced() -> None:
    table, design = frame(), Design(key="id", size=30, stratum="district")
    told = announce(table, design, "seed")
    assert "seed" not in json.dumps(told.as_dict()).replace("seed_hash", "")
    assert draw(table, design, "seed", told).num_rows == 30
    smaller = table.slice(1)
    for wrong in (
        (smaller, design, "seed"),
        (table, Design(key="id", size=31, stratum="district"), "seed"),
        (table, design, "x"),
    ):
        with pytest.raises(DrawNotAsAnnounced):
            draw(*wrong, told)
    moved = table.set_column(1, "district", pa.array(["north"] * 300))
    assert hash_frame(moved, design) != told.frame_hash
    assert hash_frame(table.drop_columns(["income"]), design) == told.frame_hash  # an answer changes nothing


@pytest.mark.parametrize(
    "design",
    [
        Design(key="no", size=3),
        Design(key="district", size=3),
        Design(key="id", size=0),
        Design(key="id", size=301),
        Design(key="id", size=3, cluster="village"),
        Design(key="id", size=3, measure="village"),
    ],
)
def test_a_frame_that_cannot_be_drawn_from_is_refused(design: Design) -> None:
    with pytest.raises(FrameUnusable):
        draw(frame(), design, "seed")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=30), st.data())
def test_inclusion_chances_sum_to_the_number_wanted(sizes: list[float], data: st.DataObject) -> None:
    wanted = data.draw(st.integers(1, len(sizes)))
    chances = inclusion(np.array(sizes), wanted)
    assert chances.sum() == pytest.approx(wanted) and (chances > 0).all() and (chances <= 1 + 1e-12).all()


# --- lots ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "d", "share", "expected"),
    [  # domain report 5.5
        (19, 3, 0.05, 0.9868), (19, 3, 0.10, 0.8850), (19, 3, 0.20, 0.4551), (19, 3, 0.30, 0.1332), (19, 3, 0.50, 0.0022),
        (50, 3, 0.05, 0.7604), (50, 3, 0.10, 0.2503), (50, 3, 0.20, 0.0057),
        (60, 5, 0.05, 0.9213), (60, 5, 0.10, 0.4372), (60, 5, 0.20, 0.0121),
    ],
)  # fmt: skip
def test_chances_to_pass_of_the_domain_report(n: int, d: int, share: float, expected: float) -> None:
    assert chance_to_pass(n, d, share) == pytest.approx(expected, abs=5e-5)


def test_the_classic_plan_of_nineteen_is_found_and_nothing_smaller_would_do() -> None:
    plan = plan_lot(0.20, 0.50, producer=0.10, consumer=0.10)
    assert (plan.n, plan.d, plan.can_tell) == (19, 6, True)
    for n in range(1, 19):
        assert not any(binom.cdf(d, n, 0.2) >= 0.9 and binom.cdf(d, n, 0.5) <= 0.1 for d in range(n + 1))


@settings(max_examples=50, deadline=None)
@given(st.floats(0.0, 0.3), st.floats(0.05, 0.6), st.integers(5, 120))
def test_a_plan_keeps_the_risks_that_it_claims(good: float, gap: float, lot: int) -> None:
    bad = min(good + gap, 1.0)
    plan = plan_lot(good, bad, lot=lot)
    faults_good, faults_bad = int(np.floor(lot * good + 1e-9)), int(np.ceil(lot * bad - 1e-9))
    producer, consumer = (
        1 - hypergeom.cdf(plan.d, lot, faults_good, plan.n),
        hypergeom.cdf(plan.d, lot, faults_bad, plan.n),
    )
    assert plan.producer_risk == pytest.approx(producer, abs=1e-9) and plan.consumer_risk == pytest.approx(
        consumer, abs=1e-9
    )
    assert plan.can_tell == (producer <= 0.05 + 1e-12 and consumer <= 0.10 + 1e-12)
    assert plan.n <= lot


def test_nineteen_cannot_tell_five_from_ten_per_cent_and_says_how_many_could() -> None:
    plan = judge_plan(19, 0.05, 0.10)
    assert not plan.can_tell and "are needed" in plan.warning
    enough = plan_lot(0.05, 0.10)
    assert enough.can_tell and enough.n > 200
    assert judge_plan(enough.n, 0.05, 0.10).can_tell
    assert not plan_lot(0.10, 0.11, most=50).can_tell
    with pytest.raises(RisksImpossible):
        plan_lot(0.2, 0.1)


# --- agreement -------------------------------------------------------------------------------------------


def test_agreement_measures_against_other_implementations() -> None:
    chance = np.random.default_rng(5)
    one = chance.normal(50, 10, 400)
    two = one + chance.normal(0, 4, 400)
    assert response_variance(one, two) == pytest.approx(np.var(one - two, ddof=1) / 2)
    assert reliability_ratio(one, two) == pytest.approx(1 - np.var(one - two, ddof=1) / 2 / np.var(two, ddof=1))
    interval = bootstrap(reliability_ratio, one, two, draws=300)
    assert interval.low is not None and interval.high is not None
    truth = 1 - 8 / 116  # variances of the numbers drawn: 16/2 over 100 + 16
    assert interval.low < truth < interval.high
    left, right = chance.integers(0, 4, 300), chance.integers(0, 4, 300)
    right[:150] = left[:150]
    assert kappa(left.tolist(), right.tolist()) == pytest.approx(cohen_kappa_score(left, right))
    assert wilson(0, 0).value is None and kappa(["a"], ["a"]) is None


QUESTIONS = """questions:
  - {name: wall, type: 1, same: [[brick, stone]], leave_out: [refused]}
  - {name: acres, type: 2, within: 0.5}
  - {name: goats, type: 3}
"""


def interviews() -> tuple[pa.Table, pa.Table]:
    survey = pa.table(
        {
            "id": ["1", "2", "3", "4", "5", "6"], "who": ["E1", "E1", "E1", "E2", "E2", "E2"],
            "wall": ["Brick ", "mud", "brick", "mud", "refused", "mud"], "acres": ["2", "1", "0", "3", "1", "5"],
            "goats": ["1", "2", "3", "4", "5", "6"], "score": ["30", "31", "33", "40", "50", ""],
        }
    )  # fmt: skip
    again = pa.table(
        {
            "id": ["1", "2", "3", "4", "5", "99"], "wall": ["stone", "mud", "mud", "brick", "mud", "mud"],
            "acres": ["2.4", "1", "0", "9", "1", "1"], "goats": ["1", "2", "2", "4", "5", "1"],
            "score": ["30", "34", "31", "41", "50", "2"],
        }
    )  # fmt: skip
    return survey, again


def test_questions_are_compared_by_type_tolerance_and_group(tmp_path: Path) -> None:
    file = tmp_path / "q.yaml"
    file.write_text(QUESTIONS)
    survey, again = interviews()
    found = compare(survey, again, "id", load_questions(file), by=["who"])
    assert found.unpaired == 1
    assert {(row["question"], row["id"], row["survey"], row["again"]) for row in found.differences.to_pylist()} == {
        ("wall", "3", "brick", "mud"), ("wall", "4", "mud", "brick"), ("acres", "4", "3", "9"), ("goats", "3", "3", "2"),
    }  # fmt: skip
    counts = {row["question"]: (row["compared"], row["differences"]) for row in found.questions.to_pylist()}
    assert counts == {"wall": (4, 2), "acres": (5, 1), "goats": (5, 1)}
    rates = {
        (row["name"], row["type"]): (row["differences"], row["compared"], row["over_limit"])
        for row in found.groups.to_pylist()
    }
    assert rates == {
        ("E1", 1): (1, 3, True), ("E1", 2): (0, 3, False), ("E1", 3): (1, 3, False),
        ("E2", 1): (1, 1, True), ("E2", 2): (1, 2, True), ("E2", 3): (0, 2, False),
    }  # fmt: skip
    flipped = flips_of(survey, again, "id", "score", 32.0)
    assert (flipped["compared"], flipped["flip"], flipped["lost"], flipped["gained"]) == (
        5,
        0.4,
        0.5,
        pytest.approx(1 / 3),
    )


def test_lots_that_were_checked_too_little_say_so() -> None:
    households = pa.table({"who": ["E1"] * 40 + ["E2"] * 3, "type_1": [0] * 39 + [1] + [1, 1, 0]})
    verdicts = {
        row["lot"]: row for row in judge_lots(households, "who", ["E1"] * 400 + ["E2"] * 300, good=0.05, bad=0.25)
    }
    assert verdicts["E1"]["passes"] and verdicts["E1"]["can_tell"] and verdicts["E1"]["interviews"] == 400
    assert not verdicts["E2"]["can_tell"] and "are needed" in verdicts["E2"]["warning"]


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    survey, again = interviews()
    with pytest.raises(QuestionsInvalid, match="roof"):
        compare(survey, again, "id", [Question("roof", 1)])
    with pytest.raises(PairsNotFound):
        compare(survey, again.set_column(0, "id", pa.array(["x"] * 6)), "id", [Question("wall", 1)])
    file = tmp_path / "q.yaml"
    for text in (
        "questions: []",
        "questions: [{name: a, type: 4}]",
        "questions: [{name: a, type: 1, wthin: 2}]",
        "a: [",
        "- 1",
    ):
        file.write_text(text)
        with pytest.raises(QuestionsInvalid):
            load_questions(file)


def test_the_commands_from_announcement_to_verdict(tmp_path: Path) -> None:
    (tmp_path / "seed.txt").write_text("die thrown at noon: 4 2 6 1\n")
    lines = "\n".join(",".join(str(v) for v in row.values()) for row in frame().to_pylist())
    (tmp_path / "frame.csv").write_text("id,district,village,people,income\n" + lines + "\n")
    base = ["--frame", str(tmp_path / "frame.csv"), "--seed-file", str(tmp_path / "seed.txt")]

    def run(*words: str) -> Any:
        return CliRunner().invoke(khana, ["spotcheck", *words])

    told, sample = tmp_path / "told.json", tmp_path / "sample.csv"
    run("announce", *base, "--key", "id", "--size", "30", "--stratum", "district", "--out", str(told))
    assert set(json.loads(told.read_text())) == {"frame_hash", "seed_hash", "units", "design"}
    done = run("draw", *base, "--announced", str(told), "--keep", "village", "--out", str(sample), "--json")
    assert json.loads(done.stdout)["drawn"] == 30
    assert sample.read_text().splitlines()[0] == "id,stratum,order,is_reserve,probability,weight,village"
    (tmp_path / "seed.txt").write_text("a better one")
    assert isinstance(run("draw", *base, "--announced", str(told), "--out", str(sample)).exception, DrawNotAsAnnounced)
    survey, again = interviews()
    for name, table in (("s.csv", survey), ("b.csv", again)):
        rows = "\n".join(",".join(row.values()) for row in table.to_pylist())
        (tmp_path / name).write_text(",".join(table.schema.names) + "\n" + rows + "\n")
    (tmp_path / "q.yaml").write_text(QUESTIONS)
    words = ["analyse", "--survey", str(tmp_path / "s.csv"), "--back-check", str(tmp_path / "b.csv"), "--key", "id",
             "--questions", str(tmp_path / "q.yaml"), "--lot", "who", "--score", "score", "--cut-off", "32", "--json"]  # fmt: skip
    result = json.loads(run(*words).stdout)
    assert result["households"] == 5 and result["flips"]["flip"] == 0.4
    # all three interviews of E1 were checked; of E2 two of three
    assert {row["lot"]: row["can_tell"] for row in result["lots"]} == {"E1": True, "E2": False}
    plan = json.loads(run("plan", "--good", "0.2", "--bad", "0.5", "--producer", "0.1", "--json").stdout)
    assert (plan["check"], plan["allow_faults"]) == (19, 6)
