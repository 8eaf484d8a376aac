"""Read what nobody stated as the catalogue's missing-value policy says: unknown, or what other answers imply.

The policy is applied where facts become typed (a registry's snapshot, a file of facts, one household that is typed in),
before any rule or model sees them, so that every engine reads the same. Nothing is written back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from khana_methods.rules.fact_policies import Implied, Plain
from khana_methods.rules.facts import Fact, FactCatalogue, load_facts


def gates_of(names: Collection[str], catalogue: FactCatalogue) -> frozenset[str]:
    """Name the facts that tell the values of these facts where they are not stated."""
    return frozenset(
        gate
        for name in names
        if name in catalogue.facts
        for rule in catalogue.facts[name].implied
        for gate in rule.gates
    )


def implied_sql(fact: Fact, stated: str, gate: Callable[[str], str | None]) -> str:
    """Write the value of a fact in SQL: what is stated, else what other answers imply, else null.

    Args:
        fact: With its policy.
        stated: SQL of the stated value.
        gate: SQL of the stated value of another fact, None where the data does not have it.

    Examples:
        >>> fact = load_facts().get("cattle_count")
        >>> implied_sql(fact, "c", lambda name: "a" if name == "has_animals" else None)
        'CASE WHEN c IS NULL AND a = false THEN 0.0 ELSE c END'
        >>> implied_sql(fact, "c", lambda name: None)
        'c'
    """
    branches = []
    for rule in fact.implied:
        columns = {name: gate(name) for name in rule.gates}
        if None in columns.values():
            continue
        told = [f"{columns[name]} = {_literal(value)}" for name, value in rule.where.items()]
        told += [f"{columns[name]} < {float(limit)!r}" for name, limit in rule.under.items()]
        branches.append(f"WHEN {stated} IS NULL AND {' AND '.join(told)} THEN {_literal(rule.value)}")
    return f"CASE {' '.join(branches)} ELSE {stated} END" if branches else stated


def _literal(value: Plain) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(float(value)) if isinstance(value, int | float) else "'" + value.replace("'", "''") + "'"


def fill_implied(facts: Mapping[str, Any], *, catalogue: FactCatalogue | None = None) -> dict[str, Any]:
    """Return the facts of one household or one person with those that her other answers imply.

    Args:
        facts: By name; what is absent or None is not stated.
        catalogue: Facts; the shipped catalogue by default.

    Examples:
        >>> fill_implied({"has_animals": False, "rooms": 2})["cattle_count"]
        0
        >>> "cattle_count" in fill_implied({"rooms": 2})
        False
        >>> fill_implied({"age": 3, "is_attending": None})["is_attending"]
        False
    """
    known = catalogue or load_facts()
    full = dict(facts)
    for name, fact in known.facts.items():
        if facts.get(name) is None:
            value = next((rule.value for rule in fact.implied if _holds(rule, facts)), None)
            if value is not None:
                full[name] = value
    return full


def _holds(rule: Implied, facts: Mapping[str, Any]) -> bool:
    """Say whether every gate is stated and has its value; gates themselves are never implied."""
    stated = {name: facts.get(name) for name in rule.gates}
    if None in stated.values():
        return False
    return all(_same(stated[name], value) for name, value in rule.where.items()) and all(
        isinstance(value := stated[name], int | float) and value < limit for name, limit in rule.under.items()
    )


def _same(stated: Any, value: Plain) -> bool:
    return stated == value and isinstance(stated, bool) == isinstance(value, bool)
