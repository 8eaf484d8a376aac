"""`khana enrolments …`: who is on which programme, from identification to exit and perhaps back.

States come from what schemes deliver (`follow`, `comply`) or from a person (`move`, `graduate`); the database holds
every move to one table (`states`).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting, token
from khana.interfaces.cli.table_files import show_rows
from khana.platform import clock

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana enrolments follow --source BISP-KFL      take over who is enrolled and who has left",
        "khana enrolments comply                         hold attendance against each programme's condition",
        "khana enrolments move 41 SUSPENDED --reason UNDER_REVIEW",
        "khana enrolments list --programme KFL --state SUSPENDED",
    ),
)
def enrolments() -> None:
    """Enrolments: states, conditions, exits with their reasons, graduation and re-entry."""


@enrolments.command("follow", examples=("khana enrolments follow", "khana enrolments follow --source BISP-KFL --json"))
@click.option("--source", default="", help="Only the list of one source.")
@printing
def follow(source: str, as_json: bool, out: Path | None) -> None:
    """Take over enrolments and exits from the lists that schemes delivered; who was let go is not brought back."""
    acting_token = token()
    from khana.workflows import follow_enrolments

    show(follow_enrolments.follow(token=acting_token, source=source, at=clock.now()), as_json=as_json, out=out)


@enrolments.command("comply", examples=("khana enrolments comply", "khana enrolments comply --out compliance.csv"))
@printing
def comply(as_json: bool, out: Path | None) -> None:
    """Suspend who missed a condition (attendance, visits), lift it for who meets it again.

    A suspension that a person made stays, whatever the list says.
    """
    acting_token = token()
    from khana.workflows import follow_enrolments

    show_rows({"rows": follow_enrolments.comply(token=acting_token, at=clock.now())}, as_json=as_json, out=out)


@enrolments.command("states", examples=("khana enrolments states",))
@printing
def states(as_json: bool, out: Path | None) -> None:
    """Show the table of transitions that the database holds every enrolment to, and the reasons of exits."""
    with acting():
        from khana.beneficiaries import moves, state_reads

        rows = [
            {"from": before or "(nothing)", "to": ", ".join(after)}
            for before, after in state_reads.transitions().items()
        ]
    reasons = {"exit_reasons": list(moves.EXIT_REASONS), "suspension_reasons": list(moves.SUSPENSION_REASONS)}
    show({**reasons, "rows": rows}, as_json=as_json, out=out)


@enrolments.command(
    "list",
    examples=("khana enrolments list --programme TW --state SUSPENDED", "khana enrolments list --counts"),
)
@click.option("--programme", default="", help="Only one programme.")
@click.option("--state", default="", help="Only one state.")
@click.option("--reason", default="", help="Only one reason.")
@click.option("--counts", is_flag=True, help="How many are in each state, by programme.")
@click.option("--after", type=click.IntRange(0), default=0, help="Go on after this number.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=1000, show_default=True)
@printing
def list_(
    programme: str, state: str, reason: str, counts: bool, after: int, limit: int, as_json: bool, out: Path | None
) -> None:
    """List enrolments in your scope, without any number."""
    with acting():
        from khana.access import services as access
        from khana.beneficiaries import state_reads

        access.require("benefits.read")
        if counts:
            rows = state_reads.count_enrolments([programme] if programme else None)
        else:
            found = state_reads.list_enrolments(
                programme=programme, state=state, reason=reason, after=after, limit=limit
            )
            rows = [
                {
                    "enrolment": one.id, "programme": one.programme, "state": one.state, "reason": one.reason, "by": one.changed_by,
                    "since": one.state_at, "enrolled": one.enrolled_date, "reentry_from": one.reentry_from,
                }
                for one in found
            ]  # fmt: skip
    show_rows({"rows": rows}, as_json=as_json, out=out)


@enrolments.command(
    "move",
    examples=(
        "khana enrolments move 41 SUSPENDED --reason UNDER_REVIEW",
        "khana enrolments move 41 EXITED --reason CYCLE_END --reentry-from 2028-07-01",
    ),
)
@click.argument("enrolment", type=int)
@click.argument("state")
@click.option("--reason", default="", help="Of an exit or suspension; `khana enrolments states` shows them.")
@click.option("--note", default="", help="Why, without any personal value.")
@click.option("--reentry-from", type=_DAY, help="Of an exit: nobody comes back before.")
@printing
def move(
    enrolment: int, state: str, reason: str, note: str, reentry_from: datetime | None, as_json: bool, out: Path | None
) -> None:
    """Move one ENROLMENT to a STATE by hand."""
    with acting():
        from khana.beneficiaries.services import enrolments as services

        back = reentry_from.date() if reentry_from else None
        services.move(
            enrolment_id=enrolment,
            to=state.upper(),
            reason=reason.upper(),
            note=note,
            reentry_from=back,
            at=clock.now(),
        )
    show({"enrolment": enrolment, "state": state.upper()}, as_json=as_json, out=out)


@enrolments.command("choose", examples=("khana enrolments choose 41", "khana enrolments choose 41 --not"))
@click.argument("enrolment", type=int)
@click.option("--not", "is_not", is_flag=True, help="She takes it back.")
@printing
def choose(enrolment: int, is_not: bool, as_json: bool, out: Path | None) -> None:
    """Record that a person keeps this benefit, should a rule between programmes make her choose."""
    with acting():
        from khana.beneficiaries.services import enrolments as services

        services.choose(enrolment_id=enrolment, is_chosen=not is_not, at=clock.now())
    show({"enrolment": enrolment, "is_chosen": not is_not}, as_json=as_json, out=out)


@enrolments.command(
    "graduate",
    examples=(
        "khana enrolments graduate 41 --criteria 'income above the line twice' --found income=61000 --met --reentry 24",
    ),
)
@click.argument("enrolment", type=int)
@click.option("--criteria", required=True, help="What she was held against, with its source.")
@click.option("--found", multiple=True, help="NAME=VALUE of the assessment; may be repeated.")
@click.option("--met/--not-met", "is_met", required=True)
@click.option("--assessed", type=_DAY, help="Day of the assessment; today if absent.")
@click.option("--reentry", type=click.IntRange(0, 240), required=True, help="Months after which she may come back.")
@click.option(
    "--follow-up", type=click.IntRange(1, 120), default=12, show_default=True, help="Months until somebody looks again."
)
@printing
def graduate(
    enrolment: int, criteria: str, found: tuple[str, ...], is_met: bool, assessed: datetime | None, reentry: int, follow_up: int,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Record an assessment of one ENROLMENT against the criteria of leaving for good; where met, she graduates."""
    pairs = [one.partition("=") for one in found]
    if any(not sign for _, sign, _ in pairs):
        raise click.UsageError("--found is NAME=VALUE.")
    with acting():
        from khana.beneficiaries.services import enrolments as services

        now = clock.now()
        made = services.graduate(
            enrolment_id=enrolment, criteria=criteria, assessment={name: value for name, _, value in pairs}, is_met=is_met,
            assessed_date=assessed.date() if assessed else now.date(), reentry_after_months=reentry,
            follow_up_after_months=follow_up, at=now,
        )  # fmt: skip
    show({"graduation": made, "enrolment": enrolment, "met": is_met}, as_json=as_json, out=out)


