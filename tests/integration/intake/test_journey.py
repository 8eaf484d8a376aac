"""From a filled form to a household in the registry: every state, every reason, and nothing twice."""

from __future__ import annotations

import uuid
from datetime import timedelta

from khana.access import services as access
from khana.intake import selectors
from khana.intake.services import entities, forms, journey
from khana.registry import known
from tests.factories.filled_forms import family, filled, member

from .field import AT, Field


def _registered(village: Field, xml: bytes, **more: object) -> int:
    receipt = village.send(xml, **more)  # type: ignore[arg-type]
    village.work()
    row = village.row(receipt.number)
    assert row.state == "REGISTERED", (row.state, row.reasons, row.findings)
    return receipt.number


def test_a_new_household_comes_into_the_registry(village: Field) -> None:
    xml = filled(village.form, family(1), land_owned=12, has_land="yes", contact_mobile_number="0300-1234567")
    number = _registered(village, xml)
    row = village.row(number)
    assert village.states(number) == ["RECEIVED", "CHECKED", "VERIFIED", "MATCHED", "REGISTERED"]
    assert row.area_path == "PK.PK1.PK101.PK10101."
    with access.scoped(village.tokens["registrar"]):
        house = known.households([row.household_id])[row.household_id]  # type: ignore[list-item]
    assert len(house.number) == 11 and house.area_path == row.area_path
    assert (house.facts["rooms"], house.facts["land_owned_acres"], house.facts["interview_minutes"]) == (2, 1.5, 31)
    assert "contact_mobile_number" not in house.facts and house.columns["mobile_token"] is not None
    one, two, three = house.members
    assert (one.name, one.sex, one.birth_year, one.columns["spouse_line"]) == ("Akram b", "M", 1980, 2)
    assert (three.columns["father_line"], three.columns["mother_line"], three.facts["is_attending"]) == (1, 2, True)
    assert len(two.tokens) == 1
    rows = village.query(
        "SELECT status, count(*) FROM registry_identifier i JOIN registry_membership m ON m.person_id = i.person_id"
        " WHERE m.household_id = %s GROUP BY 1", row.household_id,
    )  # fmt: skip
    assert rows == [("CLAIMED", 2)]
    with access.scoped(village.tokens["elsewhere"]):
        assert known.households([row.household_id]) == {}  # type: ignore[list-item]


def test_the_same_form_twice_is_one_household(village: Field) -> None:
    xml = filled(village.form, family(2), instance_id="uuid:twice")
    first = village.send(xml)
    again = village.send(xml)
    assert (first.is_new, again.is_new, first.number) == (True, False, again.number)
    village.work()
    assert village.send(xml).state == "REGISTERED"
    assert village.work() == {}
    household = village.row(first.number).household_id
    with access.scoped(village.tokens["steward"]):
        token = next(iter(known.households([household])[household].members[0].tokens))  # type: ignore[list-item, index]
        assert known.holders([token]) == {token: {household}}


def test_other_answers_under_one_instance_id_are_kept_beside(village: Field) -> None:
    village.send(filled(village.form, family(3), instance_id="uuid:same"))
    receipt = village.send(filled(village.form, family(3), instance_id="uuid:same", rooms=9))
    assert not receipt.is_new and "Both are kept" in receipt.problem
    with access.scoped(village.tokens["steward"]):
        (part,) = selectors.parts_of(receipt.number)
    assert part.kind == "OTHER_ANSWERS"


