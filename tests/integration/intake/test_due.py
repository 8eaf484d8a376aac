"""Who is due at a centre and on a van's route: by the method of freshness, called from the queue, gone once asked again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from khana.access import services as access
from khana.dossiers.registry_roster import read_roster
from khana.intake import centres as reads
from khana.intake import due as due_reads
from khana.intake.services import centres, due, queue
from khana.workflows import find_due as workflow
from khana_methods.engine.duckdb import Engine
from khana_methods.quality.freshness.due import find_due, load_best_before, state_facts
from tests.factories.filled_forms import family, filled

from .field import AT, Field

DAY = AT.date()
LATER = date(2029, 6, 1)  # the day of the question: what was asked in 2026 is too old by then
ELSEWHERE = {"province_code": "PK2", "district_code": "PK201", "tehsil_code": "PK20101"}


@pytest.fixture(scope="module")
def due_village(village: Field) -> dict[str, Any]:
    """Three families of Lahore and one of Thatta, a centre and a van with a route; reckoned for a day years later."""
    numbers = [village.send(filled(village.form, family(61 + n))).number for n in range(3)]
    there = village.make("enumerator", area_code="PK201")
    village.tokens["there"] = there
    far = village.send(filled(village.form, family(71), **ELSEWHERE), user="there").number
    village.work("steward")
    households = [village.row(number).household for number in [*numbers, far]]
    assert all(households), [village.row(number).reasons for number in [*numbers, far]]
    with access.scoped(village.tokens["steward"]):
        spans = {"valid_from": date(2026, 1, 1), "at": AT}
        centres.add_point(code="DUE", name="Data Darbar", kind="CENTRE", area_code="PK10101", desks=2, **spans)
        centres.add_point(code="DUEVAN", name="Van 9", kind="VAN", area_code="PK", desks=1, **spans)
        rows = [
            {"day": DAY + timedelta(days=n + 1), "area": area}
            for n, area in enumerate(("PK20101", "PK10201", "PK10101"))
        ]
        centres.plan_stops(code="DUEVAN", rows=rows, at=AT)
    made = workflow.run(token=village.tokens["steward"], as_of=LATER, at=AT)
    return {"households": [one.number for one in households if one], "made": made, "submissions": numbers}


def test_the_list_is_that_of_the_method_itself(village: Field, due_village: dict[str, Any]) -> None:
    assert (due_village["made"]["areas"], due_village["made"]["due"]) == (3, 4)
    with access.scoped(village.tokens["steward"]), Engine(memory_mib=256, threads=1) as engine:
        roster = read_roster(engine, purpose="test", at=AT)
        stated = state_facts(engine, roster.households, area="area_code")
        expected = {
            row["household_id"]: (row["oldest_stated_on"], row["best_before"], set(row["facts"].split()))
            for row in find_due(engine, stated, load_best_before(), as_of=LATER).due.to_pylist()
        }
        found = {one.number: (one.stated_on, one.best_before, set(one.facts)) for one in due_reads.due_at(["PK."])}
    assert set(due_village["households"]) == set(found) == set(expected)
    for number, (stated_on, best_before, facts) in found.items():
        assert (stated_on, best_before) == expected[number][:2]
        assert facts == expected[number][2], facts ^ expected[number][2]
    # a day on which nothing is too old: the list is empty again, and a second reckoning gives it back
    assert workflow.run(token=village.tokens["steward"], as_of=DAY, at=AT)["due"] == 0
    with access.scoped(village.tokens["steward"]):
        assert due_reads.due_at(["PK."]) == []
    assert workflow.run(token=village.tokens["steward"], as_of=LATER, at=AT)["due"] == 4


def test_a_centre_and_each_stop_of_a_van_have_their_own(village: Field, due_village: dict[str, Any]) -> None:
    *lahore, thatta = due_village["households"]
    with access.scoped(village.tokens["steward"]):
        van = centres.get_point("DUEVAN")
        stops = reads.stops(begins=DAY, ends=DAY + timedelta(days=9), point=van)
        assert [due_reads.counts([stop.area_path])[stop.area_path] for stop in stops] == [1, 0, 3]
        assert [one.number for one in due_reads.due_at([stops[0].area_path])] == [thatta]
        first = due_reads.due_at([centres.get_point("DUE").area_path], limit=2)
        after = (first[-1].best_before, first[-1].household_id)
        rest = due_reads.due_at([centres.get_point("DUE").area_path], after=after)
        assert sorted(one.number for one in [*first, *rest]) == sorted(lahore)
        assert {one.head[:5] for one in first} == {"Akram"}
    with access.scoped(village.tokens["elsewhere"]):  # a registrar of Thatta sees hers alone
        assert [one.number for one in due_reads.due_at(["PK."])] == [thatta]
    supervisor = village.make("field_supervisor", area_code="PK101")
    with access.scoped(supervisor):  # how many and where, not who
        assert due_reads.counts(["PK."]) == {"PK.": 3} and due_reads.due_at(["PK."]) == []


def test_a_call_books_the_hour_and_the_desk_gets_the_family(village: Field, due_village: dict[str, Any]) -> None:
    first, second, third, thatta = due_village["households"]
    area = ["PK.PK1.PK101."]
    slot = datetime(2026, 11, 23, 9, tzinfo=UTC)
    with access.scoped(village.tokens["registrar"]):
        coming = due.call(point="DUE", household=first, outcome="COMING", slot=slot, at=AT)
        assert coming.appointment is not None
        due.call(point="DUE", household=second, outcome="NO_ANSWER", at=AT)
        due.call(point="DUE", household=second, outcome="MOVED_AWAY", at=AT + timedelta(minutes=1))
        with pytest.raises(due.CallUnreadable):
            due.call(point="DUE", household=third, outcome="COMING", at=AT)
        with pytest.raises(due.CallUnreadable):
            due.call(point="DUE", household=third, outcome="REFUSED", slot=slot, at=AT)
        with pytest.raises(due.FamilyUnknown):
            due.call(point="DUE", household=thatta, outcome="NO_ANSWER", at=AT)
        assert {one.number for one in due_reads.due_at(area)} == {first, third}  # who moved away is not called again
        everybody = {one.number: one for one in due_reads.due_at(area, everybody=True)}
        assert (everybody[second].called, everybody[second].last_outcome) == (2, "MOVED_AWAY")
        hers = queue.arrive(reference=coming.appointment.reference, day=slot.date(), at=slot)
        ticket = due.is_here(point="DUE", household=third, day=slot.date(), at=slot)
        centres.open_desk(code="DUE", desk=1, at=slot)
        called = [queue.call_next(point="DUE", day=slot.date(), at=slot + timedelta(minutes=n)) for n in range(2)]
        assert [row.number if row else 0 for row in called] == [hers.number, ticket.number]
        waiting = reads.queue(centres.get_point("DUE"), slot.date())
        assert [row.household.number for row in waiting if row.household] == [third]
    events = village.query("SELECT count(*) FROM audit_event WHERE action = 'intake.due.called'")
    assert events == [(4,)]


def test_a_family_that_was_asked_again_is_due_no_longer(village: Field, due_village: dict[str, Any]) -> None:
    number = due_village["households"][0]
    with access.scoped(village.tokens["steward"]):
        before = {one.number for one in due_reads.due_at(["PK."], everybody=True)}
    entity, base = village.query(
        "SELECT e.uuid::text, e.version FROM intake_entity e JOIN registry_household h ON h.id = e.household_id WHERE h.number = %s", number
    )[0]  # fmt: skip
    again = filled(village.form, family(61), entity=entity, base=base, rooms=5)
    sent = village.send(again, at=AT + timedelta(hours=1)).number
    village.work("steward")
    row = village.row(sent)
    assert row.state == "REGISTERED", row.reasons
    with access.scoped(village.tokens["steward"]):
        assert before - {one.number for one in due_reads.due_at(["PK."], everybody=True)} == {number}


def test_who_may_not_keep_or_call_is_refused(village: Field, due_village: dict[str, Any]) -> None:
    with pytest.raises(access.PermissionMissing):
        workflow.run(token=village.tokens["registrar"], at=AT)
    with access.scoped(village.tokens["enumerator"]), pytest.raises(access.PermissionMissing):
        due.call(point="DUE", household=due_village["households"][1], outcome="NO_ANSWER", at=AT)
