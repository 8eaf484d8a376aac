"""`khana forms`: questionnaires as XLSForms — build a country's, add a version, list, compare, withdraw.

`build`, `check` and `diff` of two files work on files alone; the others act as a user on the registry.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from khana.interfaces.cli import session
from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting, token
from khana.interfaces.cli.table_files import show_rows
from khana.platform import clock

if TYPE_CHECKING:
    from khana.intake.xlsform.definition import Definition

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_COUNTRY = click.Choice(["pak", "bgd"])


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana forms build --country pak --out household.xlsx     the country's questionnaire as a workbook",
        "khana forms add --country pak                            register it as it stands",
        "khana forms add household.xlsx --valid-from 2027-01-01   a version of your own",
        "khana forms diff household.xlsx khana_pak_household      what it changes",
    ),
)
def forms() -> None:
    """Questionnaires (XLSForms): versions, the facts that they fill, what changed."""


@forms.command("build", examples=("khana forms build --country bgd --out household.xlsx",))
@click.option("--country", type=_COUNTRY, required=True, help="Whose questionnaire.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The workbook to write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def forms_build(country: str, out: Path, as_json: bool) -> None:
    """Write the questionnaire of a country pack as an XLSForm, the same bytes each time."""
    session.setup()
    from khana.workflows import add_form

    data, _name = add_form.of_country(country)
    out.write_bytes(data)
    show({"country": country, "bytes": len(data), "file": str(out)}, as_json=as_json, out=None)


@forms.command("check", examples=("khana forms check household.xlsx", "khana forms check survey.xlsx --map facts.yaml"))
@click.argument("file", type=_FILE)
@click.option("--map", "mapping", type=_FILE, help="YAML of question: fact, or question: {fact, unit, part}.")
@printing
def forms_check(file: Path, mapping: Path | None, as_json: bool, out: Path | None) -> None:
    """Check an XLSForm with pyxform and ODK Validate, and show what it asks; registers nothing."""
    session.setup()
    from khana.intake.xlsform.validate import check_xform
    from khana.workflows.add_form import read_mapping

    definition = _read(file, read_mapping(mapping) if mapping else None)
    checked_by = check_xform(definition.xform)
    rows = [
        {
            "question": question.path, "type": question.type, "label": question.label("en"),
            "fact": " ".join(question.facts), "unit": question.unit, "languages": " ".join(question.labels),
        }
        for question in definition.questions
        if question.is_asked or question.facts
    ]  # fmt: skip
    result = {
        "form": definition.form_id, "version": definition.version, "title": definition.title,
        "questions": definition.asked(), "facts": len(definition.facts()), "languages": list(definition.languages),
        "media": list(definition.media), "entity_lists": list(definition.entity_lists), "checked_by": checked_by,
        "warnings": list(definition.warnings), "rows": rows,
    }  # fmt: skip
    show(result, as_json=as_json, out=out)


def _read(file: Path, mapping: dict[str, Any] | None = None) -> Definition:
    from khana.intake.xlsform.read import read_xlsform

    return read_xlsform(file.read_bytes(), name=file.name, mapping=mapping)


@forms.command(
    "add",
    examples=(
        "khana forms add --country pak",
        "khana forms add household.xlsx --valid-from 2027-01-01",
        "khana forms add survey.xlsx --map facts.yaml",
        "khana forms add household.xlsx --let-go camel_count='nobody keeps camels here'",
    ),
)
@click.argument("file", type=_FILE, required=False)
@click.option("--country", type=_COUNTRY, help="The questionnaire of this country pack, instead of a FILE.")
@click.option(
    "--valid-from", type=click.DateTime(["%Y-%m-%d"]), help="First day on which it is filled; today if absent."
)
@click.option("--map", "mapping", type=_FILE, help="YAML of question: fact, or question: {fact, unit, part}.")
@click.option("--let-go", multiple=True, metavar="FACT=WHY", help="A fact in use that is no longer asked, and why.")
@printing
def forms_add(
    file: Path | None, country: str | None, valid_from: datetime | None, mapping: Path | None, let_go: tuple[str, ...],
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Add a version of a questionnaire from an XLSForm.

    It is refused, with the models and rules that read it, where it would let a fact in use go in silence.
    """
    if (file is None) == (country is None):
        raise click.UsageError("Give either a FILE or --country.")
    gone = {fact: why for fact, _sign, why in (one.partition("=") for one in let_go)}
    if any(not why.strip() for why in gone.values()):
        raise click.UsageError("--let-go needs a reason: --let-go FACT=WHY.")
    acting_token = token()
    from khana.workflows import add_form

    data, name = (file.read_bytes(), file.name) if file else add_form.of_country(str(country))
    day = valid_from.date() if valid_from else clock.today()
    result = add_form.run(
        token=acting_token, data=data, name=name, valid_from=day, let_go=gone,
        mapping=add_form.read_mapping(mapping) if mapping else None, at=clock.now(),
    )  # fmt: skip
    show(result, as_json=as_json, out=out)


