"""Reading YAML: plain values only, by the parser written in C where it is there, and never deeper than anybody writes.

The parser in C is ten times as fast as the one in Python (every command and every process that serves pages reads the roles, facts
and packs), but it puts a document together by recursion of its own: a text of a hundred thousand brackets ends the process.
So the nesting is counted first, over the parser's events, and a text that is too deep is refused like any that is not YAML.
"""

from __future__ import annotations

from typing import Any

import yaml

DEEPEST = 100
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENS = (yaml.SequenceStartEvent, yaml.MappingStartEvent)
_CLOSES = (yaml.SequenceEndEvent, yaml.MappingEndEvent)


class TooDeep(yaml.YAMLError):
    """Lists and mappings stand inside one another deeper than any document that people write."""


def read_yaml(text: str) -> Any:
    """Return what a YAML document says: mappings, lists, texts, numbers, dates, no objects.

    Args:
        text: One document.

    Returns:
        Its value; None where it says nothing.

    Raises:
        yaml.YAMLError: It is not YAML, holds more than one document, or nests deeper than `DEEPEST`.

    >>> read_yaml("a: [1, two]")
    {'a': [1, 'two']}
    >>> read_yaml("[" * 100_000 + "]" * 100_000)
    Traceback (most recent call last):
    khana_methods.yaml_text.TooDeep: lists and mappings stand inside one another more than 100 deep
    """
    depth = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, _OPENS):
            depth += 1
            if depth > DEEPEST:
                raise TooDeep(f"lists and mappings stand inside one another more than {DEEPEST} deep")
        elif isinstance(event, _CLOSES):
            depth -= 1
    return yaml.load(text, _LOADER)  # noqa: S506 # nosec B506 - the safe loader
