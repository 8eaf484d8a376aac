"""`khana audit`, `khana quarantine`, `khana explain`: what happened, and why.

Auditors verify the chain of events; stewards take rows out of quarantine, correct them in a file
and replay them; anyone may ask what a finding means or why a row has one.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, ClassVar

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingCommand, TeachingGroup, bar, fields_and_rows, printing, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock
from khana_methods.errors import Conflict


class ChainBroken(Conflict):
    """The event log was changed after it was sealed."""

    code: ClassVar[str] = "cli.audit.chain_broken"


@click.group(cls=TeachingGroup, examples=("khana audit verify", "khana audit seal"))
def audit() -> None:
    """The event log: who did what, sealed into a chain."""


@audit.command(
    "verify",
    examples=("khana audit verify", "khana audit verify --json", "khana audit verify --anchors /media/ministry-of-law"),
)
@click.option(
    "--anchors",
    type=click.Path(exists=True, path_type=Path),
    help="An anchor that was lodged elsewhere, or a folder of them.",
)
@click.option("--key", "trusted", multiple=True, help="A public key to trust instead of this ring's, as hex.")
@click.option("--slowly", is_flag=True, help="Take every hash in this program, one by one, not in the database.")
@printing
def audit_verify(anchors: Path | None, trusted: tuple[str, ...], slowly: bool, as_json: bool, out: Path | None) -> None:
    """Walk the whole chain, every signed checkpoint, and the anchors given; exit code 12 where something was changed.

    The first seal that does not hold is named, with the number of its event and in what way it does not.
    """
    with acting():
        from khana.access import services as access
        from khana.audit import anchors as lodged
        from khana.audit import services as log

        access.require("audit.read", everywhere=True)
        with bar(as_json=as_json) as progress:
            verdict = log.verify(slowly=slowly, progress=progress)
        files = (
            [] if anchors is None else sorted(anchors.glob("khana-anchor-*.json")) if anchors.is_dir() else [anchors]
        )
        held = lodged.hold(files, trusted) if files else []
    rows = [asdict(one) for one in held]
    show({"holds": verdict.holds, **asdict(verdict), "rows": rows}, as_json=as_json, out=out)
    if anchors is not None and not files:
        raise ChainBroken(f"No anchor lies in {anchors}.")
    wrong = [one for one in held if one.state != "fits"]
    if wrong:
        raise ChainBroken(
            f"The anchor of seal {wrong[0].seal} does not fit: {wrong[0].state}. Keep everything as it is."
        )
    if not verdict.holds:
        raise ChainBroken(
            f"The chain does not hold: {verdict.reason}. Keep the database and the checkpoints as they are."
        )


@audit.command("seal", examples=("khana audit seal",))
@printing
def audit_seal(as_json: bool, out: Path | None) -> None:
    """Bind every event into the chain now and sign its head (the worker seals by itself)."""
    with acting():
        from khana.access import services as access
        from khana.audit import services as log

        access.require("audit.read", everywhere=True)
        sealed = 0
        while step := log.seal_events():
            sealed += step
        head = log.write_checkpoint(at=clock.now())
    show({"sealed": sealed, "checkpoint": head}, as_json=as_json, out=out)


@audit.command("lodge", examples=("khana audit lodge --to /media/ministry-of-law", "khana audit lodge --to . --json"))
@click.option("--to", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@printing
def audit_lodge(folder: Path, as_json: bool, out: Path | None) -> None:
    """Seal everything and write the signed head of the chain to a folder that lies elsewhere.

    Whoever keeps the file can check it with our public key alone. Give the key to her once, on paper too.
    """
    with acting():
        from khana.access import services as access
        from khana.audit import anchors as lodged
        from khana.audit import services as log

        access.require("audit.read", everywhere=True)
        while log.seal_events():
            pass
        at = clock.now()
        log.write_checkpoint(at=at)
        anchor = lodged.make(at=at)
        result: dict[str, Any] = {"file": None, "public_keys": lodged.own_keys()}
        if anchor is not None:
            path = lodged.write(anchor, folder)
            log.record(
                action="audit.anchor.lodged", subject=f"seal:{anchor.seal}", details={"hash": anchor.hash}, at=at
            )
            result |= {"file": str(path), "seal": anchor.seal, "hash": anchor.hash}
    show(result, as_json=as_json, out=out)


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana quarantine list --source DSS-OAA",
        "khana quarantine export --source DSS-OAA --out to-correct.csv    correct the column `raw`, then:",
        "khana quarantine replay to-correct.csv",
    ),
)
def quarantine() -> None:
    """Rows that could not be read: see them, correct them, replay them."""


@quarantine.command("list", examples=("khana quarantine list", "khana quarantine list --source DSS-OAA --json"))
@click.option("--source", help="Only rows of this source's lists.")
@click.option("--code", help="Only rows with this code.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@printing
def quarantine_list(source: str | None, code: str | None, limit: int, as_json: bool, out: Path | None) -> None:
    """List rows that wait, with line, column and reason; what they hold is not shown."""
    with acting():
        from khana.dossiers import reports

        asked = reports.Filters(source=source or "", code=code or "", state="OPEN")
        result = reports.preview(kind="quarantine", filters=asked, limit=limit, at=clock.now())
    show({"total": result["total"], "rows": result["rows"]}, as_json=as_json, out=out)


@quarantine.command(
    "export", examples=("khana quarantine export --source DSS-OAA --out to-correct.csv", "khana quarantine export")
)
@click.option("--source", help="Only rows of this source's lists.")
@click.option("--batch", type=int, help="Only rows of this batch.")
@printing
def quarantine_export(source: str | None, batch: int | None, as_json: bool, out: Path | None) -> None:
    """Write open rows with their text as CSV, to be corrected and replayed.

    The file holds what people wrote on the lists: keep it as safe as the lists, and delete it after.
    """
    with acting():
        from khana.access import services as access
        from khana.audit import services as log
        from khana.deliveries import report_rows

        access.require("quarantine.write")
        rows = [asdict(row) for row in report_rows.open_rows(source=source or "", batch=batch)]
        log.record(
            action="deliveries.quarantine.exported", subject=f"source:{source or 'all'}",
            details={"rows": len(rows), "batch": batch}, at=clock.now(),
        )  # fmt: skip
        names = [field.name for field in fields(report_rows.OpenRow)]
    show({"rows": rows}, as_json=as_json, out=out, text=_as_csv(names))


def _as_csv(names: list[str]) -> Any:
    def write(result: Any, console: Console) -> None:
        from khana_methods.disclosure.spreadsheets import neutralise

        lines = csv.writer(console.file, lineterminator="\n")
        lines.writerow(names)
        for row in result["rows"]:
            lines.writerow([neutralise(value) if isinstance(value, str) else value for value in row.values()])

    return write


@quarantine.command("replay", examples=("khana quarantine replay to-correct.csv",))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@printing
def quarantine_replay(file: Path, as_json: bool, out: Path | None) -> None:
    """Load corrected rows of a FILE that `khana quarantine export` wrote; the rest stays in quarantine."""
    acting_token = token()
    from khana.workflows import replay_quarantine

    with bar(as_json=as_json) as progress:
        result = replay_quarantine.run(token=acting_token, path=file, progress=progress, at=clock.now())
    show(result, as_json=as_json, out=out)


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana explain                    every code", "khana explain DUP_NID", "khana explain 4711 --json",
        "khana explain 815 --score --language ur    why a family scored what it did",
    ),
)  # fmt: skip
@click.argument("finding", required=False)
@click.option("--score", "is_score", is_flag=True, help="The number is a score's, not a finding's.")
@click.option("--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True)
@printing
def explain(finding: str | None, is_score: bool, language: str, as_json: bool, out: Path | None) -> None:
    """Say what a finding means and what to do (a code, or the number of one finding), or why a score is what it is.

    Without FINDING: every code in a line.
    """
    if is_score:
        _explain_score(finding, language, as_json, out)
        return
    from khana_methods.overlap.finding_codes import finding_code, load_finding_codes

    if finding is None:
        rows = [
            {"code": name, "severity": code.severity, "title": code.title[language]}
            for name, code in load_finding_codes().items()
        ]
        show({"rows": rows}, as_json=as_json, out=out)
        return
    result: dict[str, Any] = {}
    if finding.isdigit():
        with acting():
            from khana.beneficiaries import report_rows

            result = report_rows.get_finding(int(finding))
        finding = str(result["code"])
    code = finding_code(finding.upper())
    result = {
        **result, "code": code.code, "severity": code.severity, "title": code.title[language],
        "meaning": code.meaning[language], "what_to_do": code.what_to_do[language],
    }  # fmt: skip
    show(result, as_json=as_json, out=out, text=fields_and_rows)


def _explain_score(number: str | None, language: str, as_json: bool, out: Path | None) -> None:
    """Print a score in words, variable by variable."""
    if number is None or not number.isdigit():
        raise click.UsageError("Say which score: `khana explain 815 --score`. The household's page shows the number.")
    with acting():
        from khana.dossiers import score_file

        result = score_file.explain(int(number), language, at=clock.now())
    show(result, as_json=as_json, out=out, text=_lines)


def _lines(result: Mapping[str, Any], console: Console) -> None:
    for line in result["lines"]:
        console.print(line, soft_wrap=True)
