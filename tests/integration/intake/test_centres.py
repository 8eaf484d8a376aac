"""Centres and their queues: who goes first, nobody twice, figures by hand; accreditation and devices on the journey."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from khana.access import services as access
from khana.intake import centres as reads
from khana.intake import slip
from khana.intake.services import centres, field_staff, queue
from tests.factories.filled_forms import family, filled

from .field import AT, Field

DAY = date(2026, 11, 22)
NUMBER = "3520212345671"


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 22, hour, minute, tzinfo=UTC)


@pytest.fixture(scope="module")
def supervisor(village: Field) -> str:
    token = village.make("field_supervisor", area_code="PK101")
    with access.scoped(token):
        centres.add_point(
            code="LHR",
            name="Data Darbar",
            kind="CENTRE",
            area_code="PK10101",
            desks=2,
            valid_from=date(2026, 1, 1),
            at=AT,
        )
        centres.add_point(code="VAN", name="Van 7", kind="VAN", area_code="PK101", desks=1, valid_from=DAY, at=AT)
    return token


def test_disabled_pregnant_and_elderly_go_first_and_nobody_waits_for_ever(village: Field, supervisor: str) -> None:
    with access.scoped(village.tokens["registrar"]):
        for purpose, priority, moment in (
            ("NEW", "", at(8)), ("NEW", "", at(8, 5)), ("UPDATE", "ELDERLY", at(8, 30)), ("NEW", "DISABLED", at(9, 20)),
        ):  # fmt: skip
            queue.take_token(point="LHR", purpose=purpose, priority=priority, day=DAY, at=moment)
        with pytest.raises(queue.DeskClosed):
            queue.call_next(point="LHR", day=DAY, at=at(9))
        centres.open_desk(code="LHR", desk=1, at=at(9))
        first = queue.call_next(point="LHR", day=DAY, at=at(9, 10))  # who has priority, though third
        # at 9:36 the two who came at 8:00 and 8:05 have waited longer than patience: they count like priority and came first
        rest = [queue.call_next(point="LHR", day=DAY, at=at(9, 36 + n)) for n in range(4)]
    assert first is not None and first.number == 3
    assert [row.number if row else None for row in rest] == [1, 2, 4, None]
    with access.scoped(village.tokens["registrar"]):
        figures = reads.figures_by_day(centres.get_point("LHR"), begins=DAY, ends=DAY + timedelta(days=1), now=at(11))[
            DAY
        ]
    assert (figures.visits, figures.served, figures.priority, figures.waiting) == (4, 4, 2, 0)
    # waits of 40, 96, 92 and 18 minutes
    assert figures.wait_median == pytest.approx((40 + 92) / 2) and figures.desk_hours == pytest.approx(2)
    assert figures.per_desk_hour == pytest.approx(2)


def test_a_second_visit_of_a_number_is_counted_and_the_number_is_nowhere(village: Field, supervisor: str) -> None:
    with access.scoped(village.tokens["registrar"]):
        for day in (DAY + timedelta(days=1), DAY + timedelta(days=5), DAY + timedelta(days=200)):
            moment = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
            queue.take_token(point="LHR", purpose="NEW", number="35202-1234567-1", day=day, at=moment)
        with pytest.raises(queue.NumberUnreadable):
            queue.take_token(point="LHR", purpose="NEW", number="12", day=DAY, at=at(10))
        span = {"begins": DAY + timedelta(days=1), "ends": DAY + timedelta(days=300), "now": at(12)}
        by_day = reads.figures_by_day(centres.get_point("LHR"), **span)
    assert [one.revisits for _day, one in sorted(by_day.items())] == [0, 1, 0]  # the third is not within ninety days
    dump = village.query("SELECT row_to_json(t)::text FROM intake_queuetoken t")
    assert not any(NUMBER in row[0] for row in dump)


def test_two_desks_never_get_the_same_visitor(village: Field, supervisor: str) -> None:
    day = DAY + timedelta(days=2)
    tokens = [village.tokens["registrar"], village.make("registrar", area_code="PK101")]
    with access.scoped(tokens[0]):
        for _ in range(12):
            queue.take_token(point="LHR", purpose="NEW", day=day, at=at(8))
    for desk, token in enumerate(tokens, start=1):
        with access.scoped(token):
            centres.open_desk(code="LHR", desk=desk, at=at(8))
    called: list[int] = []
    start = threading.Barrier(2)

    def call(token: str) -> None:
        from django.db import connection

        start.wait()
        try:
            for _ in range(6):
                with access.scoped(token):
                    row = queue.call_next(point="LHR", day=day, at=at(9))
                    assert row is not None
                    called.append(row.number)
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(called) == list(range(1, 13))
    with access.scoped(tokens[1]), pytest.raises(centres.PointTaken):
        centres.open_desk(code="LHR", desk=1, at=at(9))


def test_an_appointment_fills_its_hour_and_goes_first_when_it_is_due(village: Field, supervisor: str) -> None:
    day = DAY + timedelta(days=3)
    with access.scoped(village.tokens["registrar"]):
        slot = datetime(2026, 11, 25, 10, tzinfo=UTC)
        booked = [queue.book(point="LHR", slot=slot + timedelta(minutes=n), purpose="UPDATE", at=AT) for n in (0, 5)]
        with pytest.raises(queue.TokenMoved):
            queue.book(point="LHR", slot=slot + timedelta(minutes=10), purpose="UPDATE", at=AT)
        with pytest.raises(queue.TokenMoved):
            queue.arrive(reference=booked[0].reference, day=DAY, at=AT)  # another day
        queue.take_token(point="LHR", purpose="NEW", day=day, at=slot - timedelta(minutes=40))
        hers = queue.arrive(reference=booked[0].reference.lower(), day=day, at=slot - timedelta(minutes=12))
        centres.open_desk(code="LHR", desk=1, at=slot)
        row = queue.call_next(point="LHR", day=day, at=slot - timedelta(minutes=10))
        assert row is not None and row.number == hers.number == 2
        queue.cancel_appointment(reference=booked[1].reference, at=AT)
        with pytest.raises(queue.TokenUnknown):
            queue.cancel_appointment(reference=booked[1].reference, at=AT)
        gone = queue.finish(token=row.pk, state="MISSED", at=slot)
        assert queue.finish(token=gone.pk, state="WAITING", at=slot).done_at is None
        with pytest.raises(queue.TokenMoved):
            queue.finish(token=row.pk, state="SERVED", at=slot)


def test_a_van_stands_where_its_route_says(village: Field, supervisor: str) -> None:
    rows: list[dict[str, Any]] = [
        {
            "day": "2026-12-01",
            "area": "PK10101",
            "place": "Chak 12",
            "expected": 40,
            "latitude": 31.5,
            "longitude": 74.3,
        },
        {"day": "2026-12-02", "area": "PK10101", "place": "Chak 13", "opens": "09:00", "closes": "15:00"},
    ]
    with access.scoped(supervisor):
        assert centres.plan_stops(code="VAN", rows=rows, at=AT) == {"stops": 2, "known": 0}
        assert centres.plan_stops(code="VAN", rows=rows, at=AT) == {"stops": 0, "known": 2}
        with pytest.raises(centres.StopUnreadable, match="Row 1"):
            centres.plan_stops(code="VAN", rows=[{"day": "soon", "area": "PK10101"}], at=AT)
        first, second = reads.stops(begins=date(2026, 12, 1), ends=date(2026, 12, 31))
        centres.cancel_stop(number=first.pk, why="flood", at=AT)
        assert [row.place for row in reads.stops(begins=date(2026, 12, 1), ends=date(2026, 12, 31))] == ["Chak 13"]
        centres.plan_stops(code="VAN", rows=rows[:1], at=AT)  # planned again after it was cancelled
    assert (second.opens and second.opens.hour, first.expected) == (9, 40)
    with access.scoped(village.tokens["elsewhere"]):
        assert reads.list_points() == [] and reads.stops(begins=date(2026, 1, 1), ends=date(2027, 1, 1)) == []
        with pytest.raises(centres.PointUnknown):
            centres.get_point("VAN")
    with access.scoped(village.tokens["registrar"]), pytest.raises(access.PermissionMissing):
        centres.plan_stops(code="VAN", rows=rows, at=AT)


def test_a_form_after_the_end_of_an_accreditation_waits(village: Field, supervisor: str) -> None:
    with access.scoped(village.tokens["second"]):
        from khana.access import selectors as who

        me = who.me()
    assert me is not None
    with access.scoped(supervisor):
        field_staff.accredit(
            username=me.username, area_code="PK101", subject="khana_pak_household", granted_on=date(2026, 1, 1),
            expires_on=date(2026, 11, 20), at=AT,
        )  # fmt: skip
        field_staff.issue_device(device_id="other", username=me.username, area_code="PK101", label="T-1", on=DAY, at=AT)
        with pytest.raises(field_staff.DeviceTaken):
            field_staff.issue_device(device_id="other", username=me.username, area_code="PK101", on=DAY, at=AT)
    late = village.send(filled(village.form, family(91), survey_date="2026-11-20"), user="second")
    early = village.send(filled(village.form, family(92), survey_date="2026-11-19"), user="second")
    village.work("second")
    assert village.row(late.number).reasons == ["NOT_ACCREDITED"]
    assert village.row(early.number).state == "REGISTERED"
    assert "DEVICE_UNKNOWN" in {note["code"] for note in village.row(early.number).findings}
    with access.scoped(supervisor):
        (hers,) = [one for one in reads.enumerators(on=DAY, days=3650) if one.label == me.username]
        assert (hers.is_accredited, hers.devices, hers.sent) == (False, ("T-1",), 2)
        field_staff.return_device(device_id="other", state="LOST", on=DAY, at=AT)


def test_targets_and_what_was_reached_stand_by_area(village: Field, supervisor: str) -> None:
    with access.scoped(supervisor):
        field_staff.set_target(
            area_code="PK10101", households=50, begins=date(2026, 7, 1), ends=date(2027, 7, 1), at=AT
        )
        field_staff.set_target(
            area_code="PK10101", households=40, begins=date(2026, 7, 1), ends=date(2027, 7, 1), at=AT
        )
        number = village.send(filled(village.form, family(93))).number
    village.work()
    assert village.row(number).state == "REGISTERED"
    with access.scoped(supervisor):
        (row,) = reads.progress(under="PK.PK1.PK101.", begins=date(2026, 11, 1), ends=date(2026, 12, 1))
    there = village.query(
        "SELECT count(DISTINCT household_id) FROM intake_submission WHERE state = 'REGISTERED' AND area_path = 'PK.PK1.PK101.PK10101.'"
    )
    assert (row.area_path, row.target, row.registered) == ("PK.PK1.PK101.PK10101.", 40, there[0][0])
    assert row.share == pytest.approx(row.registered / 40)


def test_a_slip_leads_to_a_state_and_to_no_person(village: Field) -> None:
    sent = village.send(filled(village.form, family(94), tehsil_code="", district_code="", province_code=""))
    code = slip.code_of(sent.number)
    assert slip.read(code).state == "RECEIVED"  # without a session
    village.work()
    found = slip.read(code)
    assert (found.state, found.reasons) == ("RETURNED", ("AREA_MISSING",))
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    for bad in (wrong, f"{sent.number + 1}-{code.partition('-')[2]}", "x", "", f"{sent.number}", "²-" + code):
        with pytest.raises(slip.SlipUnknown):
            slip.read(bad)
