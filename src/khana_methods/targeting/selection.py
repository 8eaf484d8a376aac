"""Draw a selection list: the poorest first in each area, up to its places or its budget, with a reserve and a waiting list.

Households of one score are tied. What settles a tie at the margin is named: `lottery` orders the tied by SHA-256 of a
published seed and their number, so that anybody can repeat it; `none` takes none of those tied there; `all` takes
every one of them. A person stands once in a list, wherever she is registered. `draw_slowly` gives the same in plain Python.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError

TIES = ("lottery", "none", "all")
SELECTED, RESERVE, WAITING = "SELECTED", "RESERVE", "WAITING"
# One row per unit that may be drawn: its number, the household, who would be paid, the path of its area
# (codes from the country down, each with a dot after it), its score (0 poorest; null last), its cost.
candidate_frame = pa.schema(
    [
        ("unit", pa.string()), ("household_id", pa.int64()), ("household_number", pa.string()), ("family_no", pa.int32()),
        ("person_id", pa.int64()), ("area_path", pa.string()), ("score", pa.float64()), ("cost", pa.float64()),
    ]
)  # fmt: skip
# One row per area with a limit: its path, and places or a budget.
quota_frame = pa.schema([("area_path", pa.string()), ("places", pa.int64()), ("budget", pa.float64())])
BYTES_OF = ("quota_area", "place", "unit", "area_code", "score", "state")


class QuotaInvalid(InputError):
    """Quotas overlap, are negative, or state both places and a budget."""

    code: ClassVar[str] = "targeting.selection.quota_invalid"


class TermsInvalid(InputError):
    """The list cannot be drawn by these terms."""

    code: ClassVar[str] = "targeting.selection.terms_invalid"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a list is drawn by: how ties are settled, the seed of the lottery, the share held in reserve."""

    ties: str = "lottery"
    seed: str = ""
    reserve: float = 0.1

    def check(self) -> None:
        """Refuse what is no rule.

        Raises:
            TermsInvalid: The tie rule is unknown, a lottery has no seed, or the reserve is no share.
        """
        if self.ties not in TIES:
            raise TermsInvalid(f"Ties are settled by {', '.join(TIES)}.", ties=self.ties)
        if self.ties == "lottery" and not self.seed.strip():
            raise TermsInvalid("A lottery needs a seed that is published before the draw.")
        if not 0 <= self.reserve <= 1:
            raise TermsInvalid("The reserve is a share of the places, from 0 to 1.")


def check_quotas(quotas: pa.Table, ties: str) -> None:
    """Refuse quotas that no list can be drawn by.

    Raises:
        QuotaInvalid: One lies within another, one is negative, or a budget is to be spent on all who are tied.
    """
    paths = sorted(quotas.column("area_path").to_pylist())
    for above, below in pairwise(paths):
        if below.startswith(above):
            raise QuotaInvalid(
                f"The quotas of {above.rstrip('.')} and {below.rstrip('.')} overlap: state each area once."
            )
    for row in quotas.to_pylist():
        limits = [value for value in (row["places"], row["budget"]) if value is not None]
        if len(limits) != 1 or limits[0] < 0:
            raise QuotaInvalid("A quota is either a number of places or a budget, and not negative.")
        if row["budget"] is not None and ties == "all":
            raise QuotaInvalid("Under a budget ties cannot all be taken: it could overspend. Use lottery or none.")


