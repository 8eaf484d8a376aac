"""`khana programmes`: the catalogue, its rules held against the registry, quotas, filters and appeals; `khana unserved`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from khana.interfaces.cli.output import TeachingCommand, TeachingGroup, bar, fields_and_rows, printing, rows_table, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock

if TYPE_CHECKING:
    from rich.console import Console

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])
_AS_OF = click.option("--as-of", type=_DAY, help="The day that is asked about; today if absent.")


def _day(as_of: datetime | None) -> Any:
    from khana.platform import installation

    return as_of.date() if as_of else installation.today(clock.now())


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana programmes load --country pak          the catalogue of a country's pack",
        "khana programmes show KFL",
        "khana programmes evaluate                    every rule against the whole registry",
        "khana programmes answers --programme KFL     how many are eligible, not (by which clause), unknown (which fact)",
        "khana programmes why 910000001               one household, clause by clause",
    ),
)
def programmes() -> None:
    """Programmes of every agency: catalogue, rules, quotas, filters."""


@programmes.command(
    examples=("khana programmes load --country pak", "khana programmes load --country pak --as-of 2022-09-01")
)
@click.option("--country", required=True, help="Code of a pack: pak or bgd.")
@_AS_OF
@printing
def load(country: str, as_of: datetime | None, as_json: bool, out: Path | None) -> None:
    """Bring the programmes, rules, quotas and exclusion filters of a country's pack into the catalogue."""
    acting_token = token()
    from khana.workflows import load_catalogue

    show(
        load_catalogue.run(token=acting_token, country=country, on=_day(as_of), at=clock.now()),
        as_json=as_json,
        out=out,
    )


@programmes.command("list", examples=("khana programmes list", "khana programmes list --as-of 2022-09-01 --json"))
@_AS_OF
@printing
def list_(as_of: datetime | None, as_json: bool, out: Path | None) -> None:
    """List the catalogue: what each programme gives, to whom, and whether its rule is in force on a day."""
    with acting():
        from khana.programmes import catalogue

        rows = [{k: v for k, v in row.items() if k != "names"} for row in catalogue.list_catalogue(_day(as_of))]
        show({"rows": rows}, as_json=as_json, out=out)


@programmes.command("show", examples=("khana programmes show KFL", "khana programmes show FLD --as-of 2022-09-01"))
@click.argument("code")
@_AS_OF
@printing
def show_(code: str, as_of: datetime | None, as_json: bool, out: Path | None) -> None:
    """Show everything that the catalogue says of one programme: amounts, quotas, conditions, rule with all its versions."""
    with acting():
        from khana.programmes import catalogue

        show(catalogue.describe(code, _day(as_of)), as_json=as_json, out=out)


@programmes.command(
    examples=("khana programmes evaluate", "khana programmes evaluate --as-of 2022-09-01 --json"),
)
@_AS_OF
@printing
def evaluate(as_of: datetime | None, as_json: bool, out: Path | None) -> None:
    """Hold every rule in force against every household and member, apply the exclusion filters, find the unserved."""
    acting_token = token()
    from khana.workflows import evaluate_programmes

    with bar(as_json=as_json) as progress:
        result = evaluate_programmes.run(
            token=acting_token, as_of=as_of.date() if as_of else None, progress=progress, at=clock.now()
        )
    show(result, as_json=as_json, out=out, text=_evaluated)


def _evaluated(result: Mapping[str, Any], console: Console) -> None:
    fields_and_rows({k: v for k, v in result.items() if k not in ("programmes", "filters", "unserved")}, console)
    rows_table([{"programme": code, **counts} for code, counts in result["programmes"].items()], console)
    fields_and_rows({f"unserved {name}": value for name, value in result["unserved"].items()}, console)


