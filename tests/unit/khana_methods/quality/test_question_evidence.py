"""Evidence of questions and split ballots: against statistics by hand and by scipy's own functions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from khana_methods.engine.duckdb import Engine
from khana_methods.quality.interviews.audit_log import question_seconds
from khana_methods.quality.interviews.question_evidence import answer_frame, compare_ballots, evidence


def table(rows: list[tuple[str, str, str, str | None, float | None]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(answer_frame.names, row, strict=True)) for row in rows], schema=answer_frame)


def test_a_damaged_or_lying_log_gives_what_it_can() -> None:
    assert question_seconds("") == {} and question_seconds("nothing,here\n1,2\n") == {}
    text = "event,node,start,end\nquestion,/data/a,5000,1000\nquestion,/data/b,x,2\nquestion,/data/g/c,0,1801000\nquestion,/data/g/d,0,900\n"
    assert question_seconds(text) == {"g/d": 0.9}
    assert question_seconds(
        "event,node,start,end\nquestion,/data/a[1]/b,0,1000\nquestion,/data/a[2]/b,0,3000\ngroup questions,/data/a,0,9\n"
    ) == {"a/b": 4.0}


def test_evidence_counts_what_was_asked() -> None:
    rows = [
        ("1", "v", "roof", "tin", 4.0), ("2", "v", "roof", None, None), ("3", "v", "roof", "other", 8.0), ("4", "v", "roof", "tin", None),
        ("1", "w", "roof", "tin", None),
    ]  # fmt: skip
    with Engine(memory_mib=256) as engine:
        one, other = evidence(engine, table(rows)).to_pylist()  # type: ignore[arg-type]
    assert (one["asked"], one["missing"], one["missing_share"], one["timed"], one["seconds_median"]) == (
        4,
        1,
        0.25,
        2,
        6.0,
    )
    assert one["other_share"] == pytest.approx(1 / 3) and (other["version"], other["missing_share"]) == ("w", 0.0)


def test_ballots_are_tested_as_the_books_say_and_adjusted_for_their_number() -> None:
    random = np.random.default_rng(4)
    rows: list[tuple[str, str, str, str | None, float | None]] = []
    incomes = {"A": random.normal(100, 10, 80), "B": random.normal(108, 20, 70)}
    for version, values in incomes.items():
        rows += [(f"{version}{n}", version, "income", f"{value:.3f}", None) for n, value in enumerate(values)]
        rows += [(f"{version}{n}", version, "same", "yes" if n % 2 else "no", float(n)) for n in range(60)]
        rows += [
            (f"{version}{n}", version, "rare", "yes" if n < (2 if version == "A" else 7) else "no", None)
            for n in range(20)
        ]
    rows += [("A1", "A", "only_a", "x", None), ("A1", "A", "few", "x", None), ("B1", "B", "few", "y", None)]
    found = {str(row["question"]): row for row in compare_ballots(table(rows), "A", "B")}
    assert set(found) == {"income", "same", "rare", "few"}
    welch = stats.ttest_ind(incomes["A"].round(3), incomes["B"].round(3), equal_var=False).pvalue
    assert found["income"]["test"] == "welch" and found["income"]["p"] == pytest.approx(welch)
    assert found["rare"]["test"] == "fisher"
    assert found["rare"]["p"] == pytest.approx(stats.fisher_exact([[18, 2], [13, 7]])[1])
    assert found["same"]["p"] == pytest.approx(1.0) and found["same"]["seconds_first"] == 29.5
    assert found["few"]["test"] is None and found["few"]["p_adjusted"] is None
    assert found["income"]["p_adjusted"] == pytest.approx(min(1.0, 3 * welch))  # Holm: the smallest of three
