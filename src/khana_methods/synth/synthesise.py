"""Make a country of any size with planted truth, block by block, reproducible by its seed.

One block (a run of whole tehsils) is made, listed, judged and written before the next is begun:
memory does not grow with the country. The same country, size and seed give the same bytes.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from khana_methods.synth import authorities, registers, truth
from khana_methods.synth import columns as col
from khana_methods.synth.areas import Geography, make_geography, write_areas
from khana_methods.synth.cells import make_cells
from khana_methods.synth.clerk import keep_ledger, list_rows
from khana_methods.synth.enrolment import enrol, programme_districts
from khana_methods.synth.evidence import Facts, gather
from khana_methods.synth.judge import judge
from khana_methods.synth.lists import TextList
from khana_methods.synth.manifest import write_manifest
from khana_methods.synth.names import NameBook, name_book
from khana_methods.synth.population import Welfare
from khana_methods.synth.programmes import LISTS, PROGRAMMES
from khana_methods.synth.readme import write_readme
from khana_methods.synth.registry import fill_forms
from khana_methods.synth.repeats import judge_repeats
from khana_methods.synth.workbooks import ParquetList, Workbook
from khana_methods.synth.world import Counters, make_block, plan_blocks
from khana_methods.synth.writers import CountryUnknown, DiskRefused, FolderInUse, Registers, SizeRefused

SMALLEST, LARGEST = 50, 40_000_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SynthSummary:
    """What was made.

    Attributes:
        files: Rows of each comma-separated file by its path below ``out``.
        list_rows: Data rows of each programme list by file name.
        codes: How many reasons were planted by code.
    """

    country: str
    households: int
    seed: int
    out: Path
    files: dict[str, int] = field(default_factory=dict)
    list_rows: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def manifest(self) -> Path:
        """The manifest that brings the whole set in."""
        return self.out / "sample.yaml"


def synthesise(
    *, country: str, households: int, seed: int, out: Path, progress: Progress | None = None
) -> SynthSummary:
    """Write a made-up country into a folder: areas, registers, lists, manifest, contracts and truth.

    Args:
        country: ``pak`` or ``bgd``: its kinds of numbers, scripts, programmes and spellings.
        households: Households on the register; people on no form come on top.
        seed: The same seed gives the same bytes.
        out: Folder to write into; new or empty.
        progress: Told (households made, households wanted) after each block.

    Raises:
        CountryUnknown: There is no such country.
        SizeRefused: Too few households to hold a country, or more than there are numbers for.
        FolderInUse: The folder holds files already; a mixture of two countries would be neither.
        DiskRefused: The disk is full or not writable.
    """
    _check(country, households, out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        return _make(country, households, seed, out, progress)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM):
            raise DiskRefused(
                f"Could not write to {out}: {error.strerror}. Free some space or name another folder."
            ) from error
        raise


def _check(country: str, households: int, out: Path) -> None:
    if country not in LISTS:
        raise CountryUnknown(f"There is no country '{country}' to make; choose one of {', '.join(sorted(LISTS))}.")
    if not SMALLEST <= households <= LARGEST:
        raise SizeRefused(f"Ask for {SMALLEST} to {LARGEST} households.", households=households)
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise FolderInUse(f"{out} is not empty. Name a new folder, or empty it first.")


@dataclass
class _Country:
    """What stays open while blocks come and go."""

    geography: Geography
    names: NameBook
    covered: dict[str, Any]
    registers: Registers
    lists: list[TextList | Workbook | ParquetList]
    counters: Counters
    summary: SynthSummary


def _make(country: str, households: int, seed: int, out: Path, progress: Progress | None) -> SynthSummary:
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0])))
    geography = make_geography(country, households, rng)
    welfare = Welfare(rng.standard_normal(len(geography.tehsils)), geography.households)
    write_areas(geography, out)
    covered = programme_districts(country, len(geography.districts), len(geography.districts) // 4, households)
    provinces = [a.name for a in geography.provinces]
    lists: list[TextList | Workbook | ParquetList] = []
    for item in LISTS[country]:
        if item.shape == "xlsx":
            lists.append(Workbook(out, item, country, provinces))
        else:
            lists.append((ParquetList if item.shape == "parquet" else TextList)(out, item, country))
    summary = SynthSummary(country, households, seed, out, list_rows={item.name: 0 for item in LISTS[country]})
    state = _Country(geography, name_book(country), covered, Registers(out), lists, Counters(), summary)
    done = 0
    try:
        for number, run in enumerate(plan_blocks(geography)):
            _block(state, run, (seed, number + 1), welfare)
            done += int(geography.households[run[0] : run[1]].sum())
            if progress:
                progress(done, households)
        for target in lists:
            target.close()
        _finish(state, country)
    finally:
        state.registers.close()
    summary.files.update(state.registers.rows)
    rows = summary.files | summary.list_rows
    write_manifest(country, out, empty={name for name, count in rows.items() if not count})
    write_readme(country, households, seed, out)
    return summary


def _block(state: _Country, run: tuple[int, int], seed: tuple[int, int], welfare: Welfare) -> None:
    """Make, list, judge and write one block."""
    block = make_block(state.geography, state.names, run, seed, welfare, state.counters)
    register = fill_forms(block)
    ledger = keep_ledger(block, enrol(block, state.covered))
    rows = list_rows(block, ledger)
    extracts = authorities.make_extracts(block, ledger)
    write = state.registers.write
    write("households.csv", registers.households_table(block, register))
    write("persons.csv", registers.persons_table(block, register))
    write("scores.csv", registers.scores_table(block, register))
    write("national_id.csv", authorities.identity_table(block, extracts))
    write("residents.csv", authorities.residents_table(block))
    write("mobiles.csv", authorities.mobiles_table(block, extracts))
    write("employees.csv", authorities.employees_table(block, extracts))
    write("exits.csv", authorities.exits_table(block, extracts))
    rows.line = np.zeros(rows.size, dtype=np.int64)
    for list_no, item in enumerate(LISTS[block.country]):
        at = np.flatnonzero(rows.list_no == list_no)
        cells = make_cells(block, ledger, rows, item, at)
        target = state.lists[list_no]
        rows.line[at] = target.write(cells, rows.sheet[at]) if isinstance(target, Workbook) else target.write(cells)
        state.summary.list_rows[item.name] += at.size
    facts = gather(block, register, ledger, rows, extracts, state.covered)
    judge(facts)
    judge_repeats(facts)
    _write_truth(state, facts)


def _write_truth(state: _Country, facts: Facts) -> None:
    write, counts = state.registers.write, state.summary.codes
    write("truth/list_rows.csv", truth.list_rows_table(facts))
    write("truth/planted.csv", truth.planted_table(facts))
    write("truth/person_keys.csv", registers.person_keys_table(facts.block, facts.register))
    write("truth/cap.csv", truth.cap_table(facts))
    households, unserved = truth.household_tables(facts)
    write("truth/household_truth.csv", households)
    write("truth/unserved.csv", unserved)
    write("truth/deaths.csv", authorities.deaths_table(facts.block))
    for code, rows in zip(facts.planted.code, facts.planted.rows, strict=True):
        counts[code] = counts.get(code, 0) + int(rows.size)


def _finish(state: _Country, country: str) -> None:
    """Write what belongs to the whole country: lines that are no data, catalogue, where programmes run."""
    lines = sorted(line for item in state.lists for line in item.non_data)
    state.registers.write("truth/non_data_lines.csv", truth.non_data_table(lines))
    programmes = PROGRAMMES[country]
    table = {
        "programme": [p.code for p in programmes],
        "name": [p.name for p in programmes],
        "agency": [p.agency for p in programmes],
        "benefit_type": [str(p.benefit_type) for p in programmes],
        "counts_to_cash_cap": [str(int(p.is_cash)) for p in programmes],
        "min_age": [str(p.min_age) if p.min_age else "" for p in programmes],
        "max_age": [str(p.max_age) if p.max_age else "" for p in programmes],
        "min_age_female": [str(p.min_age_female) if p.min_age_female else "" for p in programmes],
        "sex": [p.sex for p in programmes],
        "max_score": [str(p.cut_off) if p.poverty_targeted else "" for p in programmes],
        "poverty_targeted": [str(int(p.poverty_targeted)) for p in programmes],
        "one_per_household": [str(int(p.one_per_household)) for p in programmes],
        "requires_programme": [p.requires for p in programmes],
        "incompatible_with": [" ".join(p.incompatible) for p in programmes],
        "amount": [str(p.amounts[0]) for p in programmes],
        "rule": [p.rule.replace(",", ";") for p in programmes],
    }
    state.registers.write("programmes.csv", {k: col.strings(v) for k, v in table.items()})
    pairs = [
        (p.code, state.geography.districts[i].code)
        for p in programmes
        for i in state.covered[p.code].tolist()
        if len(state.covered[p.code]) < len(state.geography.districts)
    ]
    state.registers.write(
        "programme_areas.csv",
        {
            "programme": col.strings([a for a, _ in pairs]),
            "district_code": col.strings([b for _, b in pairs]),
        },
    )