@programmes.command(
    examples=("khana programmes answers", "khana programmes answers --programme KFL --area PK606 --json")
)
@click.option("--programme", default="", help="Code; every programme where absent.")
@click.option("--area", default="", help="Code of a district.")
@printing
def answers(programme: str, area: str, as_json: bool, out: Path | None) -> None:
    """Say how many are eligible, excluded (by which filter), not eligible (by which clause), unknown (for which fact)."""
    with acting():
        from khana.access import services as access
        from khana.programmes import results

        access.require("results.read")
        known = results.get_evaluation()
        rows = results.answers_of(known.id, programme=programme, area=area)
        show({"evaluation": known.id, "as_of": known.as_of, "rows": rows}, as_json=as_json, out=out)


@programmes.command(
    examples=("khana programmes why 910000001", "khana programmes why 910000001 --programme KFL --clauses")
)
@click.argument("household")
@click.option("--programme", default="", help="Code; every programme where absent.")
@click.option("--clauses", is_flag=True, help="Print each clause with what it was decided by.")
@_AS_OF
@printing
def why(household: str, programme: str, clauses: bool, as_of: datetime | None, as_json: bool, out: Path | None) -> None:
    """Say of one HOUSEHOLD (the number on its slip) what each of it is entitled to, and if not, by which clause."""
    with acting():
        from khana.dossiers import programme_answers

        found = programme_answers.answers_for(household=household, on=_day(as_of), at=clock.now(), programme=programme)
        rows = [{k: v for k, v in asdict(one).items() if clauses or k != "clauses"} for one in found]
        show({"household": household, "rows": rows}, as_json=as_json, out=out)


