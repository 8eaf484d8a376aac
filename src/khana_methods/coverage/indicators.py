"""Compute every indicator of a framework from frames: by area of each level and by group, in one pass a relation.

A condition that holds counts one and a number counts itself; what is unknown counts nothing in either part. A figure
without a denominator to divide by has no value, and that is its answer: it is never shown as zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from khana_methods.coverage.framework import Framework, Indicator, facts_of, rule_of
from khana_methods.engine.duckdb import Engine
from khana_methods.rules.compile import compile_rules

LEVELS = 5  # country, province, district, tehsil, union


@dataclass(frozen=True, slots=True)
class Value:
    """One value: of an indicator, an area, and a group (`group_by` empty: everybody)."""

    indicator: str
    area_code: str
    area_level: int
    group_by: str
    group_value: str
    numerator: float
    denominator: float | None
    value: float | None


def compute(
    engine: Engine,
    framework: Framework,
    *,
    parameters: Mapping[str, float],
    levels: int = LEVELS,
    group_levels: int = 2,
) -> list[Value]:
    """Compute all indicators over the tables `household`, `recipient` and `payment` of the engine.

    Args:
        engine: Holds the relations that the framework asks: `household_id`, `area_path` and the facts of each.
        framework: What to compute.
        parameters: The country's values for the braces in rules.
        levels: How many levels of areas, from the country down.
        group_levels: Groups are given for so many of them.

    Returns:
        Values in the order of framework, area and group; areas where nobody stands are absent.

    Raises:
        ParameterMissing: A value is not stated.
    """
    made: list[Value] = []
    for relation in dict.fromkeys(one.relation for one in framework.indicators):
        if not engine.has(relation):
            continue
        wanted = [one for one in framework.indicators if one.relation == relation]
        _decide(engine, relation, wanted, parameters)
        made += _areas(engine, list(enumerate(wanted)), levels, "")
        for fact in dict.fromkeys(fact for one in wanted for fact in one.disaggregation):
            asked = [(at, one) for at, one in enumerate(wanted) if fact in one.disaggregation]
            made += _areas(engine, asked, group_levels, fact)
        engine.drop("decided")
    order = {one.code: at for at, one in enumerate(framework.indicators)}
    made.sort(key=lambda v: (order[v.indicator], v.area_level, v.area_code, v.group_by, v.group_value))
    return made


def _decide(engine: Engine, relation: str, wanted: Sequence[Indicator], parameters: Mapping[str, float]) -> None:
    """Make the table `decided`: two sums an indicator by the codes of areas and the facts of groups."""
    rules = {}
    for at, one in enumerate(wanted):
        rules[f"n{at}"] = rule_of(one, one.numerator, parameters)
        if one.denominator:
            rules[f"d{at}"] = rule_of(one, one.denominator, parameters)
    facts = dict.fromkeys(fact for one in wanted for fact in one.disaggregation)
    sql = compile_rules(rules, household=relation, catalogue=facts_of(relation))
    areas = ", ".join(f"nullif(split_part(r.area_path, '.', {level + 1}), '') AS a{level}" for level in range(LEVELS))
    groups = "".join(f", CAST(r.{fact} AS VARCHAR) AS g_{fact}" for fact in facts)
    sums = ", ".join(f"sum(CAST(v.{name} AS DOUBLE)) AS {name}" for name in rules)
    # added up once by the smallest area and all groups: what follows reads this small table
    engine.run(
        f"CREATE OR REPLACE TABLE decided AS SELECT {sums}, {areas}{groups} "
        f"FROM ({sql}) AS v JOIN {relation} AS r ON r.household_id = v.household_id GROUP BY ALL"
    )


def _areas(engine: Engine, wanted: Sequence[tuple[int, Indicator]], levels: int, fact: str) -> list[Value]:
    """Add up by area of each level, and by the values of one fact where it is named; indicators with their place."""
    group = f"g_{fact}" if fact else "''"
    sums = ", ".join(f"sum(n{at}), {f'sum(d{at})' if one.denominator else 'NULL'}" for at, one in wanted)
    keys = [f"a{level}" for level in range(levels)]
    sets = ", ".join(f"({', '.join([*keys[: level + 1], *([group] if fact else [])])})" for level in range(levels))
    rows = engine.rows(
        f"SELECT {', '.join(f'grouping({key})' for key in keys)}, {', '.join(keys)}, {group}, {sums} "
        f"FROM decided GROUP BY GROUPING SETS ({sets})"
    )
    made = []
    for row in rows:
        level = sum(1 for bit in row[:levels] if bit == 0) - 1
        code, value = row[levels + level], row[2 * levels]
        if code is None or (fact and value is None):
            continue
        for place, (_, one) in enumerate(wanted):
            above, below = row[2 * levels + 1 + 2 * place : 2 * levels + 3 + 2 * place]
            made.append(_value(one, code, level, fact, str(value or ""), above, below))
    return made


def _value(one: Indicator, code: str, level: int, fact: str, group: str, above: Any, below: Any) -> Value:
    numerator = float(above or 0.0)
    denominator = float(below or 0.0) if one.denominator else None
    value: float | None = numerator
    if denominator is not None:
        value = numerator / denominator if denominator else None
    return Value(one.code, code, level, fact, group if fact else "", numerator, denominator, value)


def digest(values: Sequence[Value]) -> str:
    """Return the hash of values in order: two snapshots of one state have one hash."""
    made = hashlib.sha256()
    for value in values:
        made.update(repr(tuple(asdict(value).values())).encode())
    return made.hexdigest()


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the delivery chain: how many, what share of the stage before came so far, and how long it took.

    Attributes:
        indicator: That counts it.
        count: How many.
        conversion: Over the stage before; of one that stands aside over the same stage.
        of_first: Over the first stage.
        days: Mean days of the stage; None where none is known.
        is_aside: It waits beside the chain.
    """

    indicator: str
    count: float
    conversion: float | None
    of_first: float | None
    days: float | None = None
    is_aside: bool = False


def funnel(framework: Framework, values: Sequence[Value], area_code: str) -> list[Stage]:
    """Return the delivery chain of one area, each stage against the one before.

    Source:
        Lindert et al. 2020, Sourcebook on the Foundations of Social Protection Delivery Systems.
    """
    here = {v.indicator: v for v in values if v.area_code == area_code and not v.group_by}
    made: list[Stage] = []
    before: float | None = None
    for step in framework.funnel:
        found, delay = here.get(step.code), here.get(step.delay)
        count = found.numerator if found else 0.0
        first = made[0].count if made else None
        made.append(
            Stage(step.code, count, count / before if before else None, count / first if first else None,
                  delay.value if delay else None, step.is_aside)
        )  # fmt: skip
        if not step.is_aside:
            before = count
    return made
