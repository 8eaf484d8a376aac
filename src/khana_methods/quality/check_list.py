"""The list of roster checks as data: code, severity, words, and a rule or a method that finds it.

A check says its condition in the rule language wherever the language can say it; else it names a method of
`quality/checks` with its numbers. A country or an agency puts checks of its own beside or in place of those
shipped, or switches some off, in a file of the same form.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import yaml

from khana_methods.errors import KhanaError, NotConfigured, NotFound
from khana_methods.quality.checks import births, lines, pointers, spouses
from khana_methods.rules.check import Expression, read_rule
from khana_methods.rules.expression import facts_of
from khana_methods.yaml_text import read_yaml

LANGUAGES = ("en", "ur", "bn")
SEVERITIES = ("REFUSE", "WARN", "NOTE")
MARKS = frozenset("VNUGA")
_KEYS = frozenset({"code", "severity", "entity", "when", "method", "with", "waiver", "source", "mark", "text"})


class ChecksInvalid(NotConfigured):
    """The list of checks contradicts itself; nothing is checked with it."""

    code: ClassVar[str] = "quality.checks.invalid"


class CheckUnknown(NotFound):
    """There is no check of that code."""

    code: ClassVar[str] = "quality.checks.unknown"


@dataclass(frozen=True, slots=True)
class Method:
    """A way to find what the rule language cannot say, and the facts that it needs."""

    write: Callable[..., str]
    needs: tuple[str, ...] = ()


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "pointer_dangling": Method(pointers.dangling),
        "parent_wrong_sex": Method(pointers.wrong_sex, ("sex",)),
        "pointer_itself": Method(pointers.itself),
        "parent_gap_under": Method(pointers.gap_under, ("age",)),
        "parent_gap_over": Method(pointers.gap_over, ("age",)),
        "spouse_dangling": Method(spouses.dangling, ("sex", "spouse_line")),
        "spouse_not_returned": Method(spouses.not_returned, ("sex", "spouse_line")),
        "wife_not_returned_nor_shared": Method(spouses.not_returned_nor_shared, ("sex", "spouse_line")),
        "spouse_same_sex": Method(spouses.same_sex, ("sex", "spouse_line")),
        "spouse_itself": Method(spouses.itself, ("spouse_line",)),
        "spouse_not_married": Method(spouses.not_married, ("marital", "spouse_line")),
        "wives_over": Method(spouses.wives_over, ("sex", "spouse_line")),
        "husbands_over": Method(spouses.husbands_over, ("sex", "spouse_line")),
        "line_twice": Method(lines.line_twice),
        "line_missing": Method(lines.line_missing),
        "number_twice": Method(lines.number_twice, ("id_number",)),
        "head_line_differs": Method(lines.head_line_differs, ("relation", "head_line_no")),
        "without_members": Method(lines.without_members, ("household_file",)),
        "without_household": Method(lines.without_household, ("household_file",)),
        "older_than_head": Method(lines.older_than_head, ("relation", "age")),
        "younger_than_head": Method(lines.younger_than_head, ("relation", "age")),
        "age_differs": Method(births.age_differs, ("birth_year", "age", "survey_date")),
        "born_after_survey": Method(births.after_survey, ("birth_year", "birth_month", "birth_day", "survey_date")),
        "birth_impossible": Method(births.impossible_date, ("birth_year", "birth_month", "birth_day")),
    }
)


@dataclass(frozen=True)
class Check:
    """One check: what it finds, how grave that is, its words, and whether a reason may waive it.

    `rule` is set where the rule language says the condition, `method` and `numbers` where it cannot.
    """

    code: str
    severity: str
    entity: str
    can_be_waived: bool
    source: str
    mark: str
    text: Mapping[str, str]
    rule: Expression | None = None
    method: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs(self) -> tuple[str, ...]:
        """Name the facts without which the check cannot be run."""
        if self.rule is not None:
            return tuple(name for name in facts_of(self.rule.tree) if name != "household_size")
        pointer = self.numbers.get("pointer")
        return (*METHODS[self.method].needs, *([pointer] if pointer else []))

    def sql(self) -> str:
        """Write the SQL of a method; a rule is compiled with the others."""
        return METHODS[self.method].write(**self.numbers)


def load_checks(*files: Path) -> Mapping[str, Check]:
    """Read the shipped checks, then those of further files, which replace, add and leave out (`without: [CODES]`).

    Raises:
        ChecksInvalid: All mistakes of all files in one message.
    """
    found = dict(_shipped())
    for file in files:
        more, off = _read(file)
        found |= more
        for code in off:
            if code not in found:
                raise ChecksInvalid(f"{file.name}: without names {code}, which is no check.", checks=[code])
            del found[code]
    return MappingProxyType(found)


def check_of(code: str, checks: Mapping[str, Check]) -> Check:
    """Return one check.

    Raises:
        CheckUnknown: There is none of that code.
    """
    if code not in checks:
        raise CheckUnknown(f"There is no check '{code}'. The checks are: {', '.join(checks)}.", check=code)
    return checks[code]


@cache
def _shipped() -> Mapping[str, Check]:
    return _read(Path(__file__).with_name("checks.yaml"))[0]


def _read(file: Path) -> tuple[dict[str, Check], Sequence[str]]:
    problems: list[str] = []
    checks: dict[str, Check] = {}
    try:
        document = read_yaml(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ChecksInvalid(f"{file.name} is not YAML in UTF-8.", checks=[]) from error
    entries = (document or {}).get("checks") or [] if isinstance(document, dict) else []
    if not isinstance(document, dict) or not isinstance(entries, list):
        raise ChecksInvalid(f"{file.name} has no list 'checks'.", checks=[])
    for entry in entries:
        code = str(entry.get("code", "")) if isinstance(entry, dict) else ""
        wrong = list(_problems_of(entry)) if isinstance(entry, dict) else ["is no mapping"]
        wrong += ["stands twice"] if code in checks else []
        rule = None
        if not wrong and entry.get("when"):
            try:
                rule = read_rule(str(entry["when"]), entity=entry["entity"], gives="boolean")
            except KhanaError as error:
                wrong.append(error.message)
        problems += [f"{code or 'a check'}: {problem}" for problem in wrong]
        if not wrong:
            checks[code] = _check(entry, rule)
    if problems:
        text = f"{file.name} has {len(problems)} mistakes: {'; '.join(problems)}"
        raise ChecksInvalid(text, checks=[problem.partition(":")[0] for problem in problems])
    return checks, tuple(str(code) for code in document.get("without") or ())


def _check(entry: Mapping[str, Any], rule: Expression | None) -> Check:
    return Check(
        code=entry["code"],
        severity=entry["severity"],
        entity=entry["entity"],
        can_be_waived=bool(entry.get("waiver", entry["severity"] != "REFUSE")),
        source=entry["source"],
        mark=entry["mark"],
        text=MappingProxyType(dict(entry["text"])),
        rule=rule,
        method=entry.get("method", ""),
        numbers=MappingProxyType(dict(entry.get("with") or {})),
    )


def _problems_of(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one entry, in words."""
    code = str(entry.get("code", ""))
    if not code.replace("_", "").isalnum() or code != code.upper():
        yield "a code is capitals, digits and underscores"
    yield from (f"'{key}' is no key of a check" for key in entry if key not in _KEYS)
    allowed = {"severity": SEVERITIES, "entity": ("household", "person"), "mark": sorted(MARKS)}
    for key, words in allowed.items():
        if entry.get(key) not in words:
            yield f"{key} is one of {', '.join(words)}"
    if not entry.get("source"):
        yield "source is missing"
    yield from (f"text is missing in {tongue}" for tongue in LANGUAGES if not (entry.get("text") or {}).get(tongue))
    if bool(entry.get("when")) == bool(entry.get("method")):
        yield "say either when (a rule) or method"
    elif entry.get("method"):
        yield from _problems_of_method(str(entry["method"]), entry.get("with") or {})


def _problems_of_method(name: str, numbers: Mapping[str, Any]) -> Iterator[str]:
    if name not in METHODS:
        yield f"there is no method '{name}'; there are {', '.join(METHODS)}"
        return
    wanted = set(inspect.signature(METHODS[name].write).parameters)
    if set(numbers) != wanted:
        yield f"{name} takes {', '.join(sorted(wanted)) or 'nothing'} under 'with'"
    if "pointer" in numbers and numbers["pointer"] not in ("father_line", "mother_line", "spouse_line"):
        yield "pointer is father_line, mother_line or spouse_line"
    if numbers.get("sex", "M") not in ("M", "F"):
        yield "sex is M or F"
    if not all(isinstance(numbers.get(key, 0), int) for key in ("years", "most")):
        yield "years and most are whole numbers"
    if not isinstance(numbers.get("relations", []), list):
        yield "relations is a list of codes of the fact relation"
