"""From decisions in the engine to rows of this room: files by their ids, strata, stakes, the random draw.

All set operations in the engine. A stratum is a class of probability, L where the model linked and N where
not. Of pairs that the model puts apart only a draw is kept, so that recall can be estimated from labels;
the run keeps how many there were.
"""

from __future__ import annotations

from typing import Any

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.compare import COMPARISONS

DRAWN_APART = 200  # of each class of probability
_BANDS = (0.01, 0.05, 0.2, 0.5, 0.9, 0.99, 0.999)
_BITS = ", ".join(f"'{c.code}': round(w.bits_{c.code}, 2)" for c in COMPARISONS)
_WRITTEN = f"to_json({{{_BITS}, 'frequency': round(w.bits_frequency, 2)}})::VARCHAR"
_GAIN = "CASE WHEN {p} <= 0 OR {p} >= 1 THEN 0 ELSE -({p} * log2({p}) + (1 - {p}) * log2(1 - {p})) END"  # entropy, bits
_STAKE = """CASE WHEN least(b.cash, a.cash) > 0 AND a.cash + b.cash > {cap} THEN 3 WHEN least(b.cash, a.cash) > 0 THEN 2
                 WHEN greatest(b.cash, a.cash) > 0 THEN 1 ELSE 0 END"""


def _band(probability: str) -> str:
    cases = " ".join(f"WHEN {probability} < {limit} THEN '{place}'" for place, limit in enumerate(_BANDS))
    return f"CASE {cases} ELSE '{len(_BANDS)}' END"


def gather(engine: Engine, *, decided: str, weighed: str, cap: int, clusters: bool) -> dict[str, Any]:
    """Write `linkage_result` and `linkage_cluster_result` from a table of decisions.

    Args:
        engine: Holds `person_record`, decisions, weighed pairs, `link_person`, `link_row`, `stake_frame`.
        decided: Table of decisions: left_id, right_id, match_weight, probability, contradiction, decision and, with
            `clusters`, cluster.
        weighed: All weighed pairs, from which those apart are drawn; left out where it is empty.
        cap: Most cash programmes of a person.
        clusters: The decisions name clusters.

    Returns:
        Counts: by decision, and of each stratum.
    """
    cluster = "d.cluster" if clusters else "NULL::BIGINT"
    apart = (
        f"""
        UNION ALL SELECT w.left_id, w.right_id, w.match_weight, w.probability, w.contradiction, 'APART', NULL
        FROM {weighed} w ANTI JOIN {decided} d ON d.left_id = w.left_id AND d.right_id = w.right_id"""
        if clusters
        else ""
    )
    engine.run(f"""
        CREATE OR REPLACE TABLE linkage_all AS
        SELECT left_id, right_id, match_weight, probability AS p, contradiction,
            CASE decision WHEN 'LINK' THEN 'LINKED' ELSE decision END AS decision, cluster,
            CASE decision WHEN 'LINK' THEN 'L' ELSE 'N' END || {_band("probability")} AS stratum
        FROM (SELECT d.left_id, d.right_id, d.match_weight, d.probability, d.contradiction, d.decision, {cluster} AS cluster
              FROM {decided} d {apart})
        """)
    strata = dict(engine.rows("SELECT stratum, count(*) FROM linkage_all GROUP BY stratum ORDER BY stratum"))
    by_decision = dict(engine.rows("SELECT decision, count(*) FROM linkage_all GROUP BY decision ORDER BY decision"))
    engine.run(f"""
        CREATE OR REPLACE TABLE linkage_drawn AS
        WITH told AS (
            SELECT a.*, l.record_id AS l_record, r.record_id AS r_record, row_number() OVER (
                PARTITION BY a.stratum ORDER BY md5(l.record_id || '|' || r.record_id)) AS place
            FROM linkage_all a JOIN person_record l ON l.unique_id = a.left_id JOIN person_record r ON r.unique_id = a.right_id)
        SELECT * FROM told WHERE decision <> 'APART' OR place <= {DRAWN_APART}
        """)
    _number_draw(engine)
    engine.run(f"""
        CREATE OR REPLACE TABLE linkage_result AS
        WITH told AS (
            SELECT d.*, CASE d.l_record[1] WHEN 'P' THEN 'PERSON' ELSE 'ROW' END AS left_kind,
                d.l_record[2:13]::BIGINT AS l_key, CASE d.l_record[1] WHEN 'R' THEN d.l_record[15:] ELSE '' END AS left_role,
                d.r_record[2:13]::BIGINT AS r_key
            FROM linkage_drawn d)
        SELECT t.left_kind, t.l_key AS left_id, t.left_role, 'PERSON' AS right_kind, t.r_key AS right_id, '' AS right_role, q.area_path,
            coalesce(y.area_path, o.area_path, '') AS left_area_path, t.match_weight, t.p AS probability,
            {_WRITTEN} AS bits, t.contradiction,
            c.record_id[2:13]::BIGINT AS cluster, t.decision, t.stratum, t.sample,
            {_STAKE.format(cap=int(cap))} AS stake, {_GAIN.format(p="t.p")} AS gain
        FROM told t
        JOIN {weighed or decided} w ON w.left_id = t.left_id AND w.right_id = t.right_id
        JOIN link_person q ON q.person_id = t.r_key
        LEFT JOIN link_person y ON t.left_kind = 'PERSON' AND y.person_id = t.l_key
        LEFT JOIN link_row o ON t.left_kind = 'ROW' AND o.benefit_id = t.l_key
        LEFT JOIN person_record c ON c.unique_id = t.cluster
        LEFT JOIN stake_frame g ON g.person_id = t.r_key
        LEFT JOIN stake_frame h ON t.left_kind = 'PERSON' AND h.person_id = t.l_key,
        LATERAL (SELECT coalesce(g.cash_programmes, 0) AS cash) a,
        LATERAL (SELECT CASE t.left_kind WHEN 'ROW' THEN 1 ELSE coalesce(h.cash_programmes, 0) END AS cash) b
        """)
    if clusters:
        engine.run(f"""
            CREATE OR REPLACE TABLE linkage_cluster_result AS
            WITH member AS (SELECT cluster, left_id AS unique_id FROM {decided} WHERE cluster IS NOT NULL
                            UNION SELECT cluster, right_id FROM {decided} WHERE cluster IS NOT NULL)
            SELECT c.record_id[2:13]::BIGINT AS cluster, r.record_id[2:13]::BIGINT AS person_id, p.area_path
            FROM member m JOIN person_record c ON c.unique_id = m.cluster JOIN person_record r ON r.unique_id = m.unique_id
            JOIN link_person p ON p.person_id = r.record_id[2:13]::BIGINT ORDER BY ALL
            """)
    engine.drop("linkage_all", "linkage_drawn")
    return {"by_decision": by_decision, "strata": strata}


