"""The manifest and the contracts of a made-up country: how its files are to be read.

Written as plain YAML; this module knows the words of the contract and nothing of its reader.
"""

from __future__ import annotations

from pathlib import Path


def write_manifest(country: str, out: Path, households: int) -> None:
    """Write ``sample.yaml`` and ``contracts/*.yaml``."""
