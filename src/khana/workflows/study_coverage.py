"""A coverage study from survey to figures: match, estimate, hold against lists, keep.

On files nothing is asked of a database. In the database the survey's numbers become tokens, one join tells whose household
is registered, and the figures (never the survey) are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from khana.platform.progress import Progress, silent
from khana_country.load import pack_folder
from khana_methods.coverage import lists
from khana_methods.coverage.compare import accuracy_figures
from khana_methods.coverage.match_files import collapse, match_files, numbers_of
from khana_methods.coverage.spec import StudySpec, study_of
from khana_methods.coverage.study import Figure, Study, study
from khana_methods.coverage.visits import gone_figures
from khana_methods.engine.duckdb import Engine
from khana_methods.standardise.identifiers import IdentifierRules
from khana_methods.surveys.survey import Survey

if TYPE_CHECKING:
    from khana_methods.surveys.design import Design

NUMBER_NAMES = ("id_number", "cnic", "nid", "national_id", "cnic_number", "nid_number", "id_no")


@dataclass(frozen=True)
class Asked:
    """What somebody asks: a survey, its design and words, and the lists it is held against."""

    survey: pa.Table
    design: Design
    words: Mapping[str, Any]
    country: str = "pak"
    level: float = 0.95
    registry: pa.Table | None = None
    registry_columns: Mapping[str, str] = field(default_factory=dict)
    probabilistic: bool = False
    census: pa.Table | None = None
    census_count: str = "households"
    registry_counts: pa.Table | None = None
    registry_count: str = "households"
    lists_by: Sequence[str] = ()
    title: str = ""


def _spec(asked: Asked) -> tuple[StudySpec, list[str]]:
    """Read the words; where nothing says how to match, take a column that has the name of a number."""
    spec = study_of(asked.words)
    if spec.registered or spec.match:
        return spec, []
    names = {name.lower(): name for name in asked.survey.schema.names}
    if asked.registry is None and "registered" in names:
        return replace(spec, registered=names["registered"]), [
            f"Registered is read from the column {names['registered']}."
        ]
    for known in NUMBER_NAMES:
        if known in names:
            return replace(spec, match={"id_number": names[known]}), [f"Matched on the column {names[known]}."]
    return spec, []


def needs_database(asked: Asked) -> bool:
    """Tell whether the matching has to ask the registry."""
    spec, _ = _spec(asked)
    return not spec.registered and asked.registry is None


def on_files(asked: Asked) -> dict[str, Any]:
    """Make a study without a database.

    Raises:
        InputError: The survey, the design or the lists cannot carry it.
    """
    spec, notes = _spec(asked)
    if spec.registered:
        return _answer(asked, asked.survey, spec, {}, notes, [])
    rules = IdentifierRules.load(pack_folder(asked.country) / "identifiers.yaml")
    assert asked.registry is not None  # noqa: S101 - needs_database told
    with Engine(memory_mib=2048) as engine:
        found = match_files(
            engine, asked.survey, asked.registry, survey_columns=spec.match, registry_columns=asked.registry_columns,
            household=spec.household, canonical=lambda column: rules.column(column)[0].column("canonical").combine_chunks(),
            country=asked.country, probabilistic=asked.probabilistic,
        )  # fmt: skip
    more: list[Figure] = []
    if spec.compare:
        weights = Survey(found.table, asked.design).frame["w"].to_numpy()
        more = accuracy_figures(
            found.table, asked.registry, found.registry_rows, spec.compare, np.asarray(weights), years=spec.years
        )
    ready = replace(spec, registered="registered")
    return _answer(asked, found.table, ready, {}, [*notes, *found.notes], more)


def in_database(*, token: str, asked: Asked, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Make a study against the registry and keep its figures.

    Args:
        token: In whose name; `registry.read` for the whole country and `monitoring.write`.
        asked: What is asked.
        progress: Told phases.
        at: When.

    Raises:
        PermissionMissing: Either is missing.
        NothingToMatch: The survey states no number.
    """
    from khana.access import services as access
    from khana.audit import services as audit
    from khana.monitoring import services as monitoring
    from khana.platform import keys
    from khana.registry import presence

    spec, notes = _spec(asked)
    rules = IdentifierRules.load(pack_folder(asked.country) / "identifiers.yaml")
    schemes: dict[str, str] = {}

    def canonical(column: pa.Array) -> pa.Array:
        read = rules.column(column)[0]
        for number, scheme in zip(read.column("canonical").to_pylist(), read.column("scheme").to_pylist(), strict=True):
            if number:
                schemes[number] = scheme
        return read.column("canonical").combine_chunks()

    stated = numbers_of(asked.survey, spec.match, spec.household, canonical)
    with access.scoped(token):
        access.require(monitoring.PERMISSION)
        tokens = [keys.token(schemes[number], number) for number in stated["number"].to_list()]
        present = presence.find_present(stated["household"].to_list(), tokens)
        counts = presence.count_households()
        audit.record(
            action="monitoring.study.matched", subject="registry",
            details={"numbers": len(tokens), "households": stated["household"].n_unique()}, at=at,
        )  # fmt: skip
        notes.append(
            f"{stated['household'].n_unique()} households state a number; {len(present)} are registered by one."
        )
        how = dict.fromkeys(present, "number")
        if asked.probabilistic:
            how = {**dict.fromkeys(_by_model(asked, spec, notes), "name"), **how}
        progress(2, 3, "estimating")
        table = collapse(asked.survey, spec.household, how)
        result = _answer(asked, table, replace(spec, registered="registered"), counts, notes, [])
        result["study"] = keep(asked, result, at=at)
    return result


