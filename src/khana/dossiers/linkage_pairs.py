"""Stored decisions of matching as a table of pairs, and how good they are against a file of true pairs.

A person is told by household and line number, a row of a list by file, sheet and line. Reads under the
caller's scope; what lies outside is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from khana.beneficiaries import frames as beneficiaries
from khana.linkage import frames as linkage
from khana.platform.frames import open_source
from khana.platform.workplaces import workplace
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.engine.files import read_texts
from khana_methods.errors import InputError
from khana_methods.matching.evaluate import wilson
from khana_methods.matching.person_table import PAIR_COLUMNS

SHOWN = ("LINKED", "REVIEW", "REJECTED", "ASK_FIELD")
_UNKNOWN_SHOWN = 20
_PLACE = ("file", "sheet", "line", "household_id", "line_no")


class TruthUnreadable(InputError):
    """A file of true pairs does not say which records it means."""

    code: ClassVar[str] = "dossiers.linkage.truth_unreadable"


def pairs(decisions: Sequence[str] = SHOWN) -> pa.Table:
    """Return the stored pairs in the columns of `PAIR_COLUMNS`, strongest first.

    A row of a list that is linked to a person stands once with each file of her cluster. It means its beneficiary: seats
    of other payees are stored and reviewed too, but the columns could not tell them apart.
    """
    with workplace("scratch") as folder, Engine(memory_mib=1024, folder=folder) as engine:
        _read(engine)
        listed = ", ".join(f"'{one}'" for one in decisions if one in SHOWN) or "''"
        return engine.table(
            f"SELECT {', '.join(PAIR_COLUMNS)} FROM told WHERE decision IN ({listed}) ORDER BY ALL DESC"
        )


def _read(engine: Engine) -> None:
    with open_source() as source:
        engine.register("pair_frame", linkage.pair_frame(source))
        engine.register("cluster_frame", linkage.cluster_frame(source))
        engine.register("person_place", registry.person_place_frame(source))
        engine.register("row_place", beneficiaries.row_place_frame(source))
    engine.run("""
        CREATE OR REPLACE TABLE told AS
        WITH whole AS (
            SELECT p.* FROM pair_frame p WHERE p.left_role <> 'payee' AND p.right_role <> 'payee'
            UNION ALL
            SELECT p.* REPLACE (o.person_id AS right_id) FROM pair_frame p
            JOIN cluster_frame c ON c.person_id = p.right_id
            JOIN cluster_frame o ON o.cluster = c.cluster AND o.person_id <> p.right_id
            WHERE p.left_kind = 'ROW' AND p.right_kind = 'PERSON' AND p.left_role <> 'payee' AND p.decision = 'LINKED')
        SELECT CASE p.left_kind WHEN 'PERSON' THEN 'registry' ELSE r.source END AS left_source,
            coalesce(r.file, '') AS left_file, coalesce(r.sheet, '') AS left_sheet,
            coalesce(r.line::VARCHAR, '') AS left_line, coalesce(l.household_number, '') AS left_household_id,
            coalesce(l.line_no::VARCHAR, '') AS left_line_no,
            CASE p.right_kind WHEN 'PERSON' THEN 'registry' ELSE s.source END AS right_source, coalesce(s.file, '') AS right_file,
            coalesce(s.sheet, '') AS right_sheet, coalesce(s.line::VARCHAR, '') AS right_line,
            coalesce(y.household_number, '') AS right_household_id, coalesce(y.line_no::VARCHAR, '') AS right_line_no,
            p.match_weight, p.probability, p.decision,
            CASE WHEN p.decision <> 'LINKED' THEN '' WHEN p.right_kind = 'ROW' THEN 'R' || p.left_id
                ELSE coalesce(c.cluster, p.cluster, CASE p.left_kind WHEN 'PERSON' THEN least(p.left_id, p.right_id)
                     ELSE p.right_id END)::VARCHAR END AS cluster, p.left_kind
        FROM whole p
        LEFT JOIN person_place y ON p.right_kind = 'PERSON' AND y.person_id = p.right_id
        LEFT JOIN row_place s ON p.right_kind = 'ROW' AND s.benefit_id = p.right_id
        LEFT JOIN person_place l ON p.left_kind = 'PERSON' AND l.person_id = p.left_id
        LEFT JOIN row_place r ON p.left_kind = 'ROW' AND r.benefit_id = p.left_id
        LEFT JOIN cluster_frame c ON p.right_kind = 'PERSON' AND c.person_id = p.right_id
        WHERE y.person_id IS NOT NULL OR s.benefit_id IS NOT NULL
        """)


def _key(side: str, columns: Sequence[str]) -> str:
    """Write which record a side of a pair means: H with household and line, else F with file, sheet and line."""

    def part(name: str) -> str:
        return f"coalesce(trim({side}_{name}::VARCHAR), '')" if f"{side}_{name}" in columns else "''"

    return (
        f"CASE WHEN {part('household_id')} <> '' AND {part('line_no')} <> '' THEN 'H|' || {part('household_id')} || '|' || "
        f"{part('line_no')} ELSE 'F|' || {part('file')} || '|' || {part('sheet')} || '|' || {part('line')} END"
    )


def evaluate(truth: Path) -> dict[str, Any]:
    """Hold the stored LINKED pairs against true pairs.

    Pairs of two persons are judged where the truth names any, and rows of lists against persons where it names
    any; a true pair of which a record is not known here is left out and said.

    Args:
        truth: CSV or Parquet with the columns of an export; at least household and line, or file and line, of both sides.

    Returns:
        Precision, recall and F1 with counts and 95 % intervals, for all and by kind, and the unknown ids.

    Raises:
        TruthUnreadable: The file lacks the columns that say which records it means.
    """
    table = read_texts(truth)
    for side in ("left", "right"):
        names = set(table.schema.names)
        if not ({f"{side}_household_id", f"{side}_line_no"} <= names or {f"{side}_file", f"{side}_line"} <= names):
            raise TruthUnreadable(
                f"The truth needs {side}_household_id and {side}_line_no, or {side}_file, {side}_sheet and {side}_line."
            )
    with workplace("scratch") as folder, Engine(memory_mib=1024, folder=folder) as engine:
        _read(engine)
        engine.register("truth_text", table)
        engine.run(f"""CREATE OR REPLACE TABLE truth_pair AS
            SELECT DISTINCT least(a, b) AS a, greatest(a, b) AS b FROM (
                SELECT {_key("left", table.schema.names)} AS a, {_key("right", table.schema.names)} AS b FROM truth_text)""")
        engine.run(f"""CREATE OR REPLACE TABLE linked_pair AS
            SELECT DISTINCT least(a, b) AS a, greatest(a, b) AS b FROM (
                SELECT {_key("left", PAIR_COLUMNS)} AS a, {_key("right", PAIR_COLUMNS)} AS b FROM told
                WHERE decision = 'LINKED')""")
        engine.run("""CREATE OR REPLACE TABLE known AS
            SELECT 'H|' || household_number || '|' || line_no AS id FROM person_place
            UNION SELECT 'F|' || file || '|' || sheet || '|' || line FROM row_place""")
        return _judged(engine)


def _judged(engine: Engine) -> dict[str, Any]:
    unknown = [one for (one,) in engine.rows("""
        SELECT id FROM (SELECT a AS id FROM truth_pair UNION SELECT b FROM truth_pair) ANTI JOIN known USING (id)
        ORDER BY id""")]  # fmt: skip
    engine.run("""CREATE OR REPLACE TABLE true_pair AS
        SELECT t.*, CASE WHEN a[1] = 'H' THEN 'persons' WHEN b[1] = 'H' THEN 'rows' ELSE 'two rows' END AS kind
        FROM truth_pair t JOIN known x ON x.id = t.a JOIN known y ON y.id = t.b""")
    engine.run("""CREATE OR REPLACE TABLE judged_pair AS
        SELECT l.*, CASE WHEN a[1] = 'H' THEN 'persons' WHEN b[1] = 'H' THEN 'rows' ELSE 'two rows' END AS kind
        FROM linked_pair l""")
    kinds = [kind for (kind,) in engine.rows("SELECT DISTINCT kind FROM true_pair WHERE kind <> 'two rows' ORDER BY 1")]
    parts = {kind: _counts(engine, f"kind = '{kind}'") for kind in kinds}
    listed = ", ".join(f"'{kind}'" for kind in kinds) or "''"
    result: dict[str, Any] = _counts(engine, f"kind IN ({listed})")
    two_rows = int(engine.value("SELECT count(*) FROM true_pair WHERE kind = 'two rows'"))
    if two_rows:
        result["true_pairs_of_two_rows_not_judged"] = two_rows
    result["unknown_ids"] = len(unknown)
    result["unknown_ids_shown"] = unknown[:_UNKNOWN_SHOWN]
    result["true_pairs_left_out"] = int(
        engine.value("SELECT (SELECT count(*) FROM truth_pair) - (SELECT count(*) FROM true_pair)")
    )
    if len(parts) > 1:
        result["rows"] = [{"kind": kind, **one} for kind, one in parts.items()]
    return result


def _counts(engine: Engine, where: str) -> dict[str, Any]:
    linked = int(engine.value(f"SELECT count(*) FROM judged_pair WHERE {where}"))
    true = int(engine.value(f"SELECT count(*) FROM true_pair WHERE {where}"))
    both = int(engine.value(f"SELECT count(*) FROM judged_pair SEMI JOIN true_pair USING (a, b) WHERE {where}"))
    precision, recall = wilson(both, linked), wilson(both, true)
    return {
        "linked": linked, "true": true, "found": both, "precision": precision.value, "precision_low": precision.low,
        "precision_high": precision.high, "recall": recall.value, "recall_low": recall.low, "recall_high": recall.high,
        "f1": 2 * both / (linked + true) if linked or true else 0.0,
    }  # fmt: skip
