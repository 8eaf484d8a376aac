"""Put the measures together: findings by submission, a line by enumerator, a line by question, whom to visit first.

The order of review is the mean rank of an enumerator over all measures that her columns allow. It says where an
hour of supervision is likely best spent and nothing else: a remote area, a hard questionnaire or a broken
telephone look the same from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.quality.interviews import answers, clocks_and_places
from khana_methods.quality.interviews.heaping import counts_by_age, myers, whipple
from khana_methods.quality.interviews.submissions import Layout, load_limits

# One row per finding of a submission, ordered by submission and code. `variable` names the question or column.
hfc_finding_frame = pa.schema(
    [
        ("submission", pa.string()),
        ("enumerator", pa.string()),
        ("code", pa.string()),
        ("variable", pa.string()),
        ("value", pa.float64()),
    ]
)
# what is worse the higher it is; every one is a share, a count or an index by enumerator
MEASURES = (
    "short_share", "negative_share", "long_share", "overlap_share", "day_most", "alike_median", "alike_share", "twice_share",
    "missing_share", "other_share", "outlier_share", "far_share", "same_spot_share", "speed_share", "whipple",
)  # fmt: skip
_SHARES = {
    "short_share": "DURATION_SHORT", "negative_share": "DURATION_NEGATIVE", "long_share": "DURATION_LONG",
    "overlap_share": "OVERLAPS_PREVIOUS", "alike_share": "ANSWERS_ALIKE", "twice_share": "ANSWERS_TWICE",
    "outlier_share": "OUTLIER", "far_share": "GPS_FAR_FROM_VILLAGE", "same_spot_share": "GPS_SAME_SPOT",
    "speed_share": "SPEED_IMPOSSIBLE",
}  # fmt: skip


@dataclass(frozen=True)
class Review:
    """What the high-frequency checks show.

    Attributes:
        findings: In the columns of `hfc_finding_frame`.
        enumerators: One row per enumerator: counts, the measures, `review_rank` from 1, `first` (what stands out).
        questions: One row per question.
        overall: Submissions, enumerators, median minutes, Whipple and Myers of all ages.
    """

    findings: pa.Table
    enumerators: pa.Table
    questions: pa.Table
    overall: Mapping[str, float | int | None]


def review(engine: Engine, layout: Layout, *, limits: Mapping[str, float] | None = None, today: date) -> Review:
    """Check the submissions that `lay_out` laid out.

    Args:
        engine: Holds the table `submission`.
        layout: Which columns play which part.
        limits: The shipped limits by default.
        today: A submission of a later day has a wrong clock.
    """
    limit = load_limits() if limits is None else limits
    engine.run("CREATE OR REPLACE TABLE hfc_finding (k BIGINT, code VARCHAR, variable VARCHAR, value DOUBLE)")
    for sql in clocks_and_places.findings(layout, limit, today.isoformat()):
        engine.run(f"INSERT INTO hfc_finding {sql}")
    questions = answers.question_table(engine, layout, limit)
    alike = answers.find_alike(engine, layout, limit)
    engine.register("alike", alike)
    found = engine.table(
        """SELECT s.submission, s.enumerator, f.code, f.variable, f.value FROM hfc_finding f JOIN submission s USING (k)
           ORDER BY s.submission, f.code, f.variable"""
    )
    return Review(found.cast(hfc_finding_frame), _by_enumerator(engine, layout, limit), questions, _overall(engine))


def _overall(engine: Engine) -> dict[str, float | int | None]:
    ages = counts_by_age([row[0] for row in engine.rows("SELECT age FROM submission WHERE age IS NOT NULL")])
    submissions, people, median = engine.rows(
        "SELECT count(*), count(DISTINCT enumerator), median(minutes) FROM submission"
    )[0]
    return {
        "submissions": submissions, "enumerators": people, "minutes_median": median,
        "whipple": whipple(ages), "myers": myers(ages),
    }  # fmt: skip


def _by_enumerator(engine: Engine, layout: Layout, limits: Mapping[str, float]) -> pa.Table:
    shares = ", ".join(
        f"count(DISTINCT f.k) FILTER (f.code = '{code}') / count(DISTINCT s.k) AS {name}"
        for name, code in _SHARES.items()
    )
    cells = len(layout.answers)
    missing = " + ".join(f"(a{n} IS NULL)::INT" for n in range(cells)) or "0"
    words = ", ".join("'" + word + "'" for word in answers.OTHER)
    other = " + ".join(f"coalesce(lower(a{n}) IN ({words}), false)::INT" for n in range(cells)) or "0"
    rows = engine.table(
        f"""WITH each AS (SELECT enumerator, count(*) AS submissions, count(DISTINCT day) AS days, median(minutes) AS minutes_median,
                    median(alike) AS alike_median, avg(({missing}) / {max(cells, 1)}) AS missing_share,
                    sum({other}) / nullif(sum({cells} - ({missing})), 0) AS other_share
                FROM submission LEFT JOIN alike USING (k) GROUP BY enumerator),
            shares AS (SELECT s.enumerator, {shares} FROM submission s LEFT JOIN hfc_finding f USING (k) GROUP BY s.enumerator),
            busiest AS (SELECT enumerator, max(n) AS day_most FROM (
                SELECT enumerator, day, count(*) AS n FROM submission WHERE day IS NOT NULL GROUP BY enumerator, day) GROUP BY enumerator)
            SELECT * FROM each LEFT JOIN shares USING (enumerator) LEFT JOIN busiest USING (enumerator) ORDER BY enumerator"""
    ).to_pylist()
    ages: dict[str | None, list[float]] = {}
    for who, age in engine.rows("SELECT enumerator, age FROM submission WHERE age IS NOT NULL"):
        ages.setdefault(who, []).append(age)
    for row in rows:
        own = ages.get(row["enumerator"], [])
        row["whipple"] = whipple(counts_by_age(own)) if len(own) >= limits["digits_least"] else None
    return _ranked(rows, int(limits["rank_submissions_least"]))


def _ranked(rows: list[dict[str, object]], least: int) -> pa.Table:
    """Add the order of review: mean rank over the measures that differ among enumerators."""
    ranked = [row for row in rows if int(str(row["submissions"])) >= least and row["enumerator"] is not None]
    places = {name: _places([row[name] for row in ranked]) for name in MEASURES}
    told = {name: place for name, place in places.items() if place is not None}
    means = [float(np.nanmean([place[n] for place in told.values()])) if told else 0.0 for n in range(len(ranked))]
    for order, n in enumerate(
        sorted(range(len(ranked)), key=lambda n: (-means[n], str(ranked[n]["enumerator"]))), start=1
    ):
        worst = sorted(told, key=lambda name: -np.nan_to_num(told[name][n]))[:3]
        ranked[n]["review_rank"] = order
        ranked[n]["first"] = ", ".join(name for name in worst if told[name][n] >= 0.75)
    names = ("enumerator", "submissions", "days", "minutes_median", *MEASURES, "review_rank", "first")
    kinds = {
        "enumerator": pa.string(),
        "submissions": pa.int64(),
        "days": pa.int64(),
        "review_rank": pa.int64(),
        "first": pa.string(),
    }
    schema = pa.schema([(name, kinds.get(name, pa.float64())) for name in names])
    ordered = sorted(
        rows, key=lambda row: (row.get("review_rank") is None, row.get("review_rank") or 0, str(row["enumerator"]))
    )
    return pa.Table.from_pylist(
        [{name: _float(row.get(name), kinds, name) for name in names} for row in ordered], schema=schema
    )


def _float(value: object, kinds: Mapping[str, pa.DataType], name: str) -> object:
    return round(float(str(value)), 4) if value is not None and name not in kinds else value


def _places(values: list[object]) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """Give each value its place from 0 (least) to 1 (most), ties shared; None where all are alike.

    Examples:
        >>> _places([1.0, 3.0, 3.0, None]).tolist()
        [0.0, 0.75, 0.75, nan]
    """
    numbers = np.array([np.nan if value is None else float(str(value)) for value in values])
    known = numbers[~np.isnan(numbers)]
    if len(known) < 2 or known.min() == known.max():
        return None
    below = np.array([np.nan if np.isnan(v) else (known < v).sum() + ((known == v).sum() - 1) / 2 for v in numbers])
    place: np.ndarray[tuple[int], np.dtype[np.float64]] = below / (len(known) - 1)
    return place
