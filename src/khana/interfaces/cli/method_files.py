"""Read and write the files of commands that work without a registry: rosters, submissions, re-interviews.

A file that is written appears whole or not at all, is readable by its owner alone, and no cell of it runs as a formula.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
import pyarrow as pa
import pyarrow.parquet as pq

from khana_methods.disclosure.spreadsheets import harmless
from khana_methods.engine.whole_file import whole_file
from khana_methods.errors import InputError

if TYPE_CHECKING:
    from khana_methods.engine.duckdb import Engine
    from khana_methods.quality.roster import Roster

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PLACE = click.Path(exists=True, path_type=Path)
TARGET = click.Path(dir_okay=False, path_type=Path)


class KindUnknown(InputError):
    """A file is written in the kind that its name says."""

    code: ClassVar[str] = "cli.files.kind_unknown"


def write_frame(table: pa.Table, target: Path) -> None:
    """Write rows as .csv, .xlsx, .parquet or .json (lines), by the name of the file.

    Raises:
        KindUnknown: The name says no kind that is known.
    """
    writers = {".csv": _csv, ".parquet": pq.write_table, ".xlsx": _xlsx, ".json": _json, ".jsonl": _json}
    if target.suffix not in writers:
        raise KindUnknown(f"{target.name}: name the file .csv, .xlsx, .parquet or .json.", file=target.name)
    with whole_file(target) as place:
        writers[target.suffix](table if target.suffix == ".parquet" else harmless(table), place)


def _csv(table: pa.Table, target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(table.schema.names)
        for batch in table.to_batches(max_chunksize=65_536):
            writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _json(table: pa.Table, target: Path) -> None:
    with target.open("w", encoding="utf-8") as handle:
        for batch in table.to_batches(max_chunksize=10_000):
            handle.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in batch.to_pylist())


def _xlsx(table: pa.Table, target: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet("rows")
    sheet.append(table.schema.names)
    for batch in table.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            sheet.append(list(row.values()))
    with target.open("wb") as handle:
        book.save(handle)


def roster_of(
    engine: Engine, place: Path, contracts: tuple[Path, ...], country: str, wanted: frozenset[str] | None
) -> tuple[Roster, int]:
    """Read a roster by its words, or under contracts of persons and households; count rows that were refused.

    Raises:
        KindUnknown: A contract is of another entity, or the file that it reads is not there.
        InputError: The files cannot be read so.
    """
    from khana_methods.quality.roster import make_roster
    from khana_methods.quality.roster_files import find_files, read_roster

    if not contracts:
        return read_roster(engine, place, wanted=wanted), 0
    from khana.deliveries.contracts.loading import load_contract

    persons, households = find_files(place)
    files = {"person": persons, "household": households}
    refused = 0
    tables = {"person": "", "household": ""}
    for path in contracts:
        contract = load_contract(path)
        file = files.get(contract.entity)
        if file is None:
            raise KindUnknown(
                f"The contract {contract.code} is of {contract.entity}; a roster has persons, and households in a file "
                "beside them.",
                contract=contract.code,
            )
        tables[contract.entity] = f"{contract.entity}_read"
        refused += _read_under(engine, file, contract, country, tables[contract.entity])
    if not tables["person"]:
        raise KindUnknown("Give the contract of persons too.", entity="person")
    return make_roster(engine, tables["person"], tables["household"], wanted=wanted, file=persons.name), refused


@contextmanager
def roster_asked_for(
    engine: Engine,
    place: Path | None,
    contracts: tuple[Path, ...],
    country: str,
    wanted: frozenset[str] | None,
    purpose: str,
    batch: int | None = None,
) -> Iterator[tuple[Roster, int]]:
    """Lend the roster of a place, or of the registry where none is given, read as the user who is logged in.

    Raises:
        InputError: The files cannot be read so.
        NotPermitted: Nobody is logged in, or she may not read the registry.
    """
    if place is not None:
        yield roster_of(engine, place, contracts, country, wanted)
        return
    from khana.interfaces.cli.session import acting

    with acting():
        from khana.dossiers.registry_roster import read_roster
        from khana.platform import clock

        yield read_roster(engine, wanted=wanted, purpose=purpose, batch=batch, at=clock.now()), 0


def one_place(place: Path | None, registry: bool) -> None:
    """Make sure that either files or the registry are named.

    Raises:
        UsageError: Neither is, or both.
    """
    if (place is not None) == registry:
        raise click.UsageError("Give --in with a folder or file, or --registry.")


def _read_under(engine: Engine, file: Path, contract: Any, country: str, name: str) -> int:
    """Read one file under its contract into a table; return how many rows were refused."""
    from khana.deliveries.reading.read import read
    from khana_country.load import pack_folder
    from khana_methods.standardise.identifiers import IdentifierRules

    rules = IdentifierRules.load(pack_folder(country) / "identifiers.yaml")
    parts: list[pa.Table] = []
    refused = 0
    for chunk in read(file, contract, identifiers=rules, areas=None):
        keep = [n for n in chunk.rows.schema.names if n not in ("sheet", "line", "notes") and not n.endswith("_state")]
        parts.append(chunk.rows.select(keep))
        refused += chunk.quarantined.num_rows
    engine.register(name, pa.concat_tables(parts, promote_options="default"))
    return refused
