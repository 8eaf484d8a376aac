"""`khana centres staff|accredit|device|target|progress|actions`: the people in the field, what they carry, are to reach and put right."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.output import TeachingCommand, printing, show
from khana.interfaces.cli.session import acting
from khana.interfaces.cli.table_files import show_rows
from khana.platform import clock

DAY = click.DateTime(["%Y-%m-%d"])


def _day(value: datetime | None) -> date:
    return value.date() if value else clock.today()


@click.command("staff", cls=TeachingCommand, examples=("khana centres staff", "khana centres staff --expiring 30"))
@click.option("--expiring", type=click.IntRange(0, 3650), help="Only accreditations that end within so many days.")
@printing
def staff(expiring: int | None, as_json: bool, out: Path | None) -> None:
    """List enumerators: accredited until when, devices, areas, what they sent in thirty days."""
    with acting():
        from khana.intake import centres as reads

        today = clock.today()
        if expiring is not None:
            rows: list[dict[str, Any]] = [
                {"accreditation": row.pk, "enumerator": row.user_label, "kind": row.kind, "subject": row.subject, "expires_on": row.expires_on}
                for row in reads.accreditations(expiring_before=today + timedelta(days=expiring + 1))
            ]  # fmt: skip
        else:
            rows = [
                {"enumerator": one.label, "accredited": one.is_accredited, "until": one.accredited_until, "trainings": one.trainings,
                 "devices": ", ".join(one.devices), "areas": ", ".join(path.rstrip(".").split(".")[-1] for path in one.areas),
                 "sent": one.sent, "returned": one.returned}
                for one in reads.enumerators(on=today)
            ]  # fmt: skip
    show_rows({"rows": rows}, as_json=as_json, out=out)


@click.command(
    "accredit",
    cls=TeachingCommand,
    examples=("khana centres accredit amina --area PK101 --subject khana_pak_household --expires 2027-06-30",),
)
@click.argument("username", required=False)
@click.option("--area", help="Code of the area she works in.")
@click.option("--subject", default="", help="The course, or the questionnaire.")
@click.option("--kind", type=click.Choice(["TRAINING", "ACCREDITATION"]), default="ACCREDITATION", show_default=True)
@click.option("--mark", type=click.FloatRange(0, 100), help="Per cent in the test.")
@click.option("--from", "granted", type=DAY, help="First day; today if absent.")
@click.option("--expires", type=DAY, help="The day on which it ends.")
@click.option("--withdraw", type=int, help="Withdraw the accreditation of this number, in place of the others.")
@printing
def accredit(
    username: str | None, area: str | None, subject: str, kind: str, mark: float | None, granted: datetime | None,
    expires: datetime | None, withdraw: int | None, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Record a training or accreditation with its end, or withdraw one.

    A form that is filled after the end of her last accreditation waits for a steward.
    """
    if withdraw is None and not (username and area and subject):
        raise click.UsageError("Say who, in which area (--area) and in what (--subject); or --withdraw NUMBER.")
    with acting():
        from khana.intake.services import field_staff

        if withdraw is not None:
            field_staff.withdraw_accreditation(number=withdraw, on=clock.today(), at=clock.now())
            result: dict[str, Any] = {"accreditation": withdraw, "withdrawn_on": clock.today()}
        else:
            row = field_staff.accredit(
                username=str(username), area_code=str(area), subject=subject, kind=kind, mark=mark, granted_on=_day(granted),
                expires_on=expires.date() if expires else None, at=clock.now(),
            )  # fmt: skip
            result = {"accreditation": row.pk, "enumerator": username, "expires_on": row.expires_on}
    show(result, as_json=as_json, out=out)


