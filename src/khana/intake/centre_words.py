"""The lists of `centres.yaml`: what a visitor comes for, why she goes first, what came of it, and how long is too long."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from khana_methods.errors import InputError
from khana_methods.yaml_text import read_yaml


class CodeUnknown(InputError):
    """A purpose, a reason to go first or an outcome is not on its list."""

    code: ClassVar[str] = "intake.centres.code_unknown"


@dataclass(frozen=True)
class CentreWords:
    """Codes with their words by language, and the limits of a queue."""

    purposes: dict[str, dict[str, str]]
    priorities: dict[str, dict[str, str]]
    outcomes: dict[str, dict[str, str]]
    patience_minutes: int
    early_minutes: int
    late_minutes: int
    revisit_days: int


@cache
def centre_words() -> CentreWords:
    """Return the lists."""
    return CentreWords(**read_yaml(Path(__file__).with_name("centres.yaml").read_text(encoding="utf-8")))


def known(code: str, of: dict[str, dict[str, str]], *, may_be_empty: bool = False) -> str:
    """Return a code that is on its list.

    Raises:
        CodeUnknown: It is not; the message names the list.
    """
    if code in of or (may_be_empty and not code):
        return code
    raise CodeUnknown(f"'{code}' is not on the list: {', '.join(of)}.", given=code, known=list(of))
