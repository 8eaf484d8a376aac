"""Information campaigns beside the vans: areas drawn into arms and a control, and what each arm brought for its money.

Nearly half of the excluded lack information. Arms (SMS, radio, community, school) are drawn by chance within strata of alike areas,
so that what differs afterwards is the campaign's doing; errors are over areas, because an area is what was drawn.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import stats

from khana_methods.errors import InputError

CONTROL = "control"


class CampaignWrong(InputError):
    """Too few areas for the arms, an arm without a control, or counts that cannot be."""

    code: ClassVar[str] = "coverage.campaign_wrong"


@dataclass(frozen=True, slots=True)
class CampaignArea:
    """One area: its missing poor, registrations of them before and after, and answers of a survey where one was made."""

    code: str
    arm: str
    missing: float
    before: float
    after: float
    cost: float = 0.0
    asked: float = 0.0
    aware: float = 0.0


@dataclass(frozen=True, slots=True)
class ArmResult:
    """What one arm brought against the control.

    Attributes:
        arm: Name.
        areas: How many were drawn.
        rate_before: Registered of 1 missing, before.
        rate_after: The same after.
        effect: Change of the rate less the control's change.
        lower: Of the effect.
        upper: Of the effect.
        p_value: Of no effect.
        aware: Share of those asked who knew how to register; None where nobody was asked.
        aware_more: That less the control's.
        additional: Registered households that the campaign brought.
        cost: Of the arm.
        cost_per_household: Cost over additional; None where it brought none.
        cost_upper: At the lower end of the effect; None where that is not above nought.
    """

    arm: str
    areas: int
    rate_before: float
    rate_after: float
    effect: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    aware: float | None
    aware_more: float | None
    additional: float | None
    cost: float
    cost_per_household: float | None
    cost_upper: float | None


def assign_arms(
    areas: Mapping[str, tuple[str, float]], arms: Sequence[str], *, control_share: float = 0.25, seed: int
) -> dict[str, str]:
    """Draw areas into arms and a control, within strata of province and number of missing.

    Args:
        areas: Code to (province, missing).
        arms: Names of the campaigns; the control is added.
        control_share: Share of the areas of each stratum that stay without.
        seed: The same seed draws the same.

    Raises:
        CampaignWrong: Fewer than two areas an arm, a share outside 0 and 1, or no arm.

    Source:
        Bruhn and McKenzie 2009 (American Economic Journal: Applied 1), stratified randomisation of groups.

    Examples:
        >>> drawn = assign_arms({f"u{k}": ("p", float(k)) for k in range(12)}, ["sms", "radio"], seed=1)
        >>> sorted((arm, sum(1 for one in drawn.values() if one == arm)) for arm in set(drawn.values()))
        [('control', 3), ('radio', 4), ('sms', 5)]
    """
    named = [arm for arm in dict.fromkeys(arms) if arm and arm != CONTROL]
    if not named or not 0 < control_share < 1 or len(areas) < 2 * (len(named) + 1):
        raise CampaignWrong(
            "A campaign needs an arm, a control between 0 and 1, and two areas for each of them at least."
        )
    random = np.random.default_rng(seed)
    by_province: dict[str, list[str]] = defaultdict(list)
    for code in sorted(areas):
        by_province[areas[code][0]].append(code)
    drawn: dict[str, str] = {}
    carried = 0.0
    turn = 0
    for province in sorted(by_province):
        inside = sorted(by_province[province], key=lambda code: (areas[code][1], code))
        size = max(len(named) + 1, math.ceil(len(inside) / 3))
        for start in range(0, len(inside), size):
            part = [inside[start : start + size][at] for at in random.permutation(len(inside[start : start + size]))]
            carried += control_share * len(part)
            held = math.floor(carried + 1e-9)
            carried -= held
            for code in part[:held]:
                drawn[code] = CONTROL
            for code in part[held:]:
                drawn[code] = named[turn % len(named)]
                turn += 1
    return drawn


def detectable(
    areas: int, households: float, rate: float, icc: float, *, power: float = 0.8, level: float = 0.95
) -> float:
    """Return the smallest change of a rate that so many areas in each of two arms can tell.

    Source:
        Donner and Klar 2000, Design and Analysis of Cluster Randomization Trials, ch. 5.

    Examples:
        >>> round(detectable(40, 200, 0.2, 0.02), 4)
        0.0395
    """
    if areas < 2 or households <= 0 or not 0 < rate < 1 or not 0 <= icc < 1:
        raise CampaignWrong("Two areas, a household, a rate between 0 and 1 and an intraclass correlation are needed.")
    inflated = 1 + (households - 1) * icc
    spread = math.sqrt(2 * rate * (1 - rate) * inflated / (areas * households))
    return float((stats.norm.ppf(0.5 + level / 2) + stats.norm.ppf(power)) * spread)


def measure(areas: Sequence[CampaignArea], *, level: float = 0.95) -> list[ArmResult]:
    """Return what each arm brought: difference in differences of the registered among the missing, over areas.

    Args:
        areas: One row each, with its arm; the control is named `control`.
        level: Of the intervals.

    Raises:
        CampaignWrong: No control, an arm with fewer than two areas, or an area without missing households.

    Source:
        Difference of mean changes of areas, weighted by their missing; Welch's test (Welch 1947, Biometrika 34).
    """
    by_arm: dict[str, list[CampaignArea]] = defaultdict(list)
    for one in areas:
        if one.missing <= 0 or min(one.before, one.after, one.cost, one.asked) < 0 or one.aware > one.asked:
            raise CampaignWrong(f"The counts of area {one.code} cannot be.", area=one.code)
        by_arm[one.arm].append(one)
    if CONTROL not in by_arm or any(len(part) < 2 for part in by_arm.values()):
        raise CampaignWrong("There is a control, and every arm has two areas at least.")
    base = _change(by_arm[CONTROL])
    base_aware = _aware(by_arm[CONTROL])
    made = [_arm(CONTROL, by_arm[CONTROL], None, None, level)]
    made += [_arm(arm, part, base, base_aware, level) for arm, part in sorted(by_arm.items()) if arm != CONTROL]
    return made


def _change(part: Sequence[CampaignArea]) -> tuple[float, float, float]:
    """Return the weighted mean change of an arm, its squared error and its degrees of freedom."""
    weight = np.array([one.missing for one in part])
    change = np.array([(one.after - one.before) / one.missing for one in part])
    share = weight / weight.sum()
    mean = float(share @ change)
    n = len(part)
    variance = float((share**2 * (change - mean) ** 2).sum() * n / (n - 1))
    return mean, variance, n - 1.0


def _aware(part: Sequence[CampaignArea]) -> float | None:
    asked = sum(one.asked for one in part)
    return sum(one.aware for one in part) / asked if asked else None


def _arm(
    arm: str, part: Sequence[CampaignArea], base: tuple[float, float, float] | None, base_aware: float | None, level: float
) -> ArmResult:  # fmt: skip
    missing, cost = sum(one.missing for one in part), sum(one.cost for one in part)
    before, after = sum(one.before for one in part) / missing, sum(one.after for one in part) / missing
    aware = _aware(part)
    if base is None:
        return ArmResult(arm, len(part), before, after, None, None, None, None, aware, None, None, cost, None, None)
    own = _change(part)
    effect, variance = own[0] - base[0], own[1] + base[1]
    se = math.sqrt(variance)
    below = own[1] ** 2 / own[2] + base[1] ** 2 / base[2]
    df = variance**2 / below if below else own[2] + base[2]
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    p_value = float(2 * stats.t.sf(abs(effect) / se, df)) if se else None
    brought = effect * missing
    low = (effect - half) * missing
    return ArmResult(
        arm, len(part), before, after, effect, effect - half, effect + half, p_value, aware,
        aware - base_aware if aware is not None and base_aware is not None else None, brought, cost,
        cost / brought if brought > 0 else None, cost / low if low > 0 else None,
    )  # fmt: skip
