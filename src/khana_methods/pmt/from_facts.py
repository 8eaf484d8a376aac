"""Score households from their facts: a model's variables are made by its rules, marked, scored and ranked.

The same statements run over a whole registry and over one household at the desk, so that a score can be
replayed: `facts_mark` is a hash over the values that were scored, and two scores of the same mark and
model are the same number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from khana_methods.engine.duckdb import Engine
from khana_methods.pmt.model import PmtModel
from khana_methods.pmt.score import features_sql, score_sql
from khana_methods.rules.check import read_rule
from khana_methods.rules.expression import facts_of


def facts_read(model: PmtModel) -> frozenset[str]:
    """Name the facts that a model reads: those of its expressions, and variables that are facts themselves."""
    found: set[str] = set()
    for variable in model.variables:
        if variable.expression:
            found.update(facts_of(read_rule(variable.expression).tree))
        else:
            found.update(variable.columns())
    return frozenset(found)


def score_facts(engine: Engine, model: PmtModel) -> None:
    """Score every row of the tables `household` and `member`.

    Args:
        engine: Holds both tables as `rules.snapshot.type_facts` makes them, with the facts of `facts_read`.
        model: The model to apply.

    Returns:
        Nothing. Makes the table `scored` with one row a household: `household_id`, `area_path`, `survey_date`,
        `raw`, `score` (null where refused), `class`, `percentile` (0 poorest to 100: share of scored households
        with a lower score, and half of those with the same), `contributions` (points by variable in the model's
        order), `missing`, `unseen` (lists of variables), `facts_mark`.
    """
    made = [variable.code for variable in model.variables if variable.expression]
    plain = [c for v in model.variables if not v.expression for c in v.columns()]
    columns = [*(f'f."{code}"' for code in made), *(f'h."{column}"' for column in dict.fromkeys(plain))]
    join = f"JOIN ({features_sql(model)}) AS f ON f.household_id = h.household_id" if made else ""
    engine.run(
        f"CREATE OR REPLACE TABLE pmt_made AS SELECT h.household_id, {', '.join(columns)} FROM household AS h {join}"
    )
    parts = ", ".join(f'"c_{variable.code}"' for variable in model.variables)
    named = (
        ", ".join(f"'{name}': {name}" for name in (c.split(".", 1)[1] for c in columns))
        .replace("'\"", "'")
        .replace("\"'", "'")
    )
    engine.run(
        f"""CREATE OR REPLACE TABLE pmt_points AS
            SELECT household_id, raw, score, class, missing, unseen, [{parts}] AS contributions
            FROM ({score_sql(model, "pmt_made", contributions=True)})"""
    )
    engine.run(
        f"""CREATE OR REPLACE TABLE scored AS
            WITH counts AS (SELECT score, count(*) AS n FROM pmt_points WHERE score IS NOT NULL GROUP BY score),
                 ranks AS (SELECT score, round((sum(n) OVER (ORDER BY score) - n / 2.0) / sum(n) OVER () * 100, 2) AS percentile
                           FROM counts)
            SELECT p.household_id, h.area_path, h.survey_date, p.raw, p.score, p.class, r.percentile, p.contributions,
                   p.missing, p.unseen, m.facts_mark
            FROM pmt_points p JOIN household h USING (household_id)
            JOIN (SELECT household_id, md5(CAST(to_json({{{named}}}) AS VARCHAR)) AS facts_mark FROM pmt_made) m
                 USING (household_id)
            LEFT JOIN ranks r ON r.score = p.score"""
    )


def quantiles(engine: Engine) -> list[float]:
    """Return the scores at 0, 1, … 100 per cent of the scored households; empty where nobody is scored."""
    shares = ", ".join(str(n / 100) for n in range(101))
    found = engine.value(f"SELECT quantile_disc(score, [{shares}]) FROM scored WHERE score IS NOT NULL")
    return [float(value) for value in found or []]


def percentile_in(score: float, steps: Sequence[float]) -> float | None:
    """Return where a score stands among those of a run, by the run's quantiles; None without any.

    Examples:
        >>> percentile_in(30, [10.0, 20.0, 30.0, 30.0, 50.0])
        62.5
    """
    if not steps:
        return None
    lower = sum(step < score for step in steps)
    same = sum(step == score for step in steps)
    if same == 0:
        return round(100 * lower / len(steps), 2) if lower < len(steps) else 100.0
    middle = lower + (same - 1) / 2
    return round(100 * middle / (len(steps) - 1), 2) if len(steps) > 1 else 50.0


def values_scored(engine: Engine) -> Mapping[str, object]:
    """Return the values of the variables of the one household that was scored last."""
    rows = engine.table("SELECT * EXCLUDE (household_id) FROM pmt_made LIMIT 1").to_pylist()
    return rows[0] if rows else {}
