"""The main job on a made-up country in the manner of Pakistan."""

from __future__ import annotations

import pytest
from tests.journeys import made_up


@pytest.fixture(scope="module")
def made(database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> made_up.Made:
    folder = tmp_path_factory.mktemp("pak") / "set"
    return made_up.make("pak", folder, token=tokens("data_steward"), database=database)


def test_every_code_that_numbers_decide(made: made_up.Made) -> None:
    made_up.check_codes(made)


def test_rows_in_are_linked_unmatched_or_quarantined(made: made_up.Made) -> None:
    made_up.check_counts(made)