def draw(engine: Engine, *, candidates: str, quotas: pa.Table, terms: Terms, into: str) -> dict[str, int]:
    """Draw a list.

    Args:
        engine: Holds the candidates.
        candidates: Table by `candidate_frame`; a person who stands in several units keeps the one with the lowest score.
        quotas: By `quota_frame`; a unit belongs to the quota whose area it lies in and is left out where none does.
            Without any row everybody is drawn.
        terms: Ties, seed, reserve.
        into: Table to make: the candidate's columns, `quota_area`, `place` (1.. in it), `tie` and `state`.

    Returns:
        considered, twice (units left out because their person stands in another), outside (of every quota), and
        selected, reserve, waiting.

    Raises:
        TermsInvalid: See `Terms.check`.
        QuotaInvalid: See `check_quotas`.
    """
    terms.check()
    check_quotas(quotas, terms.ties)
    engine.register("quota", quotas)
    seed = terms.seed.replace("'", "''")
    room, left = "NULL::BIGINT", "NULL::DOUBLE"
    join = "CROSS JOIN (SELECT '' AS quota_path) q"
    if quotas.num_rows:
        join = "JOIN (SELECT area_path AS quota_path, places, budget FROM quota) q ON starts_with(c.area_path, q.quota_path)"
        room, left = "q.places", "q.budget"
    engine.run(f"""CREATE OR REPLACE TABLE ordered AS
        WITH once AS (SELECT *, sha256('{seed}|' || unit) AS tie,
                             row_number() OVER (PARTITION BY coalesce('p' || person_id, 'u' || unit)
                                                ORDER BY score NULLS LAST, unit) AS nth FROM {candidates}),
             placed AS (SELECT c.* EXCLUDE (nth), q.quota_path, {room} AS places, {left} AS budget,
                               coalesce(c.score, 'inf'::DOUBLE) AS s
                        FROM once c {join} WHERE c.nth = 1)
        SELECT *, row_number() OVER w AS place, sum(cost) OVER (w ROWS UNBOUNDED PRECEDING) AS spent,
               sum(cost) OVER (PARTITION BY quota_path ORDER BY s) AS spent_with_tied,
               count(*) OVER (PARTITION BY quota_path ORDER BY s) AS last_tied,
               count(*) OVER (PARTITION BY quota_path ORDER BY s) - count(*) OVER (PARTITION BY quota_path, s) AS before
        FROM placed WINDOW w AS (PARTITION BY quota_path ORDER BY s, tie, unit)""")
    fits = {
        "lottery": "(places IS NULL OR place <= places) AND (budget IS NULL OR spent <= budget + 1e-6)",
        "none": "(places IS NULL OR last_tied <= places) AND (budget IS NULL OR spent_with_tied <= budget + 1e-6)",
        "all": "places IS NULL OR before < places",
    }[terms.ties]
    engine.run(f"""CREATE OR REPLACE TABLE {into} AS
        WITH taken AS (SELECT *, ({fits}) AS is_in FROM ordered),
             counted AS (SELECT *, count(*) FILTER (is_in) OVER (PARTITION BY quota_path) AS inside FROM taken)
        SELECT unit, household_id, household_number, family_no, person_id, area_path, score, cost,
               coalesce(nullif(split_part(rtrim(quota_path, '.'), '.', -1), ''), '') AS quota_area, place, tie,
               CASE WHEN is_in THEN '{SELECTED}'
                    WHEN place <= inside + ceil({terms.reserve} * inside - 1e-9) THEN '{RESERVE}' ELSE '{WAITING}' END AS state
        FROM counted""")
    total = int(engine.value(f"SELECT count(*) FROM {candidates}"))
    once = int(engine.value(f"SELECT count(DISTINCT coalesce('p' || person_id, 'u' || unit)) FROM {candidates}"))
    states = dict(engine.rows(f"SELECT state, count(*) FROM {into} GROUP BY state"))
    engine.drop("ordered", "quota")
    return {
        "considered": total, "twice": total - once, "outside": once - sum(states.values()),
        "selected": int(states.get(SELECTED, 0)), "reserve": int(states.get(RESERVE, 0)), "waiting": int(states.get(WAITING, 0)),
    }  # fmt: skip


