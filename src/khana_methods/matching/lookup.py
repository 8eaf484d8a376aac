"""One person at the desk against everyone, while she waits.

The registry's keys and name frequencies are laid out once; a look-up reads only the blocks of one person.
Weights are those of the model card, in one SQL statement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.matching.blocking import make_keys
from khana_methods.matching.compare import COMPARISONS, CONTRADICTIONS, NAME, sided
from khana_methods.matching.model import ModelCard
from khana_methods.matching.prepare import RARE, prepare
from khana_methods.matching.weights import FREQUENCY_OF, bits_sql, count_names, level_sql, rarity_sql


class OnePersonAtATime(InputError):
    """A look-up is for one person; a list has a use of its own."""

    code: ClassVar[str] = "matching.one_person_at_a_time"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody in the registry who may be her; `bits` by question say what speaks for and against."""

    record_id: str
    match_weight: float
    probability: float
    contradiction: str
    bits: dict[str, float]


class DeskIndex:
    """A registry laid out for look-ups.

    Args:
        engine: Holds the registry's records.
        table: Records of `prepare`, of the registry.
        card: The model.
    """

    def __init__(self, engine: Engine, table: str, card: ModelCard) -> None:
        self._engine, self._table, self._card = engine, table, card
        self._records = int(engine.value(f"SELECT count(*) FROM {table}"))
        make_keys(engine, table, card.passes, keys="desk_registry_key")
        engine.run("CREATE INDEX desk_registry_key_key ON desk_registry_key (key)")
        count_names(engine, table, "desk")
        for column in FREQUENCY_OF:
            engine.run(f"CREATE INDEX desk_{column}_name ON desk_{column} (name)")
        self._sql = _weigh_sql(table, card)

    def find(
        self,
        person: pa.Table,
        *,
        authority: pa.Table | None = None,
        subscribers: pa.Table | None = None,
        most: int = 10,
        max_block: int = 5_000,
    ) -> list[Candidate]:
        """Find who in the registry may be this person, likeliest first.

        Args:
            person: One record of `linkage_frame`, side DESK.
            authority: What the authority says of her number, if asked.
            subscribers: Who subscribes her telephone, if asked.
            most: How many at most.
            max_block: Blocks of more records say too little to be read while somebody waits.

        Raises:
            OnePersonAtATime: Not exactly one record.
        """
        if person.num_rows != 1:
            raise OnePersonAtATime(
                "A look-up takes one person; send lists to be linked instead.", records=person.num_rows
            )
        engine = self._engine
        prepare(engine, person, table="desk_person", authority=authority, subscribers=subscribers)
        make_keys(engine, "desk_person", self._card.passes, keys="desk_key")
        engine.run(
            "CREATE OR REPLACE TABLE desk_met AS WITH met AS (SELECT k.pass, k.key, r.unique_id FROM desk_key k "
            "JOIN desk_registry_key r ON r.key = k.key AND r.pass = k.pass), "
            "fit AS (SELECT pass, key FROM met GROUP BY pass, key HAVING count(*) <= $most) "
            "SELECT DISTINCT unique_id FROM met SEMI JOIN fit USING (pass, key)",
            {"most": max_block},
        )
        prior = 0.5 / max(self._records, 2)
        rows = engine.rows(self._sql, {"prior": math.log2(prior / (1 - prior)), "most": most})
        return [
            Candidate(
                record_id,
                weight,
                1 / (1 + 2 ** -max(min(weight, 500), -500)),
                contradiction,
                dict(zip((*(c.code for c in COMPARISONS), "frequency"), bits, strict=True)),
            )
            for record_id, weight, contradiction, *bits in rows
        ]


def _weigh_sql(table: str, card: ModelCard) -> str:
    """Compare and weigh the records met, with the rarity of her guardians and names as the registry counts them."""
    apart = " ".join(f"WHEN {sided(when)} THEN '{code}'" for code, when in CONTRADICTIONS.items())
    bits = [f"bits_{comparison.code}" for comparison in COMPARISONS] + ["bits_frequency"]
    levels = ", ".join(f"{level_sql(one)} AS level_{one.code}" for one in COMPARISONS)
    weighed = ", ".join(
        f"{bits_sql(one, card.m, card.u, f'level_{one.code}')} AS bits_{one.code}" for one in COMPARISONS
    )
    shares = " ".join(
        f"WHEN list_contains({_places_of(column)}, level_name) THEN (SELECT max(share) FROM desk_{column} WHERE name IN "
        f"(l_{column}, r_{column}))"
        for column in FREQUENCY_OF
    )
    names = ", ".join(f"l.{column} AS l_{column}, r.{column} AS r_{column}" for column in FREQUENCY_OF)
    common = ", ".join(
        f"coalesce(list(DISTINCT {name}) FILTER ({share} > {most}), []) AS common_{column}"
        for column, name, share, most in RARE
    )
    rare = ", ".join(
        f"list_filter({'guardians' if name == 'guardian' else 'guardian_skeletons'}, "
        f"lambda x: NOT list_contains(known.common_{column}, x)) AS {column}"
        for column, name, _, _ in RARE
    )
    return (
        f"WITH l AS (SELECT p.* REPLACE ({rare}) FROM desk_person p, (SELECT {common} FROM {table}_guardian "
        "WHERE guardian IN (SELECT unnest(guardians) FROM desk_person) OR skeleton IN (SELECT unnest(guardian_skeletons) "
        "FROM desk_person)) known), "
        f"seen AS (SELECT r.record_id, {levels}, {names}, CASE {apart} ELSE '' END AS contradiction "
        f"FROM l, {table} r SEMI JOIN desk_met USING (unique_id)), "
        f"counted AS (SELECT *, CASE {shares} END AS share FROM seen), "
        f"weighed AS (SELECT *, {weighed}, {rarity_sql(card.u)} AS bits_frequency FROM counted) "
        f"SELECT record_id, $prior + {' + '.join(bits)} AS match_weight, contradiction, {', '.join(bits)} FROM weighed "
        "ORDER BY match_weight DESC, record_id LIMIT $most"
    )


def _places_of(column: str) -> str:
    return str([place for place, level in enumerate(NAME.levels) if level.frequency_of == column])
