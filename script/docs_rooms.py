#!/usr/bin/env python3
"""Write the diagram and the table of rooms into ARCHITECTURE.md, from the contract that runs.

The order of rooms is the `chain` contract in pyproject.toml and the words are the rooms' own
docstrings. `--check` changes nothing and exits 1 when the page has drifted.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "ARCHITECTURE.md"
BEGIN = "<!-- rooms: written by script/docs_rooms.py, do not edit -->"
END = "<!-- end of rooms -->"


def contract(document: dict[str, object], name: str) -> list[list[str]]:
    """Return the layers of one contract from the highest to the lowest, strangers side by side."""
    contracts = document["tool"]["importlinter"]["contracts"]  # type: ignore[index]
    (found,) = (c for c in contracts if c["id"] == name)
    return [[room.strip() for room in layer.split("|")] for layer in found["layers"]]


def docstring(package: str, room: str) -> str:
    """Return what a room knows: the first two paragraphs of its docstring, the second where it is short."""
    folder = REPOSITORY / "src" / package / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    if not text:
        raise SystemExit(f"{file.relative_to(REPOSITORY)} has no docstring.")
    first, _, rest = text.partition("\n\n")
    second = rest.partition("\n\n")[0]
    return " ".join((first if len(second) > 300 else f"{first} {second}").split())


def diagram(layers: list[list[str]], package: str) -> list[str]:
    """Draw the layers as a Mermaid chart: an arrow means may call."""
    lines = ["```mermaid", "flowchart TB"]
    for number, layer in enumerate(layers):
        lines.append(f'  subgraph {package}_{number}[" "]')
        lines.append("    direction LR")
        lines += [f"    {package}_{room}[{room}]" for room in layer]
        lines.append("  end")
    lines += [f"  {package}_{number} --> {package}_{number + 1}" for number in range(len(layers) - 1)]
    return [*lines, "```"]


def table(layers: list[list[str]], package: str) -> list[str]:
    """List every room with what it knows, from its docstring."""
    rows = ["| room | what it knows and does |", "|---|---|"]
    for layer in layers:
        rows += [f"| `{room}` | {docstring(package, room)} |" for room in layer]
    return rows


def written() -> str:
    """Return the page as it should be: its own text, with the generated part renewed."""
    document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    chain, core = contract(document, "chain"), contract(document, "core-order")
    part = [
        BEGIN,
        "",
        "### Offices: `khana`",
        "",
        "An arrow means *may call*; rooms side by side are strangers to each other.",
        "",
        *diagram(chain, "khana"),
        "",
        *table(chain, "khana"),
        "",
        "### Methods: `khana_methods`",
        "",
        *diagram(core, "khana_methods"),
        "",
        *table(core, "khana_methods"),
        "",
        END,
    ]
    page = PAGE.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        raise SystemExit("ARCHITECTURE.md has lost the marks between which the rooms are written.")
    before, rest = page.split(BEGIN, 1)
    return before + "\n".join(part) + rest.split(END, 1)[1]


def main() -> int:
    """Write the page, or with `--check` tell whether it has drifted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 on drift")
    wanted = written()
    if parser.parse_args().check:
        if PAGE.read_text(encoding="utf-8") != wanted:
            print("ARCHITECTURE.md has drifted from the rooms. Run script/docs_rooms.py.", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
