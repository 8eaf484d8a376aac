"""`khana rules`: read and check rules, evaluate one on one household with its reasons, count who satisfies it in a file.

Works on files alone: rules as YAML or as text, facts as JSON or YAML, households and members as tables.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingGroup, printing, rows_table, show
from khana_methods.errors import Conflict, InputError
from khana_methods.yaml_text import read_yaml

if TYPE_CHECKING:
    from khana_methods.rules.check import Expression

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class CasesFail(Conflict):
    """A rule does not give what its own cases expect."""

    code: ClassVar[str] = "cli.rules.cases_fail"


class FactsUnreadable(InputError):
    """What was given as facts is no mapping of facts to values."""

    code: ClassVar[str] = "cli.rules.facts_unreadable"


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana rules check rules.yaml",
        "khana rules eval \"rooms < 3 and any_member(age >= 65)\" --facts '{rooms: 2}' --member '{age: 70}'",
        'khana rules count "rooms < 3" --households households.csv --members persons.csv',
    ),
)
def rules() -> None:
    """Rules: check, evaluate one household, count in a file."""


@rules.command(
    examples=(
        "khana rules check rules.yaml                                     every version, every case",
        "khana rules check \"income_month <= amount(10000, 'year', 'household')\"",
        "khana rules check \"age >= 65 and sex = 'F'\" --entity person",
    )
)
@click.argument("rule")
@click.option(
    "--entity",
    type=click.Choice(["household", "person"]),
    default="household",
    show_default=True,
    help="Of a rule as text.",
)
@click.option("--sql", type=click.Choice(["duckdb", "postgres", "spark"]), help="Print what it is compiled to.")
@printing
def check(rule: str, entity: str, sql: str | None, as_json: bool, out: Path | None) -> None:
    """Read RULE (a YAML file of rules, or one rule as text) and say all that is wrong with it; run the cases of a file."""
    if not Path(rule).is_file():
        _check_text(rule, entity, sql, as_json, out)
        return
    from khana_methods.rules.cases import run_cases
    from khana_methods.rules.rulebook import load_rules

    book = load_rules(Path(rule))
    outcomes = run_cases(book)
    lost = [outcome for outcome in outcomes if not outcome.agrees]
    result = {
        "rules": len(book.rules), "cases": len(outcomes), "disagree": len(lost),
        "rows": [
            {"rule": o.case.rule, "case": o.case.name, "on": o.case.on, "expect": o.case.expect, "got": o.got, "why": o.why}
            for o in lost
        ],
    }  # fmt: skip
    show(result, as_json=as_json, out=out, text=_cases)
    if lost:
        raise CasesFail(f"{len(lost)} of {len(outcomes)} cases do not agree with their rule.", cases=len(lost))


def _cases(result: Any, console: Console) -> None:
    console.print(f"{result['rules']} rules are in order; {result['cases']} cases, {result['disagree']} do not agree.")
    if result["rows"]:
        rows_table(result["rows"], console)


def _check_text(text: str, entity: str, sql: str | None, as_json: bool, out: Path | None) -> None:
    from khana_methods.rules.compile import compile_rules
    from khana_methods.rules.explain import reads
    from khana_methods.rules.quantity import in_words

    found = _read(text, entity)
    result: dict[str, Any] = {
        "rule": found.text, "entity": found.entity, "gives": found.quantity.kind, "quantity": in_words(found.quantity),
        "reads": list(reads(found)),
    }  # fmt: skip
    if sql:
        result["sql"] = compile_rules({"value": found}, dialect=sql)
    show(result, as_json=as_json, out=out)


def _read(text: str, entity: str, on: date | None = None) -> Expression:
    """Read a rule as text, with the derived facts that Khana ships in force on a day."""
    from khana_methods.rules.check import read_rule
    from khana_methods.rules.rulebook import load_rules

    book = load_rules()
    day = on or date.today()
    return read_rule(text, entity=entity, derived=book.derived(day))


def _mapping(text: str) -> dict[str, Any]:
    """Read facts from a text or a file of JSON or YAML."""
    import yaml

    try:
        path = Path(text)
        found = read_yaml(path.read_text(encoding="utf-8") if len(text) < 200 and path.is_file() else text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FactsUnreadable("The facts are no JSON or YAML.") from error
    if not isinstance(found, dict):
        raise FactsUnreadable("Facts are a mapping, such as '{rooms: 2, has_tv: true}'.")
    return found


@rules.command(
    "eval",
    examples=(
        "khana rules eval \"rooms < 3 and any_member(age >= 65 and sex = 'F')\" --facts '{rooms: 2}' --member '{age: 70, sex: F}'",
        "khana rules eval \"age >= 65\" --entity person --person '{age: 64}'",
        "khana rules eval dependency_ratio --facts household.yaml",
    ),
)
@click.argument("rule")
@click.option("--facts", default="{}", help="Facts of the household: JSON, YAML or a file; `members` in it is a list.")
@click.option("--member", "members", multiple=True, help="Facts of one member; may stand several times.")
@click.option("--person", help="Facts of the person that the rule is about.")
@click.option("--entity", type=click.Choice(["household", "person"]), default="household", show_default=True)
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Day of the derived facts; today if absent.")
@printing
def evaluate(
    rule: str, facts: str, members: tuple[str, ...], person: str | None, entity: str, on: Any, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Evaluate RULE on one household, and say which clause holds, which fails, and what is missing."""
    from khana_methods.rules.explain import explain, in_words
    from khana_methods.rules.facts import load_facts
    from khana_methods.rules.missing import fill_implied
    from khana_methods.rules.reference import Situation

    found = _read(rule, entity, on.date() if on else None)
    household = _mapping(facts)
    inside = household.pop("members", [])
    if not isinstance(inside, list) or not all(isinstance(one, dict) for one in inside):
        raise FactsUnreadable("Members are a list of mappings.")
    everybody = [*inside, *(_mapping(one) for one in members)]
    own = _mapping(person) if person is not None else None
    if own is not None and own not in everybody:
        everybody.append(own)
    for told in (household, *everybody):
        for name in told:
            load_facts().get(name)
    if entity == "person" and own is None:
        raise click.UsageError("A rule about a person needs --person.")
    full = [fill_implied(one) for one in everybody]
    situation = Situation(fill_implied(household), full, fill_implied(own) if own is not None else None)
    clause = explain(found, situation)
    result = {
        "rule": found.text,
        "outcome": clause.outcome,
        "value": clause.value,
        "missing": list(clause.missing),
        "why": in_words(clause),
    }
    show(result, as_json=as_json, out=out, text=lambda r, console: console.print(r["why"], soft_wrap=True))


