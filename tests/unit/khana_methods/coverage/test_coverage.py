"""A coverage study on little surveys: shares, missing, correction, lists, accuracy, and what is asked wrongly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from khana_methods.coverage.accuracy import NothingToCompare, agreement
from khana_methods.coverage.compare import accuracy_figures
from khana_methods.coverage.dual_system import ListsImpossible, chapman, post_stratified
from khana_methods.coverage.linkage_error import LinkageError, LinkageRatesWrong, linkage_error_of
from khana_methods.coverage.lists import ALARM, OTHER_VINTAGE, census_ratios, dual_system, registry_over_share
from khana_methods.coverage.match_files import NothingToMatch, match_files
from khana_methods.coverage.spec import StudyUnreadable, study_of
from khana_methods.coverage.study import by_estimator, study
from khana_methods.engine.duckdb import Engine
from khana_methods.surveys.design import Design

DESIGN = Design(weight="w", strata=("province",), psu=("ea",), size="members")


def survey(rows: int = 400, seed: int = 3) -> pa.Table:
    """Make a survey of two provinces with ten units each; the poor are registered less often."""
    random = np.random.default_rng(seed)
    welfare = random.gamma(2, 50, rows)
    registered = random.uniform(size=rows) < np.where(welfare < 60, 0.7, 0.9)
    return pa.table(
        {
            "province": ["north" if k < rows // 2 else "south" for k in range(rows)],
            "ea": [str(k // 20) for k in range(rows)],
            "w": random.uniform(80, 120, rows),
            "members": random.integers(1, 9, rows),
            "y": welfare,
            "registered": registered.astype(int),
            "why_not": [None if r else random.choice(["no information", "far", "no card"]) for r in registered],
            "km": random.uniform(0, 40, rows),
            "cnic": [f"61101{k:07d}{k % 9 + 1}" for k in range(rows)],
        }
    )


def test_shares_missing_and_poor_are_the_weighted_counts() -> None:
    table = survey()
    spec = study_of(
        {"registered": "registered", "welfare": "y", "poor": {"line": 60}, "domains": ["province"], "reasons": "why_not",
         "determinants": ["km", "y"]}
    )  # fmt: skip
    found = study(table, DESIGN, spec)
    w, m, r, y = (np.asarray(table.column(name)) for name in ("w", "members", "registered", "y"))
    for weight, mass in (("household", w), ("population", w * m)):
        everybody = by_estimator(found, "all", "registered_share", weight)["all"]
        assert everybody.estimate == pytest.approx((mass * r).sum() / mass.sum())
        assert everybody.lower < everybody.estimate < everybody.upper  # type: ignore[operator]
        assert by_estimator(found, "all", "missing", weight)["all"].estimate == pytest.approx((mass * (1 - r)).sum())
        poor = y <= 60
        share = by_estimator(found, "all", "poor_missing_share", weight)["all"]
        assert share.estimate == pytest.approx((mass * (1 - r))[poor].sum() / mass[poor].sum())
    assert set(by_estimator(found, "province", "registered_share")) == {"north", "south"}
    assert list(by_estimator(found, "welfare_quantile", "registered_share")) == ["1", "2", "3", "4", "5"]
    reasons = [f for f in found.figures if f.estimator.startswith("reason") and f.weight == "household"]
    assert sum(f.estimate or 0 for f in reasons) == pytest.approx(1)
    assert found.determinants is not None
    terms = {line.term: line for line in found.determinants.coefficients}
    assert terms["y"].marginal_effect < 0  # type: ignore[operator]  # richer, less often missing
    assert not any("linkage" in note for note in found.notes)


def test_welfare_quantiles_hold_equal_people() -> None:
    table = survey()
    found = study(table, DESIGN, study_of({"registered": "registered", "welfare": "y"}))
    parts = by_estimator(found, "welfare_quantile", "registered_share", "population")
    assert len(parts) == 5 and sum(f.n for f in parts.values()) == 400
    w, m = np.asarray(table.column("w")), np.asarray(table.column("members"))
    missing = by_estimator(found, "welfare_quantile", "missing", "population")
    people = [(missing[q].estimate or 0) / (1 - (parts[q].estimate or 0)) for q in parts]
    assert max(people) - min(people) < 0.05 * (w * m).sum() / 5 + 2 * (w * m).max()


def test_correction_inverts_the_planted_error_and_widens_the_interval() -> None:
    table = survey()
    plain = study(table, DESIGN, study_of({"registered": "registered"}))
    review = {"true_pairs": 400, "found": 376, "strangers": 300, "matched_wrongly": 6}
    found = study(table, DESIGN, study_of({"registered": "registered", "linkage": review}))
    p = by_estimator(plain, "all", "registered_share")["all"]
    c = by_estimator(found, "all", "registered_share_corrected")["all"]
    assert c.estimate == pytest.approx(((p.estimate or 0) - 0.02) / (0.94 - 0.02))
    assert (c.se or 0) > (p.se or 0) / 0.92
    missing = by_estimator(found, "all", "missing_corrected")["all"]
    total = np.asarray(table.column("w")).sum()
    assert missing.estimate == pytest.approx(total * (1 - (c.estimate or 0)))
    assert any("Corrected for linkage error: 94.0%" in note for note in found.notes)


@pytest.mark.parametrize(
    "words",
    [{"sensitivity": 0.5, "false_match": 0.6}, {"sensitivity": 1.2}, {"true_pairs": 0, "found": 0}, {"true_pairs": 9}],
)
def test_rates_that_cannot_be_are_refused(words: dict[str, float]) -> None:
    with pytest.raises(LinkageRatesWrong):
        linkage_error_of(words)


def test_a_share_corrected_out_of_range_is_shown_with_its_reason() -> None:
    table = survey()
    table = table.set_column(table.schema.get_field_index("registered"), "registered", pa.array([1] * 390 + [0] * 10))
    found = study(table, DESIGN, replace(study_of({"registered": "registered"}), linkage=LinkageError(0.8)))
    one = by_estimator(found, "all", "registered_share_corrected")["all"]
    assert one.estimate is not None and one.estimate > 1
    assert one.upper == 1.0 and one.note.startswith("outside 0 and 1")


def test_the_fixture_of_chapman_and_post_strata() -> None:
    found = chapman(1000, 800, 600)
    assert (round(found.estimate, 5), round(found.se, 5)) == (1333.11148, 17.17535)
    assert found.lower > found.seen == 1200
    assert post_stratified([(1000, 800, 600)]).estimate == found.estimate
    for wrong in ((10, 5, 6), (0, 5, 0)):
        with pytest.raises(ListsImpossible):
            chapman(*wrong)
    with pytest.raises(ListsImpossible):
        post_stratified([])


def test_registry_and_survey_as_two_lists_by_post_stratum() -> None:
    table = survey()
    spec = study_of({"registered": "registered", "poststrata": ["province"]})
    made = dual_system(table, spec, {"north": 17000, "south": 17000})
    by_level = {f.level: f for f in made}
    assert by_level["all"].estimate == pytest.approx(
        (by_level["north"].estimate or 0) + (by_level["south"].estimate or 0)
    )
    strange = dual_system(table, spec, {"north": 17000})
    assert {f.level: f.note for f in strange}["south"] == OTHER_VINTAGE
    found = study(table, DESIGN, study_of({"registered": "registered", "domains": ["province"]}))
    whole = {f.level: f for f in registry_over_share(found, "province", {"north": 17000})}
    share = by_estimator(found, "province", "registered_share")["north"].estimate or 1
    assert whole["north"].estimate == pytest.approx(17000 / share)
    assert whole["south"].note == OTHER_VINTAGE


def test_a_registry_bigger_than_the_census_is_an_alarm() -> None:
    made = {f.level: f for f in census_ratios("tehsil", {"a": 100, "b": 0, "c": 100}, {"a": 104, "x": 3, "c": 50})}
    assert made["a"].note == ALARM and made["a"].estimate == 1.04
    assert made["b"].estimate is None and made["b"].note.startswith("divides by zero")
    assert made["x"].note == OTHER_VINTAGE
    assert made["c"].note == ""


def test_a_survey_that_does_not_say_who_is_registered_is_refused() -> None:
    table = survey()
    half = table.set_column(table.schema.get_field_index("registered"), "registered", pa.array([None] * 5 + [1] * 395))
    with pytest.raises(StudyUnreadable, match="5 rows do not"):
        study(half, DESIGN, study_of({"registered": "registered"}))
    with pytest.raises(StudyUnreadable):
        study(table, DESIGN, study_of({}))
    for words in ({"poor": {"share": 0.4}}, {"welfare": "y", "poor": {"share": 2}}, {"match": ["a"]}, {"domains": 3}):
        with pytest.raises(StudyUnreadable):
            study_of(words)


def digits(column: pa.Array) -> pa.Array:
    return pa.array(
        [text.replace("-", "") if len(text.replace("-", "")) == 13 else None for text in column.to_pylist()]
    )


def test_a_survey_of_persons_is_matched_household_by_household() -> None:
    people = pa.table(
        {
            "hh": ["1", "1", "2", "2", "3"],
            "cnic": ["61101-0000001-1", "", "6110100000022", "junk", "6110100000033"],
            "rooms": [2, 2, 3, 3, 4],
        }
    )
    registry = pa.table({"nid": ["6110100000011", "61101-0000003-3"], "rooms": [2, 5], "roof": ["mud", "rcc"]})
    with Engine(memory_mib=256) as engine:
        found = match_files(
            engine, people, registry, survey_columns={"id_number": "cnic"}, registry_columns={"id_number": "nid"},
            household="hh", canonical=digits,
        )  # fmt: skip
        assert found.table.column("registered").to_pylist() == [1, 0, 1]
        assert found.registry_rows == (0, None, 1)
        assert (found.with_number, found.by_number) == (3, 2)
        made = accuracy_figures(found.table, registry, found.registry_rows, {"rooms": "rooms"}, np.ones(3))
        told = {f.estimator: f.estimate for f in made}
        assert told == {
            "accuracy: bias": 0.5,
            "accuracy: root mean square": pytest.approx(0.7071, abs=1e-4),
            "accuracy: same": 0.5,
        }
        with pytest.raises(NothingToMatch):
            match_files(
                engine, people, registry, survey_columns={}, registry_columns={"id_number": "nid"}, canonical=digits
            )
        with pytest.raises(NothingToMatch):
            match_files(
                engine, people, registry, survey_columns={"id_number": "rooms"}, registry_columns={"id_number": "nid"},
                canonical=digits,
            )  # fmt: skip
    with pytest.raises(NothingToCompare):
        agreement([], [], np.ones(0))


def test_the_moved_and_the_dead_are_told_from_visits_of_the_registered() -> None:
    from khana_methods.coverage.visits import NobodyVisited, gone_figures

    words = ["here", "Moved", "here", "dead", "", "found", "not found", "here"]
    table = pa.table({"w": [10.0, 10, 10, 20, 99, 10, 10, 10], "visit": words})
    told = {f.estimator: f for f in gone_figures(table, Design(weight="w"), "visit")}
    assert told["false_positive_share"].estimate == pytest.approx(40 / 80)
    assert told["false_positives"].estimate == pytest.approx(40)
    assert {name: told[name].estimate for name in ("moved", "dead", "not_found")} == pytest.approx(
        {"moved": 1 / 8, "dead": 2 / 8, "not_found": 1 / 8}
    )
    assert told["false_positive_share"].n == 7
    low, high = told["false_positive_share"].lower, told["false_positive_share"].upper
    assert low is not None and high is not None and 0 < low < 0.5 < high < 1
    with pytest.raises(NobodyVisited):
        gone_figures(pa.table({"w": [1.0, 1], "visit": ["", None]}), Design(weight="w"), "visit")


def test_stored_facts_decay_with_the_years_since_the_interview() -> None:
    registry = pa.table({"rooms": [2, 2, 3, 3], "roof": ["mud", "mud", "rcc", "rcc"]})
    found = pa.table({"rooms_now": [2, 2, 3, 4], "roof_now": ["mud", "mud", "rcc", "rcc"], "years": [1, 1, 2, 2]})
    made = accuracy_figures(
        found, registry, [0, 1, 2, 3], {"rooms": "rooms_now", "roof": "roof_now"}, np.ones(4), years="years"
    )
    told = {(f.level, f.estimator): f.estimate for f in made}
    assert told["rooms", "accuracy: half-life in years"] == pytest.approx(
        3.419, abs=1e-3
    )  # as the doctest of half_life
    assert told["rooms", "accuracy: still true after a year"] == pytest.approx(0.5 ** (1 / 3.419), abs=1e-4)
    assert told["roof", "accuracy: still true after a year"] == 1.0
    assert ("roof", "accuracy: half-life in years") not in told
