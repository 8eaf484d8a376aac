"""Rules as dated, cited data: a file of versions with the cases that a policy officer reads.

A rule has a code, versions in force from a day, the source of each, and cases in plain tables. Derived facts
are rules with `kind: fact`; a rule may use those written above it. Everything is read and checked when the file is
loaded, on every day on which something changes, so that no mistake waits for its date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import yaml

from khana_methods.errors import InputError, KhanaError, NotConfigured, NotFound
from khana_methods.rules.check import Expression, read_rule
from khana_methods.rules.expression import Node
from khana_methods.rules.facts import FactCatalogue, load_facts
from khana_methods.yaml_text import read_yaml

KINDS = ("eligibility", "exclusion", "priority", "quality", "fact")
MARKS = frozenset("VNUGA")
GIVES = ("boolean", "number")
_KEYS = frozenset({"code", "name", "entity", "kind", "gives", "versions", "cases"})
_VERSION_KEYS = frozenset({"valid_from", "valid_to", "expression", "source", "mark"})
_REQUIRED = ("code", "name", "entity", "kind", "gives", "versions")


class RuleFileInvalid(InputError):
    """A file of rules contradicts itself or holds a rule that cannot be used; nothing of it is."""

    code: ClassVar[str] = "rules.file.invalid"


class RuleUnknown(NotFound):
    """No file that was loaded has a rule of this code."""

    code: ClassVar[str] = "rules.rule.unknown"


class RuleNotInForce(NotConfigured):
    """The rule had no version on that day: deciding by another day's would be wrong."""

    code: ClassVar[str] = "rules.rule.not_in_force"


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One wording of a rule: in force from `valid_from` up to, not on, `valid_to`; whence it comes."""

    valid_from: date
    valid_to: date | None
    text: str
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with all its versions, oldest first, and the text tables of its cases."""

    code: str
    name: str
    entity: str
    kind: str
    gives: str
    versions: tuple[RuleVersion, ...]
    cases: Mapping[str, str] = field(default_factory=dict)

    def on(self, day: date) -> RuleVersion:
        """Return the version in force on a day.

        Raises:
            RuleNotInForce: There is none.
        """
        for version in reversed(self.versions):
            if version.valid_from <= day and (version.valid_to is None or day < version.valid_to):
                return version
        raise RuleNotInForce(
            f"The rule {self.code} is not in force on {day}; it begins on {self.versions[0].valid_from}.",
            rule=self.code,
            day=day.isoformat(),
        )


class RuleBook:
    """Rules by code, with the derived facts that they may use."""

    def __init__(self, rules: Sequence[Rule], catalogue: FactCatalogue) -> None:
        self.rules: Mapping[str, Rule] = {rule.code: rule for rule in rules}
        self.catalogue = catalogue
        self._read: dict[tuple[str, date], Expression] = {}

    def get(self, code: str) -> Rule:
        """Return the rule of a code.

        Raises:
            RuleUnknown: There is none.
        """
        if code not in self.rules:
            raise RuleUnknown(f"There is no rule '{code}'; known are {', '.join(self.rules) or 'none'}.", rule=code)
        return self.rules[code]

    def read(self, code: str, on: date) -> Expression:
        """Return a rule as it stood on a day, read and checked, its derived facts as they stood that day.

        Raises:
            RuleUnknown: There is no rule of the code.
            RuleNotInForce: It had no version on that day.
        """
        rule = self.get(code)
        version = rule.on(on)
        if (code, on) not in self._read:
            self._read[code, on] = read_rule(
                version.text,
                entity=rule.entity,
                catalogue=self.catalogue,
                derived=self._derived(on, before=code),
                gives=rule.gives,
            )
        return self._read[code, on]

    def derived(self, on: date) -> dict[str, Node]:
        """Return the trees of all derived facts of households in force on a day, for a rule that stands in no file."""
        return self._derived(on, before="")

    def _derived(self, on: date, before: str) -> dict[str, Node]:
        """Return the derived facts in force on a day that stand above a rule."""
        trees: dict[str, Node] = {}
        for rule in self.rules.values():
            if rule.code == before:
                break
            if rule.kind == "fact" and rule.entity == "household" and _is_in_force(rule, on):
                trees[rule.code] = self.read(rule.code, on).tree
        return trees

    def days(self) -> tuple[date, ...]:
        """List every day on which a version of some rule begins."""
        return tuple(sorted({version.valid_from for rule in self.rules.values() for version in rule.versions}))


def load_rules(*files: Path, catalogue: FactCatalogue | None = None, with_shipped: bool = True) -> RuleBook:
    """Read files of rules, check every version on every day on which something changes.

    Args:
        files: YAML files; a code stands once over all of them.
        catalogue: Facts; the shipped catalogue by default.
        with_shipped: Put the derived facts that Khana ships before them.

    Raises:
        RuleFileInvalid: All mistakes of all files in one message.
    """
    facts = catalogue or load_facts()
    problems: list[str] = []
    rules = list(_shipped()) if with_shipped else []
    for file in files:
        try:
            rules += _rules_of(read_yaml(file.read_text(encoding="utf-8")), problems)
        except (yaml.YAMLError, UnicodeDecodeError):
            problems.append(f"{file.name} is not YAML in UTF-8")
    codes = [rule.code for rule in rules]
    problems += [f"{code}: the code stands twice" for code in dict.fromkeys(codes) if codes.count(code) > 1]
    problems += [f"{code}: a derived fact has the name of a fact" for code in codes if code in facts.facts]
    book = RuleBook(rules, facts)
    if not problems:
        problems += _unreadable(book)
    if problems:
        raise RuleFileInvalid(f"The rules have {len(problems)} mistakes: {'; '.join(problems)}", mistakes=len(problems))
    return book


