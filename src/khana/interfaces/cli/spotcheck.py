"""`khana spotcheck`: plan, announce and draw a third-party check, and compare what it found.

Works on files, without a registry. What is drawn names whom to visit; what they answered is not in it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from khana.interfaces.cli.checks import MEMORY
from khana.interfaces.cli.method_files import FILE, TARGET, write_frame
from khana.interfaces.cli.output import F, TeachingGroup, printing, show
from khana_methods.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from khana_methods.quality.spot_checks.draw import Design


class AnnouncementUnreadable(InputError):
    """The file of the announcement is not one that `khana spotcheck announce` wrote."""

    code: ClassVar[str] = "cli.spotcheck.announcement_unreadable"


class ColumnMissing(InputError):
    """A column that the command names is not in the file."""

    code: ClassVar[str] = "cli.spotcheck.column_missing"


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana spotcheck plan --good 0.05 --bad 0.20",
        "khana spotcheck announce --frame households.csv --key household_id --size 400 --stratum district --seed-file seed.txt "
        "--out announced.json",
        "khana spotcheck draw --frame households.csv --announced announced.json --seed-file seed.txt --out sample.csv",
        "khana spotcheck analyse --survey survey.csv --back-check again.csv --key household_id --questions questions.yaml",
    ),
)
def spotcheck() -> None:
    """Third-party spot checks: sampling, lots, re-interviews."""


@spotcheck.command(
    examples=("khana spotcheck plan --good 0.05 --bad 0.20", "khana spotcheck plan --good 0.05 --bad 0.10 --n 19")
)
@click.option(
    "--good", type=click.FloatRange(0, 1), required=True, help="Share of faulty interviews at which a lot should pass."
)
@click.option("--bad", type=click.FloatRange(0, 1), required=True, help="Share at which it should not.")
@click.option(
    "--producer", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Risk to fail a good lot."
)
@click.option(
    "--consumer", type=click.FloatRange(0, 1), default=0.10, show_default=True, help="Risk to pass a bad lot."
)
@click.option("--lot", type=click.IntRange(1), help="Interviews of the lot, where it is small.")
@click.option("--n", type=click.IntRange(1), help="Judge this number instead of finding one.")
@printing
def plan(
    good: float,
    bad: float,
    producer: float,
    consumer: float,
    lot: int | None,
    n: int | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Say how many interviews of a lot to check and how many faults to allow, from the risks asked for."""
    from khana_methods.quality.spot_checks.lots import chance_to_pass, judge_plan, plan_lot

    if n is None:
        found = plan_lot(good, bad, producer=producer, consumer=consumer, lot=lot)
    else:
        found = judge_plan(n, good, bad, producer=producer, consumer=consumer, lot=lot)
    shares = sorted({good, bad, 0.02, 0.05, 0.10, 0.20, 0.30, 0.50})
    rows = [
        {"true_share_of_faults": p, "chance_to_pass": round(chance_to_pass(found.n, found.d, p, lot), 4)}
        for p in shares
    ]
    result: dict[str, Any] = {
        "check": found.n,
        "allow_faults": found.d,
        "risk_to_fail_a_good_lot": round(found.producer_risk, 4),
        "risk_to_pass_a_bad_lot": round(found.consumer_risk, 4),
        "can_tell": found.can_tell,
        "warning": found.warning,
        "rows": rows,
    }
    show(result, as_json=as_json, out=out)


def _designed(function: F) -> F:
    """Add the options that say how a sample is drawn."""
    for option in (
        click.option(
            "--reserve", type=click.IntRange(0), default=0, show_default=True, help="Reserves in each stratum or area."
        ),
        click.option("--least", type=click.IntRange(0), default=2, show_default=True, help="Fewest of a stratum."),
        click.option("--take", type=click.IntRange(0), default=0, help="Units in each area that is drawn."),
        click.option("--cluster", default="", help="Column of the area: areas are drawn first."),
        click.option("--size-column", default="", help="Column of the size that the chance is proportional to."),
        click.option("--stratum", default="", help="Column of the stratum, such as enumerator or district."),
    ):
        function = option(function)
    return function


