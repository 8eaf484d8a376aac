"""Which pairs are looked at: keys of several passes laid into blocks, counted before any pair is made.

A *pass* (`matching/passes.py`) gives each record a list of keys; two records that share a key in any pass are candidates.
Blocks are counted first, so that what a pass costs is known, and a *poisoned block* (one key that alone makes millions of
pairs) is named with its pass before it is run.

What a common name costs grows with the square of the register. A large block of one register is therefore cut into *finer*
blocks (year, place, first letter), and what is still too large once more; where a pass would yet make more pairs than it
may, smaller blocks of it are cut too (`Cutting`), so that pairs grow as the register does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.matching.passes import PASSES, BlockingPass

PAIRS_AT_ONCE = 50_000_000  # candidates of one statement: more are made in parts, so that memory stays bounded
RECORDS_AT_ONCE = 1_000_000  # records whose pairs are weighed by one statement
_NEVER = 2**62  # records: no block is so large


class BlockPoisoned(InputError):
    """One key of a pass would make more pairs than allowed; nothing was compared."""

    code: ClassVar[str] = "matching.block_poisoned"


@dataclass(frozen=True, slots=True)
class PassCount:
    """What one pass costs: keys that are shared, pairs (before pairs of other passes are taken out), most of one key."""

    code: str
    keys: int
    pairs: int
    largest_block: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Cutting:
    """From how many records of one register on a block is cut.

    Blocks of more than `largest` always are. Where a pass then makes more than `pairs_per_record`, those of more than half as
    many are, a quarter and so on, down to `smallest`, until it keeps to that.
    """

    largest: int = 200
    smallest: int = 25
    pairs_per_record: float = 4.0

    @property
    def sizes(self) -> list[int]:
        """Give the sizes from which on blocks may be cut, largest first.

        Examples:
            >>> Cutting(largest=200).sizes, Cutting(largest=4).sizes
            ([200, 100, 50, 25], [4])
        """
        sizes = [self.largest]
        while sizes[-1] // 2 >= self.smallest:
            sizes.append(sizes[-1] // 2)
        return sizes

    def choose(self, uncut: int, pairs: Sequence[int], records: int) -> int:
        """Choose the size for a pass that makes so many pairs uncut, and at each of `sizes`: the largest that fits, or the smallest.

        Where it fits uncut only what is too large in any case is cut, whatever the finer keys then make.

        Examples:
            >>> Cutting().choose(1200, [900, 700, 390, 350], 100), Cutting().choose(400, [410, 390, 380, 370], 100)
            (50, 200)
        """
        if self.fits(uncut, records):
            return self.largest
        fitting = (size for size, made in zip(self.sizes, pairs, strict=True) if self.fits(made, records))
        return next(fitting, self.sizes[-1])

    def fits(self, pairs: int, records: int) -> bool:
        """Tell whether a pass may make so many pairs."""
        return pairs <= self.pairs_per_record * records


CUTTING = Cutting()


def make_keys(engine: Engine, table: str, passes: Sequence[BlockingPass] = PASSES, *, keys: str = "block_key") -> int:
    """Make a table of all keys, uncut: `pass`, `key`, `unique_id`.

    Returns:
        The number of keys.
    """
    engine.run(f"CREATE OR REPLACE TABLE {keys} (pass UTINYINT, key UBIGINT, unique_id BIGINT)")
    for position, one in enumerate(passes):
        engine.run(f"INSERT INTO {keys} SELECT pass, key, unique_id FROM ({keys_sql(table, one, position)})")
    return int(engine.value(f"SELECT count(*) FROM {keys}"))


def keys_sql(table: str, one: BlockingPass, position: int, level: int = 0) -> str:
    """Write the keys of one pass, each once a record: `pass`, `level`, `parent`, `key`, `unique_id`, `home`, `registered`.

    Args:
        table: Records of `prepare`.
        one: The pass.
        position: Its place among the passes.
        level: How often its keys are cut: by the first of its cuts, then by the second. Unknown texts meet each other.
    """
    texts = f"SELECT *, unnest(list_distinct(list_filter({one.keys}, lambda x: x <> ''))) AS text_0 FROM {table}"
    for place, cut in enumerate(one.cuts[:level]):
        known = f"list_distinct(list_transform({cut}, lambda x: coalesce(x, '?')))"
        texts = f"SELECT *, text_{place} || '~' || unnest({known}) AS text_{place + 1} FROM ({texts})"
    return (
        f"SELECT {position}::UTINYINT AS pass, {level}::UTINYINT AS level, hash(text_{max(level - 1, 0)}) AS parent, "
        f"hash(text_{level}) AS key, unique_id, "
        "CASE WHEN coalesce(household_id, '') = '' THEN hash(unique_id) ELSE hash(household_id) END AS home, "
        f"side = 'REGISTRY' AS registered FROM ({texts})"
    )


def blocks_sql(keys: str, *, cut: str, blocks: str = "", across: bool = False) -> str:
    """Write the blocks of keys, those that make no pair left out; in words that DuckDB and Spark both have.

    A block is in force at a size T (see `pairs_by_size`) where `own` <= T < `above`: everything that it was cut from is larger,
    and it is not, or nothing cuts it.

    Args:
        keys: Table of `keys_sql`, of one level.
        cut: Condition on `pass` that tells whether a pass has keys of the next level.
        blocks: Blocks of the level before; none for the first.
        across: Pairs of a list and the registry only.

    Returns:
        `pass`, `level`, `key`, `records`, `pairs`, `own`, `above`.
    """
    pairs = "CAST(count(*) * (count(*) - 1) / 2 AS BIGINT)"
    if across:
        pairs = "count(*) FILTER (WHERE registered) * count(*) FILTER (WHERE NOT registered)"
    above, joined = str(_NEVER), ""
    if blocks:
        above = "min(CASE WHEN b.above < b.records THEN b.above ELSE b.records END)"
        joined = f"JOIN {blocks} b ON b.pass = k.pass AND b.key = k.parent AND b.level = k.level - 1"
    return (
        f"SELECT pass, level, key, records, pairs, CASE WHEN {cut} THEN records ELSE 0 END AS own, above FROM ("
        f"SELECT k.pass, k.level, k.key, count(*) AS records, {pairs} AS pairs, CAST({above} AS BIGINT) AS above "
        f"FROM {keys} k {joined} GROUP BY k.pass, k.level, k.key) made WHERE pairs > 0"
    )


def pairs_by_size(blocks: str, sizes: Sequence[int]) -> str:
    """Write how many pairs each pass makes uncut, and when blocks of more than each of these sizes are cut: `pass`, and these columns."""
    sums = ", ".join(
        f"coalesce(sum(pairs) FILTER (WHERE {condition}), 0)" for condition in ("level = 0", *map(in_force, sizes))
    )
    return f"SELECT pass, {sums} FROM {blocks} GROUP BY pass"


def in_force(size: int) -> str:
    """Write the condition on a block of `blocks_sql` under which it is compared."""
    return f"own <= {size} AND above > {size}"


def counts_sql(blocks: str, max_block_pairs: int) -> str:
    """Write what the blocks of each pass cost: `pass` and the figures of `PassCount`."""
    fits = f"pairs <= {max_block_pairs}"
    return (
        f"SELECT pass, count(*), coalesce(sum(pairs) FILTER (WHERE {fits}), 0), max(pairs), "
        f"count(*) FILTER (WHERE NOT {fits}) FROM {blocks} GROUP BY pass ORDER BY pass"
    )


def refuse_poison(counts: Sequence[PassCount], *, max_block_pairs: int) -> None:
    """Refuse passes of which a key would make too many pairs.

    Raises:
        BlockPoisoned: There is one; the worst is named.
    """
    poisoned = [count for count in counts if count.left_out]
    if not poisoned:
        return
    worst = max(poisoned, key=lambda count: count.largest_block)
    raise BlockPoisoned(
        f"Blocking pass {worst.code} has a key that alone makes {worst.largest_block:,} pairs, more than the "
        f"{max_block_pairs:,} allowed. A constant column causes this; mend it, or let such keys be left out.",
        blocking_pass=worst.code,
        pairs=worst.largest_block,
        allowed=max_block_pairs,
    )


def candidate_pairs(
    engine: Engine,
    table: str,
    passes: Sequence[BlockingPass] = PASSES,
    *,
    keys: str = "block_key",
    pairs: str = "candidate",
    across: bool = False,
    max_block_pairs: int = 1_000_000,
    refuse_poisoned: bool = True,
    cutting: Cutting = CUTTING,
) -> list[PassCount]:
    """Make the candidate pairs of all passes, each once, under the number of the first pass that met it.

    Two records of one household are no candidates: a household lists different people.

    Args:
        engine: Holds the records.
        table: Records of `prepare`.
        passes: Blocking passes.
        keys: Name of the table of shared keys, made anew: `pass`, `key`, `unique_id`, `home`, `registered`.
        pairs: Name of the table of pairs, made anew: `match_key`, `join_key_l`, `join_key_r`.
        across: Pairs of a list and the registry only; nothing is cut then.
        max_block_pairs: Most pairs that one key may make.
        refuse_poisoned: Refuse the run when a key would make more; otherwise such keys are left out and counted.
        cutting: From how many records on a block is cut.

    Returns:
        What each pass costs.

    Raises:
        BlockPoisoned: A key would make more pairs than allowed: the run would not end, and the key says nothing.
    """
    counts = _lay_blocks(
        engine, table, passes, keys=keys, across=across, max_block_pairs=max_block_pairs, cutting=cutting
    )
    if refuse_poisoned:
        refuse_poison(counts, max_block_pairs=max_block_pairs)
    sides = "NOT l.registered AND r.registered" if across else "l.unique_id < r.unique_id"
    parts = 1 + sum(count.pairs for count in counts) // PAIRS_AT_ONCE
    engine.run(f"CREATE OR REPLACE TABLE {pairs} (match_key VARCHAR, join_key_l BIGINT, join_key_r BIGINT)")
    for part in range(parts):
        engine.run(
            f"INSERT INTO {pairs} WITH met AS ("
            f"SELECT min(l.pass) AS pass, l.unique_id AS left_id, r.unique_id AS right_id FROM {keys} l JOIN {keys} r "
            f"ON l.pass = r.pass AND l.key = r.key AND l.home <> r.home AND {sides} AND l.unique_id % {parts} = {part} "
            "GROUP BY l.unique_id, r.unique_id) SELECT pass::VARCHAR, left_id, right_id FROM met"
        )
    return counts


def _lay_blocks(
    engine: Engine,
    table: str,
    passes: Sequence[BlockingPass],
    *,
    keys: str,
    across: bool,
    max_block_pairs: int,
    cutting: Cutting,
) -> list[PassCount]:
    """Make the table of keys that are shared and fit, one pass after the other: only one has all of its keys at a time."""
    engine.run(
        f"CREATE OR REPLACE TABLE {keys} (pass UTINYINT, key UBIGINT, unique_id BIGINT, home UBIGINT, registered BOOLEAN)"
    )
    records = int(engine.value(f"SELECT count(*) FROM {table}"))
    counts: list[PassCount] = []
    for position, one in enumerate(passes):
        every = keys_sql(table, one, position)
        if across:  # a key that no row of the list has makes no pair
            listed = keys_sql(f"(SELECT * FROM {table} WHERE side <> 'REGISTRY')", one, position)
            every = f"SELECT * FROM ({every}) SEMI JOIN (SELECT key FROM ({listed})) USING (key)"
        engine.run(f"CREATE OR REPLACE TABLE every_key AS {every}")
        is_cut = bool(one.cuts) and not across
        blocks = blocks_sql("every_key", cut=str(is_cut), across=across)
        engine.run(f"CREATE OR REPLACE TABLE every_block AS {blocks}")
        size = _cut(engine, table, one, position, records=records, cutting=cutting) if is_cut else cutting.largest
        engine.run(f"CREATE OR REPLACE TABLE met_block AS SELECT * FROM every_block WHERE {in_force(size)}")
        counts += [
            PassCount(one.code, *map(int, rest)) for _, *rest in engine.rows(counts_sql("met_block", max_block_pairs))
        ]
        engine.run(
            f"INSERT INTO {keys} SELECT pass, key, unique_id, home, registered FROM every_key "
            f"SEMI JOIN (SELECT level, key FROM met_block WHERE pairs <= {max_block_pairs}) USING (level, key)"
        )
    engine.drop("every_key", "every_block", "met_block")
    return counts


def _cut(engine: Engine, table: str, one: BlockingPass, position: int, *, records: int, cutting: Cutting) -> int:
    """Add to `every_key` and `every_block` what large blocks of one pass are cut into; return the size from which they are."""
    uncut = int(engine.value("SELECT coalesce(sum(pairs), 0) FROM every_block"))
    least = cutting.largest if cutting.fits(uncut, records) else cutting.sizes[-1]
    for level in range(1, len(one.cuts) + 1):
        larger = f"SELECT key AS parent FROM every_block WHERE level = {level - 1} AND records > {least}"
        engine.run(
            f"CREATE OR REPLACE TABLE level_key AS SELECT * FROM ({keys_sql(table, one, position, level)}) "
            f"SEMI JOIN ({larger}) USING (parent)"
        )
        blocks = blocks_sql("level_key", cut=str(level < len(one.cuts)), blocks="every_block")
        engine.run(f"INSERT INTO every_block {blocks}")
        engine.run("INSERT INTO every_key SELECT * FROM level_key")
    engine.drop("level_key")
    made = engine.rows(pairs_by_size("every_block", cutting.sizes))
    return cutting.choose(uncut, made[0][2:], records) if made else cutting.largest
