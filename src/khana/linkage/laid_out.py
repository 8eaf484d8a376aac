"""The register laid out for look-ups: who shares a key with somebody, and what matching knows of them, without reading all.

A run writes one *layer*: digests of blocking keys in order with the records that bear them, each record sealed with the
key ring, and how often names occur. A run over changes adds a small layer on top; the newest layer that knows a person
counts. Digests are keyed, so that the files say nothing to who has not the ring. Reading is by memory map: a look-up
costs the blocks that it reads.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from khana.platform import keys, places
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import NotConfigured
from khana_methods.matching.passes import BlockingPass
from khana_methods.matching.weights import FREQUENCY_OF
from khana_methods.standardise.names import READING

MOST_IN_BLOCK = 1_500  # records that share one key; a larger block says too little to be read
_BATCH = 20_000
_Numbers = np.ndarray[Any, Any]


class NotLaidOut(NotConfigured):
    """No finished run of matching has laid the register out."""

    code: ClassVar[str] = "linkage.not_laid_out"


def secret() -> str:
    """Return the secret of the digests, made from the key ring."""
    return keys.token("linkage-keys", "").hex()


def digest(kind: str, text: str) -> int:
    """Return the keyed digest of one text, as `digest_sql` gives it."""
    return int.from_bytes(
        hashlib.md5(f"{secret()}{kind}|{text}".encode(), usedforsecurity=False).digest()[8:], "little"
    )


def digest_sql(kind: str, column: str) -> str:
    """Write the keyed digest of a column; the statement takes `$secret`."""
    return f"md5_number_lower($secret || '{kind}|' || {column})"


def folder() -> Path:
    """Return the folder of the layers."""
    return places.folder("files", "linkage")


@dataclass
class Layer:
    """One layer: arrays by memory map. `person` and `home` are in order; refs are places in `person`."""

    path: Path
    meta: dict[str, Any]
    _arrays: dict[str, _Numbers] = field(default_factory=dict)

    def array(self, name: str) -> _Numbers:
        """Return one array."""
        if name not in self._arrays:
            self._arrays[name] = np.load(self.path / f"{name}.npy", mmap_mode="r")
        return self._arrays[name]

    def blob(self, place: int) -> bytes:
        """Return one sealed record."""
        if "blobs" not in self._arrays:
            self._arrays["blobs"] = np.memmap(self.path / "blobs.bin", mode="r", dtype=np.uint8)
        ends = self.array("end")
        start = int(ends[place - 1]) if place else 0
        return self._arrays["blobs"][start : int(ends[place])].tobytes()


@dataclass
class Register:
    """All layers of one model, oldest first."""

    layers: list[Layer]

    @property
    def meta(self) -> dict[str, Any]:
        """What the newest layer says of itself."""
        return self.layers[-1].meta

    @property
    def base(self) -> dict[str, Any]:
        """What the whole run said: model, records, shares of households."""
        return self.layers[0].meta

    def meet(self, digests: _Numbers, *, most: int = MOST_IN_BLOCK) -> tuple[_Numbers, _Numbers]:
        """Find who bears any of these keys.

        Returns:
            Two arrays of one length: the place of the key among `digests`, and a person who bears it.
        """
        spans = []
        total = np.zeros(len(digests), np.int64)
        for layer in self.layers:
            held = layer.array("key")
            low, high = np.searchsorted(held, digests, "left"), np.searchsorted(held, digests, "right")
            spans.append((low, high - low))
            total += high - low
        asked, people = [], []
        for place, (layer, (low, size)) in enumerate(zip(self.layers, spans, strict=True)):
            size = np.where(total <= most, size, 0)
            if not size.sum():
                continue
            begun = np.cumsum(size) - size
            at = np.arange(size.sum()) - np.repeat(begun, size) + np.repeat(low, size)
            found = layer.array("person")[layer.array("ref")[at]]
            of = np.repeat(np.arange(len(digests)), size)
            kept = self._is_newest(place, found)
            asked.append(of[kept])
            people.append(found[kept])
        if not asked:
            return np.array([], np.int64), np.array([], np.int64)
        return np.concatenate(asked), np.concatenate(people)

    def _is_newest(self, place: int, people: _Numbers) -> _Numbers:
        kept = np.ones(len(people), bool)
        for later in self.layers[place + 1 :]:
            kept &= ~np.isin(people, later.array("touched"))
        return kept

    def of_homes(self, homes: _Numbers) -> _Numbers:
        """Return who lives in these households."""
        found = []
        for place, layer in enumerate(self.layers):
            held = layer.array("home")
            low, high = np.searchsorted(held, homes, "left"), np.searchsorted(held, homes, "right")
            at = np.concatenate([np.arange(a, b) for a, b in zip(low, high, strict=True)] or [np.array([], np.int64)])
            people = layer.array("person")[layer.array("home_ref")[at.astype(np.int64)]]
            found.append(people[self._is_newest(place, people)])
        return np.unique(np.concatenate(found))

    def records(self, people: Iterable[int]) -> list[str]:
        """Open the records of people, as JSON of the columns of `prepare` and `area_path`; who is gone is left out."""
        left = np.unique(np.fromiter(people, np.int64))
        sealed: list[bytes] = []
        for layer in reversed(self.layers):
            held = layer.array("person")
            at = np.searchsorted(held, left)
            hit = (
                (at < len(held)) & (held[np.minimum(at, len(held) - 1)] == left)
                if len(held)
                else np.zeros(len(left), bool)
            )
            sealed += [layer.blob(int(place)) for place in at[hit]]
            left = left[~hit & ~np.isin(left, layer.array("touched"))] if layer is not self.layers[0] else left[~hit]
        return [(one or b"").decode() for one in keys.decrypt_many(sealed)]

    def shares(self, kind: str, texts: Sequence[str]) -> list[float | None]:
        """Return the shares that names have in the whole register: kind is a column of names, `guardian` or `skeleton`."""
        layer = self.layers[0]
        held, share = layer.array(f"{kind}_name"), layer.array(f"{kind}_share")
        asked = np.array([digest(kind, one) for one in texts], np.uint64)
        at = np.minimum(np.searchsorted(held, asked), max(len(held) - 1, 0))
        return [float(share[a]) if len(held) and held[a] == d else None for a, d in zip(at, asked, strict=True)]

    def guardian_shares(self, wanted: pa.Table) -> pa.Table:
        """Give `link_guardian` for a few records: shares as the whole register has them; unheard names are rare."""
        rare = 1 / max(int(self.base["households"]), 1)
        names, bones = wanted.column("guardian").to_pylist(), wanted.column("skeleton").to_pylist()
        share = [one or rare for one in self.shares("guardian", names)]
        skeleton = [one or rare for one in self.shares("skeleton", [one or "" for one in bones])]
        return pa.table(
            {"guardian": pa.array(names, pa.string()), "skeleton": pa.array(bones, pa.string()),
             "households": pa.array([1] * len(names), pa.int64()), "share": pa.array(share, pa.float64()),
             "skeleton_share": pa.array(skeleton, pa.float64())}
        )  # fmt: skip


def version() -> str:
    """Return the name of the newest layer; empty where there is none."""
    names = [one.name for one in folder().iterdir() if one.is_dir() and one.suffix != ".new"]
    return max(names, default="")


def open_register() -> Register:
    """Open what the last runs laid out.

    Raises:
        NotLaidOut: There is nothing, or only what an earlier reading of names laid out.
    """
    layers = []
    for path in sorted(one for one in folder().iterdir() if one.suffix != ".new" and (one / "meta.json").exists()):
        meta = json.loads((path / "meta.json").read_text())
        if meta.get("reading") == READING:  # names are read otherwise since: its keys would meet nobody
            layers.append(Layer(path, meta))
    while layers and layers[0].meta["is_change"]:
        layers.pop(0)
    if not layers:
        raise NotLaidOut("The register is not laid out for look-ups yet: `khana linkage run`.")
    newest = max(place for place, one in enumerate(layers) if not one.meta["is_change"])
    return Register(layers[newest:])


def take_away() -> None:
    """Remove every layer: another model is in use, or none."""
    for one in folder().iterdir():
        shutil.rmtree(one, ignore_errors=True)


def lay_out(engine: Engine, passes: Sequence[BlockingPass], meta: dict[str, Any], *, gone: Sequence[int] = ()) -> None:
    """Write one layer from `person_record`, `area_of` (record_id, area_path) and, for a whole run, the counts of names.

    Args:
        engine: Holds the tables.
        passes: Blocking passes of the model.
        meta: What the layer says of itself: `run`, `model`, `card` (JSON), `is_change`, `records`, `households`, `priors`, `marks`.
        gone: People whom the layer knows to be in the register no longer.
    """
    place = folder() / f"{int(meta['run']):012d}.new"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    _write_keys(engine, passes, place)
    people = _write_records(engine, place)
    np.save(place / "touched.npy", np.unique(np.concatenate([people, np.array(list(gone), np.int64)])))
    if not meta["is_change"]:
        for column in FREQUENCY_OF:
            _write_shares(engine, place, column, f"SELECT name, share FROM share_{column}")
        _write_shares(engine, place, "guardian", "SELECT guardian AS name, share FROM person_record_guardian")
        _write_shares(
            engine, place, "skeleton",
            "SELECT skeleton AS name, max(skeleton_share) AS share FROM person_record_guardian WHERE skeleton <> '' GROUP BY 1",
        )  # fmt: skip
    (place / "meta.json").write_text(json.dumps({**meta, "reading": READING}))
    shutil.rmtree(place.with_suffix(""), ignore_errors=True)
    place.rename(place.with_suffix(""))
    if not meta["is_change"]:
        for older in folder().iterdir():
            if older.name < place.stem:
                shutil.rmtree(older, ignore_errors=True)


def _write_keys(engine: Engine, passes: Sequence[BlockingPass], place: Path) -> None:
    engine.run("CREATE OR REPLACE TABLE laid_key (key UBIGINT, ref UINTEGER)")
    for number, one in enumerate(passes):
        engine.run(
            f"INSERT INTO laid_key SELECT DISTINCT {digest_sql(str(number), 'key')}, unique_id - 1 FROM ("
            f"SELECT unique_id, unnest({one.keys}) AS key FROM person_record) WHERE key IS NOT NULL AND key <> ''",
            {"secret": secret()},
        )
    _stream(
        engine, "SELECT key, ref FROM laid_key ORDER BY key", place, {"key": np.uint64, "ref": np.uint32}, "laid_key"
    )
    engine.drop("laid_key")


def _stream(engine: Engine, sql: str, place: Path, columns: dict[str, Any], counted: str) -> None:
    rows = int(engine.value(f"SELECT count(*) FROM {counted}"))
    if not rows:
        for name, kind in columns.items():
            np.save(place / f"{name}.npy", np.zeros(0, kind))
        return
    made = {
        name: np.lib.format.open_memmap(place / f"{name}.npy", mode="w+", dtype=kind, shape=(rows,))
        for name, kind in columns.items()
    }
    at = 0
    for batch in engine.reader(sql):
        for name in columns:
            made[name][at : at + batch.num_rows] = batch.column(name).to_numpy(zero_copy_only=False)
        at += batch.num_rows
    for array in made.values():
        array.flush()


def _write_records(engine: Engine, place: Path) -> _Numbers:
    """Seal every record; write its person and household. Returns the people, in order."""
    people, homes, ends, at = [], [], [], 0
    with (place / "blobs.bin").open("wb") as blobs:
        for batch in engine.reader(
            "SELECT r.record_id[2:13]::BIGINT AS person, try_cast(r.household_id AS BIGINT) AS home, "
            "to_json({r: r, area_path: coalesce(a.area_path, '')})::VARCHAR AS text "
            "FROM person_record r LEFT JOIN area_of a USING (record_id) ORDER BY r.unique_id",
            batch_rows=_BATCH,
        ):
            sealed = [one or b"" for one in keys.encrypt_many(batch.column("text").to_pylist())]
            people.append(batch.column("person").to_numpy(zero_copy_only=False))
            homes.append(batch.column("home").fill_null(0).to_numpy(zero_copy_only=False))
            lengths = np.fromiter((len(one) for one in sealed), np.int64, len(sealed))
            ends.append(at + np.cumsum(lengths))
            at = int(ends[-1][-1]) if len(sealed) else at
            blobs.write(b"".join(sealed))
        if not at:
            blobs.write(b"\0")
    nothing = np.array([], np.int64)
    person, home = np.concatenate([*people, nothing]), np.concatenate([*homes, nothing])
    order = np.argsort(home, kind="stable")
    np.save(place / "person.npy", person)
    np.save(place / "end.npy", np.concatenate([*ends, nothing]))
    np.save(place / "home.npy", home[order])
    np.save(place / "home_ref.npy", order.astype(np.uint32))
    return person


def _write_shares(engine: Engine, place: Path, kind: str, sql: str) -> None:
    found = engine.table(
        f"SELECT {digest_sql(kind, 'name')} AS name, share FROM ({sql}) WHERE name IS NOT NULL ORDER BY 1",
        {"secret": secret()},
    )
    np.save(place / f"{kind}_name.npy", found.column("name").to_numpy())
    np.save(place / f"{kind}_share.npy", found.column("share").to_numpy())
