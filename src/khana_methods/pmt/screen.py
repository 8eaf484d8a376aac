"""Which candidates can and should enter a formula, each decision with its reason.

What cannot be estimated never stays: a column without values, a constant, what other columns determine. What should
not stay is for the SPEC to say: too much missing, too few households in a level, no joint significance, a sign that
contradicts what is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from khana_methods.engine.duckdb import Engine
from khana_methods.pmt.features import FLAG, column_types, is_number, looks_numeric, reading
from khana_methods.pmt.spec import FitSpec, Regressor
from khana_methods.pmt.survey import Survey, read_numbers, read_texts
from khana_methods.pmt.terms import Term, band_term, code_term, flag_term, matrix_of, number_term, step_term

MOST_LEVELS = 100
FEW_VALUES = 8


@dataclass(frozen=True, slots=True)
class Screened:
    """What became of one candidate: `kept`, `changed` (part of it left) or `dropped`, and why."""

    variable: str
    outcome: str
    reason: str


def make_terms(survey: Survey, spec: FitSpec, engine: Engine) -> tuple[list[Term], list[Screened]]:
    """Read the candidates of a SPEC from a survey and leave out those that cannot enter.

    Returns:
        The terms that are left, of as many rows as the survey, and what became of each candidate.
    """
    engine.register("pmt_candidates", survey.frame)
    kinds = column_types(engine, "pmt_candidates")
    regressors = list(spec.regressors)
    if spec.area_effects and spec.area_effects not in {regressor.column for regressor in regressors}:
        area = spec.area_effects
        regressors.append(Regressor(f"area_{area}" if area.isidentifier() else "area", area, area, kind="category"))
    terms: list[Term] = []
    told: list[Screened] = []
    for regressor in regressors:
        made = _term(regressor, survey, spec, engine, kinds[regressor.column], kinds.get(regressor.per, ""))
        if isinstance(made, str):
            told.append(Screened(regressor.code, "dropped", made))
            continue
        reason = _why_not(made, spec)
        told += [Screened(made.code, "dropped", reason)] if reason else _remarks(made)
        if not reason:
            terms.append(made)
    engine.drop("pmt_candidates")
    return terms, told


def _term(
    regressor: Regressor, survey: Survey, spec: FitSpec, engine: Engine, kind: str, kind_below: str
) -> Term | str:
    """Make the term of one candidate, or say why it has none."""
    relation = "pmt_candidates"
    wanted = regressor.kind
    if wanted == "auto":
        wanted = _kind(regressor, engine, relation, kind)
    if wanted not in ("number", "category", "cumulative", "bands", "dummy"):
        return wanted
    regressor = replace(regressor, kind=wanted)
    if wanted in ("category", "cumulative"):
        texts = read_texts(engine, relation, regressor.column, kind)
        if wanted == "cumulative":
            return step_term(regressor, texts)
        return code_term(regressor, texts, min_households=spec.screening.min_households)
    if wanted == "dummy":
        flags = engine.table(f"SELECT CAST({reading(regressor.column, kind, FLAG)} AS DOUBLE) AS v FROM {relation}")
        return flag_term(regressor, flags.column("v").to_numpy(zero_copy_only=False).astype(float))
    values = read_numbers(engine, relation, regressor.column, kind)
    if wanted == "bands":
        return band_term(regressor, values)
    below = read_numbers(engine, relation, regressor.per, kind_below) if regressor.per else None
    return number_term(regressor, values, below, survey.weight)


def _kind(regressor: Regressor, engine: Engine, relation: str, kind: str) -> str:
    """Read from the survey what kind of variable a column is; a sentence where it can be none."""
    if regressor.per or regressor.transform or regressor.at_least is not None or regressor.at_most is not None:
        return "number"
    if kind == "BOOLEAN":
        return "dummy"
    if is_number(kind) or (kind == "VARCHAR" and looks_numeric(engine, relation, regressor.column)):
        return "number"
    if kind == "VARCHAR" or kind.startswith("ENUM"):
        different = len({value for value in read_texts(engine, relation, regressor.column, kind) if value is not None})
        if different > MOST_LEVELS:
            return f"{different} different texts: a name or a number of something, no code; say kind: category if it is one"
        return "category"
    return f"a column of {kind.lower()} is neither a number nor a code"


def _why_not(term: Term, spec: FitSpec) -> str:
    """Say why a term cannot or should not enter; empty where it may."""
    share = float((~term.known).mean())
    if not term.known.any():
        return "no household has a value"
    most = spec.screening.max_missing
    if most is not None and share > most:
        return f"{share:.1%} of households have no value, over the {most:.0%} that the SPEC allows"
    if not term.labels:
        return "constant: all households have the same value"
    seen = term.columns[term.known]
    if (seen == seen[0]).all():
        return "constant: all households have the same value"
    return ""


def _remarks(term: Term) -> list[Screened]:
    """Say what a reader should know of a term that enters."""
    notes = list(term.notes)
    missing = int((~term.known).sum())
    if missing:
        notes.append(f"{missing} households have no value and are left out of the fit")
    regressor = term.regressor
    is_plain = not (regressor.per or regressor.transform) and regressor.at_least is None and regressor.at_most is None
    if regressor.kind == "number" and is_plain:
        values = np.unique(term.columns[term.known, 0])
        if 2 < len(values) <= FEW_VALUES and (values == np.floor(values)).all():
            notes.append(f"{len(values)} whole values, read as a number; write C({regressor.column}) if it is a code")
    return [Screened(term.code, "changed" if term.notes else "kept", "; ".join(notes))]


def complete_rows(terms: Sequence[Term], rows: int) -> npt.NDArray[np.bool_]:
    """Return which rows have a value of every term."""
    return np.logical_and.reduce([term.known for term in terms]) if terms else np.ones(rows, dtype=np.bool_)


def only_rows(terms: Sequence[Term], rows: npt.NDArray[np.bool_]) -> list[Term]:
    """Return the terms of some rows; levels are counted again, and a level that is nowhere left goes."""
    return [_only(term, rows) for term in terms]


def _only(term: Term, rows: npt.NDArray[np.bool_]) -> Term:
    columns, known = term.columns[rows], term.known[rows]
    if term.regressor.kind != "category":
        return replace(term, columns=columns, known=known)
    counts = columns.sum(axis=0)
    rest = int(known.sum() - counts.sum())
    merged = [name for name in term.levels if name not in term.labels and name != term.stand_in]
    levels = {name: int(count) for name, count in zip(term.labels, counts, strict=True) if count > 0}
    levels |= dict.fromkeys(merged, 0) | {str(term.stand_in): rest}
    there = counts > 0
    return replace(
        term,
        labels=tuple(name for name, stays in zip(term.labels, there, strict=True) if stays),
        columns=columns[:, there],
        known=known,
        levels=levels,
    )


def without_dependents(terms: Sequence[Term], dependents: dict[int, tuple[int, ...]]) -> Iterator[Screened]:
    """Say of each term whose columns others determine, which those are.

    Args:
        terms: Terms of a design matrix whose first column is ones.
        dependents: As `estimate.dependent_columns` gives them.
    """
    owners = [("", "the constant"), *((term.code, f"{term.code}={label}" if label else term.code) for term in terms
                                      for label in term.labels)]  # fmt: skip
    for term in terms:
        lost = [at for at in dependents if owners[at][0] == term.code]
        if not lost:
            continue
        by = dict.fromkeys(owners[other][1] for at in lost for other in dependents[at])
        named = ", ".join(list(by)[:4]) + (f" and {len(by) - 4} more" if len(by) > 4 else "")
        if len(lost) == len(term.labels):
            yield Screened(term.code, "dropped", f"perfectly collinear: {named or 'the constant'} determine it")
        else:
            which = ", ".join(owners[at][1] for at in lost)
            why = f"{named} determine it" if named else "no household of weight has it"
            yield Screened(term.code, "changed", f"{which} counts as the reference: {why}")


def design_of(terms: Sequence[Term]) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], list[slice]]:
    """Return the design matrix and where each term's columns stand in it."""
    places, at = [], 1
    for term in terms:
        places.append(slice(at, at + len(term.labels)))
        at += len(term.labels)
    return matrix_of(terms), places