def _by_model(asked: Asked, spec: StudySpec, notes: list[str]) -> set[str]:
    """Return the households that the linkage room's model finds, and say what was done."""
    from khana.workflows import match_survey

    found = match_survey.found_by_model(asked.survey, spec.match, household=spec.household, country=asked.country)
    if found is None:
        notes.append("No matching model is in use: those whom no number finds were not looked for by name.")
        return set()
    notes.append(
        f"{len(found[0])} households are linked by the matching model {found[1]}, by name, birth, family and place."
    )
    return found[0]


def keep(asked: Asked, result: Mapping[str, Any], *, at: datetime) -> int:
    """Keep the figures of a study within the scope that is open, never the survey; return its number."""
    from khana.monitoring import services as monitoring

    return monitoring.keep_study(
        title=asked.title, parameters=_parameters(asked), at=at, figures=result["rows"],
        determinants=result["determinants"], notes=[*result["notes"], *result["alarms"]],
        summary={
            "households": result["households"], "registered": result["registered"], "alarms": len(result["alarms"])
        },
    )  # fmt: skip


def _parameters(asked: Asked) -> dict[str, Any]:
    """Return what a study can be made again from: design, words and the hash of the survey."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, asked.survey.schema) as writer:
        writer.write_table(asked.survey)
    digest = hashlib.sha256(sink.getvalue()).hexdigest()
    return {"design": asdict(asked.design), "words": dict(asked.words), "survey_sha256": digest, "level": asked.level}


def _answer(
    asked: Asked, table: pa.Table, spec: StudySpec, counts: Mapping[str, int], notes: list[str], more: list[Figure]
) -> dict[str, Any]:
    """Estimate, hold against the lists, and lay everything out."""
    found = study(table, asked.design, spec, level=asked.level)
    figures, alarms = [*found.figures, *more], []
    if spec.gone:
        figures += gone_figures(table, asked.design, spec.gone, level=asked.level)
    by = tuple(asked.lists_by) or tuple(spec.poststrata)
    registry = dict(counts)
    if asked.registry_counts is not None:
        registry = _whole(lists.counts_of(asked.registry_counts, by, asked.registry_count))
    if registry and by:
        own = {level: registry[level] for level in set(lists.levels_of(table, by)) & set(registry)}
        figures += lists.dual_system(table, replace(spec, poststrata=by), own or registry)
        figures += lists.registry_over_share(found, "+".join(by), own or registry)
    if asked.census is not None and by:
        census = lists.counts_of(asked.census, by, asked.census_count)
        held = {level: registry[level] for level in registry if asked.registry_counts is not None or level in census}
        figures += lists.census_ratios("+".join(by), census, held)
        strange = set(lists.levels_of(table, by)) - set(census)
        if strange:
            alarms.append(
                f"{len(strange)} areas of the survey are not in the census file: another vintage, or a spelling."
            )
    above = [figure for figure in figures if figure.note == lists.ALARM]
    if above:
        alarms.append(f"{len(above)} areas have more registered households than the census counted: a sign of doubles, "
                      "the dead and the moved, not of success.")  # fmt: skip
    return {
        "title": asked.title,
        "households": found.households,
        "registered": found.registered,
        "notes": [*notes, *found.notes],
        "alarms": alarms,
        "determinants": _determinants(found),
        "rows": [asdict(figure) for figure in figures],
    }


def _whole(counts: Mapping[str, float]) -> dict[str, int]:
    return {level: round(count) for level, count in counts.items()}


def _determinants(found: Study) -> list[dict[str, Any]]:
    return [asdict(line) for line in found.determinants.coefficients] if found.determinants else []
