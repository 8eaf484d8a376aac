"""Which programmes' rules some households meet as they stand in the transaction that is open, trials within it included.

The same rules and the same deciding as for the whole registry (`evaluate_programmes`), over few households at the desk. Exclusion
filters and a programme that another requires are not weighed: an amendment of a household does not change them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from khana.platform.frames import OwnSource
from khana.programmes import catalogue
from khana.registry import frames as registry
from khana.workflows.programme_facts import ALWAYS
from khana_methods.engine.duckdb import Engine
from khana_methods.overlap import evaluate
from khana_methods.rules import snapshot
from khana_methods.rules.rulebook import read_rules

_MEMORY_MIB = 256
_OF_PERSONS = ("person", "child")
_SCORES = pa.schema([("household_id", pa.int64()), ("score", pa.float64())])


class RulesInForce:
    """The programmes' rules of one day, read once and held against households as often as asked."""

    def __init__(self, day: date, *, only_targeted: bool = False) -> None:
        """Read every programme that is in force on a day, or only those that are meant for the poor."""
        entries = [
            entry for entry in catalogue.programme_entries()
            if catalogue.is_in_force(entry, day) and (entry["poverty_targeted"] or not only_targeted)
        ]  # fmt: skip
        book = read_rules([entry["rule"] for entry in entries])
        self._day = day
        self._of_persons = frozenset(str(entry["programme"]) for entry in entries if entry["unit"] in _OF_PERSONS)
        self._rules = [replace(one, requires="") for one in evaluate.read_programmes(entries, book, day)]

    def met_by(self, scores: Mapping[int, float | None], *, known_at: datetime) -> dict[int, dict[str, int]]:
        """Return the programmes whose rule each household meets, itself or by its members, and how many benefits that would be.

        A programme that pays each person counts the members who meet its rule; any other counts the household once.

        Args:
            scores: Household -> the score that it has or would have; None where it has none.
            known_at: What was known at this time is read.
        """
        found: dict[int, dict[str, int]] = {household: {} for household in scores}
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
            wanted = ALWAYS | {name for one in self._rules for name in one.rule.facts}
            snapshot.type_facts(engine, as_of=self._day, wanted=wanted)
            engine.make_empty("holding", evaluate.holding_frame)
            evaluate.decide_programmes(engine, self._rules)
            evaluate.count_answers(engine, self._rules)
            met = engine.rows("SELECT household_id, programme, count(*) FROM eligible GROUP BY ALL ORDER BY ALL")
            for household, programme, units in met:
                found[household][programme] = units if programme in self._of_persons else 1
        return found