@click.command(
    "device",
    cls=TeachingCommand,
    examples=(
        "khana centres device collect:7f3a --to amina --area PK101 --label T-118",
        "khana centres device collect:7f3a --returned LOST",
    ),
)
@click.argument("device")
@click.option("--to", "username", help="Who carries it.")
@click.option("--area", help="Code of the area it is used in.")
@click.option("--label", default="", help="Inventory number.")
@click.option("--returned", type=click.Choice(["RETURNED", "LOST", "BROKEN"]), help="It is no longer in use.")
@printing
def device(
    device: str,
    username: str | None,
    area: str | None,
    label: str,
    returned: str | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Record who carries which DEVICE, by the id that its forms state."""
    if not returned and not (username and area):
        raise click.UsageError("Say who carries it (--to) and where (--area), or that it is --returned.")
    with acting():
        from khana.intake.services import field_staff

        if returned:
            field_staff.return_device(device_id=device, state=returned, on=clock.today(), at=clock.now())
        else:
            field_staff.issue_device(
                device_id=device,
                username=str(username),
                area_code=str(area),
                label=label,
                on=clock.today(),
                at=clock.now(),
            )
    show({"device": device, "state": returned or "IN_USE"}, as_json=as_json, out=out)


@click.command(
    "target", cls=TeachingCommand, examples=("khana centres target PK10101 12000 --from 2026-07-01 --until 2027-06-30",)
)
@click.argument("area")
@click.argument("households", type=click.IntRange(1))
@click.option("--from", "begins", type=DAY, required=True)
@click.option("--until", type=DAY, required=True, help="The day after the last.")
@printing
def target(area: str, households: int, begins: datetime, until: datetime, as_json: bool, out: Path | None) -> None:
    """Say how many households an area is to reach between two days."""
    with acting():
        from khana.intake.services import field_staff

        field_staff.set_target(
            area_code=area, households=households, begins=begins.date(), ends=until.date(), at=clock.now()
        )
    show({"area": area, "households": households}, as_json=as_json, out=out)


@click.command(
    "progress",
    cls=TeachingCommand,
    examples=("khana centres progress", "khana centres progress --area PK1 --days 90 --out progress.csv"),
)
@click.option("--area", default="", help="Areas right below this one; the uppermost if absent.")
@click.option("--until", type=DAY, help="Last day; today if absent.")
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True)
@printing
def progress(area: str, until: datetime | None, days: int, as_json: bool, out: Path | None) -> None:
    """Targets of areas and the households that were registered or renewed."""
    with acting():
        from khana.geo import selectors as geo
        from khana.intake import centres as reads

        ends = _day(until) + timedelta(days=1)
        under = geo.get_path(area) if area else ""
        rows = [
            {"area": one.area_path.rstrip(".").split(".")[-1], "registered": one.registered, "sent": one.sent, "target": one.target,
             "share": None if one.share is None else round(one.share, 4)}
            for one in reads.progress(under=under, begins=ends - timedelta(days=days), ends=ends)
        ]  # fmt: skip
    show_rows({"rows": rows}, as_json=as_json, out=out)


@click.command(
    "actions",
    cls=TeachingCommand,
    examples=(
        "khana centres actions",
        "khana centres actions --open amina --area PK101 --about short_share --what 'Sit in on three interviews' --due 2026-12-01",
        "khana centres actions --move 4 --to DONE --note 'sat in on three'",
    ),
)
@click.option("--open", "username", help="Open one about this enumerator's work.")
@click.option("--area", help="Code of the area she works in.")
@click.option("--about", default="", help="A code or measure of the checks, or a spot check.")
@click.option("--what", default="", help="What is to be put right.")
@click.option("--due", type=DAY, help="By when.")
@click.option("--move", type=int, help="Move the action of this number.")
@click.option("--to", "state", type=click.Choice(["DONE", "CLOSED", "OPEN"]), help="Who did it cannot close it.")
@click.option("--note", default="")
@printing
def actions(
    username: str | None, area: str | None, about: str, what: str, due: datetime | None, move: int | None, state: str | None,
    note: str, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """List what is to be put right in the field, open an action, or follow one to its end."""
    with acting():
        from khana.access import services as access
        from khana.intake.services import reviews

        now = clock.now()
        if username:
            if not (area and due):
                raise click.UsageError(
                    "Say where she works (--area), what is to be put right (--what) and by when (--due)."
                )
            user = int(access.call("intake_user_id", username)[0][0])
            reviews.open_action(
                user_id=user, user_label=username, area_code=area, about=about, what=what, due_on=due.date(), at=now
            )
        elif move is not None:
            if not state:
                raise click.UsageError("Say where it goes: --to DONE, CLOSED or OPEN.")
            reviews.move_action(number=move, state=state, note=note, at=now)
        rows = [
            {"id": row.pk, "enumerator": row.user_label, "about": row.about, "what": row.what, "due_on": row.due_on, "state": row.state}
            for row in reviews.actions()
        ]  # fmt: skip
    show_rows({"rows": rows}, as_json=as_json, out=out)


COMMANDS = (staff, accredit, device, target, progress, actions)
