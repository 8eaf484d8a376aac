"""A claimed member belongs to the family of a listed one: verified, manual, rejected, each with its reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from khana.access import services as access
from khana.identity.services import family_tree
from khana.workflows import check_family
from tests.integration.identity.conftest import Village, number

AT = datetime(2026, 11, 2, tzinfo=UTC)


def test_members_are_held_against_each_other(village: Village) -> None:
    with access.scoped(village.registrar):
        found = {row["person_id"]: row for row in check_family.run(household="HN", at=AT)}
    by_line = {line: found[village.persons[line]] for line in (1, 2, 3, 4)}
    assert [(row["result"], row["tie"]) for row in by_line.values()] == [
        ("VERIFIED", "beta:spouse"), ("VERIFIED", "beta:spouse"), ("VERIFIED", "beta:child"), ("REJECTED", ""),
    ]  # fmt: skip
    assert by_line[4]["why"] == "OF_ANOTHER_FAMILY" and by_line[3]["via_person_id"] == village.persons[1]


def test_a_claim_is_verified_rejected_or_left_to_a_person(village: Village) -> None:
    with access.scoped(village.registrar):
        rows = check_family.run(household="HN", claims=[number(7), number(8), number(9), number(5)], at=AT)
        assert [(row["result"], row["why"]) for row in rows] == [
            ("VERIFIED", ""), ("MANUAL", "AGES_IMPOSSIBLE"), ("MANUAL", "NUMBER_NOT_FOUND"), ("REJECTED", "DECEASED"),
        ]  # fmt: skip
        family_tree.decide(check_id=rows[2]["check"], decision="ACCEPTED", reason="card seen", at=AT)
        with pytest.raises(family_tree.CheckDecided):
            family_tree.decide(check_id=rows[2]["check"], decision="REFUSED", reason="again", at=AT)
        with pytest.raises(family_tree.CheckDecided):  # what the register settled is not decided here
            family_tree.decide(check_id=rows[3]["check"], decision="ACCEPTED", reason="x", at=AT)
        listed = check_family.run(household="HN", only_list=True, at=AT)
    assert listed[1]["decision"] == "ACCEPTED" and len(listed) >= 4
    with pytest.raises(check_family.NumberUnreadable), access.scoped(village.registrar):
        check_family.run(household="HN", claims=["12"], at=AT)
    with pytest.raises(family_tree.HouseholdUnknown), access.scoped(village.registrar):
        check_family.run(household="HS", at=AT)
