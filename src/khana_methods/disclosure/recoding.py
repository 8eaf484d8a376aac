"""What to change so that rows hide each other: top-coding, bands, coarser codes, with the loss of each.

A *proposal* says for one key how its values would be written; it is tried on the rows, and shown with what it
mends (rows still violating k-anonymity) and what it costs (share of cells changed; share of the column's
information lost). A *plan* takes the cheapest proposals one after another until few rows are left, which are
then to be suppressed. Nothing is changed in the file: an officer decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from khana_methods.disclosure.anonymity import ROWS, quoted, violations
from khana_methods.engine.duckdb import Engine

_RARE = 20
_MOST_TRIES = 40


@dataclass(frozen=True, slots=True)
class Proposal:
    """One way to write one key.

    Attributes:
        key: The column.
        way: `top`, `bottom`, `band`, `prefix`, `rare`.
        detail: In words, such as `61 and above become one value`.
        expression: SQL over the column.
        cells_changed: Share of rows whose value would be written otherwise, 0 to 1.
        information_lost: 1 - H(new) / H(old) of the column, 0 to 1, H the Shannon entropy.
        violating: Rows that violate k-anonymity afterwards.
    """

    key: str
    way: str
    detail: str
    expression: str
    cells_changed: float
    information_lost: float
    violating: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Proposals to take together; `suppress` rows violate k-anonymity even then."""

    k: int
    before: int
    steps: tuple[Proposal, ...]
    suppress: int


def propose(engine: Engine, keys: Sequence[str], *, k: int = 3, limit: int = 12) -> list[Proposal]:
    """Try ways to write each key, one at a time, best first; needs the rows of `anonymity.load`.

    Args:
        engine: With `sdc_rows`.
        keys: The keys.
        k: Which k-anonymity is wanted.
        limit: How many proposals come back.

    Returns:
        Those that mend anything, by rows mended for the information lost.

    Source:
        Hundepool et al. (2012), Statistical Disclosure Control, ch. 3 (global recoding, top and bottom coding);
        loss by entropy: Kooiman, Willenborg & Gouweleeuw (1997), PRAM.
    """
    before = violations(engine, keys, k)
    tried = [one for one in _tried(engine, keys, k, {}) if one.violating < before]
    return sorted(tried, key=lambda one: (_price(one, before), one.key, one.detail))[:limit]


def plan(engine: Engine, keys: Sequence[str], *, k: int = 3, at_most: float = 0.01) -> Plan:
    """Take the cheapest proposals until at most a share of the rows violates k-anonymity.

    Args:
        engine: With `sdc_rows`.
        keys: The keys.
        k: Which k-anonymity is wanted.
        at_most: Share of rows that may be left to be suppressed, 0 to 1.
    """
    before = left = violations(engine, keys, k)
    rows = int(engine.value(f"SELECT count(*) FROM {ROWS}"))
    steps: dict[str, Proposal] = {}
    while left > at_most * rows:
        taken = {key: one.expression for key, one in steps.items()}
        better = [one for one in _tried(engine, keys, k, taken) if one.violating < left]
        if not better:
            break
        best = min(better, key=lambda one: (_price(one, left), one.key, one.detail))
        steps = {**{key: one for key, one in steps.items() if key != best.key}, best.key: best}
        left = best.violating
    return Plan(k, before, tuple(steps.values()), left)


def _price(one: Proposal, before: int) -> float:
    return (0.01 + one.information_lost) / (before - one.violating)


def _tried(engine: Engine, keys: Sequence[str], k: int, taken: dict[str, str]) -> Iterator[Proposal]:
    for key in keys:
        for draft in list(_drafts(engine, key))[:_MOST_TRIES]:
            written = {**taken, key: draft.expression}
            columns = ", ".join(f"{written.get(one, quoted(one))} AS {quoted(one)}" for one in keys)
            left = violations(engine, keys, k, table=f"(SELECT {columns} FROM {ROWS})")
            changed, lost = _loss(engine, key, draft.expression)
            yield replace(draft, violating=left, cells_changed=changed, information_lost=lost)


def _loss(engine: Engine, key: str, expression: str) -> tuple[float, float]:
    """Return the share of cells changed and the share of information lost."""
    entropy = (
        "SELECT -sum(n / t * ln(n / t)) FROM (SELECT count(*) AS n, sum(count(*)) OVER () AS t FROM {} GROUP BY {})"
    )
    old = float(engine.value(entropy.format(ROWS, quoted(key))) or 0)
    new = float(engine.value(entropy.format(ROWS, expression)) or 0)
    changed = engine.value(f"SELECT avg(({expression} <> {quoted(key)})::INT) FROM {ROWS}")
    return float(changed), (max(0.0, 1 - new / old) if old > 0 else 0.0)


