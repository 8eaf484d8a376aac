"""The cases that a policy officer reads, through the interpreter and through DuckDB."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from khana_methods.engine.duckdb import Engine
from khana_methods.rules.cases import CaseOutcome, run_cases
from khana_methods.rules.compile import compile_rules
from khana_methods.rules.expression import facts_of
from khana_methods.rules.facts import load_facts
from khana_methods.rules.rulebook import load_rules

PACKS = Path(__file__).parents[3] / "country"
BOOK = load_rules(*sorted(Path(__file__).parent.glob("*.yaml")), *sorted(PACKS.glob("*/eligibility.yaml")))
OUTCOMES = run_cases(BOOK)
ARROW = {
    "integer": pa.float64(),
    "decimal": pa.float64(),
    "money": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


def named(outcome: CaseOutcome) -> str:
    return f"{outcome.case.rule}: {outcome.case.name}"


@pytest.mark.parametrize("outcome", OUTCOMES, ids=named)
def test_case_agrees(outcome: CaseOutcome) -> None:
    assert outcome.agrees, f"expected {outcome.case.expect}, got {outcome.got}\n{outcome.why}"


def test_every_rule_has_a_case_that_holds_and_one_that_fails() -> None:
    for rule in BOOK.rules.values():
        if rule.kind != "fact":
            expected = {outcome.case.expect for outcome in OUTCOMES if outcome.case.rule == rule.code}
            assert {"holds", "fails"} <= expected, rule.code


def test_duckdb_decides_every_case_alike() -> None:
    facts = load_facts()
    with Engine(memory_mib=256, threads=1) as engine:
        for outcome in OUTCOMES:
            case = outcome.case
            rule = BOOK.read(case.rule, case.on)
            schema = pa.schema({"household_id": pa.int64(), "person_id": pa.int64()} | {
                name: ARROW.get(facts.get(name).type, pa.string()) for name in facts_of(rule.tree)
            })  # fmt: skip
            people = [*case.situation.members, *([case.situation.person] if case.situation.person is not None else [])]
            rows = [{"household_id": 1, "person_id": number, **person} for number, person in enumerate(people)]
            engine.register(
                "household", pa.Table.from_pylist([{"household_id": 1, **case.situation.household}], schema=schema)
            )
            engine.register("member", pa.Table.from_pylist(rows, schema=schema))
            if case.situation.person is not None and case.situation.members:
                continue  # the person is one of the members already: the table does not say which
            value = engine.rows(compile_rules({"value": rule}))[0][-1]
            got = (
                {True: "holds", False: "fails", None: "unknown"}.get(value)
                if not isinstance(value, float)
                else f"{value:.9g}"
            )
            assert got == outcome.got, named(outcome)