@spotcheck.command(
    examples=(
        "khana spotcheck announce --frame frame.csv --key household_id --size 400 --stratum district --seed-file seed.txt --out a.json",
    )
)
@click.option("--frame", type=FILE, required=True, help="One row per household or interview.")
@click.option("--key", required=True, help="Column that names it.")
@click.option("--size", type=click.IntRange(1), required=True, help="How many to draw in all.")
@_designed
@click.option(
    "--seed-file", type=FILE, required=True, help="A file whose text is the seed; keep it closed until the draw."
)
@MEMORY
@printing
def announce(
    frame: Path, key: str, size: int, stratum: str, size_column: str, cluster: str, take: int, least: int, reserve: int,
    seed_file: Path, memory: int, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Hash frame, seed and design: publish what this prints before anybody draws."""
    from khana_methods.quality.spot_checks.draw import Design
    from khana_methods.quality.spot_checks.draw import announce as make

    design = Design(key, size, stratum, size_column, cluster, take, least, reserve)
    found = make(_table(frame, memory), design, _seed(seed_file))
    show(found.as_dict(), as_json=as_json or out is not None, out=out)


@spotcheck.command(
    examples=(
        "khana spotcheck draw --frame frame.csv --announced a.json --seed-file seed.txt --out sample.csv",
        "khana spotcheck draw --frame frame.csv --key household_id --size 100 --seed-file seed.txt --out sample.csv",
    )
)
@click.option("--frame", type=FILE, required=True, help="The frame that was announced.")
@click.option("--announced", type=FILE, help="What `announce` wrote; frame, seed and design must be those.")
@click.option("--key", default="", help="Without an announcement: column that names a unit.")
@click.option("--size", type=click.IntRange(0), default=0, help="Without an announcement: how many.")
@_designed
@click.option("--seed-file", type=FILE, required=True, help="The seed, opened now.")
@click.option(
    "--keep", default="", help="Further columns for who visits, such as village, comma between; never answers."
)
@click.option("--out", type=TARGET, required=True, help="The sample (.csv, .xlsx, .parquet).")
@MEMORY
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def draw(
    frame: Path, announced: Path | None, key: str, size: int, stratum: str, size_column: str, cluster: str, take: int,
    least: int, reserve: int, seed_file: Path, keep: str, out: Path, memory: int, as_json: bool,
) -> None:  # fmt: skip
    """Draw the sample that was announced; the same files give the same sample on any machine."""
    from khana_methods.quality.spot_checks.draw import Announcement, Design, hash_frame
    from khana_methods.quality.spot_checks.draw import draw as make

    told: Announcement | None = None
    if announced is not None:
        told, design = _read_announcement(announced)
    else:
        if not key or not size:
            raise click.UsageError("Give --announced, or --key and --size.")
        design = Design(key, size, stratum, size_column, cluster, take, least, reserve)
    table = _table(frame, memory)
    sample = make(table, design, _seed(seed_file), told)
    kept = tuple(name.strip() for name in keep.split(",") if name.strip())
    if kept:
        sample = _with_columns(sample, table, design.key, kept)
    write_frame(sample, out)
    result: dict[str, Any] = {
        "drawn": sample.column("is_reserve").to_pylist().count(False),
        "reserves": sample.column("is_reserve").to_pylist().count(True),
        "units": table.num_rows,
        "frame_hash": hash_frame(table, design),
        "as_announced": announced is not None,
        "out": str(out),
    }
    show(result, as_json=as_json, out=None)


@spotcheck.command(
    examples=("khana spotcheck form --form household.xlsx --questions q.yaml --out recheck.xlsx",),
)
@click.option("--form", "form_file", type=FILE, required=True, help="The questionnaire as an XLSForm (.xlsx).")
@click.option("--questions", type=FILE, required=True, help="What is compared: name, type 1-3, tolerance (YAML).")
@click.option("--out", type=TARGET, required=True, help="The workbook to write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def form(form_file: Path, questions: Path, out: Path, as_json: bool) -> None:
    """Write the masked form of the re-interview: those questions again, with nothing of the first answers in it.

    Another firm fills it on any server that takes XLSForms; `sample_unit` is the key for `analyse`.
    """
    from khana.interfaces.cli import session

    session.setup()
    from khana.intake.xlsform.read import read_xlsform
    from khana.intake.xlsform.recheck import masked_workbook
    from khana_methods.quality.spot_checks.compare import load_questions

    names = [question.name for question in load_questions(questions)]
    data = masked_workbook(form_file.read_bytes(), names)
    made = read_xlsform(data, name="recheck.xlsx")
    out.write_bytes(data)
    show({"form": made.form_id, "questions": names, "file": str(out)}, as_json=as_json, out=None)


@spotcheck.command(
    examples=(
        "khana spotcheck analyse --survey s.csv --back-check b.csv --key household_id --questions q.yaml --by enumerator,team",
        "khana spotcheck analyse --survey s.csv --back-check b.csv --key id --questions q.yaml --lot enumerator --good 0.05 --bad 0.2",
    )
)
@click.option("--survey", type=FILE, required=True, help="One row per interview.")
@click.option("--back-check", type=FILE, required=True, help="One row per re-interview, with the same columns.")
@click.option("--key", required=True, help="Column of both that names the household.")
@click.option("--questions", type=FILE, required=True, help="What to compare: name, type 1-3, tolerance (YAML).")
@click.option("--by", default="", help="Columns to give error rates by, comma between: enumerator, team, back-checker.")
@click.option(
    "--ok-rate",
    type=click.FloatRange(0, 1),
    default=0.10,
    show_default=True,
    help="Rate above which a group is marked.",
)
@click.option("--score", default="", help="Column of the score, to count who changes sides of the cut-off.")
@click.option("--cut-off", type=float, help="At or under it is eligible.")
@click.option("--lot", default="", help="Column whose groups are lots: each passes or not.")
@click.option(
    "--good",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Share of faulty households of a good lot.",
)
@click.option("--bad", type=click.FloatRange(0, 1), default=0.20, show_default=True, help="Share of a bad lot.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the bootstrap.")
@click.option("--differences", type=TARGET, help="Write every answer that differs. Personal.")
@click.option("--groups", type=TARGET, help="Write error rates by group.")
@MEMORY
@printing
def analyse(
    survey: Path, back_check: Path, key: str, questions: Path, by: str, ok_rate: float, score: str, cut_off: float | None,
    lot: str, good: float, bad: float, seed: int, differences: Path | None, groups: Path | None, memory: int,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Compare interviews with re-interviews: error rates, response variance, reliability, flips, lots."""
    from khana_methods.quality.spot_checks.compare import compare, load_questions
    from khana_methods.quality.spot_checks.verdicts import flips_of, judge_lots

    first, again = _table(survey, memory), _table(back_check, memory)
    columns = tuple(dict.fromkeys([*(name.strip() for name in by.split(",") if name.strip()), *([lot] if lot else [])]))
    found = compare(first, again, key, load_questions(questions), by=columns, ok_rate=ok_rate, seed=seed)
    for table, target in ((found.differences, differences), (found.groups, groups)):
        if target is not None:
            write_frame(table, target)
    result: dict[str, Any] = {"households": found.households.num_rows, "unpaired": found.unpaired}
    if score and cut_off is not None:
        result["flips"] = flips_of(first, again, key, score, cut_off)
    if lot:
        result["lots"] = judge_lots(found.households, lot, first.column(lot).to_pylist(), good=good, bad=bad)
    result["over_limit"] = [
        {name: row[name] for name in ("by", "name", "type", "rate", "compared")}
        for row in found.groups.to_pylist()
        if row["over_limit"]
    ]
    rounded = [
        {n: round(v, 4) if isinstance(v, float) else v for n, v in row.items()} for row in found.questions.to_pylist()
    ]
    short = (
        "question",
        "type",
        "compared",
        "differences",
        "rate",
        "rate_low",
        "rate_high",
        "kappa",
        "srv",
        "reliability",
    )
    result["rows"] = rounded if as_json or out is not None else [{name: row[name] for name in short} for row in rounded]
    show(result, as_json=as_json, out=out)


def _table(path: Path, memory: int) -> pa.Table:
    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import load_table

    with Engine(memory_mib=memory) as engine:
        load_table(engine, "given", path)
        return engine.table("SELECT * FROM given")


def _seed(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def _read_announcement(path: Path) -> tuple[Any, Design]:
    from khana_methods.quality.spot_checks.draw import Announcement, Design

    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Announcement(**told), Design(**told["design"])
    except (ValueError, KeyError, TypeError) as error:
        raise AnnouncementUnreadable(
            f"{path.name} is not what `khana spotcheck announce --out` writes.", file=path.name
        ) from error


def _with_columns(sample: pa.Table, frame: pa.Table, key: str, names: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa

    lost = [name for name in names if name not in frame.schema.names]
    if lost:
        raise ColumnMissing(f"The frame has no column {', '.join(lost)}.", columns=lost)
    for name in names:
        of = dict(zip((str(k) for k in frame.column(key).to_pylist()), frame.column(name).to_pylist(), strict=True))
        values = [of[k] for k in sample.column(key).to_pylist()]
        sample = sample.append_column(name, pa.array(["" if v is None else str(v) for v in values], pa.string()))
    return sample
