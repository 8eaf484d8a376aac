"""`khana agreements` and `khana extracts`: what may leave, who said yes, and the files that left.

Two people who did not draft approve, each under her own token; the database counts them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting
from khana.platform import clock
from khana_methods.errors import InputError

LEVELS = ("AGGREGATE", "MICRODATA", "ANSWER", "LIST", "RECORD")


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana agreements draft terms.yaml",
        "khana agreements approve MOF-2026-1      by two people who did not draft it",
        "khana agreements list",
    ),
)
def agreements() -> None:
    """Agreements: what may leave, to whom, on what terms."""


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _day(text: Any, *, name: str) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError(f"'{name}' is no date.") from error


@agreements.command(
    "draft",
    examples=(
        "khana agreements draft --number MOF-2026-1 --partner mof-mis --level ANSWER --purpose eligibility "
        "--legal-basis 'Act 2025 s. 12' --fields registered,score_class --from 2026-01-01 --to 2026-12-31",
    ),
)
@click.option("--number", required=True, help="Of the agreement, without blanks.")
@click.option("--partner", required=True, help="Code of the partner.")
@click.option("--title", default="", help="What it is about.")
@click.option("--level", type=click.Choice(LEVELS), required=True, help="How much may leave.")
@click.option("--purpose", required=True, help="eligibility, enrolment, payment, verification, research, statistics, …")
@click.option("--legal-basis", required=True, help="Law or decision.")
@click.option("--fields", required=True, help="Fields, comma between; `khana agreements fields` lists them.")
@click.option("--area", default="", help="Code of the area; the whole country if absent.")
@click.option("--agency", default="", help="Whose benefit rows; every agency's if absent.")
@click.option("--programme", default="", help="The one programme of an identified list.")
@click.option("--rule", default="", help="Population rule, such as 'poverty_score <= 32'.")
@click.option("--max-rows", type=click.IntRange(1), default=1000, show_default=True, help="Of one search or extract.")
@click.option("--max-extracts", type=click.IntRange(0), default=12, show_default=True)
@click.option("--from", "valid_from", required=True, help="First day.")
@click.option("--to", "valid_to", required=True, help="Day on which it ends.")
@click.option("--retention-days", type=click.IntRange(1), default=365, show_default=True)
@click.option("--consent", is_flag=True, help="Leave out households that did not consent.")
@click.option("--onward", default="", help="To whom the partner may pass it on; nobody if absent.")
@click.option("--signed", multiple=True, help="PARTY:OFFICE:DATE:SHA256 of the signed paper; may be repeated.")
@printing
def agreements_draft(
    number: str, partner: str, title: str, level: str, purpose: str, legal_basis: str, fields: str, area: str, agency: str,
    programme: str, rule: str, max_rows: int, max_extracts: int, valid_from: str, valid_to: str, retention_days: int,
    consent: bool, onward: str, signed: tuple[str, ...], as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Write an agreement down; it gives nothing until two other people approve it."""
    signatures = [dict(zip(("party", "office", "date", "sha256"), one.split(":", 3), strict=False)) for one in signed]
    with acting():
        from khana.sharing.services import agreements as service

        terms = service.Terms(
            number=number, partner=partner, title=title or number, level=level, purpose=purpose, legal_basis=legal_basis,
            fields=_names(fields), valid_from=_day(valid_from, name="from"), valid_to=_day(valid_to, name="to"),
            retention_days=retention_days, max_rows=max_rows, max_extracts=max_extracts, area_code=area, agency=agency,
            programme=programme, population_rule=rule, needs_consent=consent, onward_transfer=onward, signatures=signatures,
        )  # fmt: skip
        service.draft(terms=terms, at=clock.now())
    show({"agreement": number, "state": "DRAFT", "approvals_needed": 2}, as_json=as_json, out=out)


@agreements.command("approve", examples=("khana agreements approve MOF-2026-1",))
@click.argument("number")
@printing
def agreements_approve(number: str, as_json: bool, out: Path | None) -> None:
    """Say yes to a draft of somebody else; the second yes puts it in force."""
    with acting(for_users=True):
        from khana.sharing.services import agreements as service

        state = service.approve(number=number, at=clock.now())
    show({"agreement": number, "state": state}, as_json=as_json, out=out)


@agreements.command("end", examples=("khana agreements end MOF-2026-1 --certificate 9f86d0…",))
@click.argument("number")
@click.option("--certificate", default="", help="SHA-256 of the partner's destruction certificate.")
@printing
def agreements_end(number: str, certificate: str, as_json: bool, out: Path | None) -> None:
    """End an agreement now with everything it gave, or refuse a draft."""
    with acting():
        from khana.sharing.services import agreements as service

        service.end(number=number, certificate=certificate, at=clock.now())
    show({"agreement": number, "state": "ended"}, as_json=as_json, out=out)


