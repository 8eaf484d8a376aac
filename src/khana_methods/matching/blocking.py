"""Which pairs are looked at: several passes, each with its keys, counted before any pair is made.

A *pass* gives each record a list of keys; two records that share a key in any pass are candidates. Keys
are counted first, so that what a pass costs is known, and a *poisoned block* (one key that alone makes
millions of pairs) is named with its pass before it is run. A person who moved to another district, with
her name misspelt and without a number, is still met by birth date, guardian and year, or family.

What a common name costs grows with the square of the register. A block of more than `LARGEST_BLOCK` records of one
register is therefore cut into *finer* blocks (year, place, first letter), so that pairs grow as the register does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError


class BlockPoisoned(InputError):
    """One key of a pass would make more pairs than allowed; nothing was compared."""

    code: ClassVar[str] = "matching.block_poisoned"


@dataclass(frozen=True, slots=True)
class BlockingPass:
    """One pass: `keys` is SQL that gives a list of texts for one record; null and empty keys block nothing.

    `finer` gives the texts by which a block that grew too large is cut; nothing cuts it where that is empty.
    """

    code: str
    keys: str
    why: str
    finer: str = ""


@dataclass(frozen=True, slots=True)
class PassCount:
    """What one pass costs: keys, pairs (before pairs of other passes are taken out), its largest block."""

    code: str
    keys: int
    pairs: int
    largest_block: int
    left_out: int


NUMBER = BlockingPass(
    "number",
    "list_append(list_transform(range(1, length(number) + 1), "
    "lambda i: substr(number, 1, i - 1) || substr(number, i + 1)), number)",
    "one digit mistyped, lost, added, or two transposed: numbers with any one digit taken out meet",
)
TIES = BlockingPass(
    "ties", "list_append(ties, number)", "the same mobile, its subscriber, or the number of the same relative"
)
# A record of unknown sex is met under either: rows of many lists do not state it.
_OF_SEX = "flatten(list_transform(CASE WHEN sex IS NULL THEN ['M', 'F'] ELSE [sex] END, lambda s: {keys}))"


def _of_sex(keys: str) -> str:
    return _OF_SEX.format(keys=keys)


# Years in steps of four, twice, the second time two years later: years two apart always share a step, three apart mostly.
_STEPS = "[(birth_year // 4)::VARCHAR, 'h' || ((birth_year + 2) // 4)]"
_LETTER = "[substr(call_skeleton, 1, 1)]"
GUARDIAN = BlockingPass(
    "guardian",
    _of_sex("list_transform(guardian_skeletons, lambda g: call_skeleton || '|' || g || '|' || s)"),
    "call name and any guardian, however far away",
    finer=_STEPS,
)
GUARDIAN_YEAR = BlockingPass(
    "guardian_year",
    _of_sex("list_transform(guardian_skeletons, lambda g: g || '|' || s || '|' || birth_year)"),
    "name misspelt beyond its skeleton, but guardian and year of birth agree",
    finer=_LETTER,
)
GUARDIAN_PLACE = BlockingPass(
    "guardian_place",
    _of_sex("list_transform(guardian_skeletons, lambda g: g || '|' || s || '|' || tehsil_code)"),
    "name and year both wrong, but guardian and tehsil agree",
    finer=_LETTER,
)
BIRTH = BlockingPass(
    "birth",
    _of_sex(
        "[CASE WHEN NOT (birth_month = 1 AND birth_day = 1) THEN birth_year || '-' || birth_month || '-' || birth_day "
        "|| '|' || s || '|' || substr(call_skeleton, 1, 1) END]"
    ),
    "full birth date, unless it is a heaped 1 January",
    finer="[call_skeleton]",
)
NAME_YEAR = BlockingPass(
    "name_year",
    _of_sex("[skeleton || '|' || s || '|' || birth_year]"),
    "whole name and year of birth",
    finer="list_append(guardian_calls, district_code)",
)
NATIVE_YEAR = BlockingPass(
    "native_year",
    _of_sex(
        "list_distinct([native_skeleton || '|' || s || '|' || birth_year, skeleton || '|' || s || '|' || birth_year])"
    ),
    "whole name in the other script and year of birth",
    finer="list_append(guardian_calls, district_code)",
)
NAME_PLACE = BlockingPass(
    "name_place",
    _of_sex("[skeleton || '|' || s || '|' || tehsil_code]"),
    "whole name in the same tehsil",
    finer="list_append(guardian_calls, birth_year::VARCHAR)",
)
FAMILY = BlockingPass(
    "family",
    "list_transform(kin_calls, lambda k: call_skeleton || '|' || k || '|' || coalesce(tehsil_code, ''))",
    "call name and the call name of a relative in the same tehsil",
    finer=_STEPS,
)
GUARDIAN_STEP = BlockingPass(
    "guardian_step",
    _of_sex(
        "flatten(list_transform(guardian_skeletons, lambda g: "
        f"list_transform({_STEPS}, lambda y: g || '|' || s || '|' || substr(call_skeleton, 1, 1) || '|' || y)))"
    ),
    "guardian and first letter, born some years apart, however far away",
    finer="[district_code]",
)
NAME_STEP = BlockingPass(
    "name_step",
    _of_sex(f"list_transform({_STEPS}, lambda y: skeleton || '|' || s || '|' || district_code || '|' || y)"),
    "whole name in the same district, born some years apart, whoever the guardian",
    finer="list_append(guardian_calls, tehsil_code)",
)
CALLS_STEP = BlockingPass(
    "calls_step",
    _of_sex(
        "flatten(list_transform(guardian_calls, lambda g: list_transform("
        f"{_STEPS}, lambda y: call_skeleton || '|' || g || '|' || s || '|' || district_code || '|' || y)))"
    ),
    "call names of herself and a guardian in the same district, born some years apart, other words of both misspelt",
    finer="[tehsil_code, skeleton]",
)
PASSES: tuple[BlockingPass, ...] = (
    NUMBER, TIES, GUARDIAN, GUARDIAN_YEAR, GUARDIAN_PLACE, BIRTH, NAME_YEAR, NATIVE_YEAR, NAME_PLACE, FAMILY,
    GUARDIAN_STEP, NAME_STEP, CALLS_STEP,
)  # fmt: skip

LARGEST_BLOCK = 200  # records of one register that share a key, from which on the finer keys of the pass take its place
PAIRS_AT_ONCE = 50_000_000  # candidates of one statement: more are made in parts, so that memory stays bounded

# Passes that need the name itself to be near what it was; the others go by number, family, year and place.
NAME_PASSES = frozenset(
    (
        "guardian",
        "birth",
        "name_year",
        "native_year",
        "name_place",
        "family",
        "guardian_step",
        "name_step",
        "calls_step",
    )
)


def make_keys(engine: Engine, table: str, passes: Sequence[BlockingPass] = PASSES, *, keys: str = "block_key") -> int:
    """Make the table of keys: one row a record, pass and key.

    Returns:
        The number of keys.
    """
    engine.run(
        f"CREATE OR REPLACE TABLE {keys} (pass UTINYINT, key UBIGINT, unique_id BIGINT, home UBIGINT, side VARCHAR)"
    )
    for position, one in enumerate(passes):
        engine.run(f"INSERT INTO {keys} {keys_sql(table, one, position)}")
    return int(engine.value(f"SELECT count(*) FROM {keys}"))


def keys_sql(table: str, one: BlockingPass, position: int) -> str:
    """Write the keys of one pass: `pass`, `key`, `unique_id`, `home`, `side`."""
    return (
        f"SELECT DISTINCT {position} AS pass, hash(key) AS key, unique_id, home, side FROM ("
        f"SELECT unique_id, {_HOME}, side, unnest({one.keys}) AS key FROM {table}) WHERE key IS NOT NULL AND key <> ''"
    )


def finer_sql(table: str, one: BlockingPass, position: int) -> str:
    """Write each key of one pass with what cuts it: `pass`, `key`, `finer` (a key too), `unique_id`, `home`, `side`.

    Unknown texts meet each other.
    """
    return (
        f"SELECT DISTINCT {position} AS pass, hash(key) AS key, hash(key || '~' || coalesce(cut, '?')) AS finer, "
        "unique_id, home, side FROM (SELECT unique_id, home, side, key, unnest(cuts) AS cut FROM ("
        f"SELECT unique_id, {_HOME}, side, unnest({one.keys}) AS key, {one.finer} AS cuts FROM {table}) "
        "WHERE key IS NOT NULL AND key <> '')"
    )


_HOME = "CASE WHEN coalesce(household_id, '') = '' THEN hash(unique_id) ELSE hash(household_id) END AS home"


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


def count_pairs(
    engine: Engine,
    passes: Sequence[BlockingPass] = PASSES,
    *,
    keys: str = "block_key",
    across: bool = False,
    max_block_pairs: int = 1_000_000,
) -> list[PassCount]:
    """Count what each pass would compare, without comparing.

    Args:
        engine: Holds the table of keys.
        passes: The passes that made the keys.
        keys: Name of that table.
        across: Pairs of a list and the registry only, instead of pairs within one side.
        max_block_pairs: A key that alone makes more pairs than this counts as left out.
    """
    rows = engine.rows(
        f"SELECT pass, count(*), coalesce(sum(pairs) FILTER (WHERE pairs <= $most), 0)::BIGINT, max(pairs)::BIGINT, "
        f"count(*) FILTER (WHERE pairs > $most) FROM (SELECT pass, key, {_size_sql(across=across)} AS pairs FROM {keys} GROUP BY pass, key) "
        "GROUP BY pass ORDER BY pass",
        {"most": max_block_pairs},
    )
    return [PassCount(passes[place].code, *map(int, rest)) for place, *rest in rows]


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
    largest_block: int = LARGEST_BLOCK,
) -> list[PassCount]:
    """Make the candidate pairs of all passes, each once, under the number of the first pass that met it.

    Two records of one household are no candidates: a household lists different people.

    Args:
        engine: Holds the records.
        table: Records of `prepare`.
        passes: Blocking passes.
        keys: Name of the table of keys, made anew.
        pairs: Name of the table of pairs, made anew: `match_key`, `join_key_l`, `join_key_r`.
        across: Pairs of a list and the registry only.
        max_block_pairs: Most pairs that one key may make.
        refuse_poisoned: Refuse the run when a key would make more; otherwise such keys are left out and counted.
        largest_block: Records of one register that may share a key before its pass's finer keys take its place.

    Returns:
        What each pass costs.

    Raises:
        BlockPoisoned: A key would make more pairs than allowed: the run would not end, and the key says nothing.
    """
    make_keys(engine, table, passes, keys=keys)
    if not across:
        _cut_large(engine, table, passes, keys=keys, largest_block=largest_block)
    counts = count_pairs(engine, passes, keys=keys, across=across, max_block_pairs=max_block_pairs)
    if refuse_poisoned:
        refuse_poison(counts, max_block_pairs=max_block_pairs)
    sides = "l.side <> 'REGISTRY' AND r.side = 'REGISTRY'" if across else "l.unique_id < r.unique_id"
    parts = 1 + sum(count.pairs for count in counts) // PAIRS_AT_ONCE
    engine.run(
        f"CREATE OR REPLACE TABLE fit_key AS SELECT pass, key FROM {keys} GROUP BY pass, key "
        f"HAVING {_size_sql(across=across)} BETWEEN 1 AND {max_block_pairs}"
    )
    engine.run(f"CREATE OR REPLACE TABLE {pairs} (match_key VARCHAR, join_key_l BIGINT, join_key_r BIGINT)")
    for part in range(parts):
        engine.run(
            f"INSERT INTO {pairs} WITH k AS (SELECT * FROM {keys} SEMI JOIN fit_key USING (pass, key)), "
            "met AS (SELECT min(l.pass) AS pass, l.unique_id AS left_id, r.unique_id AS right_id FROM k l JOIN k r "
            f"ON l.pass = r.pass AND l.key = r.key AND l.home <> r.home AND {sides} AND l.unique_id % {parts} = {part} "
            "GROUP BY l.unique_id, r.unique_id) SELECT pass::VARCHAR, left_id, right_id FROM met"
        )
    engine.drop("fit_key")
    return counts


def _size_sql(*, across: bool) -> str:
    if across:
        return "count(*) FILTER (WHERE side = 'REGISTRY') * count(*) FILTER (WHERE side <> 'REGISTRY')"
    return "count(*) * (count(*) - 1) // 2"


def _cut_large(engine: Engine, table: str, passes: Sequence[BlockingPass], *, keys: str, largest_block: int) -> None:
    """Put the finer keys of a pass in the place of each key that more than `largest_block` records share."""
    engine.run(
        f"CREATE OR REPLACE TABLE large_key AS SELECT pass, key FROM {keys} GROUP BY pass, key "
        f"HAVING count(*) > {largest_block}"
    )
    large = {int(place) for (place,) in engine.rows("SELECT DISTINCT pass FROM large_key")}
    for place in sorted(place for place in large if passes[place].finer):
        engine.run(
            f"INSERT INTO {keys} SELECT DISTINCT pass, finer, unique_id, home, side "
            f"FROM ({finer_sql(table, passes[place], place)}) SEMI JOIN large_key USING (pass, key)"
        )
        engine.run(
            f"DELETE FROM {keys} WHERE pass = {place} AND key IN (SELECT key FROM large_key WHERE pass = {place})"
        )
    engine.drop("large_key")
