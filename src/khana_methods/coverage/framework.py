"""A results framework as data: objectives, and indicators whose numerator and denominator are rules.

An indicator is of households, recipients, enrolments, rows of lists, grievances or budgets (its *relation*), and its rules may ask only what that
relation has (`relations/*.yaml`), in the one rule language. `{cut_off}` and other values of a country stand in braces. What
contradicts itself is refused whole, with every mistake in one message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import yaml

from khana_methods.errors import InputError, NotConfigured
from khana_methods.rules.check import Expression, read_rule
from khana_methods.rules.facts import FactCatalogue, load_facts
from khana_methods.yaml_text import read_yaml

RELATIONS = ("household", "recipient", "enrolment", "payment", "grievance", "budget")
UNITS = ("share", "count", "people", "money", "months", "days", "rows", "places", "cases", "ratio")
FREQUENCIES = ("month", "quarter", "half_year", "year")
_VALUE = re.compile(r"\{(\w+)\}")


class FrameworkInvalid(InputError):
    """The framework contradicts itself; nothing may be computed with it."""

    code: ClassVar[str] = "coverage.framework_invalid"


class ParameterMissing(NotConfigured):
    """A rule names a value that the country does not state for that date."""

    code: ClassVar[str] = "coverage.parameter_missing"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A baseline or a target: a value with its date and source."""

    value: float
    day: date
    source: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator.

    Attributes:
        code: Stable.
        objective: Code of the objective that it measures.
        names: By language.
        definitions: By language: what is divided by what, in words.
        unit: One of `UNITS`.
        relation: One of `RELATIONS`.
        numerator: Rule: a condition is counted, a number is added up.
        denominator: Rule; empty where the numerator is the figure.
        disaggregation: Facts whose values make groups.
        frequency: How often it is due.
        owner: Office that answers for it.
        better: `up`, `down`, or empty where neither is.
        baseline: Where it started.
        target: Where it should go.
        source: Of the definition.
    """

    code: str
    objective: str
    names: Mapping[str, str]
    definitions: Mapping[str, str]
    unit: str
    relation: str
    numerator: str
    denominator: str
    disaggregation: Sequence[str]
    frequency: str
    owner: str
    better: str
    baseline: Anchor | None
    target: Anchor | None
    source: str

    def name(self, language: str) -> str:
        """Return the name in a language, English where it has none."""
        return self.names.get(language) or self.names["en"]

    def definition(self, language: str) -> str:
        """Return the definition in a language, English where it has none."""
        return self.definitions.get(language) or self.definitions["en"]


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One stage of the delivery chain: its indicator, how long it takes, and whether it stands beside the chain.

    Attributes:
        code: Indicator that counts who came so far.
        delay: Indicator of the mean days that this stage takes; empty where none is known.
        is_aside: Who waits stands beside the chain: the next stage is held against the one before this.
    """

    code: str
    delay: str = ""
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework: objectives by code (names by language), indicators in order, the funnel's stages."""

    code: str
    version: str
    names: Mapping[str, str]
    objectives: Mapping[str, Mapping[str, str]]
    indicators: Sequence[Indicator]
    funnel: Sequence[FunnelStep]

    def indicator(self, code: str) -> Indicator:
        """Return one indicator.

        Raises:
            FrameworkInvalid: There is none of that code.
        """
        for one in self.indicators:
            if one.code == code:
                return one
        known = ", ".join(one.code for one in self.indicators)
        raise FrameworkInvalid(f"The framework has no indicator {code}; it has {known}.", indicator=code)


@cache
def facts_of(relation: str) -> FactCatalogue:
    """Return what a rule may ask of a relation."""
    return load_facts(Path(__file__).parent / "relations" / f"{relation}.yaml")


def read_framework(path: Path) -> Framework:
    """Read a framework from YAML.

    Raises:
        FrameworkInvalid: Everything that is wrong with it.
    """
    try:
        document = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise FrameworkInvalid("The framework cannot be read as YAML.") from error
    if not isinstance(document, Mapping):
        raise FrameworkInvalid("The framework holds no words like `code: CODE`.")
    return framework_of(document)


