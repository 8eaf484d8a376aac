"""Classes of the IMF's government finance statistics: of which expense a programme is, and for which function.

What a benefit is (cash, goods) says its class of expense, and whom it is for its function, unless a country states otherwise.
Benefits that are paid without contributions are social assistance.

Source: IMF, Government Finance Statistics Manual 2014, chapter 6 (expense) and its annex (functions of government).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from khana_methods.yaml_text import read_yaml

UNCLASSED = "7109"


@cache
def _classes() -> dict[str, Any]:
    loaded: dict[str, Any] = read_yaml(Path(__file__).with_name("gfs_classes.yaml").read_text("utf-8"))
    return loaded


def expense_of(benefit_type: int, stated: str = "") -> str:
    """Return the class of expense of a kind of benefit, or the one that is stated for the programme.

    Examples:
        >>> expense_of(1), expense_of(3), expense_of(1, "25")
        ('2721', '2722', '25')
    """
    found: str = stated or _classes()["by_benefit_type"].get(benefit_type, "2721")
    return found


def function_of(target_group: str) -> str:
    """Return the function of government of those whom a programme is for.

    Examples:
        >>> function_of("old_age"), function_of("")
        ('7102', '7109')
    """
    found: str = _classes()["by_target_group"].get(target_group, UNCLASSED)
    return found


def class_name(code: str, language: str) -> str:
    """Return the words of a class, with its code.

    Examples:
        >>> class_name("2721", "en")
        '2721 Social assistance benefits in cash'
    """
    known: Mapping[str, Mapping[str, str]] = {**_classes()["expense"], **_classes()["function"]}
    words = known.get(code)
    return f"{code} {words.get(language) or words['en']}" if words else code
