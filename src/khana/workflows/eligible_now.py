"""Which programmes' rules some households meet as they stand in the transaction that is open, trials within it included.

The same rules, exclusion filters and deciding as for the whole registry (`evaluate_programmes`), over few households at the
desk. A programme that another requires is not weighed: what a household draws is not changed by an amendment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from khana.platform.frames import OwnSource
from khana.programmes import catalogue
from khana.programmes import frames as programmes
from khana.registry import frames as registry
from khana.workflows.programme_facts import ALWAYS
from khana_methods.engine.duckdb import Engine
from khana_methods.overlap import evaluate
from khana_methods.rules import snapshot
from khana_methods.rules.decide import decidable
from khana_methods.rules.rulebook import read_rules

_MEMORY_MIB = 256
_OF_PERSONS = ("person", "child")
_SCORES = pa.schema([("household_id", pa.int64()), ("score", pa.float64())])


@dataclass(frozen=True)
class Met:
    """What some households would draw by the rules.

    Attributes:
        benefits: Household -> programme -> how many benefits it would be, those whom a filter removes taken out.
        filters: Household -> programme -> filters that remove somebody who meets its rule.
    """

    benefits: dict[int, dict[str, int]]
    filters: dict[int, dict[str, list[str]]] = field(default_factory=dict)


class RulesInForce:
    """The programmes' rules of one day, read once and held against households as often as asked."""

    def __init__(self, day: date, *, only_targeted: bool = False) -> None:
        """Read every programme that is in force on a day, or only those that are meant for the poor."""
        entries = [
            entry for entry in catalogue.programme_entries()
            if catalogue.is_in_force(entry, day) and (entry["poverty_targeted"] or not only_targeted)
        ]  # fmt: skip
        codes = {str(entry["programme"]) for entry in entries}
        filters = [one for one in catalogue.filter_entries() if codes & set(one["programmes"])]
        book = read_rules([*(entry["rule"] for entry in entries), *(one["rule"] for one in filters)])
        self._day, self._book = day, book
        self._filters = evaluate.filters_in_force(filters, book, day)
        self._of_persons = frozenset(str(entry["programme"]) for entry in entries if entry["unit"] in _OF_PERSONS)
        self._rules = [replace(one, requires="") for one in evaluate.read_programmes(entries, book, day)]

    def met_by(self, scores: Mapping[int, float | None], *, known_at: datetime) -> Met:
        """Return the programmes whose rule each household meets, itself or by its members, and how many benefits that would be.

        A programme that pays each person counts the members who meet its rule; any other counts the household once. Whom an
        exclusion filter tells against, by herself, her spouse or her family, meets it no longer.

        Args:
            scores: Household -> the score that it has or would have; None where it has none.
            known_at: What was known at this time is read.
        """
        found = Met({household: {} for household in scores}, {household: {} for household in scores})
        if not self._rules or not scores:
            return found
        clocks: dict[str, Any] = {"as_of": self._day, "known_at": known_at, "household_id": list(scores)}
        households = registry.household_text_frame(OwnSource(snapshot.household_text_frame), **clocks)
        members = registry.member_text_frame(OwnSource(snapshot.member_text_frame), **clocks)
        known = {household: score for household, score in scores.items() if score is not None}
        with Engine(memory_mib=_MEMORY_MIB, threads=1) as engine:
            engine.register("household_text", households, schema=snapshot.household_text_frame)
            engine.register("member_text", members, schema=snapshot.member_text_frame)
            columns = {"household_id": list(known), "score": list(known.values())}
            engine.register("score_in_force", pa.table(columns, schema=_SCORES))
            wanted = ALWAYS | {name for one in self._rules for name in one.rule.facts} | self._filter_facts()
            snapshot.type_facts(engine, as_of=self._day, wanted=wanted)
            engine.make_empty("holding", evaluate.holding_frame)
            evaluate.decide_programmes(engine, self._rules)
            evaluate.count_answers(engine, self._rules)
            if self._filters:
                self._exclude(engine, list(scores), known_at)
                told = engine.rows("SELECT DISTINCT household_id, programme, filter FROM excluded ORDER BY ALL")
                for household, programme, filter_ in told:
                    found.filters[household].setdefault(programme, []).append(filter_)
            met = engine.rows("SELECT household_id, programme, count(*) FROM eligible GROUP BY ALL ORDER BY ALL")
            for household, programme, units in met:
                found.benefits[household][programme] = units if programme in self._of_persons else 1
        return found

    def _filter_facts(self) -> set[str]:
        return {
            name for one in self._filters
            for name in decidable(self._book.read(one["rule"]["code"], self._day)).facts
        }  # fmt: skip

    def _exclude(self, engine: Engine, households: list[int], known_at: datetime) -> None:
        """Take out whom a filter tells against, by the places and the appeals of these households."""
        engine.register(
            "place",
            registry.place_at_frame(
                OwnSource(evaluate.place_frame), as_of=self._day, known_at=known_at, household_id=households
            ),
        )
        engine.register(
            "against",
            programmes.standing_against_frame(
                OwnSource(programmes.against_frame), households=households, known_at=known_at
            ),
        )
        engine.run("""CREATE OR REPLACE TABLE upheld AS
            SELECT filter, household_id, person_id, told_id FROM against WHERE kind = 'UPHELD'""")
        engine.run("""CREATE OR REPLACE TABLE payroll AS
            SELECT DISTINCT person_id, filter FROM against WHERE kind = 'REGISTER'""")
        evaluate.exclude(engine, self._filters, self._book, on=self._day, registers="payroll")
