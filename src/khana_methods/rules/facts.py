"""The catalogue of facts: names, types, units, periods, entities and meanings of all that is known.

A *fact* is one thing that can be known of a household, a person, a list row or a register entry.
Contracts map columns onto facts; rules, models and indicators read them; so a wrong unit or an
unknown name is refused here, once. The catalogue itself is data (`facts.yaml`), with how long facts
are good and what stands where nothing is stated; this module reads and checks it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from khana_methods.errors import InputError, NotConfigured
from khana_methods.rules.fact_policies import Freshness, Implied, read_freshness, read_implied
from khana_methods.yaml_text import read_yaml

TYPES = frozenset(
    {
        "text",
        "integer",
        "decimal",
        "boolean",
        "date",
        "partial_date",
        "code",
        "personal_number",
        "mobile",
        "account",
        "period",
        "area",
        "money",
    }
)
_KEYS = frozenset({"name", "type", "unit", "per", "period", "entity", "also", "pii", "meaning", "codes"})
_REQUIRED = ("name", "type", "entity", "pii", "meaning")
_WITH_UNIT = frozenset({"integer", "decimal", "money"})


class CatalogueInvalid(NotConfigured):
    """The catalogue of facts contradicts itself; nothing may be read with it."""

    code: ClassVar[str] = "rules.facts.invalid"


class FactUnknown(InputError):
    """A contract, rule or form names a fact that the catalogue does not have."""

    code: ClassVar[str] = "rules.facts.unknown"


class FactNotOfEntity(InputError):
    """A fact is used for a register that does not state it: its unit or period would be guessed."""

    code: ClassVar[str] = "rules.facts.not_of_entity"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of the catalogue; `entities` lists every register that states it, its own first.

    `per` is the unit that it was divided by: income per person is in currency per person. `implied` is what other
    answers tell where it is not stated; where none of them does, it is unknown. `good_for_months` is None for what no
    interview states anew (rows of lists, registers, catalogues).
    """

    name: str
    type: str
    entity: str
    entities: tuple[str, ...]
    pii: str
    meaning: str
    unit: str = ""
    period: str = ""
    per: str = ""
    codes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    implied: tuple[Implied, ...] = ()
    good_for_months: float | None = None

    @property
    def missing_policy(self) -> str:
        """Say what stands where nothing is stated."""
        return "; ".join([*(rule.in_words for rule in self.implied), "unknown" if not self.implied else "else unknown"])


@dataclass(frozen=True, slots=True)
class FactCatalogue:
    """All facts by name, in the order of the file, with the words they may use and the rules of freshness."""

    facts: Mapping[str, Fact]
    units: tuple[str, ...]
    periods: tuple[str, ...]
    entities: tuple[str, ...]
    pii_classes: tuple[str, ...]
    freshness: Freshness = field(default_factory=Freshness)

    def get(self, name: str, entity: str = "") -> Fact:
        """Return the fact of that name, and make sure that the register states it.

        Args:
            name: Name of a fact.
            entity: Register that it is wanted for; empty asks for no register.

        Raises:
            FactUnknown: The catalogue has no such fact; the message offers the nearest names.
            FactNotOfEntity: The fact exists but that register does not state it.
        """
        fact = self.facts.get(name)
        if fact is None:
            near = difflib.get_close_matches(name, self.facts, n=3)
            hint = f" Nearest: {', '.join(near)}." if near else ""
            raise FactUnknown(f"There is no fact '{name}'.{hint}", fact=name, nearest=near)
        if entity and entity not in fact.entities:
            raise FactNotOfEntity(
                f"The fact '{name}' belongs to {', '.join(fact.entities)}, not to {entity}.",
                fact=name,
                entity=entity,
            )
        return fact

    def of_entity(self, entity: str) -> tuple[Fact, ...]:
        """List the facts that one register states, in the order of the catalogue."""
        return tuple(fact for fact in self.facts.values() if entity in fact.entities)


