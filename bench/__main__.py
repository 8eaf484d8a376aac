"""`script/bench NAME [--size N] [--json]`: run one benchmark and print its figure beside its limit."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys

import bench


def main() -> None:
    names = sorted(
        m.name for m in pkgutil.iter_modules(bench.__path__) if not m.name.startswith("_") and m.name != "world"
    )
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("name", choices=names)
    parser.add_argument("--size", type=int, default=None, help="households, persons or rows: see the benchmark")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    module = importlib.import_module(f"bench.{chosen.name}")
    result = module.run(chosen.size or module.SIZE)
    if chosen.json:
        print(json.dumps(result))
        return
    print(f"{chosen.name}: {result['figure']:.4g} {result['unit']}, limit {result['limit']:.4g} ({result['limit_is']})")
    print(f"ratio {result['ratio']:.3f}, peak {result['peak_mib']:.0f} MiB, size {result['size']}", file=sys.stdout)
    for name, value in result["timings"].items():
        print(f"  {name:40} {value}")


if __name__ == "__main__":
    main()
