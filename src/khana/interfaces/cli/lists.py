"""`khana lists`: draw, propose, change, approve, freeze, derive again, publish selection lists, enrol by them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from khana.interfaces.cli.output import TeachingGroup, bar, fields_and_rows, printing, rows_table, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock
from khana_methods.errors import Conflict, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from khana.workflows.draw_list import Wish

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])
_STATES = click.Choice(["REMOVED", "SELECTED", "RESERVE", "WAITING"])


class RederiveDiffers(Conflict):
    """A list was derived again and is not what was kept."""

    code: ClassVar[str] = "cli.lists.differs"


class FileUnreadable(InputError):
    """A file of quotas, households or facts cannot be read."""

    code: ClassVar[str] = "cli.lists.file_unreadable"


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana lists draw KFL --quotas quotas.csv --seed 2026-11    the poorest first in each area",
        "khana lists approve KFL-20261101-090000                    two people who did not draw it",
        "khana lists freeze KFL-20261101-090000",
        "khana lists rederive KFL-20261101-090000                   the same bytes, years later?",
        "khana lists enrol KFL-20261101-090000                      who was selected becomes an enrolment",
    ),
)
def lists() -> None:
    """Selection lists: from rule to list, approved by two, frozen, derived again."""


def list_terms(function: Any) -> Any:
    """Add the options of a draw."""
    options = [
        click.option("--places", type=click.IntRange(0), help="How many in all, in place of quotas."),
        click.option("--budget", type=click.FloatRange(0), help="How much money in all, in place of quotas."),
        click.option("--cost", type=click.FloatRange(0), help="What one costs; the amount of the catalogue if absent."),
        click.option("--quotas", "quota_file", type=_FILE, help="CSV: area, places or budget; the catalogue's if absent."),
        click.option("--ties", type=click.Choice(["lottery", "none", "all"]), default="lottery", show_default=True,
                     help="Who of those with one score at the margin is taken."),
        click.option("--seed", default="", help="Of the lottery: published before the draw."),
        click.option("--reserve", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="Share of the places."),
        click.option("--rule", default="", help="Another rule for this list alone, such as score or damage."),
        click.option("--code", default="", help="How the list is called."),
        click.option("--title", default=""),
        click.option("--as-of", type=_DAY, help="The day for which facts are read; today if absent."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def wish_of(programme: str, given: Mapping[str, Any], **more: Any) -> Wish:
    """Return what the options of a draw wish for."""
    from khana.workflows.draw_list import Wish

    quotas = quotas_of(given["quota_file"]) if given["quota_file"] else ()
    kept = {
        name: given[name] for name in ("places", "budget", "cost", "ties", "seed", "reserve", "rule", "code", "title")
    }
    return Wish(programme=programme, quotas=quotas, **kept, **more)


def quotas_of(path: Path) -> list[dict[str, Any]]:
    """Read quotas: area and places or budget."""
    rows = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            for row in csv.DictReader(handle):
                places, budget = (row.get("places") or "").strip(), (row.get("budget") or "").strip()
                rows.append(
                    {
                        "area": row["area"].strip(),
                        "places": int(places) if places else None,
                        "budget": float(budget) if budget else None,
                    }
                )
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise FileUnreadable(f"{path.name} is no CSV with the columns area and places or budget.") from error
    return rows


@lists.command(
    examples=(
        "khana lists draw KFL --quotas quotas.csv --seed 2026-11",
        "khana lists draw OAA --budget 9e6 --ties none --as-of 2026-07-01",
        "khana lists draw ZKT --places 500 --seed s --only-proposed      from accepted proposals alone",
    )
)
@click.argument("programme")
@list_terms
@click.option("--only-proposed", is_flag=True, help="Only households that a ministry accepted from proposals.")
@click.option("--with-recipients", is_flag=True, help="Also who draws it already, or a programme that excludes it.")
@printing
def draw(
    programme: str, only_proposed: bool, with_recipients: bool, as_json: bool, out: Path | None, **given: Any
) -> None:
    """Draw a list of a PROGRAMME: the poorest first in each area up to its places or budget, reserve, waiting list."""
    acting_token = token()
    from khana.workflows import draw_list

    wish = wish_of(programme, given, only_proposed=only_proposed, leave_out_recipients=not with_recipients)
    with bar(as_json=as_json) as progress:
        result = draw_list.run(
            token=acting_token,
            wish=wish,
            as_of=given["as_of"].date() if given["as_of"] else None,
            progress=progress,
            at=clock.now(),
        )
    show(result, as_json=as_json, out=out)


@lists.command("list", examples=("khana lists list", "khana lists list --programme KFL --json"))
@click.option("--programme", default="")
@printing
def list_(programme: str, as_json: bool, out: Path | None) -> None:
    """List the lists, newest first."""
    with acting():
        from khana.access import services as access
        from khana.programmes import lists as kept

        access.require("lists.read")
        rows = [
            {"list": one.code, "programme": one.programme, "state": one.state, "as_of": one.as_of, "selected": one.summary.get("selected"),
             "drawn_by": one.created_label, "approvals": sum(a.is_of_now for a in kept.approvals_of(one))}
            for one in kept.list_lists(programme=programme)
        ]  # fmt: skip
        show({"rows": rows}, as_json=as_json, out=out)


@lists.command(
    "show", examples=("khana lists show KFL-1", "khana lists show KFL-1 --state WAITING --limit 500 --out waiting.json")
)
@click.argument("code")
@click.option("--state", type=_STATES)
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True)
@printing
def show_(code: str, state: str | None, limit: int, as_json: bool, out: Path | None) -> None:
    """Show a list: its terms, who has approved it, what was changed, and its entries within the scope."""
    with acting():
        from khana.access import services as access
        from khana.audit import services as audit
        from khana.programmes import lists as kept

        access.require("lists.read")
        known = kept.get_list(code)
        rows = [
            {"place": e.place, "area": e.quota_area, "unit": e.unit, "score": e.score, "drawn": e.drawn_state, "state": e.state}
            for e in kept.entries_of(known.id, limit=limit, state=state or "")
        ]  # fmt: skip
        audit.record(action="programmes.list.read", subject=f"list:{code}", details={"rows": len(rows)}, at=clock.now())
        approvals = [{"by": a.actor, "at": a.approved_at, "counts": a.is_of_now} for a in kept.approvals_of(known)]
        told = {
            "list": code, "programme": known.programme, "state": known.state, "as_of": known.as_of, "known_at": known.known_at,
            "ties": known.terms.get("ties"), "seed": known.terms.get("seed"), "drawn_hash": known.drawn_hash,
            "frozen_hash": known.frozen_hash, **known.summary, "states": kept.states_of(known.id), "approvals": approvals,
            "changes": kept.changes_of(known.id), "rows": rows,
        }  # fmt: skip
        show(told, as_json=as_json, out=out, text=_listed)


def _listed(result: Mapping[str, Any], console: Console) -> None:
    fields_and_rows({k: v for k, v in result.items() if k not in ("rows", "changes", "approvals")}, console)
    for name in ("approvals", "changes", "rows"):
        console.print(f"\n{name}:")
        rows_table(result[name], console)


@lists.command(examples=("khana lists approve KFL-1",))
@click.argument("code")
@printing
def approve(code: str, as_json: bool, out: Path | None) -> None:
    """Approve a list as it stands; two people who did not draw it must, and a later change asks for new approvals."""
    with acting():
        from khana.programmes.services import lists as services

        show({"list": code, "approvals": services.approve(code=code, at=clock.now())}, as_json=as_json, out=out)


@lists.command(examples=("khana lists freeze KFL-1",))
@click.argument("code")
@printing
def freeze(code: str, as_json: bool, out: Path | None) -> None:
    """Derive a twice approved list again from what was known when it was drawn, and freeze it with its hash."""
    acting_token = token()
    from khana.workflows import draw_list

    with bar(as_json=as_json) as progress:
        result = draw_list.freeze(token=acting_token, code=code, progress=progress, at=clock.now())
    show(result, as_json=as_json, out=out)


@lists.command(examples=("khana lists rederive KFL-1", "khana lists rederive KFL-1 --to list.csv --json"))
@click.argument("code")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write the list's bytes here.")
@printing
def rederive(code: str, target: Path | None, as_json: bool, out: Path | None) -> None:
    """Derive a list again from the registry as it was known then, whatever changed since: the same bytes?

    Exit code 12 where they are not.
    """
    acting_token = token()
    from khana.workflows import draw_list

    with bar(as_json=as_json) as progress:
        result = draw_list.rederive(token=acting_token, code=code, progress=progress, at=clock.now())
    content = result.pop("content")
    if target:
        _write_private(target, content)
    show(result, as_json=as_json, out=out)
    if not result["is_same"]:
        raise RederiveDiffers(f"The list {code} came out otherwise than it was kept.", list=code)


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone reads."""
    import os

    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
    temporary.replace(path)


