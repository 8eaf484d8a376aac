"""Nightly checks over the registry's own forms: lines by enumerator and question, and actions followed to their end."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from khana.access import selectors as who
from khana.access import services as access
from khana.intake.services import receive, reviews
from khana.platform import embedded, jobs
from khana.workflows import form_evidence, review_field
from tests.conftest import acting_as
from tests.factories.filled_forms import family, filled

from .field import AT, Field

DAY = date(2026, 11, 22)


def log(seconds: int, path: str) -> bytes:
    return f"event,node,start,end\nquestion,/data/{path},1000,{1000 + seconds * 1000}\n".encode()


@pytest.fixture(scope="module")
def reviewed(village: Field) -> dict[str, Any]:
    """Ten forms of each of two enumerators: one takes half an hour and has logs, one takes two minutes and leaves the roof empty."""
    rooms = next(q.path for q in village.form.questions if q.name == "rooms")
    for n in range(10):
        times = {
            "start": f"2026-11-2{n % 2}T{8 + n // 2:02d}:00:00.000+05:00",
            "end": f"2026-11-2{n % 2}T{8 + n // 2:02d}:32:00.000+05:00",
        }
        with access.scoped(village.tokens["enumerator"]):
            part = receive.keep(log(4 + n, rooms), name="audit.csv", at=AT)
        village.send(
            filled(village.form, family(100 + n), rooms=1 + n % 4, roof="wood" if n % 2 else "sheet", **times),
            parts=[part],
        )
        quick = {"start": f"2026-11-20T{8 + n:02d}:00:00.000+05:00", "end": f"2026-11-20T{8 + n:02d}:02:00.000+05:00"}
        village.send(filled(village.form, family(200 + n), rooms=2, roof="", **quick), user="second")
    village.work()
    return review_field.run(token=village.tokens["steward"], begins=DAY, ends=DAY + timedelta(days=1), at=AT)


def test_a_line_by_enumerator_says_whom_to_visit(village: Field, reviewed: dict[str, Any]) -> None:
    assert reviewed["submissions"] == 20 and reviewed["enumerators"] == 2
    with access.scoped(village.tokens["second"]):
        me = who.me()
        (hers,) = reviews.reviews_of(me.id)  # type: ignore[union-attr] - her own line
    with access.scoped(village.tokens["steward"]):
        first, second = reviews.newest_lines()
    assert me is not None and first.user_label == me.username and first.pk == hers.pk
    assert (first.review_rank, first.submissions, first.measures["minutes_median"]) == (1, 10, 2.0)
    assert first.measures["short_share"] == 1.0 and second.measures["short_share"] == 0.0
    assert {one["code"] for one in first.findings} >= {"DURATION_SHORT"}
    assert first.area_path == "PK.PK1.PK101.PK10101."
    assert not any("Akram" in str(one) for one in first.findings)
    with access.scoped(village.tokens["elsewhere"]):
        assert reviews.newest_lines() == []


def test_each_question_has_its_evidence(village: Field, reviewed: dict[str, Any]) -> None:
    with access.scoped(village.tokens["steward"]):
        rows = {row["question"]: row for row in form_evidence.of_version(form=village.form.form_id)}
        assert (rows["roof"]["asked"], rows["roof"]["missing_share"]) == (20, 0.5)
        # ten logs of 4 to 13 seconds
        assert (rows["rooms"]["timed"], rows["rooms"]["seconds_median"], rows["rooms"]["missing_share"]) == (
            10,
            8.5,
            0.0,
        )
        assert rows["rooms"]["reliability"] is None and rows["name"]["asked"] == 0  # who lives there is in no frame
        kept = form_evidence.keep_reliability(
            form=village.form.form_id, version="", at=AT,
            rows=[{"question": "rooms", "compared": 40, "rate": 0.1, "reliability": 0.83}, {"question": "nothing", "rate": 1}],
        )  # fmt: skip
        rows = {row["question"]: row for row in form_evidence.of_version(form=village.form.form_id)}
    assert kept == 1
    assert (rows["rooms"]["reliability"], rows["rooms"]["compared"], rows["rooms"]["seconds_median"]) == (0.83, 40, 8.5)
    assert any(row["used_by"] for row in rows.values())  # models and programmes ask for some


def test_an_action_is_followed_to_its_end_by_two(village: Field, reviewed: dict[str, Any]) -> None:
    supervisor = village.make("field_supervisor", area_code="PK101")
    with access.scoped(village.tokens["steward"]):
        (line, *_rest) = reviews.newest_lines()
        about = {
            "user_id": line.user_id,
            "user_label": line.user_label,
            "area_path": line.area_path,
            "about": "short_share",
        }
        with pytest.raises(reviews.ActionEmpty):
            reviews.open_action(**about, what="sit in", due_on=DAY, at=AT)
        with pytest.raises(reviews.ActionEmpty):
            reviews.open_action(**about, what="Sit in on three interviews", due_on=DAY - timedelta(days=1), at=AT)
        row = reviews.open_action(**about, what="Sit in on three interviews", due_on=DAY, at=AT)
        with pytest.raises(reviews.ActionMoved):
            reviews.move_action(number=row.pk, state="CLOSED", at=AT)
        reviews.move_action(number=row.pk, state="DONE", note="sat in on three", at=AT)
        with pytest.raises(reviews.ActionMoved):
            reviews.move_action(number=row.pk, state="CLOSED", at=AT)
    with access.scoped(supervisor):
        done = reviews.move_action(number=row.pk, state="CLOSED", note="seen", at=AT)
        assert [one["state"] for one in done.history] == ["OPEN", "DONE", "CLOSED"]
        assert reviews.actions(open_only=True) == []
    with (
        psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": village.database}) as owner,
        pytest.raises(  # type: ignore[arg-type]
            psycopg.errors.CheckViolation
        ),
    ):
        owner.execute("UPDATE intake_correctiveaction SET closed_by = done_by WHERE id = %s", [row.pk])
    with access.scoped(village.tokens["registrar"]), pytest.raises(access.PermissionMissing):
        reviews.move_action(number=row.pk, state="OPEN", at=AT)


def test_the_worker_asks_for_the_checks_once_a_night(village: Field, reviewed: dict[str, Any]) -> None:
    from khana.interfaces.jobs import registry, worker
    from khana.interfaces.jobs.work import work
    from khana.platform import clock

    with pytest.raises(access.OutsideScope), access.scoped(village.tokens["steward"]):
        access.call("intake_open_review")  # not for the web process
    with acting_as("worker", village.database):
        assert worker.ask_nightly(hour=12) is False
        assert worker.ask_nightly(hour=2) is True
        assert worker.ask_nightly(hour=2) is False
        (run,) = [one for one in jobs.list_runs(limit=50) if one.kind == reviews.NIGHTLY] or [None]
        number = (
            run.uuid if run else village.query("SELECT uuid FROM platform_jobrun WHERE kind = 'review_field'")[0][0]
        )
        work(number)
        state = village.query("SELECT state, error_code FROM platform_jobrun WHERE kind = 'review_field'")
        assert state == [("DONE", "")] or state[0][0] == "DONE"
        work(village.query("SELECT uuid FROM platform_jobrun WHERE kind = 'find_due'")[0][0])
        due = village.query(
            "SELECT state, error_code, result->>'households' FROM platform_jobrun WHERE kind = 'find_due'"
        )
        assert due[0][:2] == ("DONE", "") and int(due[0][2]) > 0
        assert registry.get(reviews.NIGHTLY).load() is review_field.run and clock.now()
