"""What of a person is compared: names read, evidence of the authority added, family gathered.

`linkage_frame` is what comes in: persons of the registry, rows of a list, or one person at the desk, in one
shape. `prepare` turns it into a table of the engine, one row a record, with everything that blocking and
comparison use. Where a number is held by the authority and the names agree, the authority's birth date and
the names of father and husband stand beside what was stated; nothing stated is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.compare import GUARDIAN_SHARES, SKELETON_SHARES
from khana_methods.standardise.names import PersonName, name_columns

# One record of a person. `side`: REGISTRY, LIST or DESK. `guardian_kind`: F father, H husband, '' unknown.
# `number`: digits as stated, well formed or not; '' without one. `mobile` is her own, `household_mobile` the
# household's contact, both E.164. `kin_numbers`: numbers of spouse, parents, children or payee; `kin_names`:
# names of the same. Empty text and empty list: not stated.
linkage_frame = pa.schema(
    [
        pa.field("record_id", pa.string()),
        pa.field("side", pa.string()),
        pa.field("household_id", pa.string()),
        pa.field("name", pa.string()),
        pa.field("native_name", pa.string()),
        pa.field("guardian_name", pa.string()),
        pa.field("guardian_kind", pa.string()),
        pa.field("sex", pa.string()),
        pa.field("birth_year", pa.int32()),
        pa.field("birth_month", pa.int32()),
        pa.field("birth_day", pa.int32()),
        pa.field("number", pa.string()),
        pa.field("mobile", pa.string()),
        pa.field("household_mobile", pa.string()),
        pa.field("district_code", pa.string()),
        pa.field("tehsil_code", pa.string()),
        pa.field("kin_names", pa.list_(pa.string())),
        pa.field("kin_numbers", pa.list_(pa.string())),
    ]
)

# One number that the authority issued, in clear: held in memory for the run only.
authority_frame = pa.schema(
    [
        pa.field("number", pa.string()),
        pa.field("name", pa.string()),
        pa.field("father_name", pa.string()),
        pa.field("husband_name", pa.string()),
        pa.field("birth_date", pa.date32()),
        pa.field("father_number", pa.string()),
        pa.field("spouse_number", pa.string()),
    ]
)

# One telephone number and the number of its subscriber, in clear.
subscriber_frame = pa.schema([pa.field("mobile", pa.string()), pa.field("number", pa.string())])

# Columns of rare guardians: those whose name, or its consonants, stand in no larger share of households.
RARE = [(f"guardians_{place}", "guardian", "share", most) for place, most in enumerate(GUARDIAN_SHARES, 1)] + [
    (f"skeletons_{place}", "skeleton", "skeleton_share", most) for place, most in enumerate(SKELETON_SHARES, 1)
]
_AT_ONCE = 500_000  # records whose names are read at a time
MACROS = (
    "CREATE OR REPLACE MACRO near_any(a, b) AS coalesce(len(list_filter(flatten(list_transform(a, "
    "lambda x: list_transform(b, lambda y: x = y OR jaro_winkler_similarity(x, y) >= 0.92))), lambda z: z)) > 0, false)",
    "CREATE OR REPLACE MACRO filled(x) AS nullif(trim(x), '')",
)


def prepare(
    engine: Engine,
    records: pa.Table | pa.RecordBatchReader,
    *,
    table: str = "person_record",
    authority: pa.Table | None = None,
    subscribers: pa.Table | None = None,
    plain: str = "",
    memo: MutableMapping[str, PersonName] | None = None,
    shares: Callable[[pa.Table], pa.Table] | None = None,
) -> int:
    """Make the table of records to be matched.

    Args:
        engine: Where the table is made.
        records: n records in the shape of `linkage_frame`; a reader is read once, so many records at a time.
        table: Name of the table.
        authority: Numbers issued (`authority_frame`); None without one.
        subscribers: Telephone numbers and their subscribers (`subscriber_frame`).
        plain: Name of a second table, for training: the same records under the same ids as they would be if nobody had
            a number and the authority said nothing; none when empty.
        memo: Names read before.
        shares: Where these records are a few of a register that was counted before: gives, for `guardian` and `skeleton`,
            the shares of its households that name them (`share`, `skeleton_share`); counted here where None.

    Returns:
        n. The table has one row a record, `unique_id` (1 to n in order of `record_id`) first; `<table>_guardian` counts the
        households of each guardian.
    """
    memo = {} if memo is None else memo
    for macro in MACROS:
        engine.run(macro)
    _register_records(engine, records, memo)
    engine.register("link_subscriber", _or_empty(subscribers, subscriber_frame), schema=subscriber_frame)
    _register_authority(engine, authority, memo)
    rare = ", ".join(
        f"list(DISTINCT t.{name}) FILTER (t.{share} <= {most}) AS {column}" for column, name, share, most in RARE
    )
    columns = "".join(f"coalesce(rare.{column}, []) AS {column}, " for column, *_ in RARE)
    for name, believed in ((plain, "false"), (table, "true")):
        if name:
            engine.run(_VERIFIED.format(believed=believed))
            engine.run(_GATHERED)
            _count_guardians(engine, shares)
            engine.run(_FINAL.format(table=name, rare=rare, columns=columns))
    engine.run(f"CREATE OR REPLACE TABLE {table}_guardian AS SELECT * FROM link_guardian")
    engine.drop("link_record", "link_authority", "link_subscriber", "link_verified", "link_gathered", "link_guardian")
    return int(engine.value(f"SELECT count(*) FROM {table}"))


def _count_guardians(engine: Engine, shares: Callable[[pa.Table], pa.Table] | None) -> None:
    engine.run(_GUARDIAN_COUNT)
    if shares is not None:
        known = shares(engine.table("SELECT guardian, skeleton FROM link_guardian ORDER BY ALL"))
        engine.register("link_guardian", known)


def _or_empty(frame: pa.Table | None, schema: pa.Schema) -> pa.Table:
    return schema.empty_table() if frame is None else frame


def _text(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name).cast(pa.string()).combine_chunks()
    return pc.fill_null(column, "")


def _register_records(
    engine: Engine, records: pa.Table | pa.RecordBatchReader, memo: MutableMapping[str, PersonName]
) -> None:
    """Make `link_record`: a slice of the records at a time, since names are read in Python."""
    _put_together(engine, "link_record", (_read_names(part, memo) for part in _slices(records)))


def _put_together(engine: Engine, name: str, frames: Iterator[pa.Table]) -> None:
    """Make a table of frames that come one after the other; there is at least one."""
    engine.register(name, next(frames))
    for frame in frames:
        engine.append(name, frame)


def _slices(records: pa.Table | pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Give the records in tables of about `_AT_ONCE`; one without rows where there are none."""
    waiting: list[pa.RecordBatch] = []
    for batch in records.to_reader(_AT_ONCE) if isinstance(records, pa.Table) else records:
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= _AT_ONCE:
            yield pa.Table.from_batches(waiting)
            waiting = []
    yield pa.Table.from_batches(waiting, schema=records.schema)


