"""`khana checks`: is what a roster or a day's interviews say true? Works on files, without a registry.

Findings are written to a file; the screen shows counts. Nothing here is sent anywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from khana.interfaces.cli.method_files import FILE, PLACE, TARGET, one_place, roster_asked_for, write_frame
from khana.interfaces.cli.output import TeachingGroup, printing, show

if TYPE_CHECKING:
    import pyarrow as pa

LANGUAGE = click.option(
    "--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True, help="Of the texts."
)
COUNTRY = click.option("--country", default="pak", show_default=True, help="Whose numbers a contract reads.")
CONTRACT = click.option(
    "--contract", "contracts", type=FILE, multiple=True, help="How to read persons, households: may be repeated."
)
REGISTRY = click.option(
    "--registry", is_flag=True, help="The registry itself, as far as you may see it, in place of --in."
)
MEMORY = click.option("--memory", type=click.IntRange(256), default=2048, show_default=True, help="MiB for the engine.")


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana checks run --in registry-export --out findings.csv",
        "khana checks list --language ur",
    ),
)
def checks() -> None:
    """Check rosters and interviews; findings are to be looked at and accuse nobody."""


@checks.command(
    name="run",
    examples=(
        "khana checks run --in registry-export --out findings.csv",
        "khana checks run --registry --out findings.csv",
        "khana checks run --registry --batch 12 --out findings.csv",
        "khana checks run --in roster.xlsx --contract roster.yaml --out findings.csv --waivers waivers.csv",
    ),
)
@click.option("--in", "place", type=PLACE, help="Folder with persons (and households), or one file.")
@REGISTRY
@click.option(
    "--batch", type=int, help="With --registry: only households of which this batch brought a line (`khana import`)."
)
@click.option("--out", type=TARGET, help="Findings: household_id, line_no, code, severity (.csv, .xlsx, .parquet).")
@CONTRACT
@click.option("--checks", "files", type=FILE, multiple=True, help="Checks of your own beside those shipped (YAML).")
@click.option("--waivers", type=FILE, help="Findings set aside: household_id, line_no, code, reason.")
@click.option("--waived", type=TARGET, help="Write the findings that were set aside too.")
@COUNTRY
@LANGUAGE
@MEMORY
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def run(
    place: Path | None, registry: bool, batch: int | None, out: Path | None, contracts: tuple[Path, ...], files: tuple[Path, ...], waivers: Path | None,
    waived: Path | None, country: str, language: str, memory: int, as_json: bool,
) -> None:  # fmt: skip
    """Check the households and persons of a roster against each other.

    Columns are recognised by the registry's facts (`khana schema facts`), by usual names, or by contracts. A check
    that needs a fact which the files do not state is not run, and is named.
    """
    from khana_methods.engine.duckdb import Engine
    from khana_methods.quality.check_list import load_checks
    from khana_methods.quality.run_checks import run_checks

    chosen = load_checks(*files)
    wanted = frozenset(name for check in chosen.values() for name in check.needs) | {"is_member", "birth_date"}
    one_place(place, registry)
    with (
        Engine(memory_mib=memory) as engine,
        roster_asked_for(engine, place, contracts, country, wanted, "checks", batch) as (roster, refused),
    ):
        found = run_checks(engine, roster, checks=chosen, waivers=_waivers(engine, waivers))
    if out is not None:
        write_frame(found.frame, out)
    if waived is not None:
        write_frame(found.waived, waived)
    rows = [
        {"code": code, "severity": chosen[code].severity, "findings": count, "text": chosen[code].text[language]}
        for code, count in found.counts.items()
        if count or as_json
    ]
    result: dict[str, Any] = {
        "households": found.households,
        "members": found.members,
        "guests": found.guests,
        "findings": found.frame.num_rows,
        "set_aside": found.waived.num_rows,
        "rows_refused": refused,
        "not_understood": dict(roster.not_understood),
        "not_run": {code: list(lacking) for code, lacking in found.not_run.items()},
        "rows": rows,
    }
    show(result, as_json=as_json, out=None)


def _waivers(engine: Any, path: Path | None) -> pa.Table | None:
    """Read the findings that were set aside; a blank line number is the household's own."""
    if path is None:
        return None
    from khana_methods.engine.files import load_table

    load_table(engine, "waivers_read", path)
    found: pa.Table = engine.table(
        """SELECT household_id, CAST(nullif(trim(CAST(line_no AS VARCHAR)), '') AS BIGINT) AS line_no, code, reason
           FROM waivers_read"""
    )
    return found


