"""`khana access walk`: every table, page, operation, command, report and export, as people of different scopes.

The walk itself runs in a process, a folder and a database of its own with made-up people, so that it may write and ask what
it likes. Then the protection of this installation's database is held against that of the one just made.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import click

from khana.interfaces.cli.output import TeachingCommand, bar, printing, show
from khana.interfaces.cli.session import acting
from khana.platform import clock
from khana_methods.errors import Conflict, Unavailable

PARTS = ("tables", "pages", "commands")
_OURS = ("KHANA_", "DJANGO_", "COVERAGE_")  # variables that name the installation: the walk begins without them


class WalkMet(Conflict):
    """Somebody was shown what she should not see, something is unlisted, or the database is not as it was made."""

    code: ClassVar[str] = "cli.access.walk_met"


class WalkBroken(Unavailable):
    """The walk did not come to its end."""

    code: ClassVar[str] = "cli.access.walk_broken"


@click.command(
    "walk", cls=TeachingCommand,
    examples=("khana access walk", "khana access walk --part tables --json", "khana access walk --trial-only --out walk.json"),
)  # fmt: skip
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; all if absent.")
@click.option(
    "--households", type=click.IntRange(100, 20_000), default=150, show_default=True, help="Of the made-up country."
)
@click.option("--trial-only", is_flag=True, help="Do not look at this installation's database; needs no login.")
@printing
def walk(parts: tuple[str, ...], households: int, trial_only: bool, as_json: bool, out: Path | None) -> None:
    """Walk through everything as people of different scopes; exit code 12 where one met what she should not.

    In a database of its own with made-up people: a registrar of one district, an officer of one agency, an analyst and
    somebody who is not signed in go through every table of the catalogue, every page and operation of the resolver and
    every command of the parser, reports and exports with them. What no table classifies yet is reported as unlisted.

    Then policies, privileges, functions and triggers of this installation's database are held against those that its
    version makes. It needs `audit.read` for the whole country, takes some minutes, and stands in the event log.
    """
    if not trial_only:
        _may_walk()
    with bar(as_json=as_json) as progress:
        found = _walked(parts or PARTS, households, lambda number, phase: progress(number, 0, phase))
    changed = [] if trial_only else _held_against(found)
    rows = [
        *found["met"],
        *({"where": "unlisted", "asked": one, "user": "", "found": "stands in no table of the walk", "times": 1}
          for one in found["unlisted"]),
        *({"where": "installation", "asked": f"{one['part']} {one['name']}", "user": "", "found": one["state"], "times": 1}
          for one in changed),
    ]  # fmt: skip
    holds = not rows
    show({"holds": holds, "parts": list(found["parts"]), **found["walked"], "rows": rows}, as_json=as_json, out=out)
    if not holds:
        raise WalkMet(f"The walk met {len(rows)} things that should not be: see the rows.", rows=len(rows))


def _may_walk() -> None:
    with acting():
        from khana.access import services as rights

        rights.require("audit.read", everywhere=True)


def _held_against(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold this installation's database against the one that was just made, and put the walk into the event log."""
    with acting():
        from khana.access import services as rights
        from khana.access import shape
        from khana.audit import services as log

        rights.require("audit.read", everywhere=True)
        changed = shape.differences(shape.of_this_database(), found["shape"])
        details = {"met": len(found["met"]), "unlisted": len(found["unlisted"]), "changed": len(changed),
                   "parts": list(found["parts"])}  # fmt: skip
        log.record(action="access.walk.done", subject="installation:walk", details=details, at=clock.now())
    return changed


def _walked(parts: tuple[str, ...], households: int, tell: Callable[[int, str], None]) -> dict[str, Any]:
    """Run the walk in a folder that is gone afterwards; return what it says."""
    source = str(Path(__file__).resolve().parents[3])
    words = [sys.executable, "-m", "khana_settings.walk", "--households", str(households)]
    words += [word for part in parts for word in ("--part", part)]
    with tempfile.TemporaryDirectory(prefix="khana-walk-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        environment |= {
            "KHANA_VAR": folder, "KHANA_DB_ROLE": "web", "KHANA_ENV": "walk", "PYTHONPATH": source,
            "DJANGO_SETTINGS_MODULE": "khana_settings.settings",
        }  # fmt: skip
        result: dict[str, Any] = {}
        with (
            tempfile.TemporaryFile("w+") as errors,
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
        ):
            for number, line in enumerate(process.stdout or (), 1):
                said = json.loads(line)
                tell(number, str(said.get("phase", "")))
                result = said.get("result", result)
            process.wait()
            errors.seek(0)
            last = "\n".join(errors.read().splitlines()[-3:])
    if not result:
        raise WalkBroken(f"The walk did not come to its end. The last that it said: {last}")
    return result