def _read_names(records: pa.Table, memo: MutableMapping[str, PersonName]) -> pa.Table:
    names = name_columns(_text(records, "name"), memo)
    native = name_columns(_text(records, "native_name"), memo)
    guardian = name_columns(_text(records, "guardian_name"), memo)
    kin = records.column("kin_names").combine_chunks().cast(pa.list_(pa.string()))
    kin_read = name_columns(pc.fill_null(kin.flatten(), ""), memo)
    lists, keys = (
        pa.ListArray.from_arrays(_offsets(kin), kin_read.column(part).combine_chunks())
        for part in ("call_skeleton", "core")
    )
    frame = records.select(
        [name for name in linkage_frame.names if name not in ("name", "native_name", "guardian_name", "kin_names")]
    )
    for title, column in (
        ("name_key", names["key"]), ("call_name", names["call_name"]), ("core", names["core"]),
        ("call_skeleton", names["call_skeleton"]), ("skeleton", names["skeleton"]), ("script", names["script"]),
        ("native_key", _either(native["core"], names, "core")),
        ("native_skeleton", _either(native["skeleton"], names, "skeleton")),
        ("guardian_key", guardian["core"]), ("guardian_skeleton", guardian["skeleton"]),
        ("guardian_call", guardian["call_skeleton"]), ("kin_calls", lists), ("kin_keys", keys),
    ):  # fmt: skip
        frame = frame.append_column(title, column)
    return frame


def _either(native: pa.ChunkedArray, names: pa.Table, column: str) -> pa.ChunkedArray:
    """Take the name itself for the native one, where it is written in a native script and no other is given."""
    is_native = pc.is_in(names["script"], pa.array(["urdu", "bangla"]))
    return pc.if_else(pc.and_(is_native, pc.equal(native, "")), names[column], native)


