"""The worked examples in the docstrings of the quality methods are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from khana_methods import quality

MODULES = [found.name for found in pkgutil.walk_packages(quality.__path__, "khana_methods.quality.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
