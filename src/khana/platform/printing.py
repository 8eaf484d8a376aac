"""Pages printed to PDF by the machine's own Chromium or Chrome, without a network; our own pages, which hold no script.

A browser sets Nastaliq and Bangla right, which few PDF libraries do. Where none is installed the sentence says what to type.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

from khana_methods.errors import NotConfigured, Unavailable

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SECONDS = 60


class NoPrinter(NotConfigured):
    """No browser is installed that could print a PDF."""

    code: ClassVar[str] = "platform.printing.no_printer"


class PrintingFailed(Unavailable):
    """The browser did not print in time."""

    code: ClassVar[str] = "platform.printing.failed"


def find_printer() -> str:
    """Return the browser that prints: the one that KHANA_CHROMIUM names, or the first that is installed.

    Raises:
        NoPrinter: There is none.
    """
    named = os.environ.get("KHANA_CHROMIUM", "")
    found = named if named and Path(named).is_file() else next(filter(None, map(shutil.which, _NAMES)), "")
    if not found:
        raise NoPrinter(
            "A PDF is printed by Chromium, and none is installed. Type `apt-get install chromium`, name one in "
            "KHANA_CHROMIUM, or take the report as HTML or DOCX."
        )
    return str(found)


def pdf_of(page: bytes) -> bytes:
    """Print one HTML page of ours to PDF; nothing outside it is asked, no name resolves.

    Raises:
        NoPrinter: No browser is installed.
        PrintingFailed: It did not print.
    """
    printer = find_printer()
    with tempfile.TemporaryDirectory(prefix="khana-print-") as folder:
        given, made = Path(folder) / "page.html", Path(folder) / "page.pdf"
        given.write_bytes(page)
        words = [
            printer, "--headless", "--disable-gpu", "--disable-extensions", "--disable-background-networking",
            "--disable-dev-shm-usage", "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer",
            f"--print-to-pdf={made}", *(["--no-sandbox"] if os.geteuid() == 0 else []), given.as_uri(),
        ]  # fmt: skip
        try:
            subprocess.run(words, check=True, timeout=_SECONDS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return made.read_bytes()
        except (subprocess.SubprocessError, OSError) as error:
            raise PrintingFailed("The browser did not print the page. Try again.") from error
