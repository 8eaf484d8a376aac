"""The reasons of `reasons.yaml`: what each does to a submission, and how it reads in three languages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from khana_methods.quality.check_list import load_checks
from khana_methods.yaml_text import read_yaml

RETURN, WAIT, NOTE = "RETURN", "WAIT", "NOTE"


@dataclass(frozen=True)
class Reason:
    """One reason: its effect and its words."""

    code: str
    effect: str
    texts: dict[str, str]

    def text(self, language: str) -> str:
        """Return the sentence in a language, else in English."""
        return self.texts.get(language) or self.texts["en"]


@cache
def reasons() -> dict[str, Reason]:
    """Return every reason by code."""
    found = read_yaml(Path(__file__).with_name("reasons.yaml").read_text(encoding="utf-8"))
    return {
        code: Reason(code, body["effect"], {name: body[name] for name in ("en", "ur", "bn")})
        for code, body in found.items()
    }


def say(code: str, language: str) -> str:
    """Return a reason or the finding of a roster check in words; a code of no list as it stands."""
    known = reasons().get(code)
    if known is not None:
        return known.text(language)
    check = load_checks().get(code)
    return str(check.text.get(language) or check.text["en"]) if check else code


def outcome(codes: Iterable[str], accepted: Iterable[str] = ()) -> tuple[str, list[str]]:
    """Return the state that some codes lead to (empty where none stops) and those that lead there.

    A reason that a steward has set aside stops nothing; going back comes before waiting.
    """
    set_aside = set(accepted)
    open_codes = [code for code in dict.fromkeys(codes) if code not in set_aside]
    for effect, state in ((RETURN, "RETURNED"), (WAIT, "WAITING")):
        stopping = [code for code in open_codes if code in reasons() and reasons()[code].effect == effect]
        if stopping:
            return state, stopping
    return "", []
