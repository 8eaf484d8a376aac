"""`khana persons merge|split|merges`: two files of one person, reversible, by two people where money hangs on it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting
from khana.platform import clock


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana persons merge 2120 --into 672 --reason 'same card, seen at the desk'",
        "khana persons split 2120 --reason 'brothers'",
        "khana persons merges                       what waits for a second person",
    ),
)
def persons() -> None:
    """Say that two files are one person, and take it back; nothing that hangs on them moves."""


@persons.command(examples=("khana persons merge 2120 --into 672 --reason 'same card' --json",))
@click.argument("person", type=int)
@click.option("--into", type=int, required=True, help="The file that stays.")
@click.option("--reason", required=True, help="Why, for the next steward; no numbers or names of people.")
@printing
def merge(person: int, into: int, reason: str, as_json: bool, out: Path | None) -> None:
    """Let PERSON's file stand for another from now on.

    Where a list pays either of them the merge waits until a second person types the same command.
    """
    with acting():
        from khana.workflows import merge_persons

        result = merge_persons.merge(person=person, into=into, reason=reason, at=clock.now())
    show(result, as_json=as_json, out=out)


@persons.command(examples=("khana persons split 2120 --reason 'brothers'",))
@click.argument("person", type=int)
@click.option("--reason", required=True, help="Why.")
@printing
def split(person: int, reason: str, as_json: bool, out: Path | None) -> None:
    """End the merge of PERSON's file, or withdraw its proposal; everything that hung on it is hers again."""
    with acting():
        from khana.workflows import merge_persons

        result = merge_persons.split(person=person, reason=reason, at=clock.now())
    show(result, as_json=as_json, out=out)


@persons.command(examples=("khana persons merges", "khana persons merges 672 --json"))
@click.argument("person", type=int, required=False)
@printing
def merges(person: int | None, as_json: bool, out: Path | None) -> None:
    """List merges that wait for a second person, or every merge of one PERSON."""
    with acting():
        from khana.access import services as access
        from khana.registry import files

        access.require("registry.read")
        found = files.merges_of([person]) if person else files.merges_waiting()
    show({"rows": [asdict(one) for one in found]}, as_json=as_json, out=out)
