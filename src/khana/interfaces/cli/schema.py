"""`khana schema` and `khana contracts`: what a contract, a manifest and a fact may say.

The schemas are JSON Schema, so that an editor can help while a contract is written; the facts are
the only names that a contract may map a column onto.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting
from khana.platform import clock


@click.group(
    cls=TeachingGroup,
    examples=("khana schema contract --out contract.schema.json", "khana schema facts --entity benefit"),
)
def schema() -> None:
    """What contracts and manifests may say, and the catalogue of facts."""


def _document(result: Any, console: Console) -> None:
    console.print(json.dumps(result, indent=1, ensure_ascii=False), soft_wrap=True)


@schema.command("contract", examples=("khana schema contract --out contract.schema.json",))
@printing
def schema_contract(as_json: bool, out: Path | None) -> None:
    """Print the JSON Schema of contracts: how to read one kind of file."""
    from khana.deliveries.contracts.loading import contract_json_schema

    show(contract_json_schema(), as_json=as_json, out=out, text=_document)


@schema.command("manifest", examples=("khana schema manifest",))
@printing
def schema_manifest(as_json: bool, out: Path | None) -> None:
    """Print the JSON Schema of manifests: which files make up one country's set."""
    from khana.deliveries.contracts.loading import manifest_json_schema

    show(manifest_json_schema(), as_json=as_json, out=out, text=_document)


@schema.command(
    "facts",
    examples=(
        "khana schema facts",
        "khana schema facts --entity benefit --json",
        "khana schema facts --country pak --language ur",
    ),
)
@click.option("--entity", help="Only facts of this kind of row, such as benefit or person.")
@click.option("--country", help="Show the question of this country's questionnaire that each fact comes from.")
@click.option(
    "--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True, help="Of the questions."
)
@printing
def schema_facts(entity: str | None, country: str | None, language: str, as_json: bool, out: Path | None) -> None:
    """List the facts that contracts map columns onto, with how long each is good and what stands where it is missing."""
    from khana_country.load import list_countries
    from khana_country.questionnaire import questions_by_fact
    from khana_methods.rules.facts import load_facts

    if country and country not in list_countries():
        raise click.UsageError(f"--country is one of {', '.join(list_countries())}.")
    facts = load_facts()
    found = facts.of_entity(entity) if entity else facts.facts.values()
    asked = questions_by_fact(country) if country else {}
    rows = []
    for fact in found:
        row = _fact(fact)
        if country:
            questions = asked.get(fact.name, ())
            row |= {
                "question": " ".join(q.name for q in questions),
                "words": " / ".join(q.words.get(language, "") for q in questions),
            }
        rows.append(row)
    show({"rows": rows}, as_json=as_json, out=out)


def _fact(fact: Any) -> dict[str, Any]:
    names = ("name", "type", "unit", "period", "entities", "pii", "meaning", "good_for_months")
    return {name: getattr(fact, name) for name in names} | {"missing": fact.missing_policy}


@click.group(cls=TeachingGroup, examples=("khana contracts add contracts/oaa.yaml", "khana contracts list"))
def contracts() -> None:
    """Contracts that are kept here, by version."""


@contracts.command("add", examples=("khana contracts add contracts/oaa.yaml",))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@printing
def contracts_add(file: Path, as_json: bool, out: Path | None) -> None:
    """Check a contract and keep it; another body under the same code is its next version."""
    with acting():
        from khana.deliveries import services as deliveries
        from khana.deliveries.contracts.loading import load_contract

        body = load_contract(file).model_dump(mode="json", exclude_defaults=True)
        kept = deliveries.register_contract(body=body, at=clock.now())
        result = {"contract": kept.code, "version": kept.version, "entity": kept.entity}
    show(result, as_json=as_json, out=out)


@contracts.command("list", examples=("khana contracts list", "khana contracts list --json"))
@printing
def contracts_list(as_json: bool, out: Path | None) -> None:
    """List contracts with their newest version."""
    with acting():
        from khana.deliveries import report_rows

        rows = [asdict(contract) for contract in report_rows.list_contracts()]
    show({"rows": rows}, as_json=as_json, out=out)
