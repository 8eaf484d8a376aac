"""What the catalogue says beside the facts: how long each is good, and what stands where nothing is stated.

A fact that nobody stated is unknown. The exceptions are those where another answer tells the value, because the
questionnaire then does not ask (a household without animals has no cattle); they are data of the catalogue. Read and
checked here; `missing` applies them. May call nothing but the error kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

Plain: TypeAlias = bool | int | float | str
ALWAYS_MONTHS = 1200


@dataclass(frozen=True, slots=True)
class GoodFor:
    """How many months something stated is held to be good, how well that is known, and whence."""

    months: float
    mark: str
    source: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """The freshness rules: by fact, and for all others by group (`default`, `beneficiary`).

    `keep` is the share still true under which a curve of re-interviews says that a fact is no longer good.
    """

    keep: float = 0.8
    groups: Mapping[str, GoodFor] = field(default_factory=lambda: MappingProxyType({}))
    facts: Mapping[str, GoodFor] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Implied:
    """One value that other answers imply where a fact is not stated.

    Attributes:
        value: What stands.
        where: Facts of the same register and the value that each must have.
        under: Facts of the same register and the number that each must be below.
        why: In words.
    """

    value: Plain
    where: Mapping[str, Plain]
    under: Mapping[str, float]
    why: str

    @property
    def gates(self) -> tuple[str, ...]:
        """Name the facts that tell."""
        return (*self.where, *self.under)

    @property
    def in_words(self) -> str:
        """Return the rule as a short sentence."""
        told = [f"{name} is {_shown(value)}" for name, value in self.where.items()]
        told += [f"{name} is under {limit:g}" for name, limit in self.under.items()]
        return f"{_shown(self.value)} where {' and '.join(told)}"


def _shown(value: Plain) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def read_freshness(document: Mapping[str, Any], names: Mapping[str, Any]) -> tuple[Freshness, list[str]]:
    """Read the freshness rules; return them with what is wrong, in words.

    Args:
        document: The section `freshness`; groups beside `keep` and `facts`.
        names: The facts of the catalogue.
    """
    problems: list[str] = []

    def one(entry: Any, where: str) -> GoodFor | None:
        months = entry.get("months") if isinstance(entry, Mapping) else None
        if not isinstance(months, int | float) or isinstance(months, bool) or months <= 0:
            problems.append(f"freshness of {where}: months are a number above 0")
            return None
        return GoodFor(float(months), str(entry.get("mark", "")), str(entry.get("source", "")))

    groups = {str(k): one(v, str(k)) for k, v in document.items() if k not in ("keep", "facts")}
    facts: dict[str, GoodFor] = {}
    for entry in document.get("facts") or ():
        found = one(entry, ", ".join(entry.get("facts", ())))
        for name in entry.get("facts", ()):
            if name not in names:
                problems.append(f"freshness of {name}: there is no such fact")
            elif name in facts:
                problems.append(f"freshness of {name} stands twice")
            elif found is not None:
                facts[name] = found
    kept = {name: group for name, group in groups.items() if group is not None}
    return Freshness(float(document.get("keep", 0.8)), MappingProxyType(kept), MappingProxyType(facts)), problems


def read_implied(entries: Any, facts: Mapping[str, Any]) -> tuple[dict[str, tuple[Implied, ...]], list[str]]:
    """Read what stands where nothing is stated; return the rules by fact, in their order, with what is wrong.

    Args:
        entries: The section `missing`.
        facts: The facts of the catalogue, with `entity`, `type` and `codes`.
    """
    found: dict[str, list[Implied]] = {}
    problems: list[str] = []
    for number, entry in enumerate(entries or (), start=1):
        where, under = dict(entry.get("where") or {}), dict(entry.get("under") or {})
        told = f"missing, rule {number}"
        if "is" not in entry or not (where or under) or not entry.get("facts") or not entry.get("why"):
            problems.append(f"{told}: it needs `is`, `facts`, `why`, and `where` or `under`")
            continue
        rule = Implied(entry["is"], MappingProxyType(where), MappingProxyType(under), str(entry["why"]))
        for name in entry["facts"]:
            wrong = _wrong(name, rule, facts)
            problems += [f"{told}: {problem}" for problem in wrong]
            if not wrong:
                found.setdefault(name, []).append(rule)
    return {name: tuple(rules) for name, rules in found.items()}, problems


def _wrong(name: str, rule: Implied, facts: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with one rule for one fact."""
    absent = [one for one in (name, *rule.gates) if one not in facts]
    if absent:
        return [f"there is no fact {', '.join(absent)}"]
    problems = []
    for gate in rule.gates:
        if facts[gate].entity != facts[name].entity:
            problems.append(f"{gate} is not of the same register as {name}")
        if gate == name:
            problems.append(f"{name} cannot tell its own value")
    stated = [(name, rule.value), *rule.where.items(), *rule.under.items()]
    return problems + [f"{value!r} is no value of {one}" for one, value in stated if not _fits(value, facts[one])]


def _fits(value: Plain, fact: Any) -> bool:
    if fact.type == "boolean":
        return isinstance(value, bool)
    if fact.type in ("integer", "decimal", "money"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and (fact.type != "code" or value in fact.codes)
