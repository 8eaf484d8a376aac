"""Who lives with whom: split, join, marriage, return; with history, and a guard against splits made for benefit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from khana.access import services as access
from khana.assessment.services import keep_model, sign_model
from khana.platform import clock, embedded
from khana.registry import files, known
from khana.registry.services import keep_restructuring, restructure
from khana.workflows import restructure_household
from tests.conftest import REPOSITORY
from tests.factories.filled_forms import family, filled, member

from .field import AT, Field

MODEL = REPOSITORY / "tests" / "data" / "models" / "living.yaml"
ON = date(2026, 11, 21)
WHY = "They keep a kitchen of their own."


@pytest.fixture(scope="module")
def house(village: Field) -> Any:
    """Register joint families: a couple with a child, and a married son with wife and baby."""

    def make(number: int) -> tuple[int, str]:
        lines = [
            *family(number),
            member(4, "Bilal", "M", 2000, "child", marital="M", spouse_line=5, father_line=1, mother_line=2),
            member(5, "Hina", "F", 2002, "child_in_law", marital="M", spouse_line=4),
            member(6, "Zoya", "F", 2025, "grandchild", father_line=4, mother_line=5),
        ]
        sent = village.send(filled(village.form, lines, wall="brick", rooms=3), user="registrar")
        village.work("registrar")
        row = village.row(sent.number)
        assert row.state == "REGISTERED", (row.reasons, row.findings)
        with access.scoped(village.tokens["registrar"]):
            return int(row.household_id), files.household_number_of(int(row.household_id))  # type: ignore[arg-type]

    return make


def propose(village: Field, user: str = "registrar", **more: Any) -> dict[str, Any]:
    return restructure_household.propose(token=village.tokens[user], on=ON, reason=WHY, at=clock.now(), **more)


def roster(village: Field, household: int) -> list[tuple[Any, ...]]:
    with access.scoped(village.tokens["steward"]):
        return [
            (
                m.line_no,
                m.name,
                m.columns["relation"],
                m.columns["spouse_line"],
                m.columns["father_line"],
                m.columns["mother_line"],
            )
            for m in known.households([household])[household].members
        ]


def test_a_married_son_splits_off_with_his_family_and_history_stays(village: Field, house: Any) -> None:
    household, number = house(71)
    before = roster(village, household)
    done = propose(village, kind="SPLIT", household=number, lines=[4, 5, 6])
    assert done["state"] == "IN_FORCE" and "SAME_DWELLING" in done["effect"]["flags"]
    with access.scoped(village.tokens["steward"]):
        new = files.household_id_of(done["household"])
        facts = known.households([new])[new]  # type: ignore[list-item, index]
    assert [row[1] for row in roster(village, household)] == ["Akram b", "Nasreen Bibi", "Sana"]
    # pointers among themselves follow, those to the parents left behind end
    assert roster(village, new) == [  # type: ignore[arg-type]
        (1, "Bilal", "head", 2, None, None), (2, "Hina", "child_in_law", 1, None, None), (3, "Zoya", "grandchild", None, 1, 2),
    ]  # fmt: skip
    assert facts.facts["wall"] == "brick" and len(done["household"]) == 11
    families = village.query(
        "SELECT count(DISTINCT family_no) FROM registry_membership WHERE household_id = %s AND valid_to IS NULL AND superseded_at IS NULL",
        new,
    )
    assert families == [(1,)]
    # as it was known before, and as it stood the day before
    clocks = files.Clocks(as_of=date(2026, 11, 20), as_known_at=datetime(2090, 1, 1, tzinfo=UTC))
    with access.scoped(village.tokens["steward"]):
        stood = files.members_of(household, clocks)
        (row,) = keep_restructuring.of_household(household)
    assert len(stood) == len(before) == 6
    assert (row.kind, row.in_force_at is not None, row.confirmed_by, len(row.persons)) == ("SPLIT", True, None, 3)
    with access.scoped(village.tokens["elsewhere"]):
        assert keep_restructuring.of_household(household) == []
    with pytest.raises(keep_restructuring.RestructuringUnknown):
        propose(village, user="elsewhere", kind="SPLIT", household=number, lines=[1])


def test_she_marries_into_another_household_and_keeps_her_file(village: Field, house: Any) -> None:
    (first, one), (second, other) = house(72), house(73)
    with access.scoped(village.tokens["steward"]):
        sana = next(m for m in known.households([first])[first].members if m.name == "Sana")
    done = propose(village, kind="MOVE", household=one, target=other, lines=[3], relation="child_in_law", spouse_line=1)
    assert done["state"] == "IN_FORCE" and done["household"] == other
    came = roster(village, second)[-1]
    assert came == (7, "Sana", "child_in_law", 1, None, None)
    assert roster(village, second)[0][3] == 2  # he has a wife there: her line stays
    with access.scoped(village.tokens["steward"]):
        assert known.households([second])[second].members[-1].person_id == sana.person_id
        places = [m.line_no for m in known.households([first])[first].members]
    assert places == [1, 2, 4, 5, 6]
    with pytest.raises(restructure.RestructuringInvalid):
        propose(village, kind="MOVE", household=one, target=other, lines=[3])  # she is gone
    back = propose(village, kind="MOVE", household=other, target=one, lines=[7], relation="child")
    assert back["state"] == "IN_FORCE"
    assert [row[1] for row in roster(village, first)].count("Sana") == 1


def test_who_left_comes_back_on_her_old_line_and_a_join_ends_a_household(village: Field, house: Any) -> None:
    (first, one), (second, other) = house(74), house(75)
    with access.scoped(village.tokens["registrar"]):
        from khana.registry.services.register_households import end_memberships

        hina = next(m for m in known.households([first])[first].members if m.line_no == 5)
        with pytest.raises(restructure.RestructuringInvalid):  # she never left
            restructure.apply(
                restructure.Change("RETURN", first, ON, [restructure.Mover(hina.person_id)]), at=clock.now()
            )
        end_memberships(household_id=first, lines=[5], on=ON, at=clock.now())
    propose(village, kind="RETURN", household=one, persons=[hina.person_id])
    assert [row[0] for row in roster(village, first)] == [1, 2, 3, 4, 5, 6]
    done = propose(village, kind="JOIN", household=other, target=one)
    assert done["household"] == one and len(roster(village, first)) == 12
    assert village.query(
        "SELECT count(*) FROM registry_householdversion WHERE household_id = %s AND valid_to IS NULL AND superseded_at IS NULL",
        second,
    ) == [(0,)]
    assert village.query(
        "SELECT count(*) FROM registry_membership WHERE household_id = %s AND valid_to IS NULL AND superseded_at IS NULL",
        second,
    ) == [(0,)]
    for wrong in ({"lines": [99]}, {"lines": []}, {"lines": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}):
        with pytest.raises(restructure.RestructuringInvalid):
            propose(village, kind="SPLIT", household=one, **wrong)


def test_households_of_one_dwelling_are_seen_and_an_institution_has_its_kind(village: Field, house: Any) -> None:
    household, number = house(76)
    with access.scoped(village.tokens["registrar"]):
        restructure.put_in_dwelling(household=household, code="H-1", on=date(2026, 11, 20), at=AT)
    done = propose(village, kind="SPLIT", household=number, lines=[4, 5, 6])
    with access.scoped(village.tokens["registrar"]):
        new = files.household_id_of(done["household"])
        assert restructure.sharing(household) == [new]
        moved = restructure.put_in_dwelling(
            household=new, code="S-4", kind="INSTITUTION", name="Dar-ul-Aman", on=ON, at=AT
        )  # type: ignore[arg-type]
        assert restructure.sharing(household) == [] and moved.kind == "INSTITUTION"
        with pytest.raises(restructure.RestructuringInvalid):
            restructure.put_in_dwelling(household=household, code="X", kind="PALACE", on=ON, at=AT)


def sent(village: Field, lines: Any, **answers: Any) -> Any:
    """Send a change in the family from the desk and work it off; return its row."""
    made = village.send(
        filled(village.form, lines, change="roster", survey_date="2026-11-21", **answers), user="registrar"
    )
    village.work("registrar")
    row = village.row(made.number)
    assert row.state == "REGISTERED", (row.reasons, row.findings)
    return row


def test_a_form_says_whom_it_takes_from_another_household_and_a_second_person_confirms(village: Field) -> None:
    """She marries: her new family's form names the slip of her father's; she is not registered twice, and leaves when it is confirmed."""
    card = {"id_type": "card_seen", "id_number": "3520200000814"}
    first = sent(village, [*family(81), member(4, "Rabia", "F", 2001, father_line=1, mother_line=2, **card)])
    second = sent(village, [*family(82), member(4, "Usman", "M", 1999, father_line=1, mother_line=2)])
    with access.scoped(village.tokens["steward"]):
        slip = files.household_number_of(first.household_id)
        rabia = next(
            one for one in known.households([first.household_id])[first.household_id].members if one.name == "Rabia"
        )
    lines = [
        *family(82), member(4, "Usman", "M", 1999, marital="M", spouse_line=5, father_line=1, mother_line=2),
        member(5, "Rabia", "F", 2001, "child_in_law", marital="M", spouse_line=4, came_from=slip, **card),
    ]  # fmt: skip
    form = sent(village, lines, entity=str(second.entity_uuid), base=1)
    assert ("CAME_FROM_FOUND", 5) in {(one["code"], one["line"]) for one in form.findings}
    assert [row[1] for row in roster(village, second.household_id)] == ["Akram c", "Nasreen Bibi", "Sana", "Usman"]
    assert "Rabia" in [row[1] for row in roster(village, first.household_id)]  # until somebody else has confirmed it
    with access.scoped(village.tokens["steward"]):
        (proposal,) = keep_restructuring.of_household(first.household_id)
    assert (proposal.kind, proposal.target_id, proposal.needs_second) == ("MOVE", second.household_id, True)
    with pytest.raises(keep_restructuring.RestructuringDecided):  # who sent the form
        restructure_household.confirm(token=village.tokens["registrar"], proposal=proposal.pk, at=clock.now())
    restructure_household.confirm(token=village.tokens["steward"], proposal=proposal.pk, at=clock.now())
    assert roster(village, second.household_id)[-2:] == [
        (4, "Usman", "child", 5, 1, 2), (5, "Rabia", "child_in_law", 4, None, None),
    ]  # fmt: skip
    usman = (
        "SELECT spouse_line, valid_from::text FROM registry_membership WHERE household_id = %s AND line_no = 4"
        " AND superseded_at IS NULL ORDER BY valid_from, valid_to"
    )
    assert village.query(usman, second.household_id)[-1] == (5, "2026-11-21")
    assert "Rabia" not in [row[1] for row in roster(village, first.household_id)]
    with access.scoped(village.tokens["steward"]):
        assert known.households([second.household_id])[second.household_id].members[-1].person_id == rabia.person_id
    held = village.query("SELECT count(*) FROM registry_identifier WHERE person_id = %s", rabia.person_id)
    assert held == [(1,)]  # one person, one file, one number


def test_a_household_that_parts_says_so_on_the_form_of_the_new_one(village: Field, house: Any) -> None:
    household, number = house(83)
    lines = [
        member(1, "Bilal", "M", 2000, "head", marital="M", spouse_line=2, came_from=number),
        member(2, "Hina", "F", 2002, "spouse", marital="M", spouse_line=1, came_from=number),
        member(3, "Zoya", "F", 2025, father_line=1, mother_line=2, came_from=number),
    ]
    new = sent(village, lines, rooms=1)
    assert roster(village, new.household_id) == [] and len(roster(village, household)) == 6
    with access.scoped(village.tokens["steward"]):
        (proposal,) = keep_restructuring.of_household(household)
    restructure_household.confirm(token=village.tokens["steward"], proposal=proposal.pk, at=clock.now())
    assert roster(village, new.household_id) == [
        (1, "Bilal", "head", 2, None, None), (2, "Hina", "spouse", 1, None, None), (3, "Zoya", "child", None, 1, 2),
    ]  # fmt: skip
    assert [row[1] for row in roster(village, household)] == ["Akram d", "Nasreen Bibi", "Sana"]


def test_a_slip_that_nobody_knows_is_said_and_holds_nothing_up(village: Field) -> None:
    row = sent(village, [*family(84), member(4, "Amna", "F", 2010, came_from="00000000000")])
    assert ("CAME_FROM_UNKNOWN", 4) in {(one["code"], one["line"]) for one in row.findings}
    assert len(roster(village, row.household_id)) == 4


def test_a_split_that_would_bring_benefit_waits_for_a_second_person(village: Field, house: Any) -> None:
    household, number = house(77)
    with access.scoped(village.tokens["steward"]):
        keep_model.keep_model(path=MODEL, at=AT)
        signed = sign_model.propose_activation(code="LIVING", version=1, effective_from=date(2024, 1, 1), at=AT)
    with access.scoped(village.make("analyst")):
        sign_model.confirm_activation(activation=signed.id, at=AT)
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": village.database}) as owner:  # type: ignore[arg-type]
        owner.execute(
            "INSERT INTO programmes_programme (code, name, names, agency, benefit_type, counts_to_cap, sex, max_score, poverty_targeted,"
            " one_per_household, requires, incompatible_with, areas, amounts, rule, target_group, source, recorded_at,"
            " unit, frequency, owner, budget_head, conditions, eligibility)"
            " VALUES ('CASH', 'Cash', '{}', 'A', 1, true, '', 60, true, false, '', '[]', '[]', '[]', '', '', '', now(),"
            " 'household', '', '', '', '[]', '{}')"
        )
    done = propose(village, kind="SPLIT", household=number, lines=[4, 5, 6])
    # the whole is under the line once, the two halves would be twice
    assert done["state"] == "WAITING" and done["effect"]["second_because"] == ["GAINS:CASH"], done
    assert len(done["effect"]["before"]) == 1 and len(done["effect"]["after"]) == 2 and "new" in done["effect"]["after"]
    assert len(roster(village, household)) == 6  # nothing of the trial stayed
    with pytest.raises(keep_restructuring.RestructuringDecided):
        restructure_household.confirm(token=village.tokens["registrar"], proposal=done["proposal"], at=clock.now())
    assert len(roster(village, household)) == 6
    assert (
        restructure_household.confirm(token=village.tokens["steward"], proposal=done["proposal"], at=clock.now())[
            "state"
        ]
        == "IN_FORCE"
    )
    assert len(roster(village, household)) == 3
    with pytest.raises(keep_restructuring.RestructuringDecided):
        restructure_household.confirm(token=village.tokens["steward"], proposal=done["proposal"], at=clock.now())
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": village.database}) as owner:  # type: ignore[arg-type]
        for change in ("confirmed_by = proposed_by", "confirmed_by = NULL"):
            with pytest.raises(psycopg.errors.CheckViolation), owner.transaction():
                owner.execute(f"UPDATE registry_restructuring SET {change} WHERE id = %s", [done["proposal"]])  # type: ignore[arg-type]


def test_a_reassessment_before_its_day_waits(village: Field) -> None:
    sent = village.send(filled(village.form, family(78), survey_date="2024-12-01"), user="registrar")
    village.work("registrar")
    uid = str(village.row(sent.number).entity_uuid)
    again = {"entity": uid, "change": "again_ineligible"}
    early = village.send(filled(village.form, family(78), base=1, survey_date="2026-11-20", **again), user="registrar")
    village.work("registrar")
    assert village.row(early.number).reasons == ["REASSESSMENT_EARLY"]
    other = village.send(
        filled(village.form, family(78), base=1, survey_date="2026-11-20", entity=uid, change="roster"),
        user="registrar",
    )
    village.work("registrar")
    assert "REASSESSMENT_EARLY" not in village.row(other.number).reasons
