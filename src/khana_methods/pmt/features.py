"""Columns of any file as a model reads them: numbers as numbers, codes as plain text, yes and no as true and false.

A survey from Stata writes a code as 2.0, a registry as 2, a spreadsheet as text: all are one level here. The fit and
the score read columns through this module alone, so that what was fitted is what is scored.
"""

from __future__ import annotations

from collections.abc import Mapping

from khana_methods.engine.duckdb import Engine
from khana_methods.pmt.model import Bands, Dummy, Linear, PmtModel
from khana_methods.pmt.score import sql_name

NUMBER, TEXT, FLAG = "number", "text", "flag"
NOTHING = ("", "na", "n/a", "nan", "null", "none", ".", "..", "missing")
YES, NO = ("yes", "y", "true", "t", "1"), ("no", "n", "false", "f", "0")
_WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)


def column_types(engine: Engine, relation: str) -> dict[str, str]:
    """Return the SQL type of every column of a relation, in its order."""
    return {row[0]: str(row[1]).upper() for row in engine.rows(f"DESCRIBE SELECT * FROM {relation}")}


def is_number(kind: str) -> bool:
    """Tell whether an SQL type holds numbers."""
    return kind in _WHOLE or is_float(kind)


def is_float(kind: str) -> bool:
    """Tell whether an SQL type holds numbers with a point."""
    return kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL")


def reading(column: str, kind: str, wanted: str) -> str:
    """Write the expression that reads a column of some SQL type as a number, a text or a flag; null where it is none.

    Examples:
        >>> with Engine(memory_mib=64, threads=1) as engine:
        ...     engine.run("CREATE TABLE t AS SELECT 2.0::DOUBLE AS a, ' mud ' AS b, 'Yes' AS c, '1,200' AS d")
        ...     kinds = column_types(engine, "t")
        ...     engine.rows("SELECT " + ", ".join(reading(name, kinds[name], how)
        ...                 for name, how in (("a", TEXT), ("b", TEXT), ("c", FLAG), ("d", NUMBER))) + " FROM t")
        [('2', 'mud', True, 1200.0)]
    """
    name = sql_name(column)
    finite = f"CASE WHEN isfinite(CAST({name} AS DOUBLE)) THEN CAST({name} AS DOUBLE) END"
    if wanted == NUMBER:
        if is_float(kind):
            return finite
        if is_number(kind) or kind == "BOOLEAN":
            return f"CAST({name} AS DOUBLE)"
        made = f"TRY_CAST(replace(trim(CAST({name} AS VARCHAR)), ',', '') AS DOUBLE)"
        return f"CASE WHEN isfinite({made}) THEN {made} END"
    if wanted == TEXT:
        if is_float(kind):
            whole = f"CAST(CAST({finite} AS BIGINT) AS VARCHAR)"
            return f"CASE WHEN {finite} = floor({finite}) AND abs({finite}) < 1e15 THEN {whole} ELSE CAST({finite} AS VARCHAR) END"
        if kind == "BOOLEAN":
            return f"CASE WHEN {name} THEN 'yes' WHEN NOT {name} THEN 'no' END"
        return f"NULLIF(trim(CAST({name} AS VARCHAR)), '')"
    if kind == "BOOLEAN":
        return name
    if is_number(kind):
        return f"CASE WHEN {finite} IS NOT NULL THEN {name} <> 0 END"
    text = f"lower(trim(CAST({name} AS VARCHAR)))"
    return f"CASE WHEN {text} IN {YES!r} THEN true WHEN {text} IN {NO!r} THEN false END"


def looks_numeric(engine: Engine, relation: str, column: str) -> bool:
    """Tell whether every text in a column is a number or says that there is nothing."""
    text = f"trim(CAST({sql_name(column)} AS VARCHAR))"
    odd, numbers = engine.rows(
        f"""SELECT count(*) FILTER (WHERE lower({text}) NOT IN {NOTHING!r} AND TRY_CAST(replace({text}, ',', '') AS DOUBLE) IS NULL),
                   count(*) FILTER (WHERE TRY_CAST(replace({text}, ',', '') AS DOUBLE) IS NOT NULL) FROM {relation}"""
    )[0]
    return bool(odd == 0 and numbers > 0)


def wanted_columns(model: PmtModel) -> dict[str, str]:
    """Return the columns that a model reads, and as what."""
    wanted: dict[str, str] = {model.by: TEXT} if model.by else {}
    for part in model.parts.values():
        wanted |= wanted_columns(part)
    for variable in model.variables:
        effect = variable.effect
        how = NUMBER if isinstance(effect, Linear | Bands) else TEXT
        wanted |= dict.fromkeys(variable.columns(), FLAG if isinstance(effect, Dummy) else how)
    return wanted


def prepared_sql(model: PmtModel, relation: str, types: Mapping[str, str], *, key: str | None = "household_id") -> str:
    """Write the SELECT that gives a relation's columns as a model reads them.

    Args:
        model: Says which columns and as what.
        relation: Table, view or `read_…` call.
        types: SQL type by column, as `column_types` gives it.
        key: Column that becomes `household_id`; None numbers the rows from 1.
    """
    number = "row_number() OVER ()" if key is None else sql_name(key)
    columns = [f"{reading(name, types[name], how)} AS {sql_name(name)}" for name, how in wanted_columns(model).items()]
    return f"SELECT {', '.join([f'{number} AS household_id', *columns])} FROM {relation}"