def draw_slowly(
    candidates: Sequence[Mapping[str, Any]], quotas: Sequence[Mapping[str, Any]], terms: Terms
) -> dict[str, tuple[str, int, str]]:
    """Draw a list in plain Python: unit -> (quota's area, place, state). The reference of `draw`.

    Examples:
        >>> some = [{"unit": u, "person_id": None, "area_path": "A.", "score": s, "cost": 1.0} for u, s in (("a", 3), ("b", 1), ("c", 2))]
        >>> draw_slowly(some, [{"area_path": "A.", "places": 1, "budget": None}], Terms(seed="x", reserve=1))
        {'b': ('A', 1, 'SELECTED'), 'c': ('A', 2, 'RESERVE'), 'a': ('A', 3, 'WAITING')}
    """
    best: dict[Any, Mapping[str, Any]] = {}
    for one in sorted(candidates, key=lambda c: (_score(c), c["unit"])):
        best.setdefault(("p", one["person_id"]) if one["person_id"] is not None else ("u", one["unit"]), one)
    found: dict[str, tuple[str, int, str]] = {}
    for quota in quotas or [{"area_path": "", "places": None, "budget": None}]:
        inside = [one for one in best.values() if one["area_path"].startswith(quota["area_path"])]
        inside.sort(key=lambda c: (_score(c), _tie(terms, c["unit"]), c["unit"]))
        taken = _taken(inside, quota, terms)
        reserve = math.ceil(terms.reserve * len(taken) - 1e-9)
        area = quota["area_path"].rstrip(".").split(".")[-1]
        for place, one in enumerate(inside, start=1):
            state = SELECTED if one["unit"] in taken else RESERVE if place <= len(taken) + reserve else WAITING
            found[one["unit"]] = (area, place, state)
    return found


def _score(one: Mapping[str, Any]) -> float:
    return math.inf if one["score"] is None else float(one["score"])


def _tie(terms: Terms, unit: str) -> str:
    return hashlib.sha256(f"{terms.seed}|{unit}".encode()).hexdigest()


def _taken(inside: Sequence[Mapping[str, Any]], quota: Mapping[str, Any], terms: Terms) -> set[str]:
    """Return who is selected of one quota's candidates in order, group by group of equal score."""
    taken: set[str] = set()
    spent, number = 0.0, 0
    for score in sorted({_score(one) for one in inside}):
        tied = [one for one in inside if _score(one) == score]
        for upto in range(len(tied), -1, -1):
            cost = spent + sum(one["cost"] for one in tied[:upto])
            fits = (quota["places"] is None or number + upto <= quota["places"]) and (
                quota["budget"] is None or cost <= quota["budget"] + 1e-6
            )
            if terms.ties == "all" and (quota["places"] is None or number < quota["places"]):
                fits = True
            if fits and (terms.ties != "none" or upto in (0, len(tied))):
                break
        else:
            upto = 0
        taken |= {one["unit"] for one in tied[:upto]}
        spent += sum(one["cost"] for one in tied[:upto])
        number += upto
        if upto < len(tied):
            break
    return taken


def bytes_of(rows: pa.Table) -> bytes:
    """Write a list as the bytes that are hashed: one line a unit, in the order of its quota's area and place.

    Args:
        rows: `quota_area`, `place`, `unit`, `area_code`, `score`, `state`.

    Returns:
        UTF-8 with a header; scores with two decimals. No library's habits are in it.
    """
    sorted_rows = rows.select(list(BYTES_OF)).sort_by(
        [("quota_area", "ascending"), ("place", "ascending"), ("unit", "ascending")]
    )
    lines = [",".join(BYTES_OF)]
    for area, place, unit, code, score, state in zip(
        *(column.to_pylist() for column in sorted_rows.columns), strict=True
    ):
        shown = "" if score is None else f"{float(score):.2f}"
        lines.append(f"{area},{place},{unit},{code},{shown},{state}")
    return ("\n".join(lines) + "\n").encode()


def settle(drawn: pa.Table, moves: Sequence[tuple[str, str]]) -> pa.Table:
    """Put recorded moves (unit, state it came to) over a list as it was drawn; the last of a unit counts."""
    last = dict(moves)
    states = [
        last.get(unit, state) for unit, state in zip(drawn["unit"].to_pylist(), drawn["state"].to_pylist(), strict=True)
    ]
    return drawn.set_column(drawn.schema.get_field_index("state"), "state", pa.array(states, pa.string()))