@enrolments.command(
    "graduations", examples=("khana enrolments graduations --due", "khana enrolments graduations --json")
)
@click.option("--due", is_flag=True, help="Only those whose follow-up is due.")
@printing
def graduations(due: bool, as_json: bool, out: Path | None) -> None:
    """List graduations in your scope, or those that somebody should look at again."""
    with acting():
        from khana.access import services as access
        from khana.beneficiaries import state_reads

        access.require("benefits.read")
        rows = state_reads.graduations(due_on=clock.today() if due else None)
    show_rows({"rows": rows}, as_json=as_json, out=out)


@enrolments.command("follow-up", examples=("khana enrolments follow-up 7 FALLEN_BACK",))
@click.argument("graduation", type=int)
@click.argument("result", type=click.Choice(("HOLDS", "FALLEN_BACK", "NOT_FOUND"), case_sensitive=False))
@printing
def follow_up(graduation: int, result: str, as_json: bool, out: Path | None) -> None:
    """Record what a follow-up of a GRADUATION found."""
    with acting():
        from khana.beneficiaries.services import enrolments as services

        services.follow_up(graduation_id=graduation, result=result.upper(), at=clock.now())
    show({"graduation": graduation, "result": result.upper()}, as_json=as_json, out=out)


@enrolments.command("reopened", examples=("khana enrolments reopened", "khana enrolments reopened --out again.csv"))
@printing
def reopened(as_json: bool, out: Path | None) -> None:
    """List decisions that rested on rows which a source has corrected since."""
    with acting():
        from khana.access import services as access
        from khana.beneficiaries import state_reads

        access.require("benefits.read")
        rows = state_reads.reopened(limit=10_000)
    show_rows({"rows": rows}, as_json=as_json, out=out)


@enrolments.command("settle", examples=("khana enrolments settle 7 --stands", "khana enrolments settle 7 --take-back"))
@click.argument("decision", type=int)
@click.option("--stands/--take-back", "is_confirmed", required=True, help="It stands, or it is taken back.")
@printing
def settle(decision: int, is_confirmed: bool, as_json: bool, out: Path | None) -> None:
    """Settle one DECISION that was opened again: it stands, or it is taken back."""
    with acting():
        from khana.beneficiaries.services import reopen

        result = reopen.settle(reopened_id=decision, is_confirmed=is_confirmed, at=clock.now())
    show(result, as_json=as_json, out=out)


@enrolments.command("ask", examples=("khana enrolments ask numbers.csv --programme KFL --out answers.csv",))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--programme", required=True, help="The programme that they would join.")
@click.option("--column", default="number", show_default=True, help="Column that holds the number.")
@printing
def ask(file: Path, programme: str, column: str, as_json: bool, out: Path | None) -> None:
    """Ask of every number in a FILE whether it may join a programme of your agency; answers come in its order, by line."""
    with acting():
        from khana.dossiers import ask_before_enrol
        from khana_methods.engine.files import read_texts
        from khana_methods.errors import InputError

        table = read_texts(file)
        if column not in table.column_names:
            raise InputError(f"The file lacks the column {column}. Name it with --column.")
        numbers = ("" if value is None else str(value) for value in table.column(column).to_pylist())
        found = ask_before_enrol.ask_many(numbers=numbers, programme=programme, at=clock.now())
        rows = [
            {
                "line": line, "answer": one["answer"], "reasons": " ".join(r.get("fact", r["code"]) for r in one["reasons"]),
                "id": one["id"],
            }
            for line, one in enumerate(found, start=1)
        ]  # fmt: skip
    show_rows({"programme": programme, "rows": rows}, as_json=as_json, out=out)
