"""From the fields of the form to a position of the simulator, and back to what the form shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from khana.platform import installation
from khana_methods.targeting.simulate import Policy, PolicyInvalid

DEFAULT_CUT_OFF = 32.0


@dataclass(frozen=True)
class Asked:
    """What the form asks: the policy, the line, the cube and the survey; and the fields as they were typed."""

    policy: Policy
    line: float | None
    cube: int | None
    survey: int | None
    typed: dict[str, Any]


def defaults() -> dict[str, str]:
    """Return the fields of a fresh page: the installation's cut-off, no limit."""
    stated = installation.read().get("parameters", {})
    cut_off = float(stated.get("cut_off", DEFAULT_CUT_OFF))
    return {
        "cut_off": f"{cut_off:g}", "benefit": "", "months": "12", "quota": "", "budget": "", "cap": "", "disability_points": "0",
        "female_head_points": "0", "floor": "0", "line": "", "cube": "", "survey": "",
    }  # fmt: skip


def read(fields: QueryDict) -> Asked:
    """Read the fields of the form; an empty one means no limit.

    Raises:
        PolicyInvalid: A field is no number, or means nothing.
    """
    typed = {name: fields.get(name, value)[:40].strip() for name, value in defaults().items()}
    policy = Policy(
        cut_off=_number(typed, "cut_off", DEFAULT_CUT_OFF), benefit=_number(typed, "benefit", 0.0),
        months=int(_number(typed, "months", 12)), quota=_limit(typed, "quota"), budget=_some(typed, "budget"),
        cap=_limit(typed, "cap"), disability_points=_number(typed, "disability_points", 0.0),
        female_head_points=_number(typed, "female_head_points", 0.0), floor=_number(typed, "floor", 0.0) / 100,
    )  # fmt: skip
    policy.check()
    line = _some(typed, "line")
    return Asked(policy, line or None, _limit(typed, "cube"), _limit(typed, "survey"), typed)


def shown(policy: Policy, line: float | None) -> dict[str, str]:
    """Return the fields that a stored position would have in the form."""
    return {
        **defaults(), "cut_off": f"{policy.cut_off:g}", "benefit": f"{policy.benefit:g}" if policy.benefit else "",
        "months": str(policy.months), "quota": "" if policy.quota is None else str(policy.quota),
        "budget": "" if policy.budget is None else f"{policy.budget:.0f}", "cap": "" if policy.cap is None else str(policy.cap),
        "disability_points": f"{policy.disability_points:g}", "female_head_points": f"{policy.female_head_points:g}",
        "floor": f"{policy.floor * 100:g}", "line": "" if line is None else f"{line:g}",
    }  # fmt: skip


def _some(typed: dict[str, Any], name: str) -> float | None:
    text = typed[name].replace(",", "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise PolicyInvalid(f"'{name.replace('_', ' ')}' is a number.", field=name) from error
    if not math.isfinite(value):
        raise PolicyInvalid(f"'{name.replace('_', ' ')}' is a number.", field=name)
    return value


def _number(typed: dict[str, Any], name: str, absent: float) -> float:
    value = _some(typed, name)
    return absent if value is None else value


def _limit(typed: dict[str, Any], name: str) -> int | None:
    value = _some(typed, name)
    return None if value is None else int(value)
