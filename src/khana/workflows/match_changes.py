"""Matching after a day's changes: at the cost of the changes, with the pairs that a run over the whole registry would give.

Files written since the last run are prepared anew with those who live with them; whoever shares a key with them comes from
the layers, and of everybody who may be one of them all candidates come too, since what speaks for one speaks against the
others. Names keep the shares that the last whole run counted. A run over the whole registry settles what drifts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

import pyarrow as pa

from khana.access import services as access
from khana.beneficiaries import frames as beneficiaries
from khana.linkage import laid_out, part, records, results, selectors
from khana.linkage.laid_out import Register
from khana.linkage.services import record_runs
from khana.platform import faults
from khana.platform.frames import open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.registry import frames as registry
from khana.workflows.match_registry import MEMORY_MIB, cap, read_marks
from khana_methods.engine.duckdb import Engine
from khana_methods.errors import Conflict
from khana_methods.matching.link import decide_part, weigh_part
from khana_methods.matching.model import ModelCard
from khana_methods.matching.train import snapshot_hash

# rows of each table before the last mark that are looked at again: what commits late bears an early number
_LATE = 20
_NEAR_BITS = -3.0  # from here up somebody may be one of the changed, and all of her candidates count
_MOST_SHARE = 0.2  # of the registry; when more changed, a whole run costs less
_STEPS = 5
_PERSON = "record_id[2:13]::BIGINT"


class TooMuchChanged(Conflict):
    """So much of the registry changed that a whole run costs less."""

    code: ClassVar[str] = "linkage.too_much_changed"


class ModelChanged(Conflict):
    """The last whole run was done with another model than the one in use."""

    code: ClassVar[str] = "linkage.model_changed"


def run(*, token: str, progress: Progress = silent, at: datetime, memory_mib: int = MEMORY_MIB) -> dict[str, Any]:
    """Match the files that were written since the last run.

    Args:
        token: In whose name; it needs `linkage.manage` for the whole country.
        progress: Told phases.
        at: When.
        memory_mib: Memory that the engine may hold before it spills to disk.

    Returns:
        The run's number, how many files changed and were compared, counts by decision; run 0 where nothing changed.

    Raises:
        NotLaidOut: There was no whole run yet.
        ModelChanged, TooMuchChanged: A whole run is needed.
    """
    with access.scoped(token):
        access.require("linkage.manage", everywhere=True)
        model_id, card = selectors.get_active_card()
        register = laid_out.open_register()
        if int(register.base["model"]) != model_id:
            raise ModelChanged("Another model is in use than at the last whole run: `khana linkage run`.")
        with open_source() as source:
            marks = read_marks(source)
            since = {name: max(int(mark) - _LATE, 0) for name, mark in register.meta["marks"].items()}
            known = {name: int(mark) for name, mark in register.meta["marks"].items()}
            changed = [] if marks == known else _changed(source, since)
    if not changed:
        return {"run": 0, "model": card.version, "changed": 0, "compared": 0, "pairs_written": 0}
    if len(changed) > _MOST_SHARE * max(int(register.base["records"]), 50_000):
        raise TooMuchChanged(f"{len(changed):,} files changed: `khana linkage run` costs less.", changed=len(changed))
    with access.scoped(token):
        run_id = record_runs.start_run(model_id=model_id, kind="CHANGES", at=at)
    try:
        with (
            workplace("scratch") as folder,
            Engine(memory_mib=memory_mib, folder=folder) as engine,
            access.scoped(token),
        ):
            record_runs.hold_run(run_id=run_id)
            return _relink(
                engine, register, card, changed, marks, run_id=run_id, model_id=model_id, progress=progress, at=at
            )
    except BaseException:
        with access.scoped(token):
            record_runs.fail_run(run_id=run_id, at=at)
        raise


def _changed(source: Any, since: dict[str, int]) -> list[int]:
    return sorted(int(one) for one in registry.changed_person_frame(source, since).read_all().column(0).to_pylist())


def _relink(
    engine: Engine, register: Register, card: ModelCard, changed: list[int], marks: dict[str, int], *, run_id: int,
    model_id: int, progress: Progress, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    progress(0, _STEPS, "reading")
    with open_source() as source:
        records.read_part(engine, source, changed)
    records.no_rows(engine)
    records.open_numbers(engine)
    records.prepare_registry(engine, table="changed_record", shares=register.guardian_shares)
    own = _people(engine, "changed_record")
    gone = sorted(set(changed) - set(own))
    engine.run(
        "CREATE OR REPLACE TABLE area_of AS SELECT printf('P%012d', person_id) AS record_id, area_path FROM link_person"
    )
    progress(1, _STEPS, "comparing")
    regrouped, compared = _compare(engine, register, card, own, [*own, *gone])
    faults.reach("linkage.changes_compared")
    progress(3, _STEPS, "writing")
    counts = _gather(engine, own, regrouped, at) | {"changed": len(own), "gone": len(gone), "compared": compared}
    written = record_runs.write_changes(
        run_id=run_id, people=[*own, *gone], regrouped=regrouped, pairs=lambda: engine.reader("SELECT * FROM linkage_result"),
        clusters=lambda: engine.reader("SELECT * FROM linkage_cluster_result"),
        snapshot=snapshot_hash(engine, "person_record"), counts=counts, at=at,
    )  # fmt: skip
    engine.run("CREATE OR REPLACE TABLE person_record AS SELECT * FROM changed_record")
    laid_out.lay_out(
        engine,
        card.passes,
        {**register.base, "run": run_id, "model": model_id, "is_change": True, "marks": marks},
        gone=gone,
    )
    progress(_STEPS, _STEPS, "done")
    shown = {name: value for name, value in written.items() if name not in ("strata", "by_decision")}
    return {"run": run_id, "model": card.version, **{k.lower(): n for k, n in written["by_decision"].items()}, **shown}


def _lay_on_top(engine: Engine, card: ModelCard, meta: dict[str, Any], gone: list[int]) -> None:
    """Add a layer of the changed files, after the commit and while the engine still stands."""
    engine.run("CREATE OR REPLACE TABLE person_record AS SELECT * FROM changed_record")
    laid_out.lay_out(engine, card.passes, meta, gone=gone)


def _people(engine: Engine, table: str) -> list[int]:
    return [int(one) for (one,) in engine.rows(f"SELECT {_PERSON} FROM {table} ORDER BY 1")]


def _compare(
    engine: Engine, register: Register, card: ModelCard, own: list[int], touched: list[int]
) -> tuple[list[int], int]:
    """Weigh the changed against whoever shares a key, and whoever may be one of them against all of theirs; decide.

    Returns the files whose clusters are told anew, and how many files were compared.
    """
    asked = part.key_digests(engine, card.passes, "changed_record")
    pairs = [part.meet(register, asked, without=touched), _among(asked)]
    part.lay_part(engine, register, "changed_record", _others(pairs, own))
    part.lay_pairs(engine, pairs)
    registered = int(register.base["records"])
    weigh_part(engine, "person_record", "candidate", card, registered=registered, into="first")
    near = {int(one) for (one,) in engine.rows(
        f"SELECT DISTINCT {_PERSON} FROM first f JOIN person_record r ON r.unique_id IN (f.left_id, f.right_id) "
        "WHERE f.match_weight - CASE f.contradiction WHEN 'two_verified_numbers' THEN f.bits_number ELSE 0 END > $near",
        {"near": _NEAR_BITS},
    )} - set(own)  # fmt: skip
    regrouped = selectors.clustermates(touched)
    ring = sorted((near | set(regrouped) | set(selectors.clustermates(sorted(near)))) - set(touched))
    part.lay_part(engine, register, "changed_record", [*_others(pairs, own), *ring])
    listed = ", ".join(f"'P{one:012d}'" for one in ring) or "''"
    theirs = part.key_digests(engine, card.passes, "person_record", where=f"record_id IN ({listed})")
    pairs.append(part.meet(register, theirs, without=touched))
    homes = engine.table(
        "SELECT DISTINCT try_cast(household_id AS BIGINT) AS home FROM person_record "
        f"WHERE record_id IN ({listed}) AND household_id <> ''"
    )
    housed = register.of_homes(homes.column("home").drop_null().to_numpy()).tolist() if homes.num_rows else []
    everyone = {*_others(pairs, own), *ring, *(one for one in housed if one not in set(touched))}
    part.lay_part(engine, register, "changed_record", sorted(everyone))
    part.lay_pairs(engine, pairs)
    priors = tuple(float(one) for one in register.base["priors"])
    decide_part(
        engine, "person_record", "candidate", card, registered=registered, priors=(priors[0], priors[1], priors[2])
    )
    return regrouped, len(own) + len(everyone)


def _among(asked: pa.Table) -> pa.Table:
    """Pair the changed records among themselves, by keys that they share."""
    joined = asked.join(asked, "digest", join_type="inner", right_suffix="_other")
    both = joined.select(["person", "person_other"]).rename_columns(["one", "other"])
    kept = both.filter(pa.compute.less(both.column("one"), both.column("other")))
    return kept.group_by(["one", "other"]).aggregate([]).select(["one", "other"])


def _others(pairs: Iterable[pa.Table], own: list[int]) -> list[int]:
    mine = set(own)
    return sorted({int(one) for pair in pairs for one in pair.column("other").to_pylist()} - mine)


def _gather(engine: Engine, own: list[int], regrouped: list[int], at: datetime) -> dict[str, Any]:
    """Write the results of pairs with a changed file, and of clusters that hold one or held one."""
    engine.run(
        f"CREATE OR REPLACE TABLE link_person AS SELECT {_PERSON} AS person_id, any_value(area_path) AS area_path FROM "
        "(SELECT * FROM area_of UNION ALL SELECT * FROM laid_area) GROUP BY 1"
    )
    people = _people(engine, "person_record")
    with open_source() as source:
        engine.register("stake_frame", beneficiaries.stake_frame(source, people))
    results.gather(engine, decided="decision", weighed="weighed", cap=cap(at), clusters=True)
    engine.register("changed_person", pa.table({"person_id": pa.array(own, pa.int64())}))
    engine.register("regrouped_person", pa.table({"person_id": pa.array([*own, *regrouped], pa.int64())}))
    engine.run(
        "DELETE FROM linkage_result WHERE decision = 'APART' OR NOT (left_id IN (SELECT person_id FROM changed_person) "
        "OR right_id IN (SELECT person_id FROM changed_person))"
    )
    engine.run("UPDATE linkage_result SET sample = NULL")
    engine.run(
        "DELETE FROM linkage_cluster_result WHERE cluster NOT IN (SELECT cluster FROM linkage_cluster_result "
        "WHERE person_id IN (SELECT person_id FROM regrouped_person))"
    )
    by_decision = dict(engine.rows("SELECT decision, count(*) FROM linkage_result GROUP BY decision ORDER BY decision"))
    return {"by_decision": by_decision}