def add_unsure_rows(engine: Engine, *, cap: int) -> int:
    """Add `unsure_rows` to `linkage_result`, in no draw for labels; pairs that stand there already stay as they are.

    Args:
        engine: Holds `linkage_result` of `gather`, `unsure_rows`, `link_person`, `link_row`, `stake_frame`.
        cap: Most cash programmes of a person.

    Returns:
        How many wait beside those of `gather`.
    """
    engine.run(f"""
        INSERT INTO linkage_result BY NAME
        SELECT 'ROW' AS left_kind, w.left_id, w.left_role, w.right_kind, w.right_id, w.right_role,
            coalesce(q.area_path, o.area_path, '') AS area_path, coalesce(l.area_path, '') AS left_area_path, w.match_weight,
            w.probability, {_WRITTEN} AS bits, w.contradiction, 'REVIEW' AS decision, '' AS stratum,
            {_STAKE.format(cap=int(cap))} AS stake, {_GAIN.format(p="w.probability")} AS gain
        FROM unsure_rows w
        ANTI JOIN linkage_result t ON t.left_kind = 'ROW' AND t.left_id = w.left_id AND t.left_role = w.left_role
            AND t.right_kind = w.right_kind AND t.right_id = w.right_id AND t.right_role = w.right_role
        JOIN link_row l ON l.benefit_id = w.left_id
        LEFT JOIN link_person q ON w.right_kind = 'PERSON' AND q.person_id = w.right_id
        LEFT JOIN link_row o ON w.right_kind = 'ROW' AND o.benefit_id = w.right_id
        LEFT JOIN stake_frame g ON w.right_kind = 'PERSON' AND g.person_id = w.right_id,
        LATERAL (SELECT CASE w.right_kind WHEN 'ROW' THEN 1 ELSE coalesce(g.cash_programmes, 0) END AS cash) a,
        LATERAL (SELECT 1 AS cash) b
        WHERE q.person_id IS NOT NULL OR o.benefit_id IS NOT NULL
        """)
    return int(engine.value("SELECT count(*) FROM linkage_result WHERE stratum = ''"))


def _number_draw(engine: Engine) -> None:
    """Give each pair its place in one draw for labels.

    Strata take turns, in proportion to how many pairs they hold times how uncertain they are, each at least once
    in twelve places; within a stratum the order is random and the same for the same pairs.
    """
    engine.run("""
        CREATE OR REPLACE TABLE linkage_drawn AS
        WITH share AS (
            SELECT stratum, count(*) * sqrt(greatest(avg(p) * (1 - avg(p)), 0.01)) AS weight FROM linkage_all GROUP BY stratum),
        rate AS (SELECT stratum, greatest(weight / sum(weight) OVER (), 1 / 12.0) AS rate FROM share)
        SELECT d.*, row_number() OVER (ORDER BY d.place / r.rate, d.stratum, d.place) AS sample
        FROM linkage_drawn d JOIN rate r USING (stratum)
        """)
