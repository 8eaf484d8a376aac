"""`khana breaches`: the register of breaches of personal data, its clocks, and letters ready to send."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting
from khana.platform import clock


@click.group(
    cls=TeachingGroup,
    examples=("khana breaches list", "khana breaches letter B-2026-0001 --to authority --language ur"),
)
def breaches() -> None:
    """Breaches of personal data: who must be told by when, and letters ready to send."""


@breaches.command(
    "add",
    examples=(
        "khana breaches add --country PAK --what 'A laptop with an export was stolen from a desk' --kinds names,numbers "
        "--persons 412 --risk HIGH --aware 2026-11-20T09:30",
    ),
)
@click.option("--country", required=True, help="PAK or BGD.")
@click.option("--what", required=True, help="What happened, at least twenty characters; no name or number of a person.")
@click.option("--kinds", required=True, help="Kinds of data, with commas: names,numbers,accounts ...")
@click.option("--persons", type=click.IntRange(0), required=True, help="How many, counted or estimated.")
@click.option("--risk", type=click.Choice(["UNLIKELY", "LIKELY", "HIGH"]), required=True)
@click.option(
    "--aware",
    type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d"]),
    help="When somebody first knew (UTC); now if absent.",
)
@click.option("--measures", default="", help="What was done.")
@click.option("--alarm", type=int, help="The alarm that it came from.")
@printing
def add(
    country: str, what: str, kinds: str, persons: int, risk: str, aware: datetime | None, measures: str, alarm: int | None,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Open a breach; its clocks run from when somebody became aware."""
    with acting():
        from khana.access import breaches as register

        at = clock.now()
        number = register.add(
            country=country.upper(), what=what, kinds=[one.strip() for one in kinds.split(",") if one.strip()],
            person_count=persons, risk=risk, aware_at=aware.replace(tzinfo=UTC) if aware else at, measures=measures,
            alarm=alarm, at=at,
        )  # fmt: skip
        result = _shown(register.get(number), at)
    show(result, as_json=as_json, out=out)


def _shown(breach: Any, at: datetime) -> dict[str, Any]:
    from khana.access import breaches as register

    return {
        "number": breach.number, "country": breach.country, "what": breach.what, "kinds": breach.kinds,
        "persons": breach.person_count, "risk": breach.risk, "aware_at": breach.aware_at, "closed_at": breach.closed_at,
        "rows": [asdict(one) for one in register.clocks(breach, at=at)],
    }  # fmt: skip


@breaches.command("list", examples=("khana breaches list", "khana breaches list --json"))
@printing
def list_(as_json: bool, out: Path | None) -> None:
    """List the register with what is due."""
    with acting():
        from khana.access import breaches as register

        at = clock.now()
        rows = [
            {
                "number": one.number, "country": one.country, "persons": one.person_count, "risk": one.risk,
                "aware_at": one.aware_at, "closed_at": one.closed_at,
                **{f"{c.audience}": f"{c.state}{f' by {c.due_at:%Y-%m-%d %H:%M}' if c.due_at and c.state in ('runs', 'over') else ''}" for c in register.clocks(one, at=at)},
            }
            for one in register.list_all()
        ]  # fmt: skip
    show({"rows": rows}, as_json=as_json, out=out)


@breaches.command(
    "letter", examples=("khana breaches letter B-2026-0001 --to authority --language en --contact dpo@example.gov",)
)
@click.argument("number")
@click.option("--to", "audience", type=click.Choice(["authority", "persons"]), required=True)
@click.option("--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True)
@click.option("--contact", default="", help="Who answers questions.")
@printing
def letter(number: str, audience: str, language: str, contact: str, as_json: bool, out: Path | None) -> None:
    """Print a letter, ready to sign."""
    with acting():
        from khana.access import breaches as register

        text = register.letter(number=number, audience=audience, language=language, contact=contact)
    show(
        {"letter": text},
        as_json=as_json,
        out=out,
        text=lambda result, console: console.print(result["letter"], soft_wrap=True),
    )


@breaches.command("told", examples=("khana breaches told B-2026-0001 --to authority",))
@click.argument("number")
@click.option("--to", "audience", type=click.Choice(["authority", "persons"]), required=True)
@printing
def told(number: str, audience: str, as_json: bool, out: Path | None) -> None:
    """Write down that the authority, or the persons, were told now."""
    with acting():
        from khana.access import breaches as register

        at = clock.now()
        register.tell(number=number, audience=audience, at=at)
        result = _shown(register.get(number), at)
    show(result, as_json=as_json, out=out)


@breaches.command("close", examples=("khana breaches close B-2026-0001 --lesson 'Exports are encrypted on desks now'",))
@click.argument("number")
@click.option("--lesson", required=True, help="What was learned, at least ten characters.")
@printing
def close(number: str, lesson: str, as_json: bool, out: Path | None) -> None:
    """Close a breach when everybody who must be told was told."""
    with acting():
        from khana.access import breaches as register

        at = clock.now()
        register.close(number=number, lesson=lesson, at=at)
        result = _shown(register.get(number), at)
    show(result, as_json=as_json, out=out)