def _draft(key: str, way: str, detail: str, expression: str) -> Proposal:
    return Proposal(key, way, detail, expression, 0.0, 0.0, 0)


def _drafts(engine: Engine, key: str) -> Iterator[Proposal]:
    column = quoted(key)
    ((numbers, filled, distinct, longest, coded),) = engine.rows(
        f"SELECT count(try_cast({column} AS DOUBLE)) FILTER ({column} <> ''), count(*) FILTER ({column} <> ''),"
        f" count(DISTINCT {column}), max(length({column})),"
        f" bool_and(regexp_full_match({column}, '[A-Za-z]{{2,3}}[0-9]{{2,}}|[0-9]{{4}}-[0-9]{{2}}(-[0-9]{{2}})?'))"
        f" FILTER ({column} <> '') FROM {ROWS}"
    )
    if not filled or distinct < 2:
        return
    if coded:
        yield from _prefixes(engine, key, int(longest))
    elif numbers == filled and distinct > 4:
        yield from _numeric(engine, key)
    else:
        yield from _rare(engine, key)


def _numeric(engine: Engine, key: str) -> Iterator[Proposal]:
    column, number = quoted(key), f"try_cast({quoted(key)} AS DOUBLE)"
    ((low, high, *edges),) = engine.rows(
        f"SELECT min({number}), max({number}), quantile_disc({number}, 0.01), quantile_disc({number}, 0.05),"
        f" quantile_disc({number}, 0.95), quantile_disc({number}, 0.975), quantile_disc({number}, 0.99)"
        f" FROM {ROWS} WHERE {number} IS NOT NULL"
    )
    for edge in sorted(set(edges[2:])):
        if low < edge < high:
            text = f"{edge:g}+"
            yield _draft(key, "top", f"{edge:g} and above become one value",
                         f"CASE WHEN {number} >= {edge!r} THEN '{text}' ELSE {column} END")  # fmt: skip
    for edge in sorted(set(edges[:2])):
        if low < edge < high:
            yield _draft(key, "bottom", f"{edge:g} and below become one value",
                         f"CASE WHEN {number} <= {edge!r} THEN '{edge:g}-' ELSE {column} END")  # fmt: skip
    span = high - low
    for width in _widths(span):
        yield _draft(key, "band", f"bands of {width:g}",
                     f"CASE WHEN {number} IS NULL THEN {column} ELSE"
                     f" (floor({number} / {width!r}) * {width!r})::VARCHAR END")  # fmt: skip


def _widths(span: float) -> list[float]:
    """Return round widths that cut a span into about 20, 10 and 5 bands.

    Examples:
        >>> _widths(100), _widths(8)
        ([5.0, 10.0, 20.0], [0.5, 1.0, 2.0])
    """
    found = []
    for parts in (20, 10, 5):
        rough, scale = span / parts, 1.0
        while rough >= 10:
            rough, scale = rough / 10, scale * 10
        while rough < 1:
            rough, scale = rough * 10, scale / 10
        found.append(min((one for one in (1, 2, 5, 10) if one >= rough * 0.999), default=10) * scale)
    return sorted(set(found))


def _prefixes(engine: Engine, key: str, longest: int) -> Iterator[Proposal]:
    column = quoted(key)
    counts = dict(
        engine.rows(
            f"SELECT n, count(DISTINCT left({column}, n)) FROM {ROWS}, range(2, {longest}) t(n) GROUP BY n ORDER BY n"
        )
    )
    seen = int(engine.value(f"SELECT count(DISTINCT {column}) FROM {ROWS}"))
    for length in sorted(counts, reverse=True):
        if 1 <= counts[length] < seen:
            seen = counts[length]
            yield _draft(key, "prefix", f"the first {length} characters only", f"left({column}, {length})")


def _rare(engine: Engine, key: str) -> Iterator[Proposal]:
    column = quoted(key)
    rare = [
        value
        for (value,) in engine.rows(
            f"SELECT {column} FROM {ROWS} GROUP BY {column} HAVING count(*) < {_RARE} ORDER BY count(*), {column} LIMIT 500"
        )
    ]
    if rare:
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value in rare)
        yield _draft(key, "rare", f"{len(rare)} values of fewer than {_RARE} rows become one",
                     f"CASE WHEN {column} IN ({listed}) THEN 'other' ELSE {column} END")  # fmt: skip
