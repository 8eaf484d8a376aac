"""`khana linkage train|models|approve|run|queue|label|sample|estimate|export`: matching inside the registry.

They act as a user under the same policies as the pages; long work runs here, in the foreground, with a
progress bar, or as a job that a page or the API asks for.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, ClassVar

import click

from khana.interfaces.cli.output import TeachingCommand, bar, printing, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock
from khana_methods.errors import InputError

_OUTCOMES = ("SAME", "DIFFERENT", "UNSURE", "ASK_FIELD")
_STATES = ("REVIEW", "ASK_FIELD", "LINKED", "REJECTED")


class LabelsUnreadable(InputError):
    """A file of labels needs the columns `pair` and `outcome`."""

    code: ClassVar[str] = "cli.linkage.labels_unreadable"


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana linkage train",
        "khana linkage train --version PK-2026-2 --json",
        "khana linkage train --labels      learn from what people said of pairs too",
    ),
)
@click.option("--version", default="", help="Name of the model; country, day and time if absent.")
@click.option("--memory", type=click.IntRange(256), default=3072, show_default=True, help="MiB for the engine.")
@click.option("--labels", is_flag=True, help="Learn from labels too: outcomes of pairs of two files.")
@printing
def train(version: str, memory: int, labels: bool, as_json: bool, out: Path | None) -> None:
    """Train a model on the registry as it stands; it stays a draft until two people approve it.

    With --labels the outcomes that people gave are kept to while EM learns from all the other pairs, and with a hundred
    of them or more they, and not the model itself, say from which probability on links are right.
    """
    acting_token = token()
    from khana.workflows import match_registry

    with bar(as_json=as_json) as progress:
        result = match_registry.train(
            token=acting_token,
            version=version,
            progress=progress,
            at=clock.now(),
            memory_mib=memory,
            with_labels=labels,
        )
    show(result, as_json=as_json, out=out)


@click.command(cls=TeachingCommand, examples=("khana linkage models", "khana linkage models PK-2026-1 --out card.json"))
@click.argument("version", required=False)
@printing
def models(version: str | None, as_json: bool, out: Path | None) -> None:
    """List models with their approvals, or give one model's card."""
    with acting():
        from khana.access import services as access
        from khana.linkage import selectors

        access.require("linkage.read")
        if version:
            model = selectors.get_matching_model(version)
            result: dict[str, Any] = {**model.card, "state": model.state, "estimate_from_labels": model.estimate}
        else:
            result = {"rows": selectors.list_models()}
    show(result, as_json=as_json, out=out)


@click.command(cls=TeachingCommand, examples=("khana linkage approve PK-2026-1",))
@click.argument("version")
@printing
def approve(version: str, as_json: bool, out: Path | None) -> None:
    """Approve a model in your name; the second person's approval brings it into use."""
    with acting():
        from khana.linkage.services import keep_models

        result = keep_models.approve_model(version=version, at=clock.now())
    show(result, as_json=as_json, out=out)


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana linkage run",
        "khana linkage run --changes      after a day's work",
        "KHANA_ENGINE=spark khana linkage run",
    ),
)
@click.option("--memory", type=click.IntRange(256), default=3072, show_default=True, help="MiB for the engine.")
@click.option("--changes", is_flag=True, help="Only files written since the last run, at the cost of the changes.")
@printing
def run(memory: int, changes: bool, as_json: bool, out: Path | None) -> None:
    """Find who stands in the registry more than once, with the model in use; the same data give the same pairs.

    What people decided stays. Rows of lists are linked by `khana consolidate`. With --changes only files that were
    written since the last run are matched, against whoever shares a key with them.
    """
    acting_token = token()
    from khana.workflows import match_changes, match_registry

    work = match_changes.run if changes else match_registry.run
    with bar(as_json=as_json) as progress:
        result = work(token=acting_token, progress=progress, at=clock.now(), memory_mib=memory)
    show(result, as_json=as_json, out=out)


