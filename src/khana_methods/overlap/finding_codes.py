"""The vocabulary of findings: every code with its severity, its roles and what to do about it.

A *finding* is data about one row of a list, never an error. The vocabulary is data too
(`finding_codes.yaml`), in plain words and in the languages of the pages; this module reads and
checks it. A check may only write a code that stands here, and a page only shows words from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from khana_methods.errors import InputError, NotConfigured
from khana_methods.yaml_text import read_yaml

LANGUAGES = ("en", "ur", "bn")
SEVERITIES = ("REFUSE", "WARN", "NOTE")
ROLES = ("beneficiary", "payee", "row")
DECIDED = ("exact", "name", "register")
SCOPES = ("", "poverty")


class VocabularyInvalid(NotConfigured):
    """The vocabulary of findings contradicts itself; no finding may be written with it."""

    code: ClassVar[str] = "overlap.finding_codes.invalid"


class FindingCodeUnknown(InputError):
    """A report or a filter asks for a code that the vocabulary does not have."""

    code: ClassVar[str] = "overlap.finding_codes.unknown"


@dataclass(frozen=True, slots=True)
class FindingCode:
    """One code: how grave it is, whose fact it is, what shows it, and its words by language."""

    code: str
    severity: str
    roles: tuple[str, ...]
    decided: str
    scope: str
    title: Mapping[str, str]
    meaning: Mapping[str, str]
    what_to_do: Mapping[str, str]


@cache
def load_finding_codes(path: Path | None = None) -> Mapping[str, FindingCode]:
    """Read and check the vocabulary of findings.

    Args:
        path: Another vocabulary than the one that Khana ships; for tests.

    Returns:
        Codes by name in the order of the file, frozen; the same object on every call.

    Raises:
        VocabularyInvalid: A code stands twice, a word of severity, role, decision or scope is
            unknown, or a sentence is missing in a language. One message tells all of them.
    """
    file = path or Path(__file__).with_name("finding_codes.yaml")
    problems: list[str] = []
    codes: dict[str, FindingCode] = {}
    for entry in read_yaml(file.read_text(encoding="utf-8"))["codes"]:
        name = str(entry.get("code", ""))
        found = _problems_of(entry)
        if name in codes:
            found.append("stands twice")
        problems += [f"{name}: {problem}" for problem in found]
        if not found:
            codes[name] = FindingCode(
                code=name,
                severity=entry["severity"],
                roles=tuple(entry["roles"]),
                decided=entry["decided"],
                scope=entry.get("scope", ""),
                title=MappingProxyType(entry["title"]),
                meaning=MappingProxyType(entry["meaning"]),
                what_to_do=MappingProxyType(entry["do"]),
            )
    if problems:
        raise VocabularyInvalid(
            f"The vocabulary of findings has {len(problems)} mistakes: {'; '.join(problems)}.",
            mistakes=len(problems),
        )
    return MappingProxyType(codes)


def finding_code(code: str) -> FindingCode:
    """Return one code of the vocabulary.

    Raises:
        FindingCodeUnknown: The vocabulary has no such code; a typing error in a filter would
            otherwise look like a clean list.
    """
    found = load_finding_codes().get(code)
    if found is None:
        raise FindingCodeUnknown(
            f"There is no finding code '{code}'. The codes are: {', '.join(load_finding_codes())}.",
            finding_code=code,
        )
    return found


def _problems_of(entry: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with one entry, in words."""
    problems = []
    if not str(entry.get("code", "")).replace("_", "").isalnum() or entry["code"] != entry["code"].upper():
        problems.append("a code is capitals and underscores")
    for key, allowed in (("severity", SEVERITIES), ("decided", DECIDED)):
        if entry.get(key) not in allowed:
            problems.append(f"{key} '{entry.get(key)}' is not one of {', '.join(allowed)}")
    if entry.get("scope", "") not in SCOPES:
        problems.append(f"scope '{entry['scope']}' is not known")
    if not entry.get("roles") or not set(entry["roles"]) <= set(ROLES):
        problems.append(f"roles are not among {', '.join(ROLES)}")
    for key in ("title", "meaning", "do"):
        problems += [
            f"{key} is missing in {language}" for language in LANGUAGES if not entry.get(key, {}).get(language)
        ]
    return problems
