"""An answer about a row of a list holds for the row that says the same when the list comes again, and for no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from khana.linkage.said_of_rows import ask_no_more, follow
from khana_methods.engine.duckdb import Engine

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_TEXTS = (
    "source_code",
    "area_path",
    "name",
    "guardian_name",
    "sex",
    "id_state",
    "payee_state",
    "payee_name",
    "payee_guardian_name",
    "mobile",
)
_NUMBERS = ("benefit_id", "batch_id", "line", "birth_year", "birth_month", "birth_day")
ROW = pa.schema(
    [
        *((name, pa.int64()) for name in _NUMBERS),
        *((name, pa.string()) for name in _TEXTS),
        ("id_token", pa.binary()),
        ("payee_token", pa.binary()),
    ]
)
DECIDED = pa.schema(
    [("left_kind", pa.string()), ("left_id", pa.int64()), ("left_role", pa.string()), ("right_kind", pa.string()), ("right_id", pa.int64()),
     ("right_role", pa.string()), ("is_same", pa.bool_()), ("decided_at", pa.timestamp("us", tz="UTC"))]
)  # fmt: skip


def row(benefit: int, batch: int, line: int, **said: Any) -> dict[str, Any]:
    """One row of a list: Amna of one village, unless something else is said."""
    blank = dict.fromkeys(_TEXTS, "") | {
        "source_code": "Z",
        "area_path": "A.B.",
        "name": "Amna",
        "sex": "F",
        "id_state": "MISSING",
    }
    return blank | {"benefit_id": benefit, "batch_id": batch, "line": line, "birth_year": 1980, "id_token": None} | said


def answer(left: int, right: int, *, same: bool, day: int = 0, kind: str = "PERSON") -> dict[str, Any]:
    return {"left_kind": "ROW", "left_id": left, "left_role": "beneficiary", "right_kind": kind, "right_id": right,
            "right_role": "" if kind == "PERSON" else "beneficiary", "is_same": same, "decided_at": BEGAN + timedelta(days=day)}  # fmt: skip


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256) as made:
        yield made


def followed(
    engine: Engine, answers: list[dict[str, Any]], rows: list[dict[str, Any]], gone: Sequence[int] = ()
) -> set[tuple[Any, ...]]:
    """Follow answers over rows, of which those of batches that are `gone` were replaced; return what is said beside the answers."""
    engine.register("decided_frame", pa.Table.from_pylist(answers, schema=DECIDED))
    engine.register("link_row", pa.Table.from_pylist([one for one in rows if one["batch_id"] not in gone], schema=ROW))

    def beside(ids: Sequence[int]) -> pa.Table:
        looked_at = [one for one in rows if one["benefit_id"] in ids]
        named = {(one["batch_id"], one["area_path"], one["name"]) for one in looked_at}
        return pa.Table.from_pylist(
            [one for one in rows if (one["batch_id"], one["area_path"], one["name"]) in named], schema=ROW
        )

    follow(engine, beside)  # type: ignore[arg-type]
    said = set(engine.rows("SELECT left_id, right_kind, right_id, is_same FROM decided_frame"))
    return said - {(one["left_id"], one["right_kind"], one["right_id"], one["is_same"]) for one in answers}


def test_the_next_list_and_a_corrected_one_are_answered(engine: Engine) -> None:
    rows = [row(1, 1, 2), row(2, 2, 9), row(3, 3, 4)]
    assert followed(engine, [answer(1, 77, same=True)], rows) == {(2, "PERSON", 77, True), (3, "PERSON", 77, True)}
    assert followed(engine, [answer(1, 77, same=False)], rows, gone=[1]) == {
        (2, "PERSON", 77, False),
        (3, "PERSON", 77, False),
    }


@pytest.mark.parametrize(
    "other", [{"name": "Amina"}, {"birth_year": 1981}, {"id_token": b"n"}, {"mobile": "m"}, {"source_code": "Y"}]
)
def test_a_row_that_says_anything_else_is_asked_of(engine: Engine, other: dict[str, Any]) -> None:
    assert followed(engine, [answer(1, 77, same=True)], [row(1, 1, 2), row(2, 2, 2, **other)]) == set()


def test_of_rows_alike_the_first_stands_for_the_first_if_there_are_as_many(engine: Engine) -> None:
    twice = [row(1, 1, 2), row(2, 1, 8), row(3, 2, 5), row(4, 2, 6)]
    assert followed(engine, [answer(2, 77, same=True)], twice) == {(4, "PERSON", 77, True)}
    assert followed(engine, [answer(2, 77, same=True)], [*twice, row(5, 2, 7)]) == set()
    assert followed(engine, [answer(2, 77, same=True)], twice[:3]) == set()


def test_what_was_said_of_the_row_itself_and_last_stands(engine: Engine) -> None:
    rows = [row(1, 1, 2), row(2, 2, 2), row(3, 3, 2)]
    own = [answer(1, 77, same=True, day=5), answer(2, 77, same=False)]
    assert followed(engine, own, rows) == {(3, "PERSON", 77, True)}, "the later of two answers about one person"
    another = [answer(1, 77, same=True, day=5), answer(2, 78, same=True)]
    assert followed(engine, another, rows) == {(3, "PERSON", 77, True)}, "a row means one person"


def test_two_rows_of_one_list_are_answered_in_the_next(engine: Engine) -> None:
    rows = [row(1, 1, 2), row(2, 1, 3, name="Aamna"), row(3, 2, 2), row(4, 2, 3, name="Aamna")]
    pair = [answer(1, 2, same=True, kind="ROW")]
    assert followed(engine, pair, rows) == {(3, "ROW", 4, True)}
    assert followed(engine, pair, rows, gone=[1]) == {(3, "ROW", 4, True)}
    across = [answer(1, 4, same=False, kind="ROW")]
    assert followed(engine, across, rows) == set(), "both rows are there: what was said of them is enough"
    assert followed(engine, across, [*rows, row(5, 3, 9)], gone=[1]) == {(5, "ROW", 4, False)}, (
        "the newest row that is alike"
    )


def test_what_is_answered_is_asked_no_more(engine: Engine) -> None:
    rows = [row(number, 1, number, name=f"N{number}") for number in range(1, 6)]
    again = [row(number + 10, 2, number, name=f"N{number}") for number in range(1, 6)]
    answers = [answer(1, 77, same=True), answer(2, 77, same=True), answer(3, 77, same=True), answer(4, 77, same=False)]
    followed(engine, answers, [*rows, *again])
    people = {77: 100, 78: 101, 79: 102}
    engine.run("CREATE TABLE one_person AS SELECT 79 AS person_id, 77 AS current_id")
    seats = ", ".join(f"('R{number + 10:012d}/beneficiary', {number})" for number in range(1, 6))
    files = ", ".join(f"('P{person:012d}', {number})" for person, number in people.items())
    engine.run(f"CREATE TABLE person_record AS SELECT * FROM (VALUES {seats}, {files}) AS t (record_id, unique_id)")
    engine.run("""
        CREATE TABLE row_decision AS SELECT * FROM (VALUES
            (1, 102, 'LINK'), (2, 100, 'REVIEW'), (3, 101, 'LINK'), (5, 100, 'REVIEW')) AS t (left_id, right_id, decision)
        """)
    engine.run("""
        CREATE TABLE unsure_rows AS SELECT * FROM (VALUES
            (11, 'beneficiary', 'PERSON', 78), (14, 'beneficiary', 'PERSON', 79), (14, 'beneficiary', 'PERSON', 78), (14, 'beneficiary', 'ROW', 15))
            AS t (left_id, left_role, right_kind, right_id)
        """)
    ask_no_more(engine)
    assert engine.rows("SELECT left_id, decision FROM row_decision ORDER BY 1") == [(1, "LINK"), (5, "REVIEW")]
    left = engine.rows("SELECT left_id, right_kind, right_id FROM unsure_rows ORDER BY ALL")
    assert left == [(14, "PERSON", 78), (14, "ROW", 15)], "who is said to be one person is asked of nobody else"