@forms.command("list", examples=("khana forms list", "khana forms list --json"))
@printing
def forms_list(as_json: bool, out: Path | None) -> None:
    """List the versions of all questionnaires: days in force, languages, questions, checkers."""
    with acting():
        from khana.intake import selectors

        rows = [
            {
                "form": row.form.code, "version": row.version, "state": row.state, "valid_from": row.valid_from,
                "valid_to": row.valid_to, "languages": " ".join(row.definition["languages"]),
                "questions": selectors.definition_of(row).asked(), "facts": len(selectors.definition_of(row).facts()),
                "checked_by": row.checked_by,
            }
            for row in selectors.list_versions()
        ]  # fmt: skip
    show({"rows": rows}, as_json=as_json, out=out)


@forms.command(
    "diff",
    examples=(
        "khana forms diff old.xlsx new.xlsx",
        "khana forms diff khana_pak_household@2026110101 new.xlsx",
    ),
)
@click.argument("before")
@click.argument("after")
@printing
def forms_diff(before: str, after: str, as_json: bool, out: Path | None) -> None:
    """Say what differs between two versions; each is a file, or FORM, or FORM@VERSION of the registry."""
    from khana.interfaces.cli import session

    session.setup()
    from khana.intake.xlsform.diff import compare, dropped_facts

    first, second = _named(before), _named(after)
    rows = [
        {"question": one.question, "change": one.change, "before": one.before, "after": one.after}
        for one in compare(first, second)
    ]
    result = {"before": f"{first.form_id}@{first.version}", "after": f"{second.form_id}@{second.version}",
              "dropped_facts": dropped_facts(first, second), "rows": rows}  # fmt: skip
    show(result, as_json=as_json, out=out)


def _named(text: str) -> Definition:
    """Return the definition of a file, or of a version that is registered."""
    path = Path(text)
    if path.suffix.lower() in (".xlsx", ".xls") or path.is_file():
        if not path.is_file():
            raise click.UsageError(f"There is no file {text}.")
        return _read(path)
    with acting():
        from khana.intake import selectors

        code, _, version = text.partition("@")
        return selectors.definition_of(selectors.get_version(code, version))


@forms.command("withdraw", examples=("khana forms withdraw khana_pak_household 2026110101",))
@click.argument("form")
@click.argument("version")
@printing
def forms_withdraw(form: str, version: str, as_json: bool, out: Path | None) -> None:
    """Withdraw a version: phones no longer load it; what was filled under it stays readable."""
    with acting():
        from khana.intake.services import forms as service

        service.withdraw_version(code=form, version=version, at=clock.now())
    show({"form": form, "version": version, "state": "WITHDRAWN"}, as_json=as_json, out=out)


@forms.command(
    "evidence",
    examples=(
        "khana forms evidence khana_pak_household",
        "khana forms evidence khana_pak_household --reliability analysed.csv",
    ),
)
@click.argument("form")
@click.option("--version", default="", help="The newest if absent.")
@click.option(
    "--reliability",
    type=_FILE,
    help="What `khana spotcheck analyse --out` wrote: kept with the questions of its names.",
)
@printing
def forms_evidence(form: str, version: str, reliability: Path | None, as_json: bool, out: Path | None) -> None:
    """Say of each question how often it is left empty, how long it takes, how reliable it is, and which rules use it.

    Emptiness and seconds come from `khana intake review`, which the worker runs each night.
    """
    with acting():
        from khana.workflows import form_evidence

        if reliability is not None:
            form_evidence.keep_reliability(form=form, version=version, rows=_table_rows(reliability), at=clock.now())
        rows = form_evidence.of_version(form=form, version=version)
    show_rows({"form": form, "rows": rows}, as_json=as_json, out=out)


def _table_rows(path: Path) -> list[dict[str, Any]]:
    import json

    if path.suffix.lower() == ".json":
        return list(json.loads(path.read_text(encoding="utf-8")).get("rows", []))
    from khana_methods.engine.files import read_table

    return [dict(row) for row in read_table(path).to_pylist()]


@forms.command("ballot", examples=("khana forms ballot khana_pak_household 2026110101 2026110102 --days 30",))
@click.argument("form")
@click.argument("first")
@click.argument("second")
@click.option(
    "--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="Forms that arrived in so many days."
)
@printing
def forms_ballot(form: str, first: str, second: str, days: int, as_json: bool, out: Path | None) -> None:
    """Compare the answers that two versions got, question by question: a split ballot.

    SECOND is a version of the same form, or FORM/VERSION of another one. Ask the two of halves of a sample that chance made; else
    the difference may be that of the people. p is adjusted for the number of questions (Holm).
    """
    from datetime import timedelta

    acting_token = token()
    from khana.workflows import review_field

    ends = clock.today() + timedelta(days=1)
    rows = review_field.compare_ballots(
        token=acting_token, form=form, first=first, second=second, begins=ends - timedelta(days=days), ends=ends
    )
    shown = [{name: round(v, 4) if isinstance(v, float) else v for name, v in row.items()} for row in rows]
    show_rows({"form": form, "first": first, "second": second, "rows": shown}, as_json=as_json, out=out)
