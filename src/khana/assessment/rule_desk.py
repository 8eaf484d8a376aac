"""Rules as they are written: read and checked at once, counted on the sample of facts, explained on one household.

The count reads the sample that a scoring run drew (at most 20,000 households, no names, no numbers); in a
bigger registry it is an estimate with its error, and what would point at a few is not said.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, ClassVar

from khana.access import services as access
from khana.assessment import frames, snapshots
from khana.platform.frames import OwnSource
from khana.registry import files
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError, NotFound
from khana_methods.rules import snapshot
from khana_methods.rules.check import Expression, read_rule
from khana_methods.rules.compile import compile_count
from khana_methods.rules.explain import Clause, explain
from khana_methods.rules.expression import Node, facts_of
from khana_methods.rules.facts import Fact, load_facts
from khana_methods.rules.reference import Situation
from khana_methods.rules.rulebook import load_rules

FEWEST = 10
_LOCK = threading.Lock()


class HouseholdUnknown(NotFound):
    """No household of that number lies within the scope."""

    code: ClassVar[str] = "assessment.rule.household_unknown"


@dataclass(frozen=True)
class Counted:
    """How many satisfy a rule; `error` is the standard error of the estimate, 0 where every household was asked.

    A figure that is None stands for fewer than ten.
    """

    holds: int | None
    fails: int | None
    unknown: int | None
    asked: int
    total: int
    error: float
    of: str

    @property
    def is_whole(self) -> bool:
        """Say whether every household was asked."""
        return self.asked == self.total


@dataclass(frozen=True)
class Written:
    """A rule as it is written: what is wrong with it, or its reading and who satisfies it."""

    text: str
    problem: str
    gives: str = ""
    facts: tuple[Fact, ...] = ()
    counted: Counted | None = None
    clause: Clause | None = None
    problem_code: str = ""


@cache
def derived(on: date) -> Mapping[str, Node]:
    """Return the derived facts that Khana ships, by name, as they stand on a day."""
    book = load_rules()
    return {
        code: book.read(code, on).tree for code, rule in book.rules.items()
        if rule.kind == "fact" and rule.entity == "household"
    }  # fmt: skip


def read(text: str, *, entity: str, on: date) -> Expression:
    """Read and check one rule with the derived facts.

    Raises:
        InputError: It cannot be read, is refused, or compares what cannot be compared; all mistakes in words.
    """
    return read_rule(text, entity=entity, derived=derived(on), gives="boolean")


def try_rule(text: str, *, entity: str, household: str = "", on: date, at: datetime) -> Written:
    """Check a rule, count who satisfies it, and explain it on one household where a number is given.

    Args:
        text: The rule.
        entity: household or person.
        household: Number on a household's slip; needs `registry.read`.
        on: The day that facts are read for.
        at: When; what is known now is used.

    Raises:
        HouseholdUnknown: No such household within the scope.
    """
    access.require("results.read")
    if not text.strip():
        return Written(text, "")
    try:
        rule = read(text, entity=entity, on=on)
    except InputError as error:
        return Written(text, error.message, problem_code=error.code)
    catalogue = load_facts()
    named = tuple(catalogue.get(name) for name in facts_of(rule.tree))
    return Written(
        text=text, problem="", gives=rule.quantity.kind, facts=named, counted=count(rule),
        clause=explain_on(rule, household, on=on, at=at) if household else None,
    )  # fmt: skip


def count(rule: Expression) -> Counted | None:
    """Count who satisfies a rule on the sample of facts; None where none was drawn yet."""
    found = snapshots.list_snapshots("FACTS")
    if not found:
        return None
    newest = found[0]
    with _LOCK:
        holds, fails, unknown = _engine(newest).rows(compile_count(rule))[0]
    asked, total = int(newest.summary["drawn"]), int(newest.summary["households"])
    raised = total / asked if asked else 0.0
    share = holds / max(1, holds + fails + unknown)
    error = 0.0
    if asked < total:  # simple random sample without replacement (Cochran 1977, 2.6)
        error = total * math.sqrt(max(0.0, (1 - asked / total) * share * (1 - share) / max(1, asked - 1)))

    def shown(n: int) -> int | None:
        return None if 0 < n < FEWEST else round(n * raised)

    return Counted(
        shown(holds), shown(fails), shown(unknown), asked, total, error, str(newest.summary.get("as_of", ""))
    )


_OPENED: dict[tuple[str, int], Engine] = {}


def _engine(found: snapshots.KnownSnapshot) -> Engine:
    """Return the engine that holds a sample, opened once a process; an older sample's is closed. Under `_LOCK` only."""
    key = (snapshots.database_name(), found.id)
    if key not in _OPENED:
        for older in _OPENED.values():
            older.close()
        _OPENED.clear()
        engine = Engine(memory_mib=512, threads=1)
        for name, table in snapshots.facts_of(found).items():
            engine.register(name, table)
        _OPENED[key] = engine
    return _OPENED[key]


def explain_on(rule: Expression, number: str, *, on: date, at: datetime) -> Clause:
    """Explain a rule clause by clause on one household, with its members.

    Raises:
        HouseholdUnknown: No such household within the scope.
    """
    access.require("registry.read")
    household = files.household_id_of(number)
    situation = None if household is None else situation_of(household, on=on, at=at)
    if situation is None:
        raise HouseholdUnknown("No such household, or it lies outside the area that you work for.")
    if rule.entity == "person":
        situation = situation.of_member(situation.members[0] if situation.members else {})
    return explain(rule, situation)


def situation_of(household_id: int, *, on: date, at: datetime) -> Situation | None:
    """Return what is known of one household and its members on a day, as rules read it."""
    clocks: dict[str, Any] = {"as_of": on, "known_at": at, "household_id": household_id}
    households = registry.household_text_frame(OwnSource(snapshot.household_text_frame), **clocks)
    members = registry.member_text_frame(OwnSource(snapshot.member_text_frame), **clocks)
    scored = frames.score_of(household_id, as_of=on)
    with Engine(memory_mib=256, threads=1) as engine:
        engine.register("household_text", households, schema=snapshot.household_text_frame)
        engine.register("member_text", members, schema=snapshot.member_text_frame)
        engine.run("CREATE TABLE score_in_force (household_id BIGINT, score DOUBLE)")
        if scored is not None:
            engine.run("INSERT INTO score_in_force VALUES ($h, $s)", {"h": household_id, "s": scored})
        snapshot.type_facts(engine, as_of=on)
        rows = engine.table("SELECT * EXCLUDE (household_id, area_path) FROM household").to_pylist()
        people = engine.table("SELECT * EXCLUDE (household_id, person_id) FROM member ORDER BY line_no").to_pylist()
    return Situation(rows[0], people) if rows else None