@rules.command(
    examples=(
        'khana rules count "rooms < 3" --households households.csv',
        'khana rules count "any_member(age >= 65)" --households h.parquet --members p.parquet --key hh_no',
        'khana rules count "rooms < 3" --households h.csv --column rooms=n_rooms --column has_tv=tv',
    )
)
@click.argument("rule")
@click.option("--households", type=_FILE, required=True, help="One row a household; columns are facts by their names.")
@click.option("--members", type=_FILE, help="One row a person.")
@click.option("--key", default="household_id", show_default=True, help="Column of the household in both files.")
@click.option("--column", "renamed", multiple=True, help="FACT=COLUMN where a file calls a fact otherwise.")
@click.option("--entity", type=click.Choice(["household", "person"]), default="household", show_default=True)
@printing
def count(
    rule: str, households: Path, members: Path | None, key: str, renamed: tuple[str, ...], entity: str, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Count who satisfies RULE in files, who does not, and of whom it is not known because a fact is missing."""
    from khana_methods.rules.count_file import count_in_files

    named = dict(part.split("=", 1) for part in renamed if "=" in part)
    if len(named) < len(renamed):
        raise click.UsageError("--column is FACT=COLUMN.")
    found = _read(rule, entity)
    counts = count_in_files(found, households=households, members=members, key=key, columns=named)
    show({"rule": found.text, "entity": found.entity} | counts, as_json=as_json, out=out)
