"""What a command prints: help that teaches, a table or one JSON object, a progress bar.

`--json` prints exactly one JSON object on standard output and nothing else; `--out` writes the
same to a file that appears whole or not at all. Progress goes to standard error, and only where
a person looks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, TypeVar
from uuid import UUID

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from khana.platform.progress import Progress, silent

F = TypeVar("F", bound=Callable[..., Any])
Text = Callable[[Mapping[str, Any], "Console"], None]


class TeachingCommand(click.Command):
    """A command whose help ends with examples that can be typed as they are."""

    def __init__(self, *words: Any, examples: Sequence[str] = (), **more: Any) -> None:
        super().__init__(*words, **more)
        self.examples = tuple(examples)

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, unwrapped."""
        write_examples(self.examples, formatter)


class TeachingGroup(click.Group):
    """A group whose help ends with examples; its commands teach too."""

    command_class = TeachingCommand

    def __init__(self, *words: Any, examples: Sequence[str] = (), **more: Any) -> None:
        super().__init__(*words, **more)
        self.examples = tuple(examples)

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, unwrapped."""
        write_examples(self.examples, formatter)


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Write a section of examples into a help page, a line each."""
    if examples:
        with formatter.section("Examples"):
            for line in examples:
                formatter.write(f"  {line}\n")


_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
_OUT = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to FILE instead of the screen."
)


def printing(function: F) -> F:
    """Add `--json` and `--out` to a command; its function takes `as_json` and `out`."""
    return _OUT(_JSON(function))


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: dates as ISO text, decimals as text, sets as lists."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def show(result: Mapping[str, Any], *, as_json: bool, out: Path | None, text: Text | None = None) -> None:
    """Print one result for people or for machines, on the screen or into a file.

    Args:
        result: One object; `rows` in it is a list of rows of equal keys.
        as_json: For machines.
        out: A file that is written whole, or not at all; JSON when its name says so.
        text: How people read it; fields and a table of the rows if absent.
    """
    if out is None:
        _write(result, sys.stdout, as_json, text)
        return
    from khana_methods.engine.whole_file import whole_file  # a command that writes no file starts without it

    with whole_file(out) as place, place.open("w", encoding="utf-8") as handle:
        _write(result, handle, as_json or out.suffix == ".json", text)
    print(f"Written to {out}.", file=sys.stderr)


def _write(result: Mapping[str, Any], target: IO[str], as_json: bool, text: Text | None) -> None:
    if as_json:
        print(json.dumps(result, default=plain, ensure_ascii=False), file=target)
        return
    width = None if target.isatty() else 160
    (text or fields_and_rows)(result, Console(file=target, highlight=False, width=width, markup=False))


def fields_and_rows(result: Mapping[str, Any], console: Console) -> None:
    """Write the fields of a result as lines and its rows as a table."""
    for name, value in result.items():
        if not (name == "rows" and isinstance(value, list)) and value not in (None, "", [], {}):
            console.print(f"{name.replace('_', ' ')}: {_cell(value)}", soft_wrap=True)
    if isinstance(result.get("rows"), list):
        rows_table(result["rows"], console)


# columns of numbers that name something: they are no amounts and are not grouped by thousands
NAMES = frozenset({"person", "row", "batch", "run", "line", "line_no", "birth_year", "group", "id", "grant", "level"})


def rows_table(rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Write rows as a table, or say that there are none."""
    if not rows:
        console.print("Nothing to show.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        numbers = isinstance(rows[0][name], int | float | Decimal) and not isinstance(rows[0][name], bool)
        table.add_column(name.replace("_", " "), justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(
            *(str(value) if name in NAMES and value is not None else _cell(value) for name, value in row.items())
        )
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(item)}" for name, item in value.items())
    return str(value)


@contextmanager
def bar(*, as_json: bool) -> Iterator[Progress]:
    """Lend a progress bar on standard error; a silent one where nobody looks."""
    if as_json or not sys.stderr.isatty():
        yield silent
        return
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        phases: dict[str, Any] = {}

        def tell(done: int, total: int, phase: str) -> None:
            if phase not in phases:
                phases[phase] = bars.add_task(phase, total=total or None)
            bars.update(phases[phase], completed=done, total=total or None)

        yield tell
