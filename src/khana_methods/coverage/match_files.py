"""Which households of a survey stand in a registry: by number first, by everything else where asked.

Works on two tables: the survey (a row a household, or a row a person with the household's column) and the registry (a
row a person). A household is registered when any of its people is found. What comes back has one row a household.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.matching.link import link_list
from khana_methods.matching.person_table import records_of
from khana_methods.matching.prepare import prepare
from khana_methods.matching.train import train
from khana_methods.surveys.tables import require_columns, texts

REGISTERED, HOW = "registered", "registered_how"
Canonical = Callable[[pa.Array], pa.Array]  # texts without nulls -> canonical numbers, null where there is none


class NothingToMatch(InputError):
    """The survey names no column to match on, or not one of its numbers can be one."""

    code: ClassVar[str] = "coverage.nothing_to_match"


@dataclass(frozen=True, slots=True)
class Matched:
    """A survey with one row a household and who is registered, and what the matching saw.

    Attributes:
        table: The survey's columns, `registered` (1 or 0) and `registered_how` (number, name, or empty).
        with_number: Households with a number that can be one.
        by_number: Registered households found by a number.
        by_name: Found by everything else.
        notes: In sentences.
        registry_rows: Of each household, the row of the registry that its number was found in; None without one.
    """

    table: pa.Table
    with_number: int
    by_number: int
    by_name: int
    notes: tuple[str, ...]
    registry_rows: tuple[int | None, ...] = ()


def numbers_of(survey: pa.Table, match: Mapping[str, str], household: str, canonical: Canonical) -> pl.DataFrame:
    """Return `household` (row number or code) and `number` of every number that a survey states.

    Args:
        survey: A row a household or a person.
        match: With `id_number`: a column, or several with + between (each a number of its own).
        household: Column of the household; empty where a row is one.
        canonical: How numbers of the country are brought to one form.

    Raises:
        NothingToMatch: There is no `id_number`, or nothing in it is a number of the country.
    """
    columns = [part.strip() for part in match.get("id_number", "").split("+") if part.strip()]
    if not columns:
        raise NothingToMatch("Say `match: {id_number: COLUMN}`, or give a column `registered`.")
    require_columns(survey, [*columns, *([household] if household else [])])
    keys = household_keys(survey, household)
    parts = []
    for column in columns:
        found = canonical(pc.fill_null(texts(survey, column), ""))
        parts.append(pl.DataFrame({"household": keys, "number": pl.Series(found).cast(pl.String)}))
    made = pl.concat(parts).filter(pl.col("number").is_not_null() & (pl.col("number") != ""))
    if not made.height:
        raise NothingToMatch("Not one number of the survey has a form that the country issues.", columns=columns)
    return made


def household_keys(survey: pa.Table, household: str) -> pl.Series:
    """Return the household of each row: its code, or its row number."""
    if not household:
        return pl.Series("household", [str(at) for at in range(survey.num_rows)])
    return pl.Series("household", texts(survey, household))


def collapse(survey: pa.Table, household: str, found: Mapping[str, str]) -> pa.Table:
    """Return the survey with one row a household (its first), and whether and how it was found."""
    keys = household_keys(survey, household)
    frame = pl.DataFrame({"household": keys}).with_row_index("row")
    first = frame.group_by("household", maintain_order=True).agg(pl.col("row").min()).sort("row")
    kept = survey.take(pa.array(first["row"].to_list()))
    how = [found.get(key, "") for key in first["household"].to_list()]
    names = [name for name in kept.schema.names if name not in (REGISTERED, HOW)]
    kept = kept.select(names).append_column(REGISTERED, pa.array([1 if one else 0 for one in how]))
    return kept.append_column(HOW, pa.array(how))


def match_files(
    engine: Engine, survey: pa.Table, registry: pa.Table, *, survey_columns: Mapping[str, str],
    registry_columns: Mapping[str, str], household: str = "", canonical: Canonical, country: str = "pak",
    probabilistic: bool = False,
) -> Matched:  # fmt: skip
    """Match a survey to a registry file.

    Args:
        engine: Where probabilistic matching is done.
        survey: n rows.
        registry: m rows, a row a person.
        survey_columns: Fact to column of the survey: `id_number` at least, or `name` where probabilistic.
        registry_columns: Fact to column of the registry.
        household: Column of the survey's household; empty where a row is one.
        canonical: How numbers are brought to one form.
        country: Of telephone numbers.
        probabilistic: Look for those whom no number finds by name, birth, family and place: a model is trained on both.

    Raises:
        NothingToMatch: As in `numbers_of`.
    """
    stated = numbers_of(survey, survey_columns, household, canonical)
    held = numbers_of(registry, registry_columns, "", canonical).rename({"household": "row"})
    held = held.with_columns(pl.col("row").cast(pl.Int64)).group_by("number").agg(pl.col("row").min())
    joined = stated.join(held, on="number").group_by("household").agg(pl.col("row").min())
    row_of = dict(joined.iter_rows())
    by_number = set(row_of)
    found = dict.fromkeys(by_number, "number")
    notes = [f"{stated['household'].n_unique()} households state a number; {len(by_number)} are found by one."]
    by_name: set[str] = set()
    if probabilistic:
        by_name = _by_name(engine, survey, registry, survey_columns, registry_columns, household, country) - by_number
        found |= dict.fromkeys(by_name, "name")
        notes.append(f"{len(by_name)} more are found by name, birth, family and place.")
    keys = household_keys(survey, household).unique(maintain_order=True)
    return Matched(
        collapse(survey, household, found), stated["household"].n_unique(), len(by_number), len(by_name), tuple(notes),
        tuple(row_of.get(key) for key in keys),
    )  # fmt: skip


def _by_name(
    engine: Engine, survey: pa.Table, registry: pa.Table, survey_columns: Mapping[str, str],
    registry_columns: Mapping[str, str], household: str, country: str,
) -> set[str]:  # fmt: skip
    """Return households of which somebody is linked by the model, whoever else she may be."""
    theirs = _as_texts(registry)
    ours = _as_texts(survey)
    first = {k: v.split("+")[0] if k == "id_number" else v for k, v in survey_columns.items()}
    # each side counts its households by itself: a survey's codes are not the registry's
    plain = {k: v for k, v in first.items() if k not in ("household_id", "line_no")}
    listed = records_of(ours, plain, country=country)
    listed = listed.set_column(1, "side", pa.array(["LIST"] * ours.num_rows))
    listed = listed.set_column(0, "record_id", pa.array([f"s{row:010d}" for row in range(ours.num_rows)]))
    held = records_of(theirs, dict(registry_columns), country=country)
    prepare(engine, held, plain="plain_record")
    card = train(engine, "person_record", "plain_record", version="study").card
    prepare(engine, pa.concat_tables([held, listed]))
    link_list(engine, "person_record", card)
    rows = engine.rows(
        "SELECT l.record_id FROM decision d JOIN person_record l ON l.unique_id = d.left_id "
        "WHERE d.probability >= $link AND d.contradiction = ''",
        {"link": card.thresholds.link},
    )
    keys = household_keys(survey, household)
    return {keys[int(str(record)[1:])] for (record,) in rows}


def _as_texts(table: pa.Table) -> pa.Table:
    return pa.table({name: pc.fill_null(texts(table, name), "") for name in table.schema.names})
