"""Bring a whole set in: areas, catalogue, registers and lists of one country, as a manifest names them.

Each file is a batch of its own, so that a stop in the middle loses nothing: the same command
again passes over what is loaded and goes on with the rest.
"""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from khana.access import services as access
from khana.beneficiaries.services.sources import add_source
from khana.deliveries import services as deliveries
from khana.deliveries.contracts.loading import load_contract, load_manifest
from khana.deliveries.contracts.manifest import Manifest
from khana.platform import installation
from khana.platform.progress import Progress, silent
from khana.programmes import services as programmes
from khana.workflows import import_file, load_areas
from khana.workflows.load_catalogue import put_pack
from khana_methods.errors import InputError


class FileOfManifestMissing(InputError):
    """The manifest names a file that is not in the folder."""

    code: ClassVar[str] = "workflows.manifest.file_missing"


def run(*, token: str, manifest: Path, data: Path, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Load everything that a manifest names; return what each part counted.

    Raises:
        FileOfManifestMissing: A file is not there; nothing is loaded.
        ManifestInvalid: The manifest cannot be followed.
    """
    wish = load_manifest(manifest)
    _all_there(wish, manifest.parent, data)
    out: dict[str, Any] = {}
    if wish.areas is not None:
        out["areas"] = load_areas.run(
            token=token,
            country=wish.country,
            scheme=wish.areas.scheme,
            valid_from=wish.areas.valid_from,
            files=wish.areas.files,
            data=data,
            at=at,
        )
    installation.put(
        country=wish.country,
        world_date=wish.world_date.isoformat(),
        parameters=wish.parameters.model_dump(mode="json"),
    )
    out["programmes"] = _catalogue(token, wish, manifest.parent, data, at)
    files = [(r.entity, r.file, r.contract, "") for r in wish.registers]
    files += [("benefit", f, s.contract, s.code) for s in wish.sources for f in s.files]
    for source in wish.sources:
        with access.scoped(token):
            body = load_contract(manifest.parent / source.contract).model_dump(mode="json", exclude_defaults=True)
            kept = deliveries.register_contract(body=body, at=at)
            add_source(
                code=source.code,
                title=source.title,
                agency=source.agency,
                programmes=source.programmes,
                contract_code=kept.code,
                frequency=source.frequency,
                at=at,
            )
    for number, (entity, file, contract, source_code) in enumerate(files):
        progress(number, len(files), file)
        out[file] = import_file.run(
            token=token,
            path=data / file,
            name=Path(file).name,
            entity=entity,
            contract=str(manifest.parent / contract),
            source=source_code,
            at=at,
        )
    progress(len(files), len(files), "done")
    return out


def _all_there(wish: Manifest, contracts: Path, data: Path) -> None:
    wanted = [data / r.file for r in wish.registers] + [data / f for s in wish.sources for f in s.files]
    wanted += [contracts / r.contract for r in wish.registers] + [contracts / s.contract for s in wish.sources]
    if wish.areas is not None:
        wanted += [data / f.file for f in wish.areas.files]
    missing = [str(path) for path in wanted if not path.exists()]
    if missing:
        raise FileOfManifestMissing(
            f"The manifest names files that are not there: {', '.join(missing[:5])}. Check --data.", missing=missing
        )


def _catalogue(token: str, wish: Manifest, contracts: Path, data: Path, at: datetime) -> dict[str, int]:
    """Load the set's own catalogue in place of the pack's; the pack's where it has none."""
    with access.scoped(token):
        if wish.programmes is None:
            counts = put_pack(wish.country, at.date(), at)
        else:
            counts = {}
    if wish.programmes is not None:
        entity, file, contract = wish.programmes.entity, wish.programmes.file, wish.programmes.contract
        done = import_file.run(
            token=token,
            path=data / file,
            name=Path(file).name,
            entity=entity,
            contract=str(contracts / contract),
            at=at,
        )
        counts = {"programmes": done["rows_loaded"]}
    if wish.programme_areas is not None:
        where = wish.programme_areas
        areas: dict[str, list[str]] = {}
        with (data / where.file).open(encoding="utf-8-sig", newline="") as handle:
            for row in csv.DictReader(handle):
                areas.setdefault(row[where.programme], []).append(row[where.area_code])
        with access.scoped(token):
            counts["with_areas"] = programmes.put_areas(areas=areas, at=at)
    return counts
