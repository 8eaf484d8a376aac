"""`khana synth`: a synthetic country of any size, with the truth that was planted in it.

Nobody in it lives. The lists have the mistakes of real lists; `truth/` says which row has which,
so that anyone can hold the findings against it.
"""

from __future__ import annotations

from pathlib import Path

import click

from khana.interfaces.cli.output import TeachingCommand, bar, show


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana synth --country pak --households 2000 --seed 1 --out sample",
        "khana sample load sample/sample.yaml --data sample",
    ),
)
@click.option("--country", type=click.Choice(["pak", "bgd"]), default="pak", show_default=True)
@click.option("--households", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same country.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write into.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def synth(country: str, households: int, seed: int, out: Path, as_json: bool) -> None:
    """Make a country: areas, registers, ministries' lists, contracts, a manifest and the truth."""
    from khana_methods.synth.synthesise import synthesise

    with bar(as_json=as_json) as progress:
        made = synthesise(
            country=country, households=households, seed=seed, out=out,
            progress=lambda done, total: progress(done, total, "households"),
        )  # fmt: skip
    result = {
        "country": country,
        "households": households,
        "seed": seed,
        "out": str(out),
        "manifest": str(made.manifest),
    }
    show({**result, "files": made.files, "list_rows": made.list_rows, "codes": made.codes}, as_json=as_json, out=None)
