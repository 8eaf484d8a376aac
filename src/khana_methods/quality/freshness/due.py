"""Who is due for a visit: facts past their best-before day, by household and by area.

The day comes from a rule, or from the curve of the fact where re-interviews have given one. Counts by area feed
centres and vans; ages are told with the median, the share within 12, 24 and 36 months, and the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError, NotConfigured
from khana_methods.quality.freshness.decay import Curve
from khana_methods.rules.facts import load_facts
from khana_methods.yaml_text import read_yaml

_DAYS_A_MONTH = 30.436875  # 365.2425 / 12

# One row per household and fact that it has stated: on which day, by which source.
stated_frame = pa.schema(
    [
        ("household_id", pa.string()),
        ("area", pa.string()),
        ("fact", pa.string()),
        ("stated_on", pa.date32()),
        ("source", pa.string()),
    ]
)
# One row per household with something past its day: the facts, the oldest of them, by how many days.
due_frame = pa.schema(
    [("household_id", pa.string()), ("area", pa.string()), ("facts", pa.string()), ("oldest_stated_on", pa.date32()),
     ("best_before", pa.date32()), ("overdue_days", pa.int64())]
)  # fmt: skip


class BestBeforeInvalid(NotConfigured):
    """The rules of how long facts are good contradict themselves."""

    code: ClassVar[str] = "quality.freshness.best_before_invalid"


class DatesMissing(InputError):
    """Nothing states the day on which facts were asked."""

    code: ClassVar[str] = "quality.freshness.dates_missing"


@dataclass(frozen=True)
class BestBefore:
    """How many days facts are good: by rule, by fact, and from curves below `keep`."""

    days: Mapping[str, float]
    default: float
    keep: float

    def of(self, fact: str, curves: Mapping[str, Curve]) -> float:
        """Give the days that a fact is good."""
        seen = curves[fact].best_before(self.keep) if fact in curves else None
        return seen if seen is not None else self.days.get(fact, self.default)


@dataclass(frozen=True)
class Freshness:
    """What is due on a day.

    Attributes:
        due: In the columns of `due_frame`, most overdue first.
        areas: One row per area: households, due, share, median age in days, shares stated within 12, 24, 36 months.
        facts: One row per fact: households that state it, median age, `good_for_days`, past it, sources.
    """

    due: pa.Table
    areas: pa.Table
    facts: pa.Table


def load_best_before(path: Path | None = None, *, whom: str = "default") -> BestBefore:
    """Read how long facts are good, by the catalogue of facts or by a file of one's own.

    Args:
        path: A file in place of the catalogue's rules: `keep`, groups, and `facts` (fact: {months}).
        whom: `default`, or another group such as `beneficiary`.

    Raises:
        BestBeforeInvalid: A fact or group is unknown, or months are no number above 0.
    """
    known = load_facts()
    if path is None:
        rules = known.freshness
        if whom not in rules.groups:
            raise BestBeforeInvalid(
                f"The catalogue of facts has no group {whom} for how long facts are good.", group=whom
            )
        days = {name: rule.months * _DAYS_A_MONTH for name, rule in rules.facts.items()}
        return BestBefore(days, rules.groups[whom].months * _DAYS_A_MONTH, rules.keep)
    document: Any = read_yaml(path.read_text(encoding="utf-8"))
    entries = dict(document.get("facts") or {}) if isinstance(document, dict) else {}
    group = document.get(whom) if isinstance(document, dict) else None
    wrong = [name for name in entries if name not in known.facts]
    all_entries = entries | {whom: group}
    wrong += [
        n
        for n, e in all_entries.items()
        if not isinstance(e, dict) or not isinstance(e.get("months"), int | float) or e["months"] <= 0
    ]
    if wrong:
        raise BestBeforeInvalid(
            f"{path.name}: look at {', '.join(dict.fromkeys(wrong))}: a known fact, and months above 0.", facts=wrong
        )
    days = {name: entry["months"] * _DAYS_A_MONTH for name, entry in entries.items()}
    return BestBefore(days, all_entries[whom]["months"] * _DAYS_A_MONTH, float(document.get("keep", 0.8)))


def find_due(
    engine: Engine, stated: pa.Table, rules: BestBefore, *, as_of: date, curves: Mapping[str, Curve] | None = None
) -> Freshness:
    """Find what is past its day.

    Args:
        engine: Does the work.
        stated: In the columns of `stated_frame`; the latest statement of a fact counts.
        rules: How long facts are good.
        as_of: The day of the question; what is stated later does not count.
        curves: Curves by fact, from `fit_curve`.

    Raises:
        DatesMissing: No row has a day on or before `as_of`.

    Examples:
        >>> stated = pa.table({"household_id": ["A", "B"], "area": ["x", "x"], "fact": ["roof", "roof"],
        ...     "stated_on": [date(2018, 1, 1), date(2025, 1, 1)], "source": ["sweep", "desk"]})
        >>> with Engine(memory_mib=256, threads=1) as engine:
        ...     found = find_due(engine, stated, load_best_before(), as_of=date(2026, 1, 1))
        >>> [(row["household_id"], row["best_before"]) for row in found.due.to_pylist()]
        [('A', datetime.date(2023, 1, 1))]
    """
    engine.register("stated", stated, schema=stated_frame)
    engine.run(
        f"""CREATE OR REPLACE TABLE latest AS SELECT * FROM stated WHERE stated_on <= DATE '{as_of.isoformat()}'
            QUALIFY row_number() OVER (PARTITION BY household_id, fact ORDER BY stated_on DESC) = 1"""
    )
    names = [row[0] for row in engine.rows("SELECT DISTINCT fact FROM latest ORDER BY fact")]
    if not names:
        raise DatesMissing(
            "No fact has a day on or before the day of the question; name the column of the interview's day."
        )
    good = {name: int(rules.of(name, curves or {})) for name in names}
    engine.register("good_for", pa.table({"fact": list(good), "days": pa.array(good.values(), pa.int64())}))
    engine.run(
        f"""CREATE OR REPLACE TABLE aged AS SELECT l.*, DATE '{as_of.isoformat()}' - stated_on AS age, g.days AS good_for,
                stated_on + CAST(g.days AS INTEGER) AS best_before FROM latest l JOIN good_for g USING (fact)"""
    )
    due = engine.table(
        f"""SELECT household_id, any_value(area) AS area, string_agg(fact, ' ' ORDER BY fact) AS facts,
                min(stated_on) AS oldest_stated_on, min(best_before) AS best_before,
                CAST(DATE '{as_of.isoformat()}' - min(best_before) AS BIGINT) AS overdue_days
            FROM aged WHERE age > good_for GROUP BY household_id ORDER BY overdue_days DESC, household_id"""
    )
    areas = engine.table(
        f"""WITH home AS (SELECT household_id, any_value(area) AS area, min(age) AS newest, max(age > good_for) AS is_due
                FROM aged GROUP BY household_id)
            SELECT area, count(*) AS households, count(*) FILTER (is_due) AS due,
                round(count(*) FILTER (is_due) / count(*), 4) AS due_share, median(newest) AS median_age_days,
                {", ".join(f"round(count(*) FILTER (newest <= {m * _DAYS_A_MONTH}) / count(*), 4) AS within_{m}_months" for m in (12, 24, 36))}
            FROM home GROUP BY area ORDER BY due DESC, area"""
    )
    facts = engine.table(
        """SELECT fact, count(*) AS households, median(age) AS median_age_days, any_value(good_for) AS good_for_days,
               count(*) FILTER (age > good_for) AS past, string_agg(DISTINCT source, ' ' ORDER BY source) AS sources
           FROM aged GROUP BY fact ORDER BY past DESC, fact"""
    )
    engine.drop("stated", "latest", "good_for", "aged")
    return Freshness(due.cast(due_frame), areas, facts)


def state_facts(
    engine: Engine, households: pa.Table, *, day: str = "survey_date", area: str = "", source: str = "survey_mode"
) -> pa.Table:
    """Turn a table of households with one day of interview into one row per household and fact.

    Args:
        engine: Does the work.
        households: One row per household: `household_id`, facts, and the columns named.
        day: Column of the day on which everything in the row was stated.
        area: Column of the area; empty for none.
        source: Column that says whence it comes; none where it is not there.

    Returns:
        In the columns of `stated_frame`; a blank fact is not stated.

    Raises:
        DatesMissing: There is no such day.
    """
    if day not in households.schema.names:
        raise DatesMissing(f"There is no column '{day}' with the day of the interview.", column=day)
    skipped = {
        "household_id",
        "household_number",
        "head_line_no",
        day,
        area,
        source,
        "enumerator_code",
        "interview_minutes",
        "gps_accuracy_m",
    }
    facts = [n for n in households.schema.names if n not in skipped and not n.endswith("_code")]
    if not facts:
        raise DatesMissing("The file states no fact beside the day of the interview.", column=day)
    engine.register("home", households)
    place = f'CAST("{area}" AS VARCHAR)' if area else "''"
    origin = f'CAST("{source}" AS VARCHAR)' if source in households.schema.names else "''"
    # one pass over the households: a list of the facts that each states, then a row for each
    lists = ", ".join(f"CASE WHEN \"{name}\" IS NOT NULL THEN '{name}' END" for name in facts)
    found = engine.table(
        f"""SELECT CAST(household_id AS VARCHAR) AS household_id, {place} AS area, fact, CAST("{day}" AS DATE) AS stated_on,
                {origin} AS source
            FROM (SELECT *, unnest(list_filter([{lists}], lambda x: x IS NOT NULL)) AS fact FROM home)
            WHERE "{day}" IS NOT NULL"""
    )
    engine.drop("home")
    return found.cast(stated_frame)