def framework_of(document: Mapping[str, Any]) -> Framework:
    """Read a framework from a mapping; as `read_framework`."""
    problems: list[str] = []
    objectives = {str(k): dict(v) for k, v in (document.get("objectives") or {}).items()}
    indicators: list[Indicator] = []
    for number, entry in enumerate(document.get("indicators") or [], start=1):
        try:
            indicators.append(_indicator(entry))
        except (KeyError, TypeError, ValueError) as error:
            problems.append(f"indicator {number}: {error} is missing or wrong")
    codes = [one.code for one in indicators]
    problems += [f"{code} stands twice" for code in sorted({c for c in codes if codes.count(c) > 1})]
    for one in indicators:
        problems += [f"{one.code}: {problem}" for problem in _problems_of(one, objectives)]
    funnel = [step_of(entry) for entry in document.get("funnel") or []]
    problems += [
        f"funnel: {code} is no indicator"
        for step in funnel
        for code in (step.code, step.delay)
        if code and code not in codes
    ]
    if not indicators:
        problems.append("it has no indicator")
    if problems:
        raise FrameworkInvalid(
            f"The framework has {len(problems)} mistakes: {'; '.join(problems)}.", mistakes=len(problems)
        )
    return Framework(
        str(document["code"]), str(document["version"]), dict(document["names"]), objectives, indicators, funnel
    )


def step_of(entry: str | Mapping[str, Any]) -> FunnelStep:
    """Read one stage of a funnel: a code, or a mapping of `of`, `delay` and `aside`.

    Examples:
        >>> step_of({"of": "HH_WAITING", "delay": "DAYS_WAITING", "aside": True})
        FunnelStep(code='HH_WAITING', delay='DAYS_WAITING', is_aside=True)
    """
    if isinstance(entry, str):
        return FunnelStep(entry)
    return FunnelStep(str(entry.get("of", "?")), str(entry.get("delay") or ""), bool(entry.get("aside", False)))


def _indicator(entry: Mapping[str, Any]) -> Indicator:
    return Indicator(
        code=str(entry["code"]),
        objective=str(entry["objective"]),
        names=dict(entry["names"]),
        definitions=dict(entry["definition"]),
        unit=str(entry["unit"]),
        relation=str(entry["of"]),
        numerator=_text(entry["numerator"]),
        denominator=_text(entry.get("denominator")),
        disaggregation=tuple(entry.get("by") or ()),
        frequency=str(entry["frequency"]),
        owner=str(entry["owner"]),
        better=str(entry.get("better") or ""),
        baseline=_anchor(entry.get("baseline")),
        target=_anchor(entry.get("target")),
        source=str(entry["source"]),
    )


def _text(value: Any) -> str:
    return (
        ""
        if value is None
        else {True: "true", False: "false"}.get(value, str(value))
        if isinstance(value, bool)
        else str(value)
    )


def _anchor(entry: Mapping[str, Any] | None) -> Anchor | None:
    return Anchor(float(entry["value"]), entry["day"], str(entry["source"])) if entry else None


def _problems_of(one: Indicator, objectives: Mapping[str, Any]) -> list[str]:
    problems = []
    if one.objective not in objectives:
        problems.append(f"objective {one.objective} is not declared")
    for value, allowed, word in (
        (one.relation, RELATIONS, "of"), (one.unit, UNITS, "unit"), (one.frequency, FREQUENCIES, "frequency"),
        (one.better, ("", "up", "down"), "better"),
    ):  # fmt: skip
        if value not in allowed:
            problems.append(f"{word} is one of {', '.join(allowed)}")
    if "en" not in one.names or "en" not in one.definitions:
        problems.append("a name and a definition in English are missing")
    if one.relation not in RELATIONS:
        return problems
    if one.unit == "share" and not one.denominator:
        problems.append("a share has a denominator")
    known = facts_of(one.relation)
    problems += [f"by: {fact} is no fact of {one.relation}" for fact in one.disaggregation if fact not in known.facts]
    for text in filter(None, (one.numerator, one.denominator)):
        try:
            rule_of(one, text, dict.fromkeys(_VALUE.findall(text), 1))
        except InputError as error:
            problems.append(error.message)
    return problems


def rule_of(one: Indicator, text: str, values: Mapping[str, float]) -> Expression:
    """Return a rule of an indicator with the country's values in place of braces.

    Raises:
        ParameterMissing: A value is not stated.
    """
    absent = [name for name in _VALUE.findall(text) if name not in values]
    if absent:
        raise ParameterMissing(
            f"{one.code} needs {', '.join(absent)}, which the country does not state for that date.", indicator=one.code
        )
    return read_rule(_VALUE.sub(lambda found: str(values[found[1]]), text), catalogue=facts_of(one.relation))
