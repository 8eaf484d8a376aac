"""Reading YAML: as PyYAML's own safe reader does, only sooner, and no text ends the process."""

from __future__ import annotations

import doctest

import pytest
import yaml
from tests.conftest import REPOSITORY

from khana_methods import yaml_text
from khana_methods.yaml_text import DEEPEST, TooDeep, read_yaml

SHIPPED = sorted(file for folder in ("src", "country", "tests/data") for file in (REPOSITORY / folder).rglob("*.yaml"))


def test_what_khana_ships_reads_as_by_the_parser_in_python() -> None:
    assert len(SHIPPED) > 60
    for file in SHIPPED:
        text = file.read_text(encoding="utf-8")
        assert repr(read_yaml(text)) == repr(yaml.safe_load(text)), file


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "[" * 200_000 + "]" * 200_000, "{a: " * 5_000 + "1" + "}" * 5_000, "- " * 5_000 + "x",
     "".join(" " * n + "a:\n" for n in range(2_000))],
)  # fmt: skip
def test_what_nests_without_end_is_not_yaml(text: str) -> None:
    with pytest.raises(TooDeep):
        read_yaml(text)


def test_as_deep_as_allowed_and_not_one_deeper() -> None:
    assert str(read_yaml("[" * DEEPEST + "]" * DEEPEST)) == "[" * DEEPEST + "]" * DEEPEST
    with pytest.raises(TooDeep):
        read_yaml("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))


@pytest.mark.parametrize(
    "text", ["a: [1", "a: b: c", "@x", "a: !!python/object/apply:os.system [id]", "--- 1\n--- 2", "\x01"]
)
def test_what_is_not_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        read_yaml(text)


def test_the_examples_hold() -> None:
    assert doctest.testmod(yaml_text) == (0, 2)
