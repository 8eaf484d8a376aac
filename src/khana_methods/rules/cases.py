"""The cases of a rule: plain tables of households and what is expected, run through the slow interpreter.

A table has one line per case between bars; `?` or nothing is a missing fact. A case expects holds, fails,
unknown, or a number. A policy officer writes and reads them; the build fails when one does not agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from khana_methods.errors import InputError
from khana_methods.rules.check import SCOPES, Expression, home_of
from khana_methods.rules.explain import HOLDS, UNKNOWN, explain, in_words
from khana_methods.rules.facts import Fact, FactCatalogue, FactUnknown
from khana_methods.rules.reference import Situation
from khana_methods.rules.rulebook import Rule, RuleBook

_OWN_COLUMNS = frozenset({"case", "on", "expect", "why"})
_TABLES = ("household", "members", "person")


class CaseTableInvalid(InputError):
    """A table of cases cannot be read: a case that is skipped in silence would prove nothing."""

    code: ClassVar[str] = "rules.cases.invalid"


@dataclass(frozen=True, slots=True)
class RuleCase:
    """One case: its name, its day, the facts, and what is expected: holds, fails, unknown or a number."""

    rule: str
    name: str
    on: date
    situation: Situation
    expect: str


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """What came of a case, with the explanation in words."""

    case: RuleCase
    got: str
    agrees: bool
    why: str


def cases_of(rule: Rule, catalogue: FactCatalogue) -> tuple[RuleCase, ...]:
    """Read the cases of one rule.

    Raises:
        CaseTableInvalid: A table has an unknown column, a line of another length, a value that is not of
            the fact's type, or members of a case that is nowhere.
    """
    strange = [name for name in rule.cases if name not in _TABLES]
    if strange or (rule.cases and rule.entity not in rule.cases):
        raise CaseTableInvalid(
            f"{rule.code}: cases stand in a table '{rule.entity}', members in 'members'.", rule=rule.code
        )
    members: dict[str, list[dict[str, Any]]] = {}
    for line in _lines(rule, "members"):
        members.setdefault(line["case"], []).append(_facts(rule, line, catalogue)["person"])
    found = []
    for line in _lines(rule, rule.entity):
        facts = _facts(rule, line, catalogue)
        person = facts["person"] if rule.entity == "person" else None
        found.append(
            RuleCase(
                rule=rule.code,
                name=line["case"],
                on=_day(rule, line["on"]) if line.get("on") else rule.versions[-1].valid_from,
                situation=Situation(facts["household"], members.pop(line["case"], []), person, catalogue),
                expect=line["expect"],
            )
        )
    if members:
        raise CaseTableInvalid(f"{rule.code}: members of {len(members)} cases that are nowhere.", rule=rule.code)
    return tuple(found)


def run_cases(book: RuleBook) -> tuple[CaseOutcome, ...]:
    """Run every case of every rule through the slow interpreter."""
    return tuple(
        _run(book.read(rule.code, case.on), case)
        for rule in book.rules.values()
        for case in cases_of(rule, book.catalogue)
    )


def _run(rule: Expression, case: RuleCase) -> CaseOutcome:
    """Run one case; numbers agree to nine digits."""
    clause = explain(rule, case.situation)
    is_number = isinstance(clause.value, float)
    got = f"{clause.value:.9g}" if is_number else clause.outcome
    expect = case.expect
    if is_number and expect not in (HOLDS, UNKNOWN):
        try:
            expect = f"{float(expect):.9g}"
        except ValueError:
            expect = case.expect
    return CaseOutcome(case=case, got=got, agrees=got == expect, why=in_words(clause))


def _lines(rule: Rule, name: str) -> Iterator[dict[str, str]]:
    """Yield the lines of one table as columns by name."""
    rows = [_split(line) for line in rule.cases.get(name, "").splitlines() if line.strip()]
    if not rows:
        return
    header, *body = [row for row in rows if set("".join(row)) - set("-: ")]
    wanted = {"case"} if name == "members" else {"case", "expect"}
    if not wanted <= set(header) or len(set(header)) != len(header):
        raise CaseTableInvalid(
            f"{rule.code}: the table '{name}' needs the columns {', '.join(sorted(wanted))}, each once.", rule=rule.code
        )
    for number, values in enumerate(body, start=1):
        if len(values) != len(header):
            raise CaseTableInvalid(
                f"{rule.code}: line {number} of the table '{name}' has {len(values)} columns, not {len(header)}.",
                rule=rule.code,
                line=number,
            )
        yield dict(zip(header, values, strict=True))


def _split(line: str) -> list[str]:
    return [value.strip() for value in line.strip().strip("|").split("|")]


def _facts(rule: Rule, line: Mapping[str, str], catalogue: FactCatalogue) -> dict[str, dict[str, Any]]:
    """Return the facts of one line by whose they are."""
    found: dict[str, dict[str, Any]] = {"household": {}, "person": {}}
    for column, text in line.items():
        if column in _OWN_COLUMNS:
            continue
        try:
            fact = catalogue.get(column)
        except FactUnknown as error:
            raise CaseTableInvalid(f"{rule.code}: {error.message}", rule=rule.code) from error
        found[home_of(fact, SCOPES["person"])][column] = None if text in ("", "?") else _value(rule, fact, text)
    return found


def _value(rule: Rule, fact: Fact, text: str) -> bool | float | str | date:
    """Read one value by the type of its fact."""
    if fact.type in ("integer", "decimal", "money"):
        try:
            return float(text.replace(",", ""))
        except ValueError as error:
            raise CaseTableInvalid(f"{rule.code}: {fact.name} takes a number.", rule=rule.code) from error
    if fact.type == "boolean":
        if text not in ("yes", "no"):
            raise CaseTableInvalid(f"{rule.code}: {fact.name} takes yes or no.", rule=rule.code)
        return text == "yes"
    if fact.type == "code" and text not in fact.codes:
        raise CaseTableInvalid(f"{rule.code}: {fact.name} takes one of {', '.join(fact.codes)}.", rule=rule.code)
    return _day(rule, text) if fact.type == "date" else text


def _day(rule: Rule, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CaseTableInvalid(f"{rule.code}: a day is written 2026-01-31.", rule=rule.code) from error
