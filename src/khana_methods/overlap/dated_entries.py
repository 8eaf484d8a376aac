"""Read a list of dated entries from YAML: rules between programmes, exclusion filters.

Every mistake of a file is told in one message, each under the code of its entry. What an entry may hold the
caller says; that it is a mapping, that its days are days and that no code stands twice is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from khana_methods.errors import InputError
from khana_methods.yaml_text import read_yaml


def read_entries(
    path: Path,
    *,
    key: str,
    noun: str,
    problems_of: Callable[[Mapping[str, Any]], Iterable[str]],
    error: type[InputError],
) -> list[Mapping[str, Any]]:
    """Return the entries under one key of a file, in their order.

    Args:
        path: The file.
        key: The list in it.
        noun: What one entry is called in a message.
        problems_of: Says what is wrong with one entry.
        error: What to raise.

    Raises:
        InputError: Of the kind `error`: all mistakes in one message.
    """
    try:
        entries = read_yaml(path.read_text(encoding="utf-8"))[key]
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError) as failure:
        raise error(f"{path.name} is no YAML with a list '{key}'.") from failure
    return check_entries(entries, where=path.name, noun=noun, problems_of=problems_of, error=error)


def check_entries(
    entries: Any,
    *,
    where: str,
    noun: str,
    problems_of: Callable[[Mapping[str, Any]], Iterable[str]],
    error: type[InputError],
) -> list[Mapping[str, Any]]:
    """Return the entries of a list that was read already; see `read_entries`."""
    listed = entries if isinstance(entries, list) else []
    problems: list[str] = []
    for number, entry in enumerate(listed, start=1):
        if not isinstance(entry, dict):
            problems.append(f"{noun} {number}: is no mapping")
            continue
        named = str(entry.get("code") or f"{noun} {number}")
        problems += [f"{named}: {problem}" for problem in problems_of(entry)]
    codes = [entry.get("code") for entry in listed if isinstance(entry, dict)]
    problems += [f"{code} stands twice" for code in dict.fromkeys(codes) if code and codes.count(code) > 1]
    if problems or not listed:
        raise error(f"{where}: {'; '.join(problems) or f'it holds no {noun}'}", mistakes=len(problems))
    return listed


def missing(entry: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    """Say which keys an entry lacks."""
    return [f"{key} is missing" for key in keys if not entry.get(key)]


def strange(entry: Mapping[str, Any], known: frozenset[str], noun: str) -> list[str]:
    """Say which keys of an entry nobody knows."""
    return [f"'{key}' is no key of a {noun}" for key in entry if key not in known]


def no_days(entry: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    """Say which keys that should hold days do not."""
    return [
        f"{key} is a day such as 2026-07-01"
        for key in keys
        if entry.get(key) is not None and not isinstance(entry[key], date)
    ]