@lists.command(examples=("khana lists withdraw KFL-1",))
@click.argument("code")
@printing
def withdraw(code: str, as_json: bool, out: Path | None) -> None:
    """Take an open list back; it stays on record and nobody is enrolled by it."""
    with acting():
        from khana.programmes.services import lists as services

        services.withdraw(code=code, at=clock.now())
        show({"list": code, "state": "WITHDRAWN"}, as_json=as_json, out=out)


@lists.command(examples=("khana lists publish KFL-1 --to published.csv",))
@click.argument("code")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), required=True)
@printing
def publish(code: str, target: Path, as_json: bool, out: Path | None) -> None:
    """Write the anonymised form of a frozen list: area and a mark that only the family recognises."""
    acting_token = token()
    from khana.workflows import publish_list

    result = publish_list.run(token=acting_token, code=code, at=clock.now())
    target.write_bytes(result.pop("content"))
    show(result, as_json=as_json, out=out)


@lists.command(examples=("khana lists enrol KFL-1", "khana lists enrol KFL-1 --json"))
@click.argument("code")
@printing
def enrol(code: str, as_json: bool, out: Path | None) -> None:
    """Make enrolments of a frozen list: who was selected, and who waits.

    Each under her number; who has none is counted and comes with the same command once she has. Nobody who has left the
    programme before is brought back.
    """
    acting_token = token()
    from khana.workflows import enrol_list

    with bar(as_json=as_json) as progress:
        result = enrol_list.run(token=acting_token, code=code, progress=progress, at=clock.now())
    show(result, as_json=as_json, out=out)


