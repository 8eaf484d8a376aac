"""`khana keys`: the ring of this folder; purposes, numbers and marks, never a key.

A key is added beside the old ones and is current from then on; a job then closes old values anew while everything runs;
when nothing is closed with an old key any more it can be retired. Who keeps keys sees no person (role `key_owner`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting, setup
from khana.platform import clock
from khana_methods.errors import Conflict

if TYPE_CHECKING:
    from khana.platform.keys import Purpose

_ROTATED = ("aes", "totp", "audit", "signing")


class KeyInUse(Conflict):
    """Something is still closed with the key."""

    code: ClassVar[str] = "cli.keys.in_use"


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana keys list",
        "khana keys add aes",
        "khana keys reseal",
        "khana keys status",
        "khana keys retire aes 1",
    ),
)
def keys() -> None:
    """The key ring of this folder: purposes, numbers and marks, never a key."""


@keys.command("list", examples=("khana keys list",))
@printing
def keys_list(as_json: bool, out: Path | None) -> None:
    """List the keys by purpose. Back the folder up apart from the database: without keys it is closed."""
    setup()
    from khana.platform import keys as ring

    held = ring.ring().keys
    rows = [{"purpose": purpose, "keys": len(values)} for purpose, values in held.items()]
    show({"folder": str(ring.folder()), "rows": rows}, as_json=as_json, out=out)


@keys.command("add", examples=("khana keys add aes",))
@click.argument("purpose", type=click.Choice(_ROTATED))
@printing
def keys_add(purpose: str, as_json: bool, out: Path | None) -> None:
    """Add a key: it is current from now on, in every process, without a restart. Old ones still open what they closed.

    Back the folder up again. The keys of tokens and pseudonyms are not rotated: every number would get another token.
    """
    with acting():
        from khana.access import services as access
        from khana.audit import services as audit
        from khana.platform import keys as ring

        access.require("keys.manage", everywhere=True)
        number = ring.add(cast("Purpose", purpose))
        audit.record(action="platform.key.added", subject=f"keys:{purpose}", details={"number": number}, at=clock.now())
    show({"purpose": purpose, "number": number, "folder": str(ring.folder())}, as_json=as_json, out=out)


@keys.command("status", examples=("khana keys status", "khana keys status --json"))
@printing
def keys_status(as_json: bool, out: Path | None) -> None:
    """Count what each key closes, by column, and files. Reads every such table once."""
    with acting():
        rows = _status()
    show({"rows": rows}, as_json=as_json, out=out)


def _status() -> list[dict[str, Any]]:
    from khana.access import resealing
    from khana.platform import files
    from khana.platform import keys as ring

    numbers = {ring.mark_of(key): n for held in ring.ring().keys.values() for n, key in enumerate(held, 1)}
    rows: list[dict[str, Any]] = [
        {"what": f"{one.place}.{one.named}", "purpose": one.purpose, "key": numbers.get(one.mark, "not on this ring"),
         "held": one.held}
        for one in resealing.counts()
    ]  # fmt: skip
    rows.append(
        {
            "what": "kept files with an older key",
            "purpose": "aes",
            "key": "",
            "held": len(files.closed_with_older_keys()),
        }
    )
    return rows


@keys.command("reseal", examples=("khana keys reseal",))
@printing
def keys_reseal(as_json: bool, out: Path | None) -> None:
    """Ask the worker to close old values and files anew under the newest keys; it may be killed and goes on."""
    with acting() as actor:
        from khana.access import services as access
        from khana.platform import jobs

        access.require("keys.manage", everywhere=True)
        run = jobs.enqueue(kind="reseal_values", arguments={}, actor=actor, at=clock.now())
    show({"job": str(run)}, as_json=as_json, out=out)


@keys.command("retire", examples=("khana keys retire aes 1",))
@click.argument("purpose", type=click.Choice(("aes", "totp")))
@click.argument("number", type=int)
@printing
def keys_retire(purpose: str, number: int, as_json: bool, out: Path | None) -> None:
    """Take an old key off the ring when nothing is closed with it any more; its file is renamed, not removed."""
    with acting():
        from khana.access import services as access
        from khana.audit import services as audit
        from khana.platform import keys as ring

        access.require("keys.manage", everywhere=True)
        left = sum(
            int(row["held"]) for row in _status() if row["purpose"] == purpose and row["key"] in (number, "")
        )  # fmt: skip
        if left:
            raise KeyInUse(f"The key still closes {left} values or files. Run `khana keys reseal` first.", left=left)
        path = ring.retire(cast("Purpose", purpose), number)
        audit.record(
            action="platform.key.retired", subject=f"keys:{purpose}", details={"number": number}, at=clock.now()
        )
    show({"purpose": purpose, "number": number, "file": str(path)}, as_json=as_json, out=out)