def read_rules(entries: Sequence[Mapping[str, Any]], *, catalogue: FactCatalogue | None = None) -> RuleBook:
    """Read rules that stand in no file, such as those a catalogue keeps, with the derived facts that Khana ships.

    Args:
        entries: Rules as a file has them; days may be texts such as 2026-01-31.
        catalogue: Facts; the shipped catalogue by default.

    Raises:
        RuleFileInvalid: All mistakes of all rules in one message.
    """
    problems: list[str] = []
    rules = [*_shipped()]
    if entries:
        rules += _rules_of({"rules": [_with_days(entry) for entry in entries]}, problems)
    codes = [rule.code for rule in rules]
    problems += [f"{code}: the code stands twice" for code in dict.fromkeys(codes) if codes.count(code) > 1]
    book = RuleBook(rules, catalogue or load_facts())
    if not problems:
        problems += _unreadable(book)
    if problems:
        raise RuleFileInvalid(f"The rules have {len(problems)} mistakes: {'; '.join(problems)}", mistakes=len(problems))
    return book


def _with_days(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry whose days were texts."""
    versions = [
        {key: date.fromisoformat(value) if key in ("valid_from", "valid_to") and isinstance(value, str) else value
         for key, value in version.items()} for version in entry.get("versions") or ()
    ]  # fmt: skip
    return {**entry, "versions": versions}


@cache
def _shipped() -> tuple[Rule, ...]:
    """Read the derived facts that Khana ships."""
    problems: list[str] = []
    document = read_yaml(Path(__file__).with_name("derived.yaml").read_text(encoding="utf-8"))
    rules = tuple(_rules_of(document, problems))
    if problems:
        raise RuleFileInvalid("; ".join(problems), mistakes=len(problems))
    return rules


def _unreadable(book: RuleBook) -> Iterator[str]:
    """Yield what is wrong with each rule, on each day on which something changes."""
    for rule in book.rules.values():
        for day in book.days():
            if not _is_in_force(rule, day):
                continue
            try:
                book.read(rule.code, day)
            except KhanaError as error:
                yield f"{rule.code}: {error.message}"
                break


def _is_in_force(rule: Rule, day: date) -> bool:
    return any(v.valid_from <= day and (v.valid_to is None or day < v.valid_to) for v in rule.versions)


def _rules_of(document: Any, problems: list[str]) -> Iterator[Rule]:
    """Yield the rules of one document; note what is wrong with the others."""
    entries = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        problems.append("the file has no list 'rules'")
        return
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            problems.append(f"rule {number} is no mapping")
            continue
        found = list(_problems_of(entry))
        problems += [f"{entry.get('code', f'rule {number}')}: {problem}" for problem in found]
        if not found:
            yield _rule(entry)


def _problems_of(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one entry, in words."""
    missing = [key for key in _REQUIRED if not entry.get(key)]
    yield from (f"{key} is missing" for key in missing)
    yield from (f"'{key}' is no key of a rule" for key in entry if key not in _KEYS)
    if missing:
        return
    versions = entry["versions"]
    if not isinstance(versions, list) or not all(isinstance(version, dict) for version in versions):
        yield "versions is a list of mappings"
        return
    if not isinstance(entry.get("cases") or {}, dict):
        yield "cases are tables by name"
    for key, allowed in (("entity", ("household", "person")), ("kind", KINDS), ("gives", GIVES)):
        if entry[key] not in allowed:
            yield f"{key} is one of {', '.join(allowed)}"
    if entry["kind"] == "fact" and not str(entry["code"]).isidentifier():
        yield "the code of a derived fact is small letters, digits and underscores"
    last: date | None = None
    for version in versions:
        yield from (
            f"a version has no {key}" for key in ("valid_from", "expression", "source", "mark") if not version.get(key)
        )
        yield from (f"'{key}' is no key of a version" for key in version if key not in _VERSION_KEYS)
        begins, ends = version.get("valid_from"), version.get("valid_to")
        if not isinstance(begins, date) or not isinstance(ends, date | None):
            yield "valid_from and valid_to are days such as 2026-01-31"
            continue
        if version.get("mark") and version["mark"] not in MARKS:
            yield "mark is V, N, U, G or A"
        if ends is not None and ends <= begins:
            yield f"the version of {begins} ends before it begins"
        if last is not None and begins <= last:
            yield f"the version of {begins} does not come after the one before"
        last = begins


def _rule(entry: Mapping[str, Any]) -> Rule:
    """Make a rule of an entry without problems; a version ends where the next begins."""
    versions = tuple(
        RuleVersion(
            valid_from=version["valid_from"],
            valid_to=version.get("valid_to"),
            text=str(version["expression"]),
            source=str(version["source"]),
            mark=str(version["mark"]),
        )
        for version in entry["versions"]
    )
    return Rule(
        code=str(entry["code"]),
        name=str(entry["name"]),
        entity=entry["entity"],
        kind=entry["kind"],
        gives=entry["gives"],
        versions=versions,
        cases={str(name): str(table) for name, table in (entry.get("cases") or {}).items()},
    )