@agreements.command("list", examples=("khana agreements list --json",))
@printing
def agreements_list(as_json: bool, out: Path | None) -> None:
    """List agreements with their state."""
    with acting():
        from khana.sharing import selectors

        rows = selectors.list_agreements()
    show({"rows": rows}, as_json=as_json, out=out)


@agreements.command("fields", examples=("khana agreements fields",))
@printing
def agreements_fields(as_json: bool, out: Path | None) -> None:
    """List the fields that may leave, and from which level on."""
    from khana.sharing.fields import catalogue

    rows = [
        {"field": one.name, "of": one.of, "class": one.sensitivity, "levels": list(one.levels)}
        for one in catalogue().values()
    ]
    show({"rows": rows}, as_json=as_json, out=out)


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana extracts draft MOF-2026-2 --fields identifier,name,programmes",
        "khana extracts approve X261122-0a1b2c      by two people who did not ask for it",
        "khana extracts fetch X261122-0a1b2c --to file.jwe",
    ),
)
def extracts() -> None:
    """Extracts: asked for, approved by two, made, delivered encrypted."""


@extracts.command("draft", examples=("khana extracts draft STAT-2026 --by district,sex --reason 'yearbook'",))
@click.argument("agreement")
@click.option("--fields", default="", help="Fields of the agreement; all of them if absent.")
@click.option("--by", default="", help="Dimensions of an aggregate, comma between.")
@click.option("--area", default="", help="An area inside the agreement's.")
@click.option("--rule", default="", help="Population rule that narrows the agreement's.")
@click.option("--reason", default="", help="What it is for.")
@printing
def extracts_draft(
    agreement: str, fields: str, by: str, area: str, rule: str, reason: str, as_json: bool, out: Path | None
) -> None:
    """Ask for an extract; it is checked against the agreement and waits for two approvals."""
    with acting():
        from khana.sharing.services import extracts as service

        made = service.draft(agreement=agreement, chosen=_names(fields), by=_names(by), area_code=area, rule=rule,
                             reason=reason, at=clock.now())  # fmt: skip
        result = {"extract": made.number, "state": made.state, "fields": made.fields, "approvals_needed": 2}
    show(result, as_json=as_json, out=out)


@extracts.command("approve", examples=("khana extracts approve X261122-0a1b2c",))
@click.argument("number")
@printing
def extracts_approve(number: str, as_json: bool, out: Path | None) -> None:
    """Say yes to an extract that somebody else asked for; the second yes starts the work."""
    with acting(for_users=True) as actor:
        from khana.platform import jobs
        from khana.sharing.services import extracts as service

        state = service.approve(number=number, at=clock.now())
        run = None
        if state == "APPROVED":
            run = jobs.enqueue(kind="make_extract", arguments={"extract": number}, actor=actor, at=clock.now())
    show({"extract": number, "state": state, "job": str(run) if run else None}, as_json=as_json, out=out)


@extracts.command("list", examples=("khana extracts list",))
@printing
def extracts_list(as_json: bool, out: Path | None) -> None:
    """List extracts with their state."""
    with acting():
        from khana.sharing import selectors

        rows = selectors.list_extracts()
    show({"rows": rows}, as_json=as_json, out=out)


@extracts.command("fetch", examples=("khana extracts fetch X261122-0a1b2c --to file.jwe",))
@click.argument("number")
@click.option(
    "--to", "target", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where the file goes."
)
@printing
def extracts_fetch(number: str, target: Path, as_json: bool, out: Path | None) -> None:
    """Write a delivered extract, encrypted to its partner as it is, and its signed manifest; counted."""
    import json
    import shutil

    with acting():
        from khana.platform import files
        from khana.sharing.services import extracts as service

        one = service.fetch(number=number, at=clock.now())
        with files.open(one.sha256) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    target.with_name(f"{target.name}.manifest.json").write_text(json.dumps(one.manifest, indent=1))
    show({"extract": number, "file": str(target), "manifest": one.manifest}, as_json=as_json, out=out)


@extracts.command("expire", examples=("khana extracts expire",))
@printing
def extracts_expire(as_json: bool, out: Path | None) -> None:
    """Remove the files of extracts that have outlived their days."""
    with acting():
        from khana.sharing.services import extracts as service

        count = service.expire(at=clock.now())
    show({"expired": count}, as_json=as_json, out=out)


@extracts.command("trace", examples=("khana extracts trace leaked.csv",))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@printing
def extracts_trace(file: Path, as_json: bool, out: Path | None) -> None:
    """Say which recipient's extract a leaked file comes from, by the marks in its column record_id."""
    from khana_methods.engine.files import read_texts

    table = read_texts(file)
    if "record_id" not in table.schema.names:
        raise InputError("The file has no column record_id.")
    with acting():
        from khana.sharing.services import extracts as service

        rows = service.trace(marks=table.column("record_id").to_pylist()[:10_000], at=clock.now())
    show({"rows": rows}, as_json=as_json, out=out)