@click.command(
    cls=TeachingCommand,
    examples=("khana linkage queue", "khana linkage queue --state ASK_FIELD --limit 200 --out questions.json"),
)
@click.option("--state", type=click.Choice(_STATES), default="REVIEW", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--after", type=click.IntRange(0), default=0, show_default=True, help="Pass over so many.")
@printing
def queue(state: str, limit: int, after: int, as_json: bool, out: Path | None) -> None:
    """List pairs that wait for somebody, what is at stake first, then what an answer tells most."""
    with acting():
        from khana.access import services as access
        from khana.linkage import selectors

        access.require("linkage.read")
        pairs = selectors.queue(decision=state)[after : after + limit]
        rows = [
            {
                "id": one.pk, "kind": one.kinds, "left": one.left_id, "right": one.right_id, "stake": one.stake,
                "gain": round(one.gain, 3), "probability": round(one.probability, 4), "weight": round(one.match_weight, 1),
                "contradiction": one.contradiction,
            }
            for one in pairs
        ]  # fmt: skip
        said = selectors.agreement()
        result = {
            "counts": {k.lower(): n for k, n in selectors.count_by_decision().items()}, "second_opinions": said.pairs,
            "kappa": None if said.kappa is None else round(said.kappa, 3), "rows": rows,
        }  # fmt: skip
    show(result, as_json=as_json, out=out)


@click.command(
    cls=TeachingCommand,
    examples=("khana linkage label 41 SAME", "khana linkage label --file labels.csv      columns: pair,outcome"),
)
@click.argument("pair", type=int, required=False)
@click.argument("outcome", type=click.Choice(_OUTCOMES, case_sensitive=False), required=False)
@click.option("--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="CSV of labels.")
@printing
def label(pair: int | None, outcome: str | None, path: Path | None, as_json: bool, out: Path | None) -> None:
    """Say of one pair, or of every pair in a file, whether it is one person; all of a file or nothing."""
    if (path is None) == (pair is None or outcome is None):
        raise click.UsageError("Give PAIR and OUTCOME, or --file labels.csv.")
    labels = _read_labels(path) if path else [(int(pair or 0), (outcome or "").upper())]
    with acting():
        from khana.linkage.services import review

        done = [review.give_outcome(pair_id=one, outcome=said, origin="FILE", at=clock.now()) for one, said in labels]
    rows = [{"pair": one.pair_id, "decision": one.decision, "waits_for_second": one.waits_for_second} for one in done]
    show({"labels": len(done), "rows": rows[:1000]}, as_json=as_json, out=out)


def _read_labels(path: Path) -> list[tuple[int, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if not {"pair", "outcome"} <= set(reader.fieldnames or ()):
            raise LabelsUnreadable("A file of labels needs the columns pair and outcome.")
        try:
            return [(int(row["pair"]), row["outcome"].strip().upper()) for row in reader]
        except ValueError as error:
            raise LabelsUnreadable(f"Line {reader.line_num}: the pair is no number.", line=reader.line_num) from error


@click.command(cls=TeachingCommand, examples=("khana linkage sample --limit 400 --out sample.json",))
@click.option("--limit", type=click.IntRange(1, 5000), default=400, show_default=True)
@printing
def sample(limit: int, as_json: bool, out: Path | None) -> None:
    """Give the random draw of pairs whose labels tell precision and recall; label them with `khana linkage label`."""
    with acting():
        from khana.access import services as access
        from khana.linkage import selectors

        access.require("linkage.read")
        last = selectors.get_run()
        rows = [
            {"place": one.sample, "pair": one.pk, "left": one.left_id, "right": one.right_id, "stratum": one.stratum}
            for one in selectors.sample(run_id=last.pk, limit=limit)
        ]
    show({"run": last.pk, "rows": rows}, as_json=as_json, out=out)


@click.command(cls=TeachingCommand, examples=("khana linkage estimate", "khana linkage estimate --keep --json"))
@click.option("--keep", is_flag=True, help="Write it beside the model's card.")
@printing
def estimate(keep: bool, as_json: bool, out: Path | None) -> None:
    """Estimate precision and recall of the last run from the labels on its draw, with 95 % intervals."""
    with acting():
        from khana.workflows import estimate_matching

        result = estimate_matching.run(keep=keep, at=clock.now())
    show(result, as_json=as_json, out=out)


@click.command(
    cls=TeachingCommand,
    examples=("khana linkage export --out pairs.csv", "khana linkage export --state LINKED --out pairs.parquet"),
)
@click.option(
    "--state", "states", type=click.Choice(_STATES), multiple=True, help="Only pairs in this state; may repeat."
)
@printing
def export(states: tuple[str, ...], as_json: bool, out: Path | None) -> None:
    """Write stored pairs: which record, which other, weight, probability, decision, cluster.

    CSV on the screen or into --out; Parquet where the name of the file ends so; --json for machines.
    """
    from khana.interfaces.cli.tables import write_table

    with acting():
        from khana.access import services as access
        from khana.dossiers import linkage_pairs

        access.require("linkage.read")
        table = linkage_pairs.pairs(states or linkage_pairs.SHOWN)
    if as_json:
        show({"pairs": table.num_rows, "rows": table.to_pylist()}, as_json=True, out=out)
    else:
        write_table(table, out)


COMMANDS = (train, models, approve, run, queue, label, sample, estimate, export)
