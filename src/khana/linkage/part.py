"""A part of the register in the engine: some records prepared now, and whoever shares a key with them from the layers.

Both uses read blocks and not the register: one person at the desk, and the changes of a day. `person_record` holds the
part with names' shares as the whole register has them, `candidate` the pairs that may be one person.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from khana.linkage.laid_out import Register, digest_sql, secret
from khana_methods.engine.duckdb import Engine
from khana_methods.matching.passes import BlockingPass
from khana_methods.matching.weights import FREQUENCY_OF

_PERSON = "record_id[2:13]::BIGINT"
_PAIRS = pa.schema([pa.field("one", pa.int64()), pa.field("other", pa.int64())])


def keys_sql(passes: Sequence[BlockingPass], table: str, where: str = "true") -> str:
    """Write the keyed digests of records' keys: `person`, `digest`; the statement takes `$secret`."""
    return " UNION ALL ".join(
        f"SELECT person, {digest_sql(str(place), 'key')} AS digest FROM (SELECT {_PERSON} AS person, unnest({one.keys}) AS key "
        f"FROM {table} WHERE {where}) WHERE key IS NOT NULL AND key <> ''"
        for place, one in enumerate(passes)
    )


def key_digests(engine: Engine, passes: Sequence[BlockingPass], table: str, where: str = "true") -> pa.Table:
    """Return the keyed digests of records' keys: `person`, `digest`."""
    return engine.table(f"SELECT DISTINCT person, digest FROM ({keys_sql(passes, table, where)})", {"secret": secret()})


def meet(register: Register, asked: pa.Table, *, without: Iterable[int] = ()) -> pa.Table:
    """Find who shares a key with each of these records: `one` (asked), `other` (of the layers), each pair once.

    Args:
        register: The layers.
        asked: Keys of `key_digests`.
        without: People who are not looked for in the layers: what these hold of them is not true any more.
    """
    at, people = register.meet(asked.column("digest").to_numpy())
    ones = asked.column("person").to_numpy()[at] if len(at) else at
    kept = ~np.isin(people, np.fromiter(without, np.int64)) & (ones != people)
    held = pa.table({"one": ones[kept], "other": people[kept]})
    return held.group_by(["one", "other"]).aggregate([]).select(["one", "other"])


def lay_part(engine: Engine, register: Register, own: str, people: Iterable[int]) -> int:
    """Write `person_record` and `area_of`: the records of table `own` and, from the layers, those of these people.

    Returns how many came from the layers.
    """
    texts = register.records(people)
    engine.register("laid_text", pa.table({"text": pa.array(texts, pa.string())}))
    told = json.dumps({"r": shape(engine, own), "area_path": "VARCHAR"}).replace("'", "''")
    engine.run(f"CREATE OR REPLACE TABLE laid_read AS SELECT json_transform(text, '{told}') AS x FROM laid_text")
    engine.run(
        "CREATE OR REPLACE TABLE person_record AS SELECT row_number() OVER (ORDER BY record_id) AS unique_id, "
        f"* EXCLUDE (unique_id) FROM (SELECT * FROM {own} UNION ALL BY NAME SELECT unnest(x.r) FROM laid_read)"
    )
    engine.run(
        "CREATE OR REPLACE TABLE laid_area AS SELECT x.r.record_id AS record_id, x.area_path AS area_path FROM laid_read"
    )
    engine.drop("laid_text", "laid_read")
    lay_shares(engine, register, "person_record")
    return len(texts)


def shape(engine: Engine, table: str) -> dict[str, Any]:
    """Return the columns of a table as JSON is read into them."""
    rows = engine.rows(
        f"SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
    )
    return {name: [kind.removesuffix("[]")] if kind.endswith("[]") else kind for name, kind in rows}


def lay_shares(engine: Engine, register: Register, table: str) -> None:
    """Write `share_<column>`: the shares that the names of these records have in the whole register."""
    rare = 1 / max(int(register.base["records"]), 1)
    for column in FREQUENCY_OF:
        names = [
            one
            for (one,) in engine.rows(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY 1")
        ]
        shares = [rare if one is None else one for one in register.shares(column, names)]
        engine.register(
            f"share_{column}", pa.table({"name": pa.array(names, pa.string()), "share": pa.array(shares, pa.float64())})
        )


def lay_pairs(engine: Engine, pairs: Sequence[pa.Table]) -> int:
    """Write `candidate` from pairs of people: each once, of two households; return how many."""
    engine.register("part_pair", pa.concat_tables([one.cast(_PAIRS) for one in pairs]))
    engine.run(f"""
        CREATE OR REPLACE TABLE candidate AS
        WITH who AS (SELECT unique_id, household_id, {_PERSON} AS person FROM person_record)
        SELECT DISTINCT 'part' AS match_key, least(a.unique_id, b.unique_id) AS join_key_l,
            greatest(a.unique_id, b.unique_id) AS join_key_r
        FROM part_pair p JOIN who a ON a.person = p.one JOIN who b ON b.person = p.other
        WHERE a.unique_id <> b.unique_id AND (a.household_id = '' OR a.household_id <> b.household_id)
        """)
    engine.drop("part_pair")
    return int(engine.value("SELECT count(*) FROM candidate"))