def test_an_update_meets_its_household_and_its_members(village: Field) -> None:
    first = _registered(village, filled(village.form, family(4), has_fridge="no"))
    before = village.row(first)
    lines = [
        # the roster was asked anew and in another order: the baby first, the mother under another spelling
        member(1, "Bilal", "M", 2026, father_line=3, mother_line=2),
        member(
            2,
            "Nasrin Bibi",
            "F",
            1985,
            "spouse",
            spouse_line=3,
            marital="M",
            id_type="card_seen",
            id_number="3520200000042",
        ),
        member(3, "Akram e", "M", 1980, "head", spouse_line=2, marital="M"),
        member(4, "Sana", "F", 2014, father_line=3, mother_line=2),
    ]
    second = _registered(village, filled(village.form, lines, entity=str(before.entity_uuid), base=1, has_fridge="yes"))
    after = village.row(second)
    assert after.household_id == before.household_id
    with access.scoped(village.tokens["registrar"]):
        house = known.households([after.household_id])[after.household_id]  # type: ignore[list-item, index]
    assert [(m.line_no, m.name) for m in house.members] == [
        (1, "Akram e"),
        (2, "Nasrin Bibi"),
        (3, "Sana"),
        (4, "Bilal"),
    ]
    baby = house.members[3]
    assert (baby.columns["father_line"], baby.columns["mother_line"]) == (1, 2)
    assert house.facts["has_fridge"] is True and house.facts["rooms"] == 2
    with access.scoped(village.tokens["steward"]):
        (entity,) = entities.Entity.objects.filter(uuid=after.entity_uuid)
    assert (entity.version, entity.has_conflict, entity.properties["members"]) == (2, False, "4")


def test_members_who_left_wait_for_a_steward(village: Field) -> None:
    first = village.row(_registered(village, filled(village.form, family(5))))
    receipt = village.send(filled(village.form, family(5)[:2], entity=str(first.entity_uuid), base=1))
    village.work()
    row = village.row(receipt.number)
    assert (row.state, row.reasons) == ("WAITING", ["MEMBERS_LEFT"])
    with access.scoped(village.tokens["registrar"]):
        journey.accept(number=receipt.number, codes=["MEMBERS_LEFT"], at=AT)
    village.work("registrar")
    assert village.row(receipt.number).state == "REGISTERED"
    with access.scoped(village.tokens["registrar"]):
        house = known.households([first.household_id])[first.household_id]  # type: ignore[list-item, index]
    assert [m.line_no for m in house.members] == [1, 2]


def test_two_phones_edit_one_household_offline(village: Field) -> None:
    first = village.row(_registered(village, filled(village.form, family(6))))
    uid, mine, theirs = str(first.entity_uuid), str(uuid.uuid4()), str(uuid.uuid4())
    one = filled(village.form, family(6), entity=uid, base=1, trunk=1, branch=mine, rooms=3)
    two = filled(village.form, family(6), entity=uid, base=2, trunk=1, branch=mine, rooms=4)
    other = filled(village.form, family(6), entity=uid, base=1, trunk=1, branch=theirs, rooms=7)
    late = village.send(two)  # the second form of one telephone arrives first
    village.work()
    assert village.row(late.number).reasons == ["ENTITY_OUT_OF_ORDER"]
    village.send(one)
    village.work()
    assert village.row(late.number).state == "REGISTERED"
    conflict = village.send(other, user="second")
    village.work("second")
    assert (village.row(conflict.number).state, village.row(conflict.number).reasons) == (
        "WAITING",
        ["ENTITY_CONFLICT"],
    )
    with access.scoped(village.tokens["registrar"]):
        journey.accept(number=conflict.number, codes=["ENTITY_CONFLICT"], at=AT)
    village.work("registrar")
    with access.scoped(village.tokens["steward"]):
        entity = entities.Entity.objects.get(uuid=first.entity_uuid)
        house = known.households([first.household_id])[first.household_id]  # type: ignore[list-item, index]
    assert (entity.version, entity.has_conflict, house.facts["rooms"]) == (4, True, 7)


