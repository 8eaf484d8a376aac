"""Which facts models and rules read: what a new questionnaire may not let go in silence.

Read are the country's programmes (limits, conditions, ages), its models and rules as files, and what derived facts are made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from khana.intake.services.forms import FactUse
from khana_country.load import load_pack, pack_folder
from khana_methods import rules
from khana_methods.rules.facts import load_facts
from khana_methods.yaml_text import read_yaml

_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_QUOTED = re.compile(r"'[^']*'")


def run(*, country: str) -> list[FactUse]:
    """Return every use of a fact in one country, by fact."""
    found: set[FactUse] = set()
    for fact, kind, name in _uses(country):
        found.add(FactUse(fact, kind, name))
        found |= {FactUse(behind, kind, f"{name} (through {fact})") for behind in _derived().get(fact, frozenset())}
    return sorted(found, key=lambda use: (use.fact, use.kind, use.name))


@cache
def _derived() -> dict[str, frozenset[str]]:
    """Return what each derived fact is made of, down to facts that are asked."""
    file = Path(str(rules.__file__)).with_name("derived.yaml")
    own: dict[str, set[str]] = {}
    for rule in read_yaml(file.read_text(encoding="utf-8"))["rules"]:
        own[rule["code"]] = {word for version in rule["versions"] for word in _words(str(version["expression"]))}
    facts = load_facts().facts
    out: dict[str, frozenset[str]] = {}
    for code, words in own.items():  # a derived fact uses only those written above it
        reached = {word for word in words if word in facts}
        out[code] = frozenset(reached.union(*(out[word] for word in words if word in out)))
    return out


def _words(expression: str) -> set[str]:
    return set(_WORD.findall(_QUOTED.sub(" ", expression)))


def _uses(country: str) -> Iterator[tuple[str, str, str]]:
    for code, programme in load_pack(country).programmes.items():
        for limit in programme.limits:
            yield limit.fact, "rule", code
        if programme.condition:
            yield programme.condition.fact, "rule", code
        if programme.marital:
            yield "marital", "rule", code
        if programme.min_age is not None or programme.max_age is not None:
            yield "age", "rule", code
        if programme.sex:
            yield "sex", "rule", code
    folder = pack_folder(country)
    for kind in ("model", "rule"):
        for file in sorted(folder.glob(f"{kind}s/*.yaml")):
            document = read_yaml(file.read_text(encoding="utf-8"))
            name = str(document.get("code", file.stem)) if isinstance(document, dict) else file.stem
            for word in sorted({word for text in _expressions(document) for word in _words(text)}):
                if word in load_facts().facts or word in _derived():
                    yield word, kind, name


def _expressions(value: Any) -> Iterator[str]:
    """Yield every expression of a document, at whatever depth; a rule's cases are no expressions."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("expression", "fact", "column") and isinstance(inner, str):
                yield inner
            elif key != "cases":
                yield from _expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _expressions(inner)
