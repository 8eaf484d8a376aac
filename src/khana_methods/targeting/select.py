"""Choose households by score: under a cut-off, the poorest share, within a budget, within quotas of areas.

Ties at the margin are settled by a rule that the caller names: `all` takes every household tied there, `none`
takes none, `split` takes a fraction of each (for measuring only), `key` takes them in the order of a column. Null
scores are never chosen. The result stands in the table `chosen` (id, share in [0, 1]).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pyarrow as pa

from khana_methods.errors import InputError
from khana_methods.targeting.population import Population, sql_name

TIES = ("all", "none", "split", "key")


class TieRuleUnknown(InputError):
    """Ties cannot be settled so: another rule would choose other families."""

    code: ClassVar[str] = "targeting.select.tie_rule_unknown"


class ShareOutOfRange(InputError):
    """A share, budget or quota is negative, or a share is over one."""

    code: ClassVar[str] = "targeting.select.out_of_range"


def check_ties(ties: str, *, has_key: bool) -> None:
    """Make sure that a rule for ties is one, and that `key` alone comes with an order.

    Raises:
        TieRuleUnknown: It is not.
    """
    if ties not in TIES or (ties == "key") != has_key:
        raise TieRuleUnknown(f"Ties are settled by {', '.join(TIES)}; 'key' names a column and the others none.")


def choose_below(people: Population, cut_off: float) -> None:
    """Choose every household whose score is at or under a cut-off."""
    people.engine.run(
        "CREATE OR REPLACE TABLE chosen AS SELECT id, CASE WHEN s <= $cut THEN 1.0 ELSE 0.0 END::DOUBLE AS share FROM people",
        {"cut": cut_off},
    )


def choose_paid(people: Population) -> None:
    """Choose the households that were paid: the programme as it is."""
    people.engine.run(
        "CREATE OR REPLACE TABLE chosen AS SELECT id, CASE WHEN b > 0 THEN 1.0 ELSE 0.0 END::DOUBLE AS share FROM people"
    )


def choose_share(people: Population, share: float, *, ties: str = "split", key: str | None = None) -> None:
    """Choose the poorest share of the population by score.

    Args:
        people: Of these, by their weight in force.
        share: Between 0 and 1.
        ties: How ties at the margin are settled.
        key: Column whose order settles ties under `key`; it should be unique.

    Raises:
        ShareOutOfRange: The share is not between 0 and 1.
        TieRuleUnknown: Not a rule for ties, or `key` without a column.
    """
    if not 0 <= share <= 1:
        raise ShareOutOfRange("A share lies between 0 and 1.", share=share)
    total = people.figure("SELECT sum(m) FROM people")[0]
    _choose_up_to(people, share * total, amount="m", ties=ties, key=key)


def choose_budget(people: Population, budget: float, *, cost: str, ties: str = "none", key: str | None = None) -> None:
    """Choose the poorest households until the next would not fit into a budget; nobody behind her is taken instead.

    Args:
        people: Of these.
        budget: Money for all, in the unit of `cost`.
        cost: Column of the cost of one household; it is multiplied by its weight.
        ties: As in `choose_share`; `all` is refused, for it could overspend.
        key: Column whose order settles ties under `key`.

    Raises:
        ShareOutOfRange: The budget is negative.
        TieRuleUnknown: Not a rule for ties within a budget.
    """
    if budget < 0:
        raise ShareOutOfRange("A budget is not negative.", budget=budget)
    if ties == "all":
        raise TieRuleUnknown("Under a budget ties cannot all be taken: it could overspend. Use none, split or key.")
    _choose_up_to(people, budget, amount=f"w * CAST({people.column(cost)} AS DOUBLE)", ties=ties, key=key)


def choose_quota(
    people: Population, quotas: Mapping[str, float], *, area: str, ties: str = "none", key: str | None = None
) -> None:
    """Choose the poorest households of each area up to its quota of households.

    Args:
        people: Of these; an area without a quota gets nobody.
        quotas: Households by area, counted by their sampling weight.
        area: Column of the area.
        ties: As in `choose_share`, within each area.
        key: Column whose order settles ties under `key`.
    """
    if any(quota < 0 for quota in quotas.values()):
        raise ShareOutOfRange("A quota is not negative.")
    table = pa.table({"area": list(map(str, quotas)), "quota": [float(quota) for quota in quotas.values()]})
    people.engine.register("quotas", table)
    place = f"CAST({people.column(area)} AS VARCHAR)"
    limit = f"COALESCE((SELECT quota FROM quotas WHERE quotas.area = {place}), 0)"
    _choose_up_to(people, None, amount="w", ties=ties, key=key, part=place, limit=limit)


def _choose_up_to(
    people: Population,
    target: float | None,
    *,
    amount: str,
    ties: str,
    key: str | None,
    part: str = "1",
    limit: str = "$target",
) -> None:
    """Choose in the order of the score until an amount is reached, in each part for itself."""
    check_ties(ties, has_key=key is not None)
    order = "s" if key is None else f"s, {people.column(key)}"
    room = {
        "all": "CASE WHEN reached - own < upto - slack THEN 1 ELSE 0 END",
        "none": "CASE WHEN reached <= upto + slack THEN 1 ELSE 0 END",
        "key": "CASE WHEN reached <= upto + slack THEN 1 ELSE 0 END",
        "split": "CASE WHEN own > 0 THEN greatest(0, least(1, (upto - (reached - own)) / own)) "
        "WHEN reached <= upto THEN 1 ELSE 0 END",
    }[ties]
    people.engine.run(
        f"""CREATE OR REPLACE TABLE chosen AS
            WITH each AS (SELECT id, s, {part} AS part, {amount} AS amount, {limit} AS upto,
                                 dense_rank() OVER (PARTITION BY {part} ORDER BY {order}) AS place
                          FROM people WHERE s IS NOT NULL),
                 tied AS (SELECT part, place, sum(amount) AS own FROM each GROUP BY part, place),
                 filled AS (SELECT *, sum(own) OVER (PARTITION BY part ORDER BY place) AS reached FROM tied)
            SELECT people.id, CAST(COALESCE(taken.share, 0) AS DOUBLE) AS share
            FROM people LEFT JOIN (SELECT id, {room} AS share
                                   FROM (SELECT each.id, each.upto, own, reached, 1e-9 * (1 + abs(each.upto)) AS slack
                                         FROM each JOIN filled ON filled.part = each.part AND filled.place = each.place))
            AS taken ON taken.id = people.id""",
        {} if target is None else {"target": float(target)},
    )


def chosen(people: Population, *, key: str) -> pa.Table:
    """Return who was chosen last: `key` and `share` in [0, 1], in the order of the key.

    Examples:
        >>> frame = pa.table({"id": ["a", "b", "c"], "y": [1.0, 2.0, 3.0], "s": [9.0, 5.0, 5.0], "cost": [4, 4, 4]})
        >>> with Population(frame, welfare="y", score="s") as people:
        ...     choose_budget(people, 6, cost="cost", ties="key", key="id")
        ...     chosen(people, key="id").to_pydict()
        {'id': ['a', 'b', 'c'], 'share': [0.0, 1.0, 0.0]}
    """
    name = people.column(key)
    return people.engine.table(
        f"""SELECT people.{name} AS {sql_name(key)}, chosen.share FROM people JOIN chosen ON chosen.id = people.id
            ORDER BY people.{name}"""
    )