def test_reasons_send_back_or_wait(village: Field) -> None:
    form = village.form
    foreign = village.row(_registered(village, filled(form, family(7))))
    with access.scoped(village.tokens["steward"]):
        entities.Entity.objects.filter(uuid=foreign.entity_uuid).update(area_path="PK.PK2.PK201.")
    two_heads = [*family(8), member(4, "Other", "M", 1970, "head")]
    cases = {
        "CONSENT_REFUSED": filled(form, [], consent="no"),
        "NO_MEMBERS": filled(form, []),
        "CHECK_REFUSED": filled(form, two_heads),
        "AREA_UNKNOWN": filled(form, family(8), tehsil_code="PK99999"),
        "OUT_OF_AREA": filled(form, family(8), province_code="PK2", district_code="PK201", tehsil_code="PK20101"),
        "ENTITY_UNKNOWN": filled(form, family(8), entity=str(uuid.uuid4()), base=1),
        "ENTITY_FOREIGN": filled(form, family(8), entity=str(foreign.entity_uuid), base=1),
        "FORM_UNKNOWN": filled(form, family(8), version="1999010101"),
        "NUMBER_HELD": filled(form, family(7)),
    }
    sent = {code: village.send(xml).number for code, xml in cases.items()}
    village.work()
    met = {code: village.row(number).reasons for code, number in sent.items()}
    assert met == {code: [code] for code in cases}
    returned = {code for code, number in sent.items() if village.row(number).state == "RETURNED"}
    assert returned == {"CONSENT_REFUSED", "NO_MEMBERS", "CHECK_REFUSED"}
    # a steward may say that the household is hers all the same: the number is then disputed, nobody is refused a file
    with access.scoped(village.tokens["registrar"]):
        journey.accept(number=sent["NUMBER_HELD"], codes=["NUMBER_HELD"], at=AT)
        journey.send_back(number=sent["OUT_OF_AREA"], at=AT)
    village.work("registrar")
    assert village.row(sent["NUMBER_HELD"]).state == "REGISTERED"
    assert village.row(sent["OUT_OF_AREA"]).reasons == ["STEWARD_RETURNED"]


def test_a_clock_of_1970_and_a_lost_picture_are_said(village: Field) -> None:
    xml = filled(
        village.form, family(9), survey_date="1970-01-01", start="1970-01-01T00:00:00Z", end="1970-01-01T00:10:00Z",
        shock_flood="yes", damage="partial", photo="roof.jpg",
    )  # fmt: skip
    row = village.row(_registered(village, xml))
    assert {note["code"] for note in row.findings} == {"CLOCK_WRONG", "ATTACHMENT_MISSING"}
    with access.scoped(village.tokens["registrar"]):
        assert known.households([row.household_id])[row.household_id].facts["interview_minutes"] == 10  # type: ignore[list-item, index]


def test_a_withdrawn_version_is_taken_for_what_was_filled_before(village: Field) -> None:
    with access.scoped(village.tokens["steward"]):
        forms.withdraw_version(code=village.form.form_id, version=village.form.version, at=AT - timedelta(days=3))
    before = village.send(filled(village.form, family(10), survey_date="2026-11-18"))
    after = village.send(filled(village.form, family(11), survey_date="2026-11-21"))
    village.work()
    assert village.row(before.number).state == "REGISTERED"
    assert village.row(after.number).reasons == ["FORM_WITHDRAWN"]


def test_what_cannot_be_read_is_kept_and_returned(village: Field) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><data id="f">&b;</data>'
    cut = filled(village.form, family(12))[:-200]
    deep = b"<data id='f'>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</data>"
    for data in (bomb, cut, deep, b"", b"\x00\xff" * 20, b"<data/>"):
        receipt = village.send(data)
        assert (receipt.state, bool(receipt.problem)) == ("RETURNED", True)
        assert village.send(data).number == receipt.number
        assert village.row(receipt.number).reasons == ["XML_UNREADABLE"]


def test_nobody_sees_what_is_not_hers(village: Field) -> None:
    receipt = village.send(filled(village.form, family(13), instance_id="uuid:hers"))
    for user, sees in (("enumerator", 1), ("second", 0), ("registrar", 1), ("elsewhere", 0), ("steward", 1)):
        with access.scoped(village.tokens[user]):
            found = [row for row in selectors.list_submissions(limit=500) if row.pk == receipt.number]
        assert len(found) == sees, user
