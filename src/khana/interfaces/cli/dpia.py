"""`khana dpia`: the data-protection impact assessment, filled from the configuration."""

from __future__ import annotations

from pathlib import Path

import click

from khana.interfaces.cli.output import TeachingCommand, printing, show
from khana.interfaces.cli.session import acting
from khana.platform import clock


@click.command(cls=TeachingCommand, examples=("khana dpia --out dpia.md", "khana dpia --json"))
@printing
def dpia(as_json: bool, out: Path | None) -> None:
    """Write the impact assessment: what is held, why, who reads, what leaves, for how long; questions left for a person.

    Filled from this installation as it is now: models, facts, roles, agreements, rules of retention, breaches.
    """
    with acting():
        from khana.dossiers import impact_assessment

        found = impact_assessment.assess(at=clock.now())
        text = impact_assessment.as_markdown(found)
    show(found, as_json=as_json, out=out, text=lambda _result, console: console.print(text, soft_wrap=True))