@checks.command(name="list", examples=("khana checks list", "khana checks list --language bn --json"))
@click.option("--checks", "files", type=FILE, multiple=True, help="Checks of your own beside those shipped (YAML).")
@LANGUAGE
@printing
def list_(files: tuple[Path, ...], language: str, as_json: bool, out: Path | None) -> None:
    """Show every check: severity, what it says, the rule or method, where it comes from."""
    from khana_methods.quality.check_list import load_checks

    rows = [
        {
            "code": check.code,
            "severity": check.severity,
            "of": check.entity,
            "text": check.text[language],
            "condition": check.rule.text if check.rule is not None else check.method,
            "can_be_set_aside": check.can_be_waived,
            "source": check.source,
        }
        for check in load_checks(*files).values()
    ]
    show({"rows": rows}, as_json=as_json, out=out)


@checks.command(
    examples=(
        "khana checks hfc submissions.csv --columns submission=key,enumerator=enum_id,started=start,ended=end --enumerators e.csv",
        "khana checks hfc submissions.parquet --columns submission=id,enumerator=who,minutes=min,latitude=lat,longitude=lon "
        "--findings f.csv --questions q.csv",
    ),
)
@click.argument("file", type=FILE)
@click.option("--columns", required=True, help="PART=COLUMN, comma between; see the parts above.")
@click.option("--answers", help="Columns that are answers, comma between; all that play no part by default.")
@click.option("--leave-out", default="", help="Columns that are neither, comma between.")
@click.option("--limits", type=FILE, help="Limits of your own (YAML).")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="The day of the check; today by default.")
@click.option("--findings", type=TARGET, help="Write submission, enumerator, code, variable, value.")
@click.option("--enumerators", type=TARGET, help="Write a line per enumerator.")
@click.option("--questions", type=TARGET, help="Write a line per question.")
@MEMORY
@printing
def hfc(
    file: Path, columns: str, answers: str | None, leave_out: str, limits: Path | None, today: Any,
    findings: Path | None, enumerators: Path | None, questions: Path | None, memory: int, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """High-frequency checks of a FILE of submissions: durations, repeats, missing answers, positions, heaping.

    \b
    Parts: submission, enumerator (both needed), started, ended, minutes, latitude, longitude, accuracy,
    village, village_latitude, village_longitude, age. More columns named allow more checks.

    The order of review says whom to visit first. It accuses nobody.
    """  # noqa: D301 - \b is click's own mark for a block that keeps its lines
    from datetime import UTC, datetime

    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import load_table
    from khana_methods.quality.interviews.review import review
    from khana_methods.quality.interviews.submissions import lay_out, load_limits

    roles = dict(part.strip().partition("=")[::2] for part in columns.split(","))
    with Engine(memory_mib=memory) as engine:
        load_table(engine, "submissions_read", file)
        layout = lay_out(engine, "submissions_read", roles, answers=_names(answers), leave_out=_names(leave_out))
        day = today.date() if today is not None else datetime.now(UTC).date()
        found = review(engine, layout, limits=load_limits(limits), today=day)
    for table, target in ((found.findings, findings), (found.enumerators, enumerators), (found.questions, questions)):
        if target is not None:
            write_frame(table, target)
    counts: dict[str, int] = {}
    for code in found.findings.column("code").to_pylist():
        counts[code] = counts.get(code, 0) + 1
    shown = ("enumerator", "submissions", "minutes_median", "day_most", "alike_median", "review_rank", "first")
    rows = [{name: row[name] for name in shown} for row in found.enumerators.to_pylist()]
    result = dict(found.overall) | {"findings": counts, "rows": rows if as_json else rows[:20]}
    show(result, as_json=as_json, out=out)


def _names(text: str | None) -> tuple[str, ...]:
    """Read names with commas between."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