def _offsets(lists: pa.ListArray) -> pa.Array:
    """Give offsets from 0, with a null list as an empty one."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    return pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])


def _register_authority(engine: Engine, authority: pa.Table | None, memo: MutableMapping[str, PersonName]) -> None:
    """Keep only the numbers that the records state or telephone subscribers hold, with names read."""
    engine.register("link_authority", _or_empty(authority, authority_frame), schema=authority_frame)
    wanted = (
        "SELECT a.* FROM link_authority a WHERE number IN (SELECT number FROM link_record WHERE number <> '' "
        "UNION SELECT number FROM link_subscriber WHERE mobile IN (SELECT mobile FROM link_record UNION "
        "SELECT household_mobile FROM link_record))"
    )
    if authority is None or authority.num_rows <= _AT_ONCE:
        engine.register("link_authority", _with_names(engine.table(wanted), memo))
        return
    engine.run(
        f"CREATE OR REPLACE TABLE link_authority_wanted AS SELECT *, row_number() OVER () AS place FROM ({wanted})"
    )
    starts = range(0, max(int(engine.value("SELECT count(*) FROM link_authority_wanted")), 1), _AT_ONCE)
    parts = (
        engine.table(
            f"SELECT * EXCLUDE (place) FROM link_authority_wanted WHERE place > {start} AND place <= {start + _AT_ONCE}"
        )
        for start in starts
    )
    _put_together(engine, "link_authority", (_with_names(part, memo) for part in parts))
    engine.drop("link_authority_wanted")


def _with_names(wanted: pa.Table, memo: MutableMapping[str, PersonName]) -> pa.Table:
    for source, title in (("name", "own"), ("father_name", "father"), ("husband_name", "husband")):
        read = name_columns(_text(wanted, source), memo)
        wanted = wanted.append_column(f"{title}_key", read["core"])
        wanted = wanted.append_column(f"{title}_call", read["call_skeleton"])
        wanted = wanted.append_column(f"{title}_skeleton", read["skeleton"])
    return wanted


# A number is verified where the authority's name for it is the stated name, or near it. Without such a number, the
# subscriber of her telephone is taken to be her, where the authority's name for the subscriber is hers.
_VERIFIED = """
CREATE OR REPLACE TABLE link_verified AS
WITH said AS (
    SELECT record_id, number, 0 AS place FROM link_record WHERE number <> ''
    UNION ALL SELECT r.record_id, s.number, 1 FROM link_record r JOIN link_subscriber s ON s.mobile = r.mobile
    UNION ALL SELECT r.record_id, s.number, 2 FROM link_record r JOIN link_subscriber s ON s.mobile = r.household_mobile)
SELECT record_id, arg_min(a, place) AS a, min(place) = 0 AS by_number
FROM said JOIN link_record r USING (record_id) JOIN link_authority a ON a.number = said.number
WHERE {believed} AND (
    (place = 0 AND (a.own_call = r.call_skeleton OR a.own_skeleton = r.skeleton))
    OR (a.own_call = r.call_skeleton AND a.own_skeleton = r.skeleton)
    OR jaro_winkler_similarity(a.own_key, r.core) >= CASE place WHEN 0 THEN 0.85 ELSE 0.93 END)
GROUP BY record_id
"""

_GATHERED = """
CREATE OR REPLACE TABLE link_gathered AS
WITH one_subscriber AS (
    SELECT mobile, min(number) AS number FROM link_subscriber GROUP BY mobile HAVING count(DISTINCT number) = 1)
SELECT r.*, coalesce(v.by_number, false) AS is_verified,
    CASE WHEN v.by_number THEN r.number WHEN v.a IS NOT NULL THEN v.a.number ELSE r.number END AS believed_number, s.number AS subscriber, h.number AS household_subscriber,
    v.a.birth_date AS authority_birth,
    list_distinct(list_filter([r.guardian_key, v.a.father_key, v.a.husband_key],
        lambda x: coalesce(x, '') <> '')) AS guardians,
    list_distinct(list_filter([r.guardian_call, v.a.father_call, v.a.husband_call],
        lambda x: coalesce(x, '') <> '')) AS guardian_calls,
    list_distinct(list_filter([r.guardian_skeleton, v.a.father_skeleton, v.a.husband_skeleton],
        lambda x: coalesce(x, '') <> '')) AS guardian_skeletons,
    list_distinct(list_filter([
        CASE WHEN r.guardian_key <> '' THEN CASE WHEN r.guardian_kind = '' THEN 'U' ELSE r.guardian_kind END END,
        CASE WHEN coalesce(v.a.father_key, '') <> '' THEN 'F' END,
        CASE WHEN coalesce(v.a.husband_key, '') <> '' THEN 'H' END], lambda x: x IS NOT NULL)) AS guardian_kinds,
    list_distinct(list_filter(list_concat(coalesce(r.kin_numbers, []), [v.a.father_number, v.a.spouse_number]),
        lambda x: coalesce(x, '') <> '' AND x <> believed_number)) AS kin_stated
