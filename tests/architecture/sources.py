"""What the architecture tests look at: the order of rooms from the contract, and the parsed sources.

The order is read from `pyproject.toml`, so that there is one list. Every file is parsed once.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src"
PACKAGES = ("khana", "khana_methods", "khana_country", "khana_settings")


@cache
def layers() -> tuple[tuple[str, ...], ...]:
    """Return the rooms from the highest to the lowest; rooms of one layer are strangers."""
    document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (chain,) = (c for c in document["tool"]["importlinter"]["contracts"] if c["id"] == "chain")
    return tuple(tuple(room.strip() for room in layer.split("|")) for layer in chain["layers"])


@cache
def height(room: str) -> int:
    """Return how high a room stands; 0 is the lowest."""
    order = layers()
    return next(len(order) - number for number, layer in enumerate(order) if room in layer) - 1


def is_below(lower: str, upper: str) -> bool:
    """Tell whether `upper` may call `lower`: strangers of one layer may not."""
    return height(lower) < height(upper)


def room_of(module: str) -> str:
    """Return the room of a dotted module name such as `khana.registry.models`; empty where none."""
    parts = module.split(".")
    rooms = {room for layer in layers() for room in layer}
    return parts[1] if len(parts) > 1 and parts[0] == "khana" and parts[1] in rooms else ""


@cache
def parsed(path: Path) -> ast.Module:
    """Parse one file, once."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def python_files(*, with_migrations: bool = False) -> list[Path]:
    """List every Python file of the product."""
    return sorted(
        path
        for package in PACKAGES
        for path in (SOURCE / package).rglob("*.py")
        if with_migrations or "migrations" not in path.parts
    )


def module_of(path: Path) -> str:
    """Return the dotted name of a file under `src/`."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield every module that a file imports, with the line; `from a import b` gives a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno
            for name in node.names:
                yield f"{node.module}.{name.name}", node.lineno
