"""A world to measure in: a database of its own in a temporary folder, a synthetic country, a steward."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass
class Clock:
    """Wall seconds by name, and what else a benchmark tells beside its figure."""

    timings: dict[str, Any] = field(default_factory=dict, kw_only=True)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the wall seconds of a block under a name."""
        start = time.perf_counter()
        yield
        self.timings[name] = round(time.perf_counter() - start, 3)
        print(f"  {name}: {self.timings[name]} s", file=sys.stderr)


@dataclass
class World(Clock):
    """One benchmark's surroundings."""

    folder: Path
    token: str = ""

    def now(self) -> datetime:
        return datetime.now(UTC)


def say(text: str) -> None:
    print(text, file=sys.stderr)


@contextmanager
def world() -> Iterator[World]:
    """Start a Khana in a temporary folder, with one data steward; removed afterwards.

    KHANA_BENCH_KEEP names a folder to keep instead: the next benchmark finds there the country that
    the last one loaded, if it was of the same size. Its database is then not empty: only benchmarks
    that read a loaded country should share one.
    """
    kept = os.environ.get("KHANA_BENCH_KEEP")
    folder = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="khb-", dir=os.environ.get("KHANA_BENCH_DIR")))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["KHANA_VAR"] = str(folder)
    os.environ["KHANA_DB_ROLE"] = "worker"
    os.environ["KHANA_ENV"] = "bench"
    os.environ["DJANGO_SETTINGS_MODULE"] = "khana_settings.settings"
    import subprocess

    from khana.platform import embedded

    source = str(Path(__file__).resolve().parents[1] / "src")
    environment = {**os.environ, "PYTHONPATH": source}
    try:
        subprocess.run([sys.executable, "-m", "khana", "migrate"], check=True, env=environment)
        if not (folder / "run" / "operator.token").exists():
            subprocess.run([sys.executable, "-m", "khana", "bootstrap", "operator"], check=True, env=environment)
        import django

        django.setup()
        yield World(folder, (folder / "run" / "operator.token").read_text().strip())
    finally:
        embedded.stop()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def peak_mib() -> float:
    """Return the largest resident memory of this process or of any finished child, in MiB."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) / 1024


def hashes(*paths: Path) -> dict[str, str]:
    """Return the SHA-256 of each input."""
    out = {}
    for path in paths:
        digest = hashlib.sha256()
        with path.open("rb") as handle:
            while part := handle.read(1 << 20):
                digest.update(part)
        out[path.name] = digest.hexdigest()
    return out


def synthesise(w: World, households: int) -> Path:
    """Make a synthetic country in the world's folder."""
    from khana_methods.synth.synthesise import synthesise as make

    out = w.folder / "country"
    with w.timed("synth"):
        make(country="pak", households=households, seed=7, out=out)
    return out


def loaded_country(w: World, households: int) -> Path:
    """Make a synthetic country and load it by its manifest, unless a kept world holds just that; return its folder."""
    data, mark = w.folder / "country", w.folder / "loaded.households"
    if mark.exists() and mark.read_text() == str(households):
        return data
    synthesise(w, households)
    from khana.workflows import load_manifest

    with w.timed("load"):
        load_manifest.run(token=w.token, manifest=data / "sample.yaml", data=data, at=w.now())
    mark.write_text(str(households))
    return data


def result(w: World, **values: Any) -> dict[str, Any]:
    """Return one benchmark's object."""
    return {**values, "peak_mib": round(peak_mib(), 1), "timings": w.timings}
