"""`khana retention`: what is erased when, and what a legal hold keeps."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting
from khana.platform import clock


@click.group(cls=TeachingGroup, examples=("khana retention rules", "khana retention run", "khana retention holds"))
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


@retention.command("run", examples=("khana retention run",))
@printing
def run(as_json: bool, out: Path | None) -> None:
    """Erase what is over now. The worker does it every night by itself."""
    with acting():
        from khana.access import retention as room

        erased = room.run(at=clock.now())
    show(erased, as_json=as_json, out=out)


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
