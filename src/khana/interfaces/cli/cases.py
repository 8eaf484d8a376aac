"""`khana cases`: what people say is wrong in their own files, with the day by which each is answered."""

from __future__ import annotations

from pathlib import Path

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting
from khana.platform import clock

ABOUT = ("NAME", "BIRTH", "HOUSEHOLD", "ADDRESS", "SCORE", "PAYMENT", "OTHER")
OUTCOMES = ("CORRECTED", "NOT_WRONG", "COME_TO_OFFICE")


@click.group(
    cls=TeachingGroup,
    examples=("khana cases list", "khana cases lodge 1234 --about BIRTH", "khana cases answer 7 --outcome CORRECTED"),
)
def cases() -> None:
    """What people say is wrong in their own files."""


@cases.command("list", examples=("khana cases list", "khana cases list --all --json"))
@click.option("--all", "everything", is_flag=True, help="Answered ones too, newest first.")
@click.option("--person", type=int, default=0, help="Only of this person's file.")
@printing
def cases_list(everything: bool, person: int, as_json: bool, out: Path | None) -> None:
    """List cases of your area that wait, those due first before others."""
    with acting():
        from khana.grievances import selectors

        rows = selectors.list_cases(
            state="" if everything else "OPEN", people=[person] if person else (), today=clock.now().date()
        )
    show({"rows": rows}, as_json=as_json, out=out)


@cases.command("lodge", examples=("khana cases lodge 1234 --about BIRTH",))
@click.argument("person", type=int)
@click.option("--about", type=click.Choice(ABOUT), required=True, help="What is wrong.")
@printing
def cases_lodge(person: int, about: str, as_json: bool, out: Path | None) -> None:
    """Lodge a case for PERSON, who stands at the desk; she can do it herself on /my-file."""
    with acting():
        from khana.grievances.services import cases as service

        made = service.lodge(person=person, about=about, at=clock.now())
    show({"case": made, "person": person, "about": about, "state": "OPEN"}, as_json=as_json, out=out)


@cases.command(
    "answer", examples=("khana cases answer 7 --outcome CORRECTED --note 'date of birth by the birth register'",)
)
@click.argument("case", type=int)
@click.option(
    "--outcome", type=click.Choice(OUTCOMES), required=True, help="What became of it; she reads it in her file."
)
@click.option("--note", default="", help="For colleagues; no name or number of a person.")
@printing
def cases_answer(case: int, outcome: str, note: str, as_json: bool, out: Path | None) -> None:
    """Answer CASE, after what was wrong was put right where it stands."""
    with acting():
        from khana.grievances.services import cases as service

        service.answer(case=case, outcome=outcome, note=note, at=clock.now())
    show({"case": case, "state": "ANSWERED", "outcome": outcome}, as_json=as_json, out=out)
