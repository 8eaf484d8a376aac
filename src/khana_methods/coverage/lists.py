"""The registry's own counts beside a survey and a census: dual-system sizes, and ratios that raise an alarm.

A registry with more households than the census counted is not complete, it holds the dead, the moved and the doubled:
such a ratio is an alarm on the data, never a success. Areas of another vintage are named, not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import pyarrow as pa

from khana_methods.coverage.dual_system import chapman, post_stratified
from khana_methods.coverage.spec import StudySpec
from khana_methods.coverage.study import Figure, Study, by_estimator
from khana_methods.surveys.tables import numbers, require_columns, texts

ALARM = "ALARM: more households registered than counted; look for doubles, the dead and the moved"
AS_MATCHED = "matches as counted: a missed match makes this too large; dual_system_survey is corrected"
OTHER_VINTAGE = "not among the denominators: an area of another vintage, or a spelling"


def levels_of(table: pa.Table, columns: Sequence[str]) -> list[str]:
    """Return the level of each household under a domain, as figures name it."""
    parts = [pl.Series(str(at), texts(table, name)) for at, name in enumerate(columns)]
    return pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator=" / ", ignore_nulls=True)).to_series().to_list()


def dual_system(table: pa.Table, spec: StudySpec, registry: Mapping[str, int]) -> list[Figure]:
    """Estimate how many households there are from registry and survey together, by post-stratum.

    Args:
        table: A row a household with `spec.registered`.
        spec: With `poststrata`; none is one stratum, `all`.
        registry: Registered households by level of the post-strata, joined with ` / `.

    Returns:
        `dual_system_chapman` of each stratum and of all; strata that the registry does not name carry a note.
        Counts are unweighted: within a post-stratum households should have had equal chances.
    """
    columns = list(spec.poststrata)
    levels = levels_of(table, columns) if columns else ["all"] * table.num_rows
    found = numbers(table, spec.registered, yes_no=True).values.to_pylist()
    counts = pl.DataFrame({"level": levels, "m": found}).group_by("level").agg(pl.len().alias("n"), pl.col("m").sum())
    domain, made, strata = "+".join(columns) or "all", [], []
    said = "" if spec.linkage.is_perfect else AS_MATCHED
    for row in counts.sort("level").iter_rows(named=True):
        held, n, matched = registry.get(row["level"], 0), row["n"], int(row["m"])
        if held < max(matched, 1):
            made.append(
                Figure(domain, row["level"], "dual_system_chapman", "none", None, None, None, None, n, OTHER_VINTAGE)
            )
            continue
        one = chapman(held, n, matched)
        strata.append((held, n, matched))
        made.append(
            Figure(
                domain, row["level"], "dual_system_chapman", "none", one.estimate, one.se, one.lower, one.upper, n, said
            )
        )
    if strata and columns:
        whole = post_stratified(strata)
        note = said if len(strata) == counts.height else f"{counts.height - len(strata)} strata are left out"
        made.insert(0, Figure("all", "all", "dual_system_chapman", "none", whole.estimate, whole.se, whole.lower, whole.upper,
                              table.num_rows, note))  # fmt: skip
    return made


def registry_over_share(found: Study, domain: str, registry: Mapping[str, int]) -> list[Figure]:
    """Estimate how many households there are as the registry's count over the share that the survey finds in it.

    Source:
        Wolter 1986, Some Coverage Error Models for Census Data: the Lincoln-Petersen form under a weighted survey.
    """
    estimator = "registered_share_corrected"
    shares = by_estimator(found, domain, estimator) or by_estimator(found, domain, "registered_share")
    made = []
    for level, share in shares.items():
        if level not in registry:
            made.append(
                Figure(domain, level, "dual_system_survey", "household", None, None, None, None, share.n, OTHER_VINTAGE)
            )
        elif share.estimate and share.se is not None:
            size = registry[level] / share.estimate
            made.append(Figure(
                domain, level, "dual_system_survey", "household", size, size * share.se / share.estimate,
                registry[level] / share.upper if share.upper else None, registry[level] / share.lower if share.lower else None,
                share.n, share.note,
            ))  # fmt: skip
    return made


def census_ratios(domain: str, census: Mapping[str, float], registry: Mapping[str, int]) -> list[Figure]:
    """Return registered households over those that the census counted; above one is an alarm.

    Examples:
        >>> [(f.estimate, f.note[:5]) for f in census_ratios("tehsil", {"a": 100, "b": 100, "c": 0}, {"a": 84, "b": 104})]
        [(0.84, ''), (1.04, 'ALARM'), (None, 'divid')]
    """
    made = []
    for level in sorted(census):
        counted, held = census[level], registry.get(level, 0)
        if counted <= 0:
            note, ratio = "divides by zero: the census counted nobody", None
        else:
            ratio = held / counted
            note = ALARM if ratio > 1 else "" if level in registry else "the registry holds nobody under this code"
        made.append(Figure(domain, level, "census_ratio", "none", ratio, None, None, None, held, note))
    made += [
        Figure(domain, level, "census_ratio", "none", None, None, None, None, registry[level], OTHER_VINTAGE)
        for level in sorted(set(registry) - set(census))
    ]
    return made


def counts_of(table: pa.Table, columns: Sequence[str], value: str) -> dict[str, float]:
    """Read counts by level from a table: columns of the domain, and the column of the count (a row counts one if empty)."""
    require_columns(table, [*columns, *([value] if value else [])])
    counts = numbers(table, value).values.to_pylist() if value else [1.0] * table.num_rows
    frame = pl.DataFrame({"level": levels_of(table, columns), "n": counts}).group_by("level").agg(pl.col("n").sum())
    return dict(frame.iter_rows())
