"""A list of two gigabytes through `khana import benefits`: what memory it takes, beside the size of the file.

Size: MiB of the file. The figure is the peak resident memory of the importing process, the limit
the file itself: a reader that streams stays far below it, whatever the size.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench._world import World, result, world

SIZE = 2048
CONTRACT = """code: big
entity: benefit
country: pak
agency: A
file: {format: csv, encoding: utf-8, delimiter: ","}
date_order: dmy
facts:
  beneficiary_id_number: CNIC
  beneficiary_name: Name
  amount: Amount
  period: Quarter
  programme: {constant: BIG}
"""


def run(size: int) -> dict[str, Any]:
    with world() as w:
        folder = w.folder / "big"
        folder.mkdir()
        (folder / "big.yaml").write_text(CONTRACT)
        (folder / "programmes.csv").write_text("code,name,agency\nBIG,Big list,A\n")
        (folder / "programmes.yaml").write_text(
            "code: big-programmes\nentity: programme\ncountry: pak\nfile: {format: csv, encoding: utf-8, delimiter: ','}\n"
            "facts: {programme: code, programme_name: name, agency: agency}\n"
        )
        with w.timed("write the file"):
            rows = _write(folder / "big.csv", size << 20)
        _khana(w, "import", "programmes", str(folder / "programmes.csv"), "--contract", str(folder / "programmes.yaml"))
        _khana(
            w, "sources", "add", "--code", "BIG", "--title", "Big", "--agency", "A", "--programme", "BIG",
            "--contract", str(folder / "big.yaml"),
        )  # fmt: skip
        with w.timed("import"):
            peak = _khana(w, "import", "benefits", str(folder / "big.csv"), "--source", "BIG", "--json")
        return result(
            w, figure=peak, unit="MiB at its peak", limit=float(size), limit_is="MiB of the file", ratio=peak / size, size=size,
            rows=rows, inputs={"big.csv": "made up from a counter"},
        )  # fmt: skip


def _write(path: Path, wanted: int) -> int:
    """Write rows of a counter until the file is large enough; return how many."""
    remarks = "as told by the office of the union council to be seen again at the next round of the survey " * 3
    with path.open("w") as handle:
        handle.write("CNIC,Name,Amount,Quarter,Remarks\n")
        rows = 0
        while handle.tell() < wanted:
            handle.writelines(
                f"{3_000_000_000_000 + n},Person of line {n},8500,Q1-2026,{remarks}\n"
                for n in range(rows, rows + 10_000)
            )
            rows += 10_000
    return rows


def _khana(w: World, *words: str) -> float:
    """Run one command; return the peak of its resident memory in MiB."""
    source = str(Path(__file__).resolve().parents[1] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "KHANA_TOKEN": w.token}
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "khana", *words], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (words, time.monotonic() - start)
    return usage.ru_maxrss / 1024
