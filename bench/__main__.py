"""`script/bench NAME [--size N] [--json]`: run one benchmark and print its figure beside its limit."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys

import bench


def main() -> None:
    names = sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if not m.name.startswith("_"))
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
    limit, ratio = (
        (f"{result['limit']:.4g}", f"{result['ratio']:.3f}") if result["limit"] else ("not measured", "not measured")
    )
    print(f"{chosen.name}: {result['figure']:.4g} {result['unit']}, limit {limit} ({result['limit_is']})")
    print(f"ratio {ratio}, peak {result['peak_mib']:.0f} MiB, size {result['size']}", file=sys.stdout)
    for name, value in result["timings"].items():
        print(f"  {name:40} {value}")


if __name__ == "__main__":
    main()