FROM link_record r
LEFT JOIN link_verified v USING (record_id)
LEFT JOIN one_subscriber s ON r.mobile <> '' AND s.mobile = r.mobile
LEFT JOIN one_subscriber h ON r.household_mobile <> '' AND h.mobile = r.household_mobile
"""

_GUARDIAN_COUNT = """
CREATE OR REPLACE TABLE link_guardian AS
WITH home AS (
    SELECT record_id, coalesce(nullif(household_id, ''), record_id) AS home, guardians, guardian_skeletons FROM link_gathered),
every AS (SELECT greatest(count(DISTINCT home), 1) AS homes FROM home),
spelt AS (
    SELECT guardian_key AS guardian, any_value(guardian_skeleton) AS skeleton FROM (
        SELECT guardian_key, guardian_skeleton FROM link_record UNION ALL SELECT father_key, father_skeleton FROM link_authority
        UNION ALL SELECT husband_key, husband_skeleton FROM link_authority) GROUP BY guardian_key),
bones AS (
    SELECT skeleton, count(DISTINCT home) / any_value(homes) AS skeleton_share
    FROM (SELECT home, unnest(guardian_skeletons) AS skeleton FROM home), every GROUP BY skeleton)
SELECT guardian, skeleton, count(DISTINCT home) AS households, count(DISTINCT home) / any_value(homes) AS share,
    coalesce(any_value(skeleton_share), 0) AS skeleton_share
FROM (SELECT home, unnest(guardians) AS guardian FROM home) JOIN spelt USING (guardian) LEFT JOIN bones USING (skeleton), every
GROUP BY guardian, skeleton
"""

_FINAL = """
CREATE OR REPLACE TABLE {table} AS
WITH rare AS (
    SELECT g.record_id, {rare}
    FROM (SELECT record_id, unnest(guardians) AS guardian FROM link_gathered) g
    JOIN link_guardian t USING (guardian) GROUP BY g.record_id)
SELECT row_number() OVER (ORDER BY g.record_id) AS unique_id, g.record_id, g.side, coalesce(g.household_id, '') AS household_id,
    filled(name_key) AS name_key, filled(call_name) AS call_name, filled(core) AS core,
    filled(call_skeleton) AS call_skeleton, filled(skeleton) AS skeleton,
    filled(native_key) AS native_key, filled(native_skeleton) AS native_skeleton,
    filled(sex) AS sex,
    coalesce(year(authority_birth), birth_year)::INTEGER AS birth_year,
    CASE WHEN authority_birth IS NULL THEN birth_month ELSE month(authority_birth) END::INTEGER AS birth_month,
    CASE WHEN authority_birth IS NULL THEN birth_day ELSE day(authority_birth) END::INTEGER AS birth_day,
    birth_year::INTEGER AS stated_year,
    CASE WHEN length(believed_number) >= 7 AND believed_number <> repeat(believed_number[1], length(believed_number))
        THEN believed_number END AS number,
    is_verified, filled(mobile) AS mobile, subscriber,
    g.guardians, {columns}guardian_calls, guardian_skeletons, guardian_kinds,
    len(list_filter(kin_calls, lambda x: x <> '')) > 0 AS has_kin,
    list_distinct(list_filter(kin_calls, lambda x: x <> '' AND NOT list_contains(guardian_calls, x))) AS kin_calls,
    list_distinct(list_filter(kin_keys, lambda x: x <> '' AND NOT list_contains(g.guardians, x))) AS kin_keys,
    list_distinct(list_filter(list_concat(kin_stated, [filled(mobile), filled(household_mobile),
        CASE WHEN household_subscriber IS DISTINCT FROM believed_number THEN household_subscriber END,
        CASE WHEN subscriber IS DISTINCT FROM believed_number THEN subscriber END]), lambda x: x IS NOT NULL)) AS ties,
    filled(district_code) AS district_code, filled(tehsil_code) AS tehsil_code
FROM link_gathered g LEFT JOIN rare USING (record_id)
"""
