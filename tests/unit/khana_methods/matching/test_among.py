"""Rows that lead to nobody, held against each other: the same child twice is told from her brothers and sisters."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from tests.factories.linked_people import frame, people, record

from khana_methods.engine.duckdb import Engine
from khana_methods.matching import among
from khana_methods.matching.among import count_lists, link_among, sibling_shares
from khana_methods.matching.compare import BIRTH
from khana_methods.matching.model import ModelCard
from khana_methods.matching.prepare import prepare
from khana_methods.matching.train import train

FAMILIES = 160
_BOYS = ["Aslam", "Bilal", "Danish", "Fahad", "Hamid", "Imran", "Kamran", "Nadeem", "Owais", "Tahir", "Usman", "Zahid"]
_GIRLS = ["Abida", "Bushra", "Farah", "Hina", "Iqra", "Lubna", "Maryam", "Nargis", "Rubina", "Saima", "Uzma", "Zainab"]
_SECOND = ["Khan", "Malik", "Ali", "Shah", "Baloch", "Jatoi", "Soomro", "Mengal", "Bugti", "Khoso", "Lashari"]


@dataclass
class Lists:
    """Rows of lists: which are known, which say one person."""

    rows: list[dict[str, object]]
    known: dict[str, int]
    same: set[frozenset[str]]
    person: dict[str, int]


def _children(family: int, dice: random.Random) -> list[dict[str, object]]:
    """Give three children of one mother, about two years apart, with names that look alike, as brothers' names do."""
    second, mother = dice.choice(_SECOND), f"{dice.choice(_GIRLS)} Bibi"
    year = dice.randint(1995, 2014)
    district = f"D{family % 10}"
    return [
        {
            "name": f"{dice.choice(_BOYS if child % 2 else _GIRLS)} {second}", "sex": "M" if child % 2 else "F",
            "birth_year": year + 2 * child, "birth_month": dice.randint(1, 12), "birth_day": dice.randint(1, 28),
            "household_mobile": f"+92360{family:07d}", "kin_names": [mother], "kin_numbers": [f"59{family:011d}"],
            "district_code": district, "tehsil_code": f"{district}T{family % 30}",
        }
        for child in range(3)
    ]  # fmt: skip


def _lists() -> Lists:
    dice = random.Random(11)
    found = Lists([], {}, set(), {})
    for family in range(FAMILIES):
        for child, said in enumerate(_children(family, dice)):
            one = f"R{family:03d}{child}a"
            if child == 2:  # the youngest has a number of her own
                found.known[one] = FAMILIES + family
                found.rows.append(record(one, **{**said, "number": f"42{family:011d}"}))
                continue
            found.rows.append(record(one, side="LIST", **said))
            if child != 1:
                continue
            again = f"R{family:03d}{child}b"
            slip = dict(said)
            if family % 2:
                slip["name"] = str(said["name"]).replace("a", "e", 1)
            if family % 4 == 0:  # the other row shows her number, and leads to somebody
                slip |= {"side": "REGISTRY", "number": f"41{family:011d}"}
                found.known[again], found.person[one] = family, family
            else:
                found.same.add(frozenset((one, again)))
            found.rows.append(record(again, **({"side": "LIST"} | slip)))
    return found


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=512, threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def card(engine: Engine) -> ModelCard:
    """Train on a register in which brothers and sisters live together."""
    dice = random.Random(5)
    register, _ = people()
    for home in range(300):
        father = f"{dice.choice(_BOYS)} {dice.choice(_SECOND)}"
        for line, child in enumerate(_children(home, dice)):
            said = {**child, "kin_names": [father], "kin_numbers": [], "household_mobile": ""}
            register.append(
                record(f"S{home:03d}{line}", household_id=f"F{home}", guardian_name=father, guardian_kind="F", **said)
            )
    prepare(engine, frame(register), plain="plain_record")
    return train(engine, "person_record", "plain_record", version="T-A", max_pairs=2e5).card


@pytest.fixture(scope="module")
def decided(engine: Engine, card: ModelCard) -> tuple[Lists, dict[str, tuple[int | None, int | None]]]:
    return _lists(), _linked(engine, card, [])[0]


def test_a_child_on_two_rows_is_found(decided: tuple[Lists, dict[str, tuple[int | None, int | None]]]) -> None:
    lists, found = decided
    groups: dict[int, set[str]] = {}
    for row, (_, grouped) in found.items():
        if grouped is not None:
            groups.setdefault(grouped, set()).add(row)
    told = {frozenset(rows) for rows in groups.values()}
    assert len(lists.same) == FAMILIES - FAMILIES // 4
    assert len(told & lists.same) >= 0.9 * len(lists.same)
    assert len(told & lists.same) >= 0.98 * len(told), told - lists.same


def test_a_row_without_a_number_leads_to_the_row_that_has_one(
    decided: tuple[Lists, dict[str, tuple[int | None, int | None]]],
) -> None:
    lists, found = decided
    led = {row: cluster for row, (cluster, _) in found.items() if cluster is not None}
    right = sum(lists.person.get(row) == cluster for row, cluster in led.items())
    assert right >= 0.9 * len(lists.person)
    assert right >= 0.98 * len(led)


