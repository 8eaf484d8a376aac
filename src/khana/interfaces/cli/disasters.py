"""`khana disaster`: notify areas by codes or an outline, draw one benefit a family, and again for the missed."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.lists import list_terms, quotas_of, wish_of
from khana.interfaces.cli.lists_heard import FileUnreadable
from khana.interfaces.cli.output import TeachingGroup, bar, printing, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana disaster notify FLOOD-2022 --programme FLD --notification 'Notification 1 of 25 August 2022' \\",
        "    --area PK701 --area PK702 --starts 2022-08-25",
        "khana disaster draw FLOOD-2022 --as-of 2022-09-01",
    ),
)
def disaster() -> None:
    """Disasters: notify areas by codes or an outline, draw one benefit a family, and again for the missed."""


@disaster.command(
    examples=(
        "khana disaster notify FLOOD-2022 --programme FLD --notification 'No. 1 of 25 August 2022' --area PK701 --starts 2022-08-25",
        "khana disaster notify FLOOD-2022B --programme FLD --notification 'No. 2' --outline flood.geojson --level 3 --starts 2022-08-28",
    )
)
@click.argument("code")
@click.option("--programme", required=True, help="The programme that answers it.")
@click.option("--notification", required=True, help="Number and day.")
@click.option("--title", default="")
@click.option("--area", "areas", multiple=True, help="P-code; may stand several times.")
@click.option("--areas", "file", type=_FILE, help="CSV with a column area.")
@click.option("--outline", type=_FILE, help="GeoJSON, EPSG:4326.")
@click.option(
    "--level", type=click.IntRange(1, 5), default=2, show_default=True, help="Of the areas under the outline."
)
@click.option("--starts", type=_DAY, required=True)
@click.option("--ends", type=_DAY)
@printing
def notify(
    code: str, programme: str, notification: str, title: str, areas: tuple[str, ...], file: Path | None, outline: Path | None,
    level: int, starts: datetime, ends: datetime | None, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Keep the notification of a disaster: where, from when, by which document."""
    named = [*areas, *(row["area"] for row in quotas_of(file))] if file else list(areas)
    shape = None
    if outline:
        try:
            shape = json.loads(outline.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise FileUnreadable(f"{outline.name} is no GeoJSON.") from error
    with acting():
        from khana.programmes.services import disasters

        result = disasters.notify(
            code=code, title=title or code, programme=programme, notification=notification, starts_on=starts.date(),
            ends_on=ends.date() if ends else None, areas=named, outline=shape, level=level, at=clock.now(),
        )  # fmt: skip
        show(result, as_json=as_json, out=out)


@disaster.command("list", examples=("khana disaster list",))
@printing
def list_events(as_json: bool, out: Path | None) -> None:
    """List the disasters that were notified."""
    with acting():
        from khana.programmes import lists as kept

        rows = [
            {"event": e.code, "title": e.title, "programme": e.programme, "notification": e.notification, "areas": len(e.areas),
             "starts": e.starts_on, "ends": e.ends_on} for e in kept.list_events()
        ]  # fmt: skip
        show({"rows": rows}, as_json=as_json, out=out)


@disaster.command(
    "draw",
    examples=(
        "khana disaster draw FLOOD-2022 --as-of 2022-09-01",
        "khana disaster draw FLOOD-2022 --rule \"score <= 32 or dwelling_damage in ('partial', 'destroyed')\"",
        "khana disaster draw FLOOD-2022                     again, after the missed are registered: only new families",
    ),
)
@click.argument("event")
@list_terms
@printing
def draw_event(event: str, as_json: bool, out: Path | None, **given: Any) -> None:
    """Draw the families of a disaster's areas by score or damage: one benefit a family, one a person, whatever list."""
    acting_token = token()
    from khana.workflows import answer_disaster

    wish = wish_of("", given, leave_out_recipients=False)
    with bar(as_json=as_json) as progress:
        result = answer_disaster.run(
            token=acting_token, event=event, wish=wish, as_of=given["as_of"].date() if given["as_of"] else None, progress=progress,
            at=clock.now(),
        )  # fmt: skip
    show(result, as_json=as_json, out=out)
