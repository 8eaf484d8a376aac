"""Import of persons through the whole path, beside COPY of exactly the rows that it wrote.

Size: persons. The limit copies, table by table, the very rows that the import wrote into empty
twins with the same indexes, checks and foreign keys. The ratio is import rate over COPY rate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from bench._world import World, hashes, result, say, synthesise, world

SIZE = 1_000_000
TABLES = (
    "registry_person",
    "registry_personversion",
    "registry_membership",
    "registry_identifier",
    "deliveries_quarantinedrow",
    "audit_event",
)


def run(size: int) -> dict[str, Any]:
    with world() as w:
        data = synthesise(w, max(100, round(size / 4.85)))
        return _measure(w, data)


def _measure(w: World, data: Path) -> dict[str, Any]:
    import yaml

    from khana.access import services as access
    from khana.deliveries.contracts.manifest import AreaFile
    from khana.platform import embedded, installation
    from khana.registry.services.apply_evidence import apply_evidence
    from khana.workflows import import_file, load_areas

    manifest = yaml.safe_load((data / "sample.yaml").read_text())
    areas = manifest["areas"]
    installation.put(country=manifest["country"])
    load_areas.run(
        token=w.token, country=manifest["country"], scheme=areas["scheme"], valid_from=areas["valid_from"],
        files=[AreaFile(**f) for f in areas["files"]], data=data, at=w.now(),
    )  # fmt: skip
    registers = {r["entity"]: r for r in manifest["registers"]}

    def load(entity: str) -> dict[str, Any]:
        entry = registers[entity]
        return import_file.run(
            token=w.token, path=data / entry["file"], entity=entity, contract=str(data / entry["contract"]), at=w.now()
        )

    with w.timed("households"):
        load("household")
    owner = psycopg.connect(**embedded.connection_parameters("owner"), autocommit=True)
    before = {t: owner.execute(f"SELECT coalesce(max(id), 0) FROM {t}").fetchone()[0] for t in TABLES}
    with w.timed("import persons"):
        counts = load("person")
    persons = counts["rows_loaded"]
    files = []
    for table in TABLES:
        path = w.folder / f"{table}.bin"
        with (
            path.open("wb") as handle,
            owner.cursor() as cursor,
            cursor.copy(f"COPY (SELECT * FROM {table} WHERE id > {before[table]}) TO STDOUT (FORMAT binary)") as copy,
        ):
            for part in copy:
                handle.write(part)
        files.append((table, path))
    rows = {}
    total = 0.0
    for table, path in files:
        twin = f"twin_{table}"
        owner.execute(f"CREATE TABLE {twin} (LIKE {table} INCLUDING ALL)")
        for (definition,) in owner.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
            [table],
        ).fetchall():
            owner.execute(f"ALTER TABLE {twin} ADD {definition}")
        with (
            w.timed(f"COPY {table}"),
            owner.cursor() as cursor,
            path.open("rb") as handle,
            cursor.copy(f"COPY {twin} FROM STDIN (FORMAT binary)") as copy,
        ):
            while part := handle.read(1 << 20):
                copy.write(part)
        total += w.timings[f"COPY {table}"]
        rows[table] = owner.execute(f"SELECT count(*) FROM {twin}").fetchone()[0]
    owner.close()
    figure, limit = persons / w.timings["import persons"], persons / total
    say(str(rows))
    person_file = data / registers["person"]["file"]
    del apply_evidence, access
    return result(
        w, figure=figure, unit="persons/s", limit=limit, limit_is="COPY of the same rows, persons/s", ratio=figure / limit,
        size=persons, rows=rows, inputs=hashes(person_file),
    )  # fmt: skip
