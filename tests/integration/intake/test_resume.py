"""kill -9 between any two steps of the journey: no submission is lost, none comes in twice, the next run goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from khana.access import services as access
from khana.intake import reconcile
from tests.conftest import REPOSITORY
from tests.factories.filled_forms import family, filled

from .field import Field

PLACES = [
    f"journey.{state}.{moment}"
    for state in ("received", "verified", "matched")
    for moment in ("before_commit", "committed")
]
_RUN = (
    "import os, django; django.setup();"
    "from khana.workflows import register_household; from khana.platform import clock;"
    "register_household.run(token=os.environ['KHANA_TOKEN'], at=clock.now())"
)


def run(village: Field, **more: str) -> int:
    """Run the journey in a process of its own, as the worker does."""
    given = {
        "KHANA_DB_ROLE": "worker",
        "KHANA_TOKEN": village.tokens["enumerator"],
        "PYTHONPATH": str(REPOSITORY / "src"),
    }
    done = subprocess.run(
        [sys.executable, "-c", _RUN], env={**os.environ, **given, **more}, check=False, capture_output=True
    )
    return done.returncode


def test_a_kill_loses_and_doubles_nothing(village: Any) -> None:
    sent = 0
    for place in PLACES:
        sent += 1
        village.send(filled(village.form, family(60 + sent)))
        assert run(village, KHANA_FAULT=place) == -9, place
    assert run(village) == 0
    with access.scoped(village.tokens["steward"]):
        found = reconcile.run()
    assert (found["received"], found["registered"], found["balanced"]) == (sent, sent, True)
    rows = village.query("SELECT count(*), count(DISTINCT household_id) FROM intake_submission")
    assert rows == [(sent, sent)]
    assert village.query("SELECT count(*) FROM registry_household") == [(sent,)]
    for number in range(1, sent + 1):
        assert village.states(number) == ["RECEIVED", "CHECKED", "VERIFIED", "MATCHED", "REGISTERED"]


@pytest.mark.parametrize("user", ["elsewhere", "registrar"])
def test_only_who_may_opens_the_journey(village: Any, user: str) -> None:
    assert village.work(user) == {}
    with pytest.raises(access.PermissionMissing):
        village.tokens["analyst"] = village.make("analyst")
        village.work("analyst")
