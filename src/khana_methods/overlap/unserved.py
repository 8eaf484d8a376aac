"""Who is eligible and served by nothing: ranked, each with the reason why, and which way of outreach would reach her.

A household is served when somebody of it draws from any connected programme. The reasons are told in this order, the
first that is true: suspended, payment failed, selected but not enrolled, wait-listed, no verified number (nobody of it could
be enrolled), not enrolled. Who is not registered at all is counted by area: the registry cannot rank whom it does not know.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from khana_methods.engine.duckdb import Engine

SUSPENDED, FAILED, SELECTED, WAITING, NO_NUMBER, NOT_ENROLLED, NOT_REGISTERED = (
    "suspended", "payment_failed", "selected", "wait_listed", "no_number", "not_enrolled", "not_registered",
)  # fmt: skip
REASONS = (SUSPENDED, FAILED, SELECTED, WAITING, NO_NUMBER, NOT_ENROLLED)
# what reaches her: her case at the desk, her account set right, a message to her telephone, a visit, the identity
# authority's counter, nothing but a place that becomes free, a registration van
OUTREACH = ("case", "account", "message", "visit", "identity", "place", "van")
# One row per household and thing that stands in the way: suspended, payment_failed, selected or wait_listed.
standing_frame = pa.schema([("household_id", pa.int64()), ("standing", pa.string())])
# One row per household: whether a number of somebody in it is verified, and whether a telephone is known.
reach_frame = pa.schema([("household_id", pa.int64()), ("has_number", pa.bool_()), ("has_mobile", pa.bool_())])


def find_unserved(engine: Engine) -> dict[str, Any]:
    """Write `unserved`, ranked by score (the poorest first, without a score last), then by the household's number.

    Args:
        engine: With `household` (typed, with `score` and `household_size`), `eligible`, `holding`, `standing`, `reach` and `slip`
            (`household_id`, `household_number`).

    Returns:
        `households`, `reasons` and `outreach` with counts. `unserved` has `household_id`, `household_number`, `area_path`,
        `rank`, `score`, `members`, `eligible_for` (codes in order), `reason`, `outreach`.
    """
    ranked = " ".join(f"WHEN '{reason}' THEN {place}" for place, reason in enumerate(REASONS))
    engine.run(f"""CREATE OR REPLACE TABLE unserved AS
        WITH numbered AS (SELECT programme, CAST(row_number() OVER (ORDER BY programme) - 1 AS UHUGEINT) AS bit FROM (SELECT DISTINCT programme FROM eligible)),
             masked AS (SELECT household_id, bit_or(1::UHUGEINT << bit) AS mask FROM eligible JOIN numbered USING (programme)
                        WHERE household_id NOT IN (SELECT household_id FROM holding) GROUP BY household_id),
             named AS (SELECT mask, list(programme ORDER BY programme) AS eligible_for
                       FROM (SELECT DISTINCT mask FROM masked) m JOIN numbered n ON (m.mask >> n.bit) % 2 = 1 GROUP BY mask),
             could AS (SELECT household_id, eligible_for FROM masked JOIN named USING (mask)),
             stands AS (SELECT household_id, min(CASE standing {ranked} END) AS first FROM standing GROUP BY household_id),
             reasoned AS (SELECT c.household_id, c.eligible_for, CASE
                              WHEN s.first IS NOT NULL THEN ['{"', '".join(REASONS)}'][s.first + 1]
                              WHEN NOT coalesce(r.has_number, false) THEN '{NO_NUMBER}' ELSE '{NOT_ENROLLED}' END AS reason,
                              coalesce(r.has_mobile, false) AS has_mobile
                          FROM could c LEFT JOIN stands s USING (household_id) LEFT JOIN reach r USING (household_id))
        SELECT x.household_id, n.household_number, h.area_path,
               row_number() OVER (ORDER BY h.score NULLS LAST, n.household_number) AS rank, h.score,
               CAST(coalesce(h.household_size, 0) AS INTEGER) AS members, x.eligible_for, x.reason,
               CASE x.reason WHEN '{SUSPENDED}' THEN 'case' WHEN '{FAILED}' THEN 'account' WHEN '{WAITING}' THEN 'place'
                             WHEN '{NO_NUMBER}' THEN 'identity' ELSE if(x.has_mobile, 'message', 'visit') END AS outreach
        FROM reasoned x JOIN household h USING (household_id) JOIN slip n USING (household_id)""")
    return {
        "households": int(engine.value("SELECT count(*) FROM unserved")),
        "reasons": dict(engine.rows("SELECT reason, count(*) FROM unserved GROUP BY ALL ORDER BY ALL")),
        "outreach": dict(engine.rows("SELECT outreach, count(*) FROM unserved GROUP BY ALL ORDER BY ALL")),
    }
