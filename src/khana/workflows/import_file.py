"""The journey of one file: kept whole, read under its contract, sealed, loaded, or refused with a reason.

Three transactions: the file and its batch are safe before the first row is read; all rows, the
quarantine and the event come together or not at all; a refusal is written down. A kill at any
point leaves the first, and the same command again goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from khana.access import services as access
from khana.assessment.services.load_scores import ScoreLoader
from khana.beneficiaries.services.load_benefits import BenefitLoader, ExitLoader
from khana.beneficiaries.services.reopen import reopen
from khana.beneficiaries.services.sources import get_source
from khana.deliveries import services as deliveries
from khana.deliveries.contracts.loading import load_contract, parse_contract
from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.read import read
from khana.deliveries.sealing import seal
from khana.identity.services import load_extracts as identity
from khana.identity.services.stage_evidence import stage_evidence
from khana.platform import bulk, faults, installation
from khana.platform.progress import Progress, silent
from khana.programmes.services import ProgrammeLoader
from khana.registry.services.apply_evidence import apply_evidence
from khana.registry.services.household_keys import stage_household_keys
from khana.registry.services.load_households import HouseholdLoader
from khana.registry.services.load_persons import PersonLoader
from khana.registry.services.load_residents import ResidentLoader
from khana.workflows.reading_tools import area_resolver, identifier_rules
from khana_methods.errors import InputError, KhanaError

LOADERS: dict[str, Callable[[], Any]] = {
    "household": HouseholdLoader,
    "person": PersonLoader,
    "resident": ResidentLoader,
    "identity": identity.IdentityLoader,
    "mobile": identity.MobileLoader,
    "employee": identity.EmployeeLoader,
    "score": ScoreLoader,
    "exit": ExitLoader,
    "programme": ProgrammeLoader,
}


class EntityMismatch(InputError):
    """The contract is for another kind of file than the command."""

    code: ClassVar[str] = "workflows.import.entity_mismatch"


def run(
    *,
    token: str,
    path: Path,
    entity: str,
    contract: str = "",
    source: str = "",
    name: str = "",
    replays: int | None = None,
    replaces: int | None = None,
    progress: Progress = silent,
    at: datetime,
) -> dict[str, Any]:
    """Import one file; the same file twice changes nothing.

    Args:
        token: In whose name.
        path: The file.
        entity: Which kind of rows: benefit, household, person, identity and so on.
        contract: Path of a contract, or the code of one that is kept; a source's own where empty.
        source: Code of the source, for benefits.
        name: The name it came with, where `path` is a copy.
        replays: The batch whose quarantined rows this file corrects.
        replaces: The batch of the same source in whose place this file stands from now on.
        progress: Told rows and phase.
        at: When.

    Returns:
        batch, state, rows_in, rows_loaded, rows_quarantined, lines_not_data, and what the room counted.

    Raises:
        EntityMismatch: The contract is for another kind of file.
        InputError: The file cannot be read under this contract; the reason is kept with its batch.
    """
    with access.scoped(token):
        found = _contract(contract, source, at)
        if found.entity != entity:
            raise EntityMismatch(
                f"The contract '{found.code}' reads {found.entity} files, and this command loads {entity} rows. "
                "Use the contract that belongs to this file.",
                contract=found.code,
            )
        agency = get_source(source).agency if source else found.agency
        stored = deliveries.register_contract(body=found.model_dump(mode="json", exclude_defaults=True), at=at)
        faults.reach("import.contract_kept")
        batch = deliveries.keep_delivery(
            path=path,
            name=name or path.name,
            contract=stored,
            source_code=source,
            agency=agency,
            at=at,
            replays=replays,
        )
    faults.reach("import.batch_kept")
    if batch.state == "LOADED":
        return {"batch": batch.id, "state": "UNCHANGED", **batch.counts}
    try:
        with access.scoped(token):
            if deliveries.is_loaded_already(batch.id):  # the same command, typed twice at once
                return {"batch": batch.id, "state": "UNCHANGED", **deliveries.counts_of(batch.id)}
            counts = _load(path, name or path.name, found, batch.id, source, agency, progress, at)
            if replaces is not None:
                deliveries.mark_replaced(batch_id=replaces, by=batch.id, source_code=source, at=at)
                if found.entity == "benefit":
                    counts["decisions_reopened"] = reopen(
                        replaced_batch_id=replaces, batch_id=batch.id, source=source, at=at
                    )
    except KhanaError as error:
        with access.scoped(token):
            deliveries.mark_failed(batch_id=batch.id, code=error.code, message=error.message, at=at)
        raise
    faults.reach("import.committed")
    return {"batch": batch.id, "state": "LOADED", **counts}


def _contract(named: str, source: str, at: datetime) -> Contract:
    if not named and source:
        named = get_source(source).contract_code
    if named.endswith((".yaml", ".yml")):
        return load_contract(Path(named))
    return parse_contract(deliveries.get_contract(code=named).body, where=named)


def _load(
    path: Path, name: str, contract: Contract, batch_id: int, source: str, agency: str, progress: Progress, at: datetime
) -> dict[str, Any]:
    loader = make_loader(contract.entity, source=source, agency=agency, file_name=name)
    quarantine = deliveries.Quarantine(batch_id, source, agency)
    digest = deliveries.RowsHash()
    country = contract.country or installation.read().get("country", "pak")
    resolver = area_resolver(country) if contract.entity in ("benefit", "resident", "employee", "exit") else None
    loaded = not_data = 0
    faults.reach("import.before_read")
    size = max(1, path.stat().st_size)
    for chunk in read(path, contract, identifiers=identifier_rules(country), areas=resolver):
        digest.add(chunk.rows)
        loader.stage(
            seal(chunk.rows, numbers=loader.numbers, mobiles=loader.mobiles, accounts=getattr(loader, "accounts", ()))
        )
        quarantine.add(chunk.quarantined)
        faults.reach("import.chunk_staged")
        loaded += chunk.rows.num_rows
        not_data += chunk.not_data
        progress(min(chunk.bytes_done, size), size, "reading")
    if contract.entity == "score":
        stage_household_keys("_score_household")
    faults.reach("import.all_staged")
    refused = _orphans(loader)
    quarantine.add(refused)
    faults.reach("import.refused_taken")
    progress(size, size, "writing")
    counts = loader.finish(batch_id=batch_id, at=at)
    bulk.freshen()
    faults.reach("import.loaded")
    quarantine.write()
    faults.reach("import.quarantine_written")
    if contract.entity in ("identity", "person") and access.call("access_has", "identity.read")[0][0]:
        progress(size, size, "verifying")
        stage_evidence()
        counts |= apply_evidence(at=at)
        faults.reach("import.verified")
    done = deliveries.mark_loaded(
        batch_id=batch_id,
        loaded=loaded - refused.num_rows,
        quarantined=quarantine.count,
        not_data=not_data,
        rows_sha256=digest.hexdigest(),
        details=counts,
        at=at,
    )
    faults.reach("import.before_commit")
    return {**done, **counts}


def make_loader(entity: str, *, source: str, agency: str, file_name: str) -> Any:
    """Return the loader of the room that keeps an entity; it asks for its permission."""
    if entity == "benefit":
        programmes = get_source(source).programmes if source else []
        only = programmes[0] if len(programmes) == 1 else ""
        return BenefitLoader(source_code=source, agency=agency, file_name=file_name, programme=only)
    return LOADERS[entity]()


def _orphans(loader: Any) -> pa.Table:
    """Return rows that only the room could refuse, in the shape of the quarantine."""
    found = (
        loader.orphans()
        if hasattr(loader, "orphans")
        else pa.table({"line": pa.array([], pa.int64()), "detail": pa.array([], pa.string())})
    )
    rows = found.num_rows
    return pa.table(
        {
            "sheet": pa.array([""] * rows, pa.string()),
            "line": found["line"],
            "column": pa.array([""] * rows, pa.string()),
            "code": pa.array(["ROW_REFUSED"] * rows, pa.string()),
            "detail": found["detail"],
            "raw": pa.array([f"line {line} of the file" for line in found["line"].to_pylist()], pa.string()),
        }
    )