@lists.command("notify", examples=("khana lists notify KFL-1",))
@click.argument("code")
@printing
def notify_selected(code: str, as_json: bool, out: Path | None) -> None:
    """Record that everybody whom a list selected was told; from here her scheme may enrol her."""
    acting_token = token()
    from khana.workflows import enrol_list

    show(enrol_list.notify(token=acting_token, code=code, at=clock.now()), as_json=as_json, out=out)


@lists.command(
    examples=(
        "khana lists change KFL-1 910000001/2 --to REMOVED --kind COMMUNITY --minutes '12 of 3 May 2026' --reason 'Moved away.'",
        "khana lists change KFL-1 910000007/1 --to SELECTED --kind OFFICE --reason 'Was left out by mistake.'",
    )
)
@click.argument("code")
@click.argument("unit")
@click.option("--to", "state", type=_STATES, required=True)
@click.option("--kind", type=click.Choice(["COMMUNITY", "RECHECK", "OFFICE"]), required=True)
@click.option("--reason", required=True, help="Why, in a sentence; no names.")
@click.option("--minutes", default="", help="Number and day, for what a community decided.")
@click.option("--leave-place", is_flag=True, help="Nobody moves up.")
@printing
def change(
    code: str, unit: str, state: str, kind: str, reason: str, minutes: str, leave_place: bool, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Record a change of an open list with its reason; who comes next takes a place that becomes free."""
    with acting():
        from khana.programmes.services import lists as services

        result = services.change(
            code=code,
            unit=unit,
            to_state=state,
            kind=kind,
            reason=reason,
            minutes=minutes,
            promote=not leave_place,
            at=clock.now(),
        )
        show(result, as_json=as_json, out=out)


@lists.command(
    examples=(
        "khana validation settle --area PK802 --cut-off 32 --list returned.xlsx --out outcome.csv",
        "khana lists settle KFL-1 outcome.csv --minutes '12 of 3 May 2026'",
    )
)
@click.argument("code")
@click.argument("file", type=_FILE)
@click.option("--minutes", required=True, help="Number and day of the minutes.")
@printing
def settle(code: str, file: Path, minutes: str, as_json: bool, out: Path | None) -> None:
    """Take what `khana validation settle` wrote into an open list: each outcome a recorded change, by the minutes.

    Who is dropped leaves, who is added takes a place that fell free in her area, and who comes next the others.
    """
    from khana_methods.engine.files import read_table
    from khana_methods.surveys.tables import require_columns, texts

    table = read_table(file)
    named = "household_number" if "household_number" in table.schema.names else "household"
    require_columns(table, [named, "outcome"])
    outcomes = dict(zip(texts(table, named).to_pylist(), texts(table, "outcome").to_pylist(), strict=True))
    with acting():
        from khana.programmes.services import community

        result = community.take_over(code=code, outcomes=outcomes, minutes=minutes, at=clock.now())
        show({"list": code, **result}, as_json=as_json, out=out)


@lists.command(
    examples=(
        "khana lists propose ZKT --household 910000001 --household 910000004 --minutes '12 of 3 May 2026'",
        "khana lists propose ZKT --file households.csv --minutes '12 of 3 May 2026'",
        "khana lists propose --list --state PROPOSED",
    )
)
@click.argument("programme", required=False)
@click.option("--household", "households", multiple=True, help="The number on the slip; may stand several times.")
@click.option("--file", type=_FILE, help="CSV with a column household_number.")
@click.option("--minutes", default="", help="Number and day of the minutes.")
@click.option("--list", "listing", is_flag=True)
@click.option("--state", default="", help="With --list: PROPOSED, ACCEPTED or REFUSED.")
@printing
def propose(
    programme: str | None, households: tuple[str, ...], file: Path | None, minutes: str, listing: bool, state: str, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Propose registered households of one's own area for a PROGRAMME, by the minutes of a meeting."""
    with acting():
        from khana.access import services as access
        from khana.programmes import lists as kept
        from khana.programmes.services import proposals

        if listing:
            access.require("lists.read")
            show({"rows": kept.proposals(programme=programme or "", state=state)}, as_json=as_json, out=out)
            return
        if not programme:
            raise click.UsageError("Say the PROGRAMME.")
        named = list(households)
        if file:
            with file.open(encoding="utf-8-sig", newline="") as handle:
                try:
                    named += [row["household_number"].strip() for row in csv.DictReader(handle)]
                except (KeyError, UnicodeDecodeError) as error:
                    raise FileUnreadable(f"{file.name} is no CSV with a column household_number.") from error
        show(
            proposals.propose(programme=programme, households=named, minutes=minutes, at=clock.now()),
            as_json=as_json,
            out=out,
        )


@lists.command(examples=("khana lists answer 4 --accept", "khana lists answer 5 --refuse --reason 'Draws a pension.'"))
@click.argument("proposal", type=int)
@click.option("--accept/--refuse", "accepted", required=True, default=None)
@click.option("--reason", default="")
@printing
def answer(proposal: int, accepted: bool, reason: str, as_json: bool, out: Path | None) -> None:
    """Answer a proposal for the ministry: accepted, the household may be drawn."""
    with acting():
        from khana.programmes.services import proposals

        proposals.answer(proposal=proposal, accepted=accepted, reason=reason, at=clock.now())
        show({"proposal": proposal, "accepted": accepted}, as_json=as_json, out=out)


@lists.command(
    examples=(
        "khana lists recheck KFL-1 910000001/2 --outcome CONFIRMED --on 2026-11-20",
        "khana lists recheck KFL-1 910000001/2 --outcome DIFFERENT --on 2026-11-20 --facts '{\"rooms\": 5}'",
        "khana lists recheck KFL-1 --list",
    )
)
@click.argument("code")
@click.argument("unit", required=False)
@click.option("--outcome", type=click.Choice(["CONFIRMED", "DIFFERENT", "NOT_FOUND", "MOVED"]))
@click.option("--on", "day", type=_DAY, help="Day of the visit.")
@click.option("--facts", default="{}", help="JSON: facts of the catalogue as they were seen.")
@click.option("--list", "listing", is_flag=True)
@printing
def recheck(
    code: str, unit: str | None, outcome: str | None, day: datetime | None, facts: str, listing: bool, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Keep what a visit to a listed household found: evidence and baseline; what differs asks for an assessment."""
    with acting():
        from khana.access import services as access
        from khana.programmes import lists as kept
        from khana.programmes.services import proposals

        if listing:
            access.require("lists.read")
            show({"rows": kept.rechecks_of(kept.get_list(code).id)}, as_json=as_json, out=out)
            return
        if not (unit and outcome and day):
            raise click.UsageError("Say UNIT, --outcome and --on.")
        try:
            seen = json.loads(facts)
        except json.JSONDecodeError as error:
            raise FileUnreadable("The facts are no JSON.") from error
        if not isinstance(seen, dict):
            raise FileUnreadable("Facts are a mapping of names to values.")
        result = proposals.record_recheck(
            code=code, unit=unit, visited_on=day.date(), outcome=outcome, facts=seen, at=clock.now()
        )
        show(result, as_json=as_json, out=out)