@programmes.command(
    examples=(
        "khana programmes quota KFL --area PK6 --places 120000 --source 'Order 12 of 1 July 2026'",
        "khana programmes quota KFL --area PK606 --budget 5e8 --from 2026-07-01 --source 'Budget 2026-27'",
    )
)
@click.argument("programme")
@click.option("--area", required=True, help="Code of the area.")
@click.option("--places", type=int, help="How many.")
@click.option("--budget", type=float, help="How much money instead.")
@click.option("--from", "since", type=_DAY, help="First day; today if absent.")
@click.option("--source", required=True, help="Who set it, by which document.")
@printing
def quota(
    programme: str, area: str, places: int | None, budget: float | None, since: datetime | None, source: str, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Set the places or the budget of a PROGRAMME in an area from a day on; what was before stays on record."""
    with acting():
        from khana.geo import selectors as geo
        from khana.programmes.services import quotas

        geo.get_path(area)
        row = {
            "programme": programme,
            "area": area,
            "from": _day(since),
            "places": places,
            "budget": budget,
            "source": source,
        }
        show({"quotas": quotas.put_quotas(rows=[row], at=clock.now())}, as_json=as_json, out=out)


@programmes.command("filters", examples=("khana programmes filters", "khana programmes filters --programme KFL --json"))
@click.option("--programme", default="KFL", show_default=True)
@printing
def filters_(programme: str, as_json: bool, out: Path | None) -> None:
    """Say what each exclusion filter removed in the newest evaluation: hits by whom, first hits, distinct persons."""
    with acting():
        from khana.access import services as access
        from khana.programmes import results

        access.require("results.read")
        report = dict(results.get_evaluation().summary.get("filters", {}).get(programme, {}))
        rows = report.pop("filters", [])
        show({"programme": programme, **report, "rows": rows}, as_json=as_json, out=out)


@programmes.command(
    "withdraw-filter",
    examples=("khana programmes withdraw-filter LAND --from 2022-07-01 --reason 'Board decision of June 2022'",
              "khana programmes withdraw-filter LAND --restore --reason 'Court order'"),
)  # fmt: skip
@click.argument("code")
@click.option("--from", "since", type=_DAY, help="First day on which it counts no longer.")
@click.option("--restore", is_flag=True, help="It counts again.")
@click.option("--reason", required=True)
@printing
def withdraw_filter(
    code: str, since: datetime | None, restore: bool, reason: str, as_json: bool, out: Path | None
) -> None:
    """Withdraw an exclusion filter from a day on, or bring it back; the next evaluation decides everybody anew."""
    if restore == (since is not None):
        raise click.UsageError("Say either --from a day or --restore.")
    with acting():
        from khana.programmes.services import quotas

        quotas.withdraw_filter(code=code, since=since.date() if since else None, reason=reason, at=clock.now())
        show({"filter": code, "withdrawn_from": since.date() if since else None}, as_json=as_json, out=out)


@programmes.command(
    examples=(
        "khana programmes appeal VEHICLE --household 910000001 --line 2 --reason 'The car was sold in 2018.'",
        "khana programmes appeal --decide 3 --uphold --reason 'The bill of sale was seen.'",
        "khana programmes appeal --list",
    )
)
@click.argument("filter_code", metavar="FILTER", required=False)
@click.option("--household", help="The number on its slip.")
@click.option(
    "--line", type=int, help="Whose line of the roster the filter tells against; the whole household if absent."
)
@click.option("--reason", default="", help="Why; no names.")
@click.option("--decide", "number", type=int, help="Decide the appeal of this number, which another person lodged.")
@click.option("--uphold/--dismiss", default=None, help="With --decide.")
@click.option("--list", "listing", is_flag=True, help="List appeals.")
@printing
def appeal(
    filter_code: str | None, household: str | None, line: int | None, reason: str, number: int | None, uphold: bool | None,
    listing: bool, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Lodge an appeal against an exclusion FILTER, or decide one that another person lodged."""
    with acting():
        from khana.access import services as access
        from khana.programmes import catalogue
        from khana.programmes.services import appeals

        access.require("filters.appeal")
        if listing:
            show({"rows": list(catalogue.appeals())}, as_json=as_json, out=out)
        elif number is not None:
            if uphold is None:
                raise click.UsageError("Say --uphold or --dismiss.")
            appeals.decide(appeal=number, upheld=uphold, decision=reason, at=clock.now())
            show({"appeal": number, "upheld": uphold}, as_json=as_json, out=out)
        elif filter_code and household:
            lodged = appeals.lodge(
                filter_code=filter_code, household=household, line=line, reason=reason, at=clock.now()
            )
            show({"appeal": lodged, "state": "LODGED"}, as_json=as_json, out=out)
        else:
            raise click.UsageError("Say FILTER and --household, or --decide, or --list.")


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana unserved                                    why, and what would reach them",
        "khana unserved --area PK606 --limit 100 --rows    the poorest first",
        "khana unserved --reason wait_listed --rows --out waiting.json",
    ),
)
@click.option("--area", default="", help="Code of an area.")
@click.option(
    "--reason", default="", help="suspended, payment_failed, selected, wait_listed, no_number or not_enrolled."
)
@click.option("--programme", default="", help="Only who could get this one.")
@click.option("--rows", "with_rows", is_flag=True, help="Print the households by rank, not their counts.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@printing
def unserved(
    area: str, reason: str, programme: str, with_rows: bool, limit: int, as_json: bool, out: Path | None
) -> None:
    """Who is eligible and served by nothing: ranked, with the reason and the outreach that would reach her.

    Of the newest evaluation. Residents who are not registered at all are counted by district: `not registered`.
    """
    with acting():
        from khana.access import services as access
        from khana.audit import services as audit
        from khana.geo import selectors as geo
        from khana.programmes import results

        access.require("recipients.read")
        known = results.get_evaluation()
        path = geo.get_path(area) if area else ""
        told: dict[str, Any] = {"evaluation": known.id, "as_of": known.as_of}
        if with_rows:
            told["rows"] = results.unserved(known.id, limit=limit, area_path=path, reason=reason, programme=programme)
            audit.record(
                action="programmes.unserved.read",
                subject=f"evaluation:{known.id}",
                details={"rows": len(told["rows"])},
                at=clock.now(),
            )
        else:
            told["not_registered"] = sum(
                n for code, n in results.not_registered(known.id).items() if area in ("", code)
            )
            told["rows"] = results.unserved_reasons(known.id, area_path=path)
        show(told, as_json=as_json, out=out)