def _linked(
    engine: Engine, card: ModelCard, said: list[tuple[str, str, bool]]
) -> tuple[dict[str, tuple[int | None, int | None]], set[frozenset[str]]]:
    """Link the lists again with what somebody said of pairs; return what was found, and the pairs that wait."""
    lists = _lists()
    prepare(engine, frame(lists.rows), table="row_record")
    ids = dict(engine.rows("SELECT record_id, unique_id FROM row_record"))
    listed = ", ".join(f"({ids[row]}, {person})" for row, person in lists.known.items())
    engine.run(f"CREATE OR REPLACE TABLE row_person AS SELECT * FROM (VALUES {listed}) AS held (unique_id, cluster)")
    engine.run(
        "CREATE OR REPLACE TABLE row_about AS SELECT unique_id, 'A' AS listed, NULL::BIGINT AS payee FROM row_record"
    )
    engine.run("CREATE OR REPLACE TABLE row_said (left_id BIGINT, right_id BIGINT, is_same BOOLEAN)")
    for one, other, is_same in said:
        engine.run(f"INSERT INTO row_said VALUES ({ids[one]}, {ids[other]}, {is_same})")
    link_among(
        engine, "row_record", card, person_of="row_person", about="row_about", registry="person_record", into="row_same",
        unsure="row_unsure", said="row_said",
    )  # fmt: skip
    found = engine.rows("SELECT r.record_id, s.cluster, s.grouped FROM row_same s JOIN row_record r USING (unique_id)")
    waits = engine.rows(
        "SELECT l.record_id, r.record_id FROM row_unsure u JOIN row_record l ON l.unique_id = u.left_id "
        "JOIN row_record r ON r.unique_id = u.right_id WHERE u.probability >= 0 AND u.bits_name IS NOT NULL"
    )
    return {row: (cluster, grouped) for row, cluster, grouped in found}, {frozenset(pair) for pair in waits}


def test_what_somebody_said_of_two_rows_is_followed(
    engine: Engine, card: ModelCard, decided: tuple[Lists, dict[str, tuple[int | None, int | None]]]
) -> None:
    """Same and different, of two rows that lead to nobody and of one whose person is known, in either order."""
    lists, found = decided
    together = next(sorted(pair) for pair in sorted(lists.same, key=sorted) if all(row in found for row in pair))
    led = next(row for row, (cluster, _) in sorted(found.items()) if cluster is not None)
    known = next(row for row, person in sorted(lists.known.items()) if person == found[led][0])
    strangers = [row for row in ("R0010a", "R0050a") if row not in found]
    assert len(strangers) == 2
    said, _ = _linked(
        engine, card, [(together[1], together[0], False), (known, led, False), (strangers[0], strangers[1], True)]
    )
    assert said.get(together[0], (0, 1))[1] != said.get(together[1], (0, 2))[1]
    assert said.get(led, (None, None))[0] != found[led][0]
    assert said[strangers[0]][1] == said[strangers[1]][1] is not None
    said, _ = _linked(engine, card, [(strangers[0], known, True), (strangers[1], strangers[0], True)])
    assert {said[row][0] for row in strangers} == {found[led][0]}, "who is one person with her leads to her too"


def test_two_people_are_not_taken_for_one_by_way_of_a_third(
    engine: Engine, card: ModelCard, decided: tuple[Lists, dict[str, tuple[int | None, int | None]]]
) -> None:
    lists, found = decided
    one, other = next(sorted(pair) for pair in sorted(lists.same, key=sorted) if all(row in found for row in pair))
    third = next(row for row in ("R0010a", "R0050a", "R0090a") if row not in found)
    said, _ = _linked(engine, card, [(one, third, True), (other, third, False)])
    assert said[one][1] == said[third][1] is not None and said.get(other, (0, None))[1] is None
    led = next(row for row, (cluster, _) in sorted(found.items()) if cluster is not None)
    known = next(row for row, person in sorted(lists.known.items()) if person == found[led][0])
    said, _ = _linked(engine, card, [(third, known, True), (led, third, False)])
    assert said[third][0] == found[led][0] and said.get(led, (None, None))[0] is None


def test_pairs_between_the_thresholds_wait_for_somebody(
    engine: Engine, card: ModelCard, decided: tuple[Lists, dict[str, tuple[int | None, int | None]]]
) -> None:
    lists, _ = decided
    unsure = replace(card, thresholds=replace(card.thresholds, link=0.9999999, review=0.05))
    found, waits = _linked(engine, unsure, [])
    assert waits and not any(pair <= set(lists.known) for pair in waits), "of two rows that are known numbers decide"
    some = min(waits, key=sorted)
    one, other = sorted(some)
    _, after = _linked(engine, unsure, [(one, other, False)])
    assert some not in after and waits - after == {some}, "the others wait on"
    assert not any(found[a][1] == found[b][1] is not None for a, b in map(sorted, waits) if a in found and b in found)


