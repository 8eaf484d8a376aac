"""High-frequency checks: published values of the indices, and each planted trouble found in a made-up round."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from khana_methods.engine.duckdb import Engine
from khana_methods.quality.interviews.heaping import counts_by_age, first_digits, last_digits, myers, whipple
from khana_methods.quality.interviews.review import Review, review
from khana_methods.quality.interviews.similarity import most_alike
from khana_methods.quality.interviews.submissions import LimitUnknown, RoleUnknown, lay_out, load_limits

# males by single age of the worked example of the US Census Bureau's PAS workbook SINGAGE (also R DemoTools pop1m_pasex)
SINGAGE = [
    80626, 95823, 104315, 115813, 100796, 105086, 97266, 116328, 75984, 89982, 95525, 56973, 78767, 65672, 53438, 85014,
    47600, 64363, 42195, 42262, 73221, 30080, 34391, 29072, 20531, 66171, 24029, 44227, 24128, 23599, 82088, 16454, 22628,
    17108, 12531, 57325, 17220, 28425, 16206, 17532, 65976, 11593, 15828, 13541, 8133, 44696, 11165, 18543, 12614, 12041,
    55798, 9324, 10772, 10453, 6773, 28358, 9916, 13348, 8039, 7583, 42470, 5288, 5317, 6582, 3361, 17949, 3650, 5873,
    3279, 3336, 27368, 1965, 2495, 2319, 1335, 12022, 1401, 1668, 1360, 1185, 9167, 424, 568, 462, 282, 6206, 343, 409,
    333, 291, 4137, 133, 169, 157, 89, 2068, 68, 81, 66, 57,
]  # fmt: skip


def test_whipple_of_the_published_example() -> None:
    assert whipple(SINGAGE) == pytest.approx(234, abs=0.5)  # the workbook prints 2.34
    assert myers(SINGAGE) == pytest.approx(23.6, abs=0.1)


@pytest.mark.shared_data
def test_heaping_of_the_survey_as_the_domain_report_has_it(pk_sample: Path) -> None:
    rows = duckdb.sql(
        f"SELECT Province, age FROM read_csv('{pk_sample / 'source' / 'roster.csv.gz'}') WHERE s1aq11 = 'yes'"
    ).fetchall()
    of = {"all": [age for _p, age in rows]}
    for province, age in rows:
        of.setdefault(province, []).append(age)
    got = {name: whipple(counts_by_age(ages)) for name, ages in of.items()}
    expected = {"all": 178.3, "KP": 164.4, "Punjab": 161.7, "Sindh": 194.2, "Balochistan": 232.7}
    assert {name: round(value or 0, 1) for name, value in got.items()} == expected


def test_digit_tests_see_even_digits_and_rounded_ones() -> None:
    even = last_digits(np.arange(10_000))
    rounded = last_digits(np.arange(0, 10_000, 10))
    assert even is not None and even[1] == pytest.approx(1.0)
    assert rounded is not None and rounded[1] < 1e-9
    assert last_digits([]) is None and first_digits([0.0]) is None and whipple([0.0] * 70) is None
    exact = first_digits(
        [
            d * 10**k
            for k in range(3)
            for d, n in enumerate([0, 301, 176, 125, 97, 79, 67, 58, 51, 46])
            for _ in range(n)
        ]
    )
    assert exact is not None and exact[1] > 0.99


def slow_alike(answers: np.ndarray[Any, Any], who: list[int], row: int, least: int) -> float | None:
    """Return the greatest share of equal answers, pair by pair."""
    shares = []
    for other in range(len(who)):
        both = [(a, b) for a, b in zip(answers[row], answers[other], strict=True) if a >= 0 and b >= 0]
        if other != row and who[other] == who[row] and len(both) >= least:
            shares.append(sum(a == b for a, b in both) / len(both))
    return max(shares, default=None)


def test_likeness_agrees_with_pair_by_pair_counting() -> None:
    chance = np.random.default_rng(4)
    answers = chance.integers(-1, 4, size=(60, 12)).astype(np.int32)
    who = chance.integers(0, 4, size=60)
    share, other = most_alike(answers, who, least=6)
    for row in range(60):
        expected = slow_alike(answers, who.tolist(), row, 6)
        assert (np.isnan(share[row]) and expected is None) or share[row] == pytest.approx(expected)
        assert other[row] == -1 or who[other[row]] == who[row]


def made_up_round() -> list[dict[str, Any]]:
    """Two villages, three honest enumerators, and one who did a bit of everything."""
    chance = np.random.default_rng(11)
    rows: list[dict[str, Any]] = []
    for n in range(120):
        enumerator = f"E{n % 4}"
        began = datetime(2026, 4, 1 + n // 24, 8) + timedelta(minutes=90 * (n % 24 // 4))
        row: dict[str, Any] = {
            "key": f"s{n}", "who": enumerator, "start": began.isoformat(), "end": (began + timedelta(minutes=int(chance.integers(20, 45)))).isoformat(),
            "lat": 31.5 + chance.normal(0, 0.002), "lon": 74.3 + chance.normal(0, 0.002), "acc": 4.0, "vlat": 31.5, "vlon": 74.3,
            "age": int(chance.integers(18, 80)), "income": int(chance.integers(5_000, 60_000)),
        }  # fmt: skip
        row |= {f"q{q}": str(chance.integers(1, 6)) for q in range(40)}
        rows.append(row)
    own = [row for row in rows if row["who"] == "E3"]
    own[0]["end"] = (datetime.fromisoformat(own[0]["start"]) + timedelta(minutes=4)).isoformat()
    own[1]["end"] = (datetime.fromisoformat(own[1]["start"]) - timedelta(minutes=5)).isoformat()
    own[2]["lat"] = 31.6
    own[3]["start"], own[3]["end"] = "1970-01-01T00:00:00", "1970-01-01T00:30:00"
    own[5] |= {f"q{q}": own[4][f"q{q}"] for q in range(38)}  # copied, two answers changed
    own[6]["income"] = 9_000_000
    own[7]["lat"], own[7]["lon"] = own[6]["lat"], own[6]["lon"]
    own[8]["key"] = own[9]["key"]
    own[10]["acc"] = 80.0
    own[11]["lat"] = None
    for row in own[12:]:
        row |= {"q0": "Other", "q1": None, "q2": None}
    return rows


def checked(rows: list[dict[str, Any]], **more: str) -> Review:
    roles = {"submission": "key", "enumerator": "who", "started": "start", "ended": "end", "latitude": "lat",
             "longitude": "lon", "accuracy": "acc", "village_latitude": "vlat", "village_longitude": "vlon", "age": "age"}  # fmt: skip
    with Engine(memory_mib=256, threads=1) as engine:
        engine.register("given", pa.Table.from_pylist(rows))
        return review(engine, lay_out(engine, "given", roles | more), today=date(2026, 5, 1))


def test_every_planted_trouble_is_found_and_ranks_its_enumerator_first() -> None:
    result = checked(made_up_round())
    codes = Counter(row["code"] for row in result.findings.to_pylist())
    assert codes == {
        "DURATION_SHORT": 1, "DURATION_NEGATIVE": 1, "GPS_FAR_FROM_VILLAGE": 1, "CLOCK_WRONG": 1, "ANSWERS_ALIKE": 2,
        "OUTLIER": 1, "GPS_SAME_SPOT": 1, "SUBMISSION_TWICE": 2, "GPS_INACCURATE": 1, "GPS_MISSING": 1,
    }  # fmt: skip
    assert {row["enumerator"] for row in result.findings.to_pylist()} == {"E3"}
    first = result.enumerators.to_pylist()[0]
    assert (first["enumerator"], first["review_rank"], first["submissions"]) == ("E3", 1, 30)
    assert first["other_share"] > 0 and first["missing_share"] > 0
    assert result.overall["submissions"] == 120
    question = next(row for row in result.questions.to_pylist() if row["variable"] == "q0")
    assert question["other_share"] == pytest.approx(18 / 120)


def test_an_honest_round_has_no_finding_and_nobody_is_called_anything() -> None:
    honest = [row for row in made_up_round() if row["who"] != "E3"]
    result = checked(honest)
    assert result.findings.num_rows == 0
    words = str(result.enumerators.to_pylist()).lower()
    assert not any(word in words for word in ("fraud", "fake", "falsif", "cheat"))


def test_more_than_a_day_can_hold_and_two_places_at_once() -> None:
    rows = [row for row in made_up_round() if row["who"] == "E0"][:16]
    for n, row in enumerate(rows):
        began = datetime(2026, 4, 1, 8) + timedelta(minutes=20 * n)
        row["start"], row["end"] = began.isoformat(), (began + timedelta(minutes=30)).isoformat()
    codes = Counter(row["code"] for row in checked(rows).findings.to_pylist())
    assert codes["DAY_TOO_MANY"] == 16 and codes["OVERLAPS_PREVIOUS"] == 15


def test_columns_and_limits_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with Engine(memory_mib=256, threads=1) as engine:
        engine.register("given", pa.table({"key": ["1"]}))
        with pytest.raises(RoleUnknown, match="enumerator"):
            lay_out(engine, "given", {"submission": "key"})
        with pytest.raises(RoleUnknown, match="nobody"):
            lay_out(engine, "given", {"submission": "key", "enumerator": "nobody"})
    own = tmp_path / "limits.yaml"
    own.write_text("limits: {minutes_least: 15}")
    assert load_limits(own)["minutes_least"] == 15
    own.write_text("limits: {minutes_leest: 15}")
    with pytest.raises(LimitUnknown):
        load_limits(own)
