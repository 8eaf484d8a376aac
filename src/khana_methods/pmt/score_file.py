"""Score a file of households into a file, streaming; any columns, types and codes that a survey or registry may have.

Columns are read as `features` reads them, scored by the one SELECT of `score`, and written as CSV or Parquet, whole or
not at all. The counts say how many have a score, and what was missing or never seen, variable by variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from khana_methods.disclosure.spreadsheets import harmless_sql
from khana_methods.engine.duckdb import Engine
from khana_methods.engine.files import show_table
from khana_methods.engine.whole_file import whole_file
from khana_methods.errors import InputError
from khana_methods.pmt.features import column_types, prepared_sql
from khana_methods.pmt.model import PmtModel
from khana_methods.pmt.score import FeatureMissing, score_sql

SHOWN = 20


class KeyNotUnique(InputError):
    """Two rows are of one household: each would be scored, and neither would be hers."""

    code: ClassVar[str] = "pmt.score.key_not_unique"


def score_file(
    file: Path,
    model: PmtModel,
    *,
    out: Path | None = None,
    key: str | None = None,
    contributions: bool = False,
    cut_off: float | None = None,
    sheet: str | None = None,
    memory_mib: int = 3072,
) -> dict[str, Any]:
    """Score every row of a file.

    Args:
        file: CSV, Parquet, XLSX or Stata.
        model: The model to apply.
        out: CSV or Parquet by its name; None writes nothing and returns the first rows.
        key: Column of the household; `household_id` where there is one, else the row's number.
        contributions: Add one column per variable.
        cut_off: Count who is at or under it.
        sheet: Of a workbook.
        memory_mib: For the engine.

    Returns:
        Counts: `households`, `scored`, `refused`, `at_or_under`, `classes`, `missing` and `unseen` by variable, and
        `rows` (the first ones) where nothing was written.

    Raises:
        FeatureMissing: A column of the model is not in the file.
        KeyNotUnique: Two rows have the same household.
    """
    with Engine(memory_mib=memory_mib) as engine:
        relation = show_table(engine, "given_file", file, sheet=sheet)
        types = column_types(engine, relation)
        key = key or ("household_id" if "household_id" in types else None)
        absent = [name for name in (*model.columns(), *([key] if key else [])) if name not in types]
        if absent:
            raise FeatureMissing(f"The file has no column {', '.join(absent)}.", columns=absent)
        prepared = prepared_sql(model, relation, types, key=key)
        scored = score_sql(model, f"({prepared})", contributions=contributions)
        order = "" if key else " ORDER BY household_id"
        ranked = f"""SELECT household_id, model, raw, welfare, score,
                            CASE WHEN score IS NOT NULL THEN 100 * cume_dist() OVER (PARTITION BY score IS NULL ORDER BY score) END
                            AS percentile, * EXCLUDE (household_id, model, raw, welfare, score) FROM scored{order}"""
        engine.run(f"CREATE TABLE scored AS {scored}")
        if key:
            _check_key(engine)
        result = _counts(engine, model, cut_off)
        if out is None:
            result["rows"] = engine.table(f"SELECT * FROM ({ranked}) LIMIT {SHOWN}").to_pylist()
        else:
            _write(engine, ranked, out)
            result["file"] = str(out)
    return result


def _check_key(engine: Engine) -> None:
    rows, different = engine.rows("SELECT count(*), count(DISTINCT household_id) FROM scored")[0]
    if rows != different:
        raise KeyNotUnique(f"{rows - different} rows have no household of their own.", rows=rows - different)


def _counts(engine: Engine, model: PmtModel, cut_off: float | None) -> dict[str, Any]:
    """Return how many were scored, and what was not known."""
    rows, scored = engine.rows("SELECT count(*), count(score) FROM scored")[0]
    result: dict[str, Any] = {
        "model": f"{model.code}/{model.version}", "households": rows, "scored": scored, "refused": rows - scored,
        "mean": engine.value("SELECT avg(score) FROM scored"), "classes": _tally(engine, "class", "class <> ''"),
    }  # fmt: skip
    if cut_off is not None:
        result["at_or_under"] = engine.value("SELECT count(*) FROM scored WHERE score <= $cut", {"cut": cut_off})
    for name in ("missing", "unseen"):
        result[name] = _tally(engine, f"unnest({name})", f"len({name}) > 0")
    return result


def _tally(engine: Engine, what: str, where: str) -> Mapping[str, int]:
    rows = engine.rows(f"SELECT v, count(*) FROM (SELECT {what} AS v FROM scored WHERE {where}) GROUP BY v ORDER BY v")
    return {str(name): int(count) for name, count in rows}


def _write(engine: Engine, select: str, out: Path) -> None:
    """Write a SELECT to a file that appears whole or not at all, for its owner alone."""
    is_parquet = out.suffix.lower() == ".parquet"
    form = "FORMAT parquet" if is_parquet else "FORMAT csv, HEADER"
    if not is_parquet:
        lists = "array_to_string(missing, ' ') AS missing, array_to_string(unseen, ' ') AS unseen"
        key = f"{harmless_sql('CAST(household_id AS VARCHAR)')} AS household_id, {harmless_sql('class')} AS class"
        select = f"SELECT * REPLACE ({lists}, {key}) FROM ({select})"
    with whole_file(out) as place:
        quoted = str(place).replace("'", "''")
        engine.run(f"COPY ({select}) TO '{quoted}' ({form})")
