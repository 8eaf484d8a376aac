"""One small country with the questionnaire of Pakistan; made once a module."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def village(database: str, tokens: Any) -> Any:
    from .field import make_field

    return make_field(database, tokens)
