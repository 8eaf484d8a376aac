"""One person at the desk against the whole register, by the model, while she waits.

Reads the layers that the last runs laid out, never the registry's tables: a look-up costs the blocks that she shares. Only ids
and probabilities leave this module; what a hidden file says stays inside, and whether an id is shown is for the reader's
own scope to decide. Who was registered since the last run is found by words and number, not here.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from khana.linkage import laid_out, part
from khana.linkage.laid_out import NotLaidOut, Register
from khana_methods.engine.duckdb import Engine
from khana_methods.matching.model import ModelCard
from khana_methods.matching.one_record import one_record
from khana_methods.matching.prepare import linkage_frame, prepare
from khana_methods.matching.weights import FREQUENCY_OF, compared_sql, shares_sql, weighed_sql
from khana_methods.standardise.names import PersonName

MOST_COMPARED = 60  # those who share the rarest keys with her
LEAST_LIKELY = 0.05
_EXPECTED = 0.5  # of people at a desk, how many are in the register
_MEMO_MOST = 50_000
_NOBODY: dict[str, Any] = {field.name: [] if pa.types.is_list(field.type) else "" for field in linkage_frame} | {
    "record_id": "P000000000000", "side": "DESK", "birth_year": None, "birth_month": None, "birth_day": None,
}  # fmt: skip


@dataclass(frozen=True)
class Likely:
    """Somebody in the register who may be her."""

    person_id: int
    probability: float


class _Desk:
    """The layers of one version with an engine in which both statements of a look-up are planned already.

    `desk_person` holds her, `desk_record` her candidates, `share_<column>` their names; all are emptied for each look-up.
    """

    def __init__(self) -> None:
        self.version = laid_out.version()
        self.register: Register = laid_out.open_register()
        self.card = ModelCard.from_json(self.register.base["card"])
        self.memo: dict[str, PersonName] = {}
        self.engine = engine = Engine(memory_mib=256, threads=1)
        prepare(engine, pa.Table.from_pylist([_NOBODY], schema=linkage_frame), table="desk_person")
        engine.run("CREATE TABLE desk_record AS SELECT * FROM desk_person LIMIT 0")
        self.shape = json.dumps({"r": part.shape(engine, "desk_person")}).replace("'", "''")
        for column in FREQUENCY_OF:
            engine.run(f"CREATE TABLE share_{column} (name VARCHAR, share DOUBLE)")
        keys = part.keys_sql(self.card.passes, "desk_person").replace("$secret", f"'{laid_out.secret()}'")
        engine.run(f"PREPARE desk_keys AS SELECT DISTINCT digest FROM ({keys})")
        engine.run(f"PREPARE desk_weigh AS {self._weigh_sql()}")

    def _weigh_sql(self) -> str:
        source = (
            "(SELECT unique_id AS join_key_r, 1 AS join_key_l, '' AS match_key FROM desk_record) k "
            f"JOIN {shares_sql('desk_record')} r ON r.unique_id = k.join_key_r, {shares_sql('desk_person')} l"
        )
        registered = int(self.register.base["records"])
        # at a desk half the people are in the register, each of them once
        prior = _EXPECTED / max(registered, 2)
        made = weighed_sql(f"({compared_sql(source)})", prior=prior, m=self.card.m, u=self.card.u)
        return (
            f"SELECT right_id, match_weight FROM ({made}) WHERE contradiction = '' ORDER BY match_weight DESC, right_id"
        )

    def close(self) -> None:
        self.engine.close()

    def find(self, stated: dict[str, Any]) -> list[tuple[int, float]]:
        """Return candidates with their weights, heaviest first."""
        if len(self.memo) > _MEMO_MOST:
            self.memo.clear()
        row = one_record(stated, shares=self.register.guardian_shares, memo=self.memo)
        self._fill("desk_person", [json.dumps({"r": row})], "unique_id")
        people = self._met(np.array([one for (one,) in self.engine.rows("EXECUTE desk_keys")], np.uint64))
        if not people:
            return []
        texts = self.register.records(people)
        self._fill("desk_record", texts, "record_id[2:13]::BIGINT")
        self._count_names([row, *(json.loads(text)["r"] for text in texts)])
        return [(int(person), float(weight)) for person, weight in self.engine.rows("EXECUTE desk_weigh")]

    def _fill(self, table: str, texts: list[str], ids: str) -> None:
        self.engine.run(f"DELETE FROM {table}")
        self.engine.run(
            f"INSERT INTO {table} SELECT * REPLACE ({ids} AS unique_id) FROM (SELECT unnest(json_transform(text, "
            f"'{self.shape}').r) FROM (SELECT unnest($texts) AS text))",
            {"texts": texts},
        )

    def _met(self, digests: Any) -> list[int]:
        at, people = self.register.meet(digests)
        if not len(at):
            return []
        rarity = np.log2(max(int(self.register.base["records"]), 2) / np.bincount(at, minlength=len(digests))[at])
        found, of = np.unique(people, return_inverse=True)
        bits = np.bincount(of, weights=rarity)
        return [int(one) for one in found[np.lexsort((found, -bits))][:MOST_COMPARED]]

    def _count_names(self, rows: list[dict[str, Any]]) -> None:
        rare = 1 / max(int(self.register.base["records"]), 1)
        for column in FREQUENCY_OF:
            names = sorted({row[column] for row in rows if row[column]})
            shares = [rare if one is None else one for one in self.register.shares(column, names)]
            self.engine.run(f"DELETE FROM share_{column}")
            self.engine.run(
                f"INSERT INTO share_{column} SELECT unnest($names::VARCHAR[]), unnest($shares::DOUBLE[])",
                {"names": names, "shares": shares},
            )


_lock = threading.Lock()
_desks: list[_Desk] = []


def _desk() -> _Desk:
    if _desks and _desks[0].version == laid_out.version():
        return _desks[0]
    opened = _Desk()
    for old in _desks:
        old.close()
    _desks[:] = [opened]
    return opened


def likely(
    *, name: str, guardian_name: str, sex: str, birth_year: int | None, number: str, district_code: str = ""
) -> list[Likely]:
    """Find who in the register may be this person, likeliest first; nobody where the register is not laid out.

    The model is the one that laid the register out; when another comes into use the layers go, until it has run. The odds
    of each candidate are held against those of all the others.

    Args:
        name: As she says it, in any script.
        guardian_name: Father's or husband's; empty where not told.
        sex: M, F or empty.
        birth_year: None where not told.
        number: Digits as she shows them; empty without.
        district_code: Where the desk stands.
    """
    stated = {
        **_NOBODY, "name": name, "guardian_name": guardian_name, "sex": sex, "birth_year": birth_year,
        "number": "".join(one for one in number if one.isdigit()), "district_code": district_code,
    }  # fmt: skip
    with _lock:
        try:
            found = _desk().find(stated)
        except NotLaidOut:
            return []
    odds = {person: 2.0 ** min(weight, 200.0) for person, weight in found}
    total = 1 + sum(odds.values())
    return [Likely(person, one / total) for person, one in odds.items() if one / total >= LEAST_LIKELY]