@cache
def load_facts(path: Path | None = None) -> FactCatalogue:
    """Read and check the catalogue of facts.

    Args:
        path: Another catalogue than the one that Khana ships; for tests.

    Returns:
        The catalogue, frozen; the same object on every call.

    Raises:
        CatalogueInvalid: A name stands twice, or a type, unit, period, entity or class is not
            one of those declared, or a coded fact has no codes, or a policy names what is not there. One message
            tells all of them.
    """
    file = path or Path(__file__).with_name("facts.yaml")
    document = read_yaml(file.read_text(encoding="utf-8"))
    words = {key: tuple(str(word) for word in document[key]) for key in ("units", "periods", "entities", "pii_classes")}
    problems: list[str] = []
    facts: dict[str, Fact] = {}
    for number, entry in enumerate(document["facts"], start=1):
        found = _problems_of(entry, words)
        name = str(entry.get("name", f"number {number}"))
        if name in facts:
            found.append("the name stands twice")
        problems += [f"{name}: {problem}" for problem in found]
        if not found:
            facts[name] = _fact(entry)
    freshness, wrong = read_freshness(document.get("freshness") or {}, facts)
    implied, more = read_implied(document.get("missing"), facts)
    problems += [*wrong, *more]
    if problems:
        raise CatalogueInvalid(
            f"The catalogue of facts has {len(problems)} mistakes: {'; '.join(problems)}.",
            mistakes=len(problems),
        )
    return FactCatalogue(
        facts=MappingProxyType({name: _with_policy(fact, freshness, implied) for name, fact in facts.items()}),
        units=words["units"],
        periods=words["periods"],
        entities=words["entities"],
        pii_classes=words["pii_classes"],
        freshness=freshness,
    )


def _with_policy(fact: Fact, freshness: Freshness, implied: Mapping[str, tuple[Implied, ...]]) -> Fact:
    """Return a fact with what the catalogue says of its absence and its age."""
    rule = freshness.facts.get(fact.name) or freshness.groups.get("default")
    asked = fact.entity in ("household", "person")
    months = rule.months if rule is not None and asked else None
    return replace(fact, implied=implied.get(fact.name, ()), good_for_months=months)


def _problems_of(entry: Mapping[str, Any], words: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return what is wrong with one entry, in words."""
    missing = [key for key in _REQUIRED if not entry.get(key)]
    if missing:
        return [f"{key} is missing" for key in missing]
    problems = [f"'{key}' is no key of a fact" for key in entry if key not in _KEYS]
    if not str(entry["name"]).isidentifier() or str(entry["name"]) != str(entry["name"]).lower():
        problems.append("a name is small letters, digits and underscores")
    if entry["type"] not in TYPES:
        problems.append(f"type '{entry['type']}' is not known")
    for key, allowed in (("unit", "units"), ("per", "units"), ("period", "periods"), ("pii", "pii_classes")):
        if key in entry and entry[key] not in words[allowed]:
            problems.append(f"{key} '{entry[key]}' is not declared")
    for entity in (entry["entity"], *entry.get("also", ())):
        if entity not in words["entities"]:
            problems.append(f"entity '{entity}' is not declared")
    if "unit" in entry and entry["type"] not in _WITH_UNIT:
        problems.append(f"a {entry['type']} has no unit")
    if (entry["type"] == "money") != (entry.get("unit") == "currency"):
        problems.append("money is in currency, and nothing else is")
    if (entry["type"] == "code") != bool(entry.get("codes")):
        problems.append("a code lists its codes, and nothing else does")
    return problems


def _fact(entry: Mapping[str, Any]) -> Fact:
    """Make the frozen fact of one entry that has no problem."""
    return Fact(
        name=entry["name"],
        type=entry["type"],
        entity=entry["entity"],
        entities=(entry["entity"], *entry.get("also", ())),
        pii=entry["pii"],
        meaning=entry["meaning"],
        unit=entry.get("unit", ""),
        period=entry.get("period", ""),
        per=entry.get("per", ""),
        codes=MappingProxyType({str(code): str(label) for code, label in entry.get("codes", {}).items()}),
    )