def test_of_rows_that_may_all_be_one_person_few_pairs_wait(
    engine: Engine, card: ModelCard, decided: tuple[Lists, dict[str, tuple[int | None, int | None]]]
) -> None:
    unsure = replace(card, thresholds=replace(card.thresholds, link=0.9999999, review=0.0001))
    _, waits = _linked(engine, unsure, [])
    rows = {row for pair in waits for row in pair}
    known = {row for pair in waits for row in pair if row in decided[0].known}
    among = [pair for pair in waits if not pair & known]
    groups: dict[str, str] = {}

    def top(row: str) -> str:
        return top(groups[row]) if row in groups else row

    for one, other in map(sorted, among):
        assert top(one) != top(other), "no pair that the others would answer"
        groups[top(one)] = top(other)
    assert len(among) > 20 and len(rows) > 40
    say_same = [(*sorted(pair), True) for pair in among]
    _, after = _linked(engine, unsure, say_same)
    assert not [pair for pair in after if pair <= rows - known], "a yes to each answers all of them"


def test_agreement_of_brothers_and_sisters_is_counted(engine: Engine, card: ModelCard) -> None:
    shares = sibling_shares(engine, "person_record", card.u)
    assert abs(sum(shares["birth"].values()) - 1) < 1e-9
    assert shares["birth"]["year_3"] > 2 * card.u["birth"]["year_3"], "children of one mother are born close together"
    assert shares["sex"]["other"] > 0.2


def test_without_households_the_shares_of_strangers_stand(engine: Engine, card: ModelCard) -> None:
    prepare(
        engine, frame([record("A", name="Aslam Khan", sex="M"), record("B", name="Hina Ali", sex="F")]), table="few"
    )
    assert sibling_shares(engine, "few", card.u) == {code: card.u[code] for code in ("name", "birth", "sex")}


def _infants(
    engine: Engine, card: ModelCard, *, payees: bool = False, lists: str = "'N'"
) -> dict[str, tuple[int | None, int | None]]:
    """Link a list of infants born within one year, among whom two of other mothers share name, district and birthday."""
    dice = random.Random(3)
    rows = [
        record(
            f"I{place:03d}", side="LIST", name=f"{dice.choice(_GIRLS)} {dice.choice(_SECOND)}", sex="F", birth_year=2025,
            birth_month=dice.randint(1, 12), birth_day=dice.randint(1, 28), district_code=f"D{place % 10}",
        )
        for place in range(400)
    ]  # fmt: skip
    said = {name: rows[7][name] for name in ("name", "birth_month", "birth_day", "district_code")}
    rows.append(record("TWIN", side="LIST", sex="F", birth_year=2025, **said))
    prepare(engine, frame(rows), table="row_record")
    engine.run("CREATE OR REPLACE TABLE row_person (unique_id BIGINT, cluster BIGINT)")
    paid = "unique_id" if payees else "NULL::BIGINT"
    engine.run(f"CREATE OR REPLACE TABLE row_about AS SELECT unique_id, 'N' AS listed, {paid} AS payee FROM row_record")
    link_among(
        engine, "row_record", card, person_of="row_person", about="row_about", registry="person_record", into="row_same",
        unsure="row_unsure",
    )  # fmt: skip
    found = engine.rows("SELECT r.record_id, s.cluster, s.grouped FROM row_same s JOIN row_record r USING (unique_id)")
    return {row: (cluster, grouped) for row, cluster, grouped in found}


def test_on_a_list_of_infants_a_birthday_says_little(engine: Engine, card: ModelCard) -> None:
    """Of strangers born in one year one pair in three hundred shares its birthday; of all ages, one in twenty thousand."""
    _infants(engine, card)
    engine.run(
        "CREATE OR REPLACE TABLE every_age AS SELECT * FROM person_record WHERE birth_year IS NOT NULL LIMIT 400"
    )
    engine.run("CREATE OR REPLACE TABLE nobody (unique_id BIGINT, cluster BIGINT)")
    same_day = [level.code for level in BIRTH.levels].index("same_day")
    bits = {}
    for table in ("row_record", "every_age"):
        engine.run(
            f"CREATE OR REPLACE TABLE row_about AS SELECT unique_id, 'N' AS listed, NULL::BIGINT AS payee FROM {table}"
        )
        count_lists(engine, table, person_of="nobody", about="row_about", u=card.u)
        asked = "SELECT coalesce(min(bits), 0) FROM among_luck WHERE question = 'birth' AND level = $level"
        bits[table] = engine.value(asked, {"level": same_day})
    assert bits["row_record"] < -3
    assert bits["every_age"] > -1.5


def test_rows_under_two_payees_are_two_people(engine: Engine, card: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = "CREATE OR REPLACE TABLE among_luck (one_list VARCHAR, other_list VARCHAR, question VARCHAR, level UTINYINT, bits DOUBLE)"
    monkeypatch.setattr(among, "count_lists", lambda *_, **__: engine.run(nothing))
    assert set(_infants(engine, card)) == {"I007", "TWIN"}, "as in a register of all ages"
    assert not _infants(engine, card, payees=True)
