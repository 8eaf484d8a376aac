"""`khana lists`: draw, approve, freeze, derive again, publish selection lists, enrol by them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from khana.interfaces.cli import lists_heard
from khana.interfaces.cli.lists_heard import STATES, FileUnreadable
from khana.interfaces.cli.output import TeachingGroup, bar, fields_and_rows, printing, rows_table, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock
from khana_methods.errors import Conflict

if TYPE_CHECKING:
    from rich.console import Console

    from khana.workflows.draw_list import Wish

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])


class RederiveDiffers(Conflict):
    """A list was derived again and is not what was kept."""

    code: ClassVar[str] = "cli.lists.differs"


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


for _command in lists_heard.COMMANDS:
    lists.add_command(_command)


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
@click.option("--state", type=STATES)
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
