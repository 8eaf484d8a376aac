"""The main job: from the lists and registers in the engine to findings and the five answers.

Order: dense integers, links, checks, answers, summary. Every step is a set operation; nothing
here reads a row into Python. Result tables: `link`, `finding`, `recipient`, `leakage`,
`pair_overlap`, `unserved`, `area_figure`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap import answers, link, prepare
from khana_methods.overlap.findings import check, duplicates, numbers, programmes, registers
from khana_methods.overlap.parameters import Consolidation, Parameters, Progress
from khana_methods.overlap.summary import summarise

CHECKS = (*numbers.CHECKS, *duplicates.CHECKS, *registers.CHECKS, *programmes.CHECKS)

RESULT_TABLES = ("link", "finding", "recipient", "leakage", "pair_overlap", "unserved", "area_figure")


def consolidate(
    engine: Engine,
    parameters: Parameters,
    progress: Progress | None = None,
    *,
    linkers: Sequence[link.Linker] = (link.link_by_number,),
    checks: Sequence[check.Check] = CHECKS,
) -> Consolidation:
    """Compare all lists with each other and with every register.

    Args:
        engine: Holds the frames of `khana_methods.records`; a frame that is absent counts as
            empty, and what needs it is listed as undecided.
        parameters: The policy values.
        progress: Told the step's name and the share done, 0 to 1, before each step.
        linkers: Methods of linking rows to persons, in order; exact numbers alone by default.
        checks: Checks to run, in order; those that numbers decide by default. Checks of persons
            (`findings.persons`) need their tables in the engine.

    Returns:
        The summary; the result tables stay in the engine until it is closed.
    """
    undecided: list[str] = []
    steps: list[tuple[str, Callable[[], None]]] = [
        ("frames", lambda: prepare.fill_absent_frames(engine)),
        ("parameters", lambda: prepare.prepare_parameters(engine, parameters)),
        ("rows", lambda: prepare.prepare_rows(engine)),
        ("registers", lambda: prepare.prepare_registers(engine)),
        ("areas", lambda: prepare.prepare_areas(engine)),
        ("links", lambda: link.link_rows(engine, linkers)),
        ("parties", lambda: link.prepare_parties(engine)),
        ("checks", lambda: check.start_findings(engine)),
        *((one.codes[0], _checked(engine, one, undecided)) for one in checks),
        ("findings", lambda: check.finish_findings(engine)),
        ("recipients", lambda: answers.write_recipients(engine)),
        ("overlaps", lambda: answers.write_pair_overlaps(engine)),
        ("unserved", lambda: answers.write_unserved(engine)),
        ("figures", lambda: answers.write_area_figures(engine)),
    ]
    for number, (name, step) in enumerate(steps):
        if progress is not None:
            progress(name, number / len(steps))
        step()
    summary = summarise(engine, parameters, sorted(undecided))
    if progress is not None:
        progress("done", 1.0)
    return Consolidation(summary=summary, tables=RESULT_TABLES)


def _checked(engine: Engine, one: check.Check, undecided: list[str]) -> Callable[[], None]:
    """Bind one check: run it where it can decide, else write its codes down as undecided."""

    def step() -> None:
        if check.decidable(engine, one):
            check.run_check(engine, one)
        else:
            undecided.extend(one.codes)

    return step
