"""Lists for community validation: a formula proposes, the people who live there say who is there and who is in need.

A *proposed* household is at or under the cut-off; one in *reserve* is just over it. The community confirms, objects, or
puts a reserve forward; within a margin under the cut-off its objection counts, further down it asks two officers to look.
A community never ends with more households than the formula proposed for it, so that no area gains by its verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError

VERDICTS = {
    "in_need": ("in_need", "yes", "y", "confirm", "confirmed", "1"),
    "not_in_need": ("not_in_need", "no", "n", "object", "objected", "0"),
    "not_here": ("not_here", "gone", "moved", "dead", "unknown", "not known"),
    "": ("", "-"),
}
OUTCOMES = ("SELECTED", "ADDED", "REVIEW", "DROPPED", "NOT_SELECTED")

# One household of a list: who, where, and what the formula said.
scored_frame = pa.schema([("household", pa.string()), ("area", pa.string()), ("score", pa.float64())])
# One household of a community's list, in the order of their numbers: `band` is sure, near_under or near_over.
list_frame = pa.schema(
    [("area", pa.string()), ("line", pa.int64()), ("household", pa.string()), ("proposed", pa.string()), ("band", pa.string()),
     ("score", pa.float64())]
)  # fmt: skip


class ListEmpty(InputError):
    """No household with a score lies at or near the cut-off: there is nothing to validate."""

    code: ClassVar[str] = "targeting.validation.list_empty"


class VerdictUnclear(InputError):
    """A verdict is none of the words that are known, or of a household that is on no list, or stands twice."""

    code: ClassVar[str] = "targeting.validation.verdict_unclear"


class MarginInvalid(InputError):
    """A margin is a number of points over nothing, and a cut-off is a number."""

    code: ClassVar[str] = "targeting.validation.margin_invalid"


def check_margin(cut_off: float, margin: float) -> None:
    """Refuse a cut-off or a margin that means nothing.

    Raises:
        MarginInvalid: The margin is not over nothing, or a number is beyond any score.
    """
    if not (margin > 0 and margin < 1e6 and abs(cut_off) < 1e6):
        raise MarginInvalid("The margin is a number of points over nothing.", margin=margin)


def draw_lists(
    engine: Engine, scored: pa.Table, *, cut_off: float, margin: float, most_reserve: float | None = None
) -> pa.Table:
    """Make the list of each community.

    Args:
        engine: Does the work.
        scored: In the columns of `scored_frame`; a household without a score is on no list.
        cut_off: Highest score that is proposed.
        margin: Points under and over the cut-off in which the community decides.
        most_reserve: At most so many in reserve as a share of the proposed of their area, nearest first, ties together.

    Returns:
        In the columns of `list_frame`: all at or under the cut-off and those up to `margin` over it; by area and number, so that
        nobody reads a rank out of the order.

    Raises:
        MarginInvalid: The numbers mean nothing.
        ListEmpty: Nobody is at or near the cut-off.

    Source:
        Alatas, Banerjee, Hanna, Olken and Tobias 2012, Targeting the Poor: Evidence from a Field Experiment in Indonesia, AER
        102(4), for formula and community together; Conning and Kevane 2002 for what communities know.

    Examples:
        >>> scored = pa.table({"household": ["1", "2", "3", "4"], "area": ["u"] * 4, "score": [20.0, 31.5, 33.0, 60.0]})
        >>> with Engine(memory_mib=256, threads=1) as engine:
        ...     rows = draw_lists(engine, scored, cut_off=32, margin=2).to_pylist()
        >>> [(row["household"], row["proposed"], row["band"]) for row in rows]
        [('1', 'yes', 'sure'), ('2', 'yes', 'near_under'), ('3', 'reserve', 'near_over')]
    """
    check_margin(cut_off, margin)
    engine.register("scored_here", scored.select(scored_frame.names), schema=scored_frame)
    reserve = "true" if most_reserve is None else f"place <= {float(most_reserve)!r} * proposed"
    found = engine.table(
        f"""WITH near AS (SELECT household, coalesce(area, '') AS area, score,
                CASE WHEN score <= $cut - $margin THEN 'sure' WHEN score <= $cut THEN 'near_under' ELSE 'near_over' END AS band
                FROM scored_here WHERE score <= $cut + $margin),
            counted AS (SELECT *, count(*) FILTER (WHERE band <> 'near_over') OVER (PARTITION BY area) AS proposed,
                rank() OVER (PARTITION BY area, band = 'near_over' ORDER BY score) AS place FROM near)
            SELECT area, row_number() OVER (PARTITION BY area ORDER BY household) AS line, household,
                CASE WHEN band = 'near_over' THEN 'reserve' ELSE 'yes' END AS proposed, band, score
            FROM counted WHERE band <> 'near_over' OR {reserve} ORDER BY area, household""",
        {"cut": float(cut_off), "margin": float(margin)},
    ).cast(list_frame)
    engine.drop("scored_here")
    if not found.num_rows:
        raise ListEmpty("No household with a score lies at or near the cut-off.", cut_off=cut_off)
    return found


def read_verdicts(households: Sequence[str | None], verdicts: Sequence[str | None]) -> pa.Table:
    """Read what a community wrote: one of the words of `VERDICTS` in each row.

    Raises:
        VerdictUnclear: A word is not known or a household stands twice; the rows are named, counting from 1.
    """
    words = {word: verdict for verdict, known in VERDICTS.items() for word in known}
    read = [
        words.get((text or "").strip().lower().replace(" ", "_"), words.get((text or "").strip().lower()))
        for text in verdicts
    ]
    wrong = [row for row, verdict in enumerate(read, start=1) if verdict is None]
    if wrong:
        shown = ", ".join(map(str, wrong[:10]))
        raise VerdictUnclear(
            f"{len(wrong)} verdicts are none of {', '.join(filter(None, VERDICTS))}: rows {shown}.", rows=wrong[:10]
        )
    names = [str(name or "").strip() for name in households]
    twice = len(names) - len(set(names))
    if twice or "" in names:
        raise VerdictUnclear(f"{twice} households stand twice or have no number.", rows=twice)
    return pa.table({"household": pa.array(names, pa.string()), "verdict": pa.array(read, pa.string())})


def settle_lists(engine: Engine, lists: pa.Table, verdicts: pa.Table) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Say what comes of the verdicts, household by household and community by community.

    Args:
        engine: Does the work.
        lists: As `draw_lists` made them.
        verdicts: Of `read_verdicts`; a household without one counts as not spoken of.

    Returns:
        The list with `verdict` and `outcome` (SELECTED; ADDED from the reserve, lowest score first, ties together only where all
        fit, up to the places that fell free; REVIEW by two officers; DROPPED; NOT_SELECTED); and a row for each area: proposed,
        spoken_of, objected, dropped, review, added, selected, `z`: how far its share of objections lies from that of all areas,
        in standard errors. A high one may be knowledge or capture; it asks for a look.

    Raises:
        VerdictUnclear: A verdict is of a household that is on no list.
    """
    unknown = verdicts.num_rows - int(
        pc.sum(pc.is_in(verdicts["household"], lists["household"].combine_chunks()).cast(pa.int64())).as_py() or 0
    )
    if unknown:
        raise VerdictUnclear(f"{unknown} verdicts are of households that are on no list.", rows=unknown)
    engine.register("drawn", lists)
    engine.register("spoken", verdicts)
    engine.run(
        """CREATE OR REPLACE TABLE judged AS
           SELECT d.*, coalesce(s.verdict, '') AS verdict,
                CASE WHEN d.band = 'near_over' THEN NULL
                     WHEN s.verdict = 'not_here' THEN 'REVIEW'
                     WHEN s.verdict = 'not_in_need' THEN CASE WHEN d.band = 'sure' THEN 'REVIEW' ELSE 'DROPPED' END
                     ELSE 'SELECTED' END AS early
           FROM drawn d LEFT JOIN spoken s ON s.household = d.household"""
    )
    settled = engine.table(
        """WITH free AS (SELECT area, count(*) FILTER (WHERE early = 'DROPPED') AS places FROM judged GROUP BY area),
                forward AS (SELECT j.household, rank() OVER (PARTITION BY j.area ORDER BY j.score) AS first,
                                   count(*) OVER (PARTITION BY j.area, j.score) AS tied
                            FROM judged j WHERE j.band = 'near_over' AND j.verdict = 'in_need')
           SELECT j.* EXCLUDE (early), coalesce(j.early,
                CASE WHEN f.first IS NOT NULL AND f.first + f.tied - 1 <= free.places THEN 'ADDED' ELSE 'NOT_SELECTED' END) AS outcome
           FROM judged j JOIN free ON free.area = j.area LEFT JOIN forward f ON f.household = j.household
           ORDER BY j.area, j.line"""
    )
    engine.register("settled", settled)
    areas: list[dict[str, Any]] = engine.table(
        """WITH counted AS (SELECT area, count(*) FILTER (WHERE band <> 'near_over') AS proposed,
                    count(*) FILTER (WHERE band <> 'near_over' AND verdict <> '') AS spoken_of,
                    count(*) FILTER (WHERE band <> 'near_over' AND verdict = 'not_in_need') AS objected,
                    count(*) FILTER (WHERE outcome = 'DROPPED') AS dropped, count(*) FILTER (WHERE outcome = 'REVIEW') AS review,
                    count(*) FILTER (WHERE outcome = 'ADDED') AS added,
                    count(*) FILTER (WHERE outcome IN ('SELECTED', 'ADDED')) AS selected FROM settled GROUP BY area),
                share AS (SELECT sum(objected) / nullif(sum(spoken_of), 0) AS p FROM counted)
           SELECT counted.*, CASE WHEN spoken_of > 0 AND p > 0 AND p < 1
                THEN round((objected / spoken_of - p) / sqrt(p * (1 - p) / spoken_of), 2) END AS z
           FROM counted, share ORDER BY z DESC NULLS LAST, area"""
    ).to_pylist()
    engine.drop("drawn", "spoken", "judged", "settled")
    return settled, areas
