"""`khana retention`: what is erased when, and what a legal hold keeps."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock

DAY = click.DateTime(["%Y-%m-%d"])


@click.group(
    cls=TeachingGroup,
    examples=("khana retention rules", "khana retention preview", "khana retention run", "khana retention holds"),
)
def retention() -> None:
    """Erase what is over by rule; legal holds keep what a court or an audit needs."""


@retention.command("rules", examples=("khana retention rules",))
@printing
def rules(as_json: bool, out: Path | None) -> None:
    """List the rules: after how many days what is erased, and why."""
    from khana.interfaces.cli.session import setup

    setup()
    from khana.access import retention as room

    show({"rows": [asdict(one) for one in room.rules()]}, as_json=as_json, out=out)


@retention.command(
    "preview", examples=("khana retention preview", "khana retention preview --on 2026-12-31 --out preview.json")
)
@click.option("--on", "as_of", type=DAY, help="A day to come: what must be held by then is held in time.")
@printing
def preview(as_of: datetime | None, as_json: bool, out: Path | None) -> None:
    """Say what would be erased, delivery by delivery, and what keeps the rest. Writes nothing.

    `goes` are rows or files; `held` by a legal hold; `needed` by something that is open; `waits` is `run` while the last
    consolidation rests on the list, which the next one will leave out.
    """
    opened = token()
    from khana.workflows import erase_over

    show(
        erase_over.preview(token=opened, as_of=as_of.date() if as_of else None, at=clock.now()),
        as_json=as_json,
        out=out,
    )


@retention.command("run", examples=("khana retention run", "khana retention run --later"))
@click.option("--later", is_flag=True, help="Leave it to the worker, as a job with progress.")
@printing
def run(later: bool, as_json: bool, out: Path | None) -> None:
    """Erase what is over now; look with `preview` first. The worker does it every night by itself.

    Each step stands by itself: who stops it loses nothing, and the same command goes on.
    """
    if later:
        with acting() as actor:
            from khana.access import services as access
            from khana.platform import jobs

            access.require("retention.run", everywhere=True)
            job = jobs.enqueue(kind="erase_over", arguments={}, actor=actor, at=clock.now())
        show({"job": str(job)}, as_json=as_json, out=out)
        return
    opened = token()
    from khana.workflows import erase_over

    show(erase_over.run(token=opened, at=clock.now()), as_json=as_json, out=out)


@retention.command("erased", examples=("khana retention erased", "khana retention erased --out tombstones.csv"))
@printing
def erased(as_json: bool, out: Path | None) -> None:
    """List what was erased of deliveries: when, by which rule, how many rows, and the hashes of what is gone."""
    with acting():
        from khana.access import tombstones

        rows = [
            {"batch": one.batch_id, "what": one.what, "rule": one.rule, "source": one.source_code, "file": one.file_name,
             "sha256": one.sha256, "rows_sha256": one.rows_sha256, "rows_erased": one.rows_erased, "rows_kept": one.rows_kept,
             "erased_at": one.erased_at, "erased_by": one.erased_by}
            for one in tombstones.tombstones(limit=100_000)
        ]  # fmt: skip
    show({"rows": rows}, as_json=as_json, out=out)


@retention.command(
    "hold", examples=("khana retention hold --rule QUARANTINE --subject batch:12 --reason 'Court of Multan, 4/2026'",)
)
@click.option("--rule", required=True, help="Code of a rule, or * for every one.")
@click.option("--subject", default="", help="batch:12, partner:3, person:4711 or area:PK.PK5.; everything if absent.")
@click.option("--reason", required=True, help="Who asked for it, and why.")
@printing
def hold(rule: str, subject: str, reason: str, as_json: bool, out: Path | None) -> None:
    """Keep what a rule would erase."""
    with acting():
        from khana.access import retention as room

        number = room.hold(rule=rule, subject=subject, reason=reason, at=clock.now())
    show({"hold": number}, as_json=as_json, out=out)


@retention.command("release", examples=("khana retention release 3",))
@click.argument("number", type=int)
@printing
def release(number: int, as_json: bool, out: Path | None) -> None:
    """End a hold."""
    with acting():
        from khana.access import retention as room

        room.release(number=number, at=clock.now())
    show({"hold": number, "ended": True}, as_json=as_json, out=out)


@retention.command("holds", examples=("khana retention holds",))
@printing
def holds(as_json: bool, out: Path | None) -> None:
    """List holds, in force and ended."""
    with acting():
        from khana.access import retention as room

        rows = [
            {"number": one.pk, "rule": one.rule, "subject": one.subject, "reason": one.reason, "placed_at": one.placed_at,
             "ended_at": one.ended_at}
            for one in room.holds()
        ]  # fmt: skip
    show({"rows": rows}, as_json=as_json, out=out)


@retention.command(
    "erase",
    examples=(
        "khana retention erase 4711 --reason 'Her wish of 3 May 2026, PDPO section 13'",
        "khana retention erase --confirm 12",
        "khana retention erase --list",
    ),
)
@click.argument("person", type=int, required=False)
@click.option("--reason", default="", help="By which right and paper; never who she is.")
@click.option("--confirm", type=int, help="Number of an erasure that somebody else asked for.")
@click.option("--list", "is_list", is_flag=True, help="What was asked for and what was erased.")
@printing
def erase(person: int | None, reason: str, confirm: int | None, is_list: bool, as_json: bool, out: Path | None) -> None:
    """Erase the file of one PERSON by her own wish: one officer asks, another confirms. It cannot be taken back."""
    if [person is not None, confirm is not None, is_list].count(True) != 1:
        raise click.UsageError("Say a PERSON and a --reason, or --confirm NUMBER, or --list.")
    result: dict[str, Any]
    with acting():
        from khana.access import retention as room

        if person is not None:
            result = {"erasure": room.ask_erasure(person=person, reason=reason, at=clock.now()), "waits": True}
        elif confirm is not None:
            result = {"erasure": confirm, "erased": room.confirm_erasure(number=confirm)}
        else:
            result = {"rows": [
                {"number": one.pk, "person": one.person_id, "rule": one.rule, "reason": one.reason, "asked_at": one.asked_at,
                 "erased_at": one.erased_at, "rows": sum(one.counts.values()),
                 "against": "" if one.erased_at else room.stands_against(one.pk)}
                for one in room.erasures()
            ]}  # fmt: skip
    show(result, as_json=as_json, out=out)
