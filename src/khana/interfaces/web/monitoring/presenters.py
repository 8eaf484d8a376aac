"""From safe values to words, shades and lines of the pages of indicators; the public page uses the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from khana.geo.area_names import AreaName
from khana.interfaces.web import wording
from khana.interfaces.web.answers.presenters import SHADES
from khana.interfaces.web.tags import day, number, share, span
from khana_methods.coverage.framework import Framework, Indicator
from khana_methods.coverage.safe_values import SafeValue

# indicator -> the rows of the five answers that it counts
ANSWER_ROWS = {
    "RECIPIENTS": "recipients", "TWO_OR_MORE": "overlaps", "OVER_CAP": "cap", "POOR_UNSERVED": "unserved",
    "RECIPIENTS_WELL_OFF": "leakage",
}  # fmt: skip


def shown(one: Indicator, value: SafeValue | None) -> str:
    """Write one value with its unit; hidden and absent ones say so."""
    if value is None:
        return "–"
    if value.hidden:
        return _("hidden")
    return figure(one.unit, value.value)


def figure(unit: str, value: float | None) -> str:
    """Write one figure of a unit."""
    if value is None:
        return "–"
    if unit == "share":
        return share(value)
    if unit == "months":
        return _("%(n)s months") % {"n": number(round(value, 1))}
    if unit == "days":
        return _("%(n)s days") % {"n": number(round(value, 1))}
    return number(round(value)) if abs(value) >= 100 or float(value).is_integer() else number(round(value, 2))


def groups_of_cards(
    framework: Framework, here: Mapping[str, SafeValue], before: Mapping[str, SafeValue], chosen: str
) -> list[dict[str, Any]]:
    """Return the objectives with a card for each indicator that the area has."""
    tongue = wording.language()
    made = []
    for code, names in framework.objectives.items():
        cards = [
            _card(one, here[one.code], before.get(one.code), chosen)
            for one in framework.indicators
            if one.objective == code and one.code in here
        ]
        if cards:
            made.append({"code": code, "name": names.get(tongue) or names["en"], "cards": cards})
    return made


def _card(one: Indicator, value: SafeValue, before: SafeValue | None, chosen: str) -> dict[str, Any]:
    made = {
        "code": one.code, "name": one.name(wording.language()), "text": shown(one, value), "hidden": value.hidden,
        "is_here": one.code == chosen, "of": "", "change": "", "tone": "",
    }  # fmt: skip
    if value.denominator is not None and not value.hidden:
        made["of"] = _("%(n)s of %(d)s") % {
            "n": number(round(value.numerator or 0)),
            "d": number(round(value.denominator)),
        }
    if before is not None and before.value is not None and value.value is not None:
        made |= _change(one, value.value - before.value)
    return made


def _change(one: Indicator, step: float) -> dict[str, str]:
    if abs(step) < (0.0005 if one.unit == "share" else 0.005):
        return {"change": _("as before"), "tone": ""}
    text = _("%(n)s points") % {"n": number(round(100 * step, 1))} if one.unit == "share" else figure(one.unit, step)
    is_good = one.better and (step > 0) == (one.better == "up")
    tone = "" if not one.better else "good" if is_good else "bad"
    return {"change": f"\u2066{'+' if step > 0 else ''}{text}\u2069", "tone": tone}


def definition(one: Indicator) -> dict[str, Any]:
    """Return what an indicator is, in words and as rules."""
    tongue = wording.language()
    return {
        "code": one.code, "name": one.name(tongue), "meaning": one.definition(tongue), "numerator": one.numerator,
        "denominator": one.denominator, "of": wording.say(RELATION, one.relation), "unit": wording.say(UNIT, one.unit),
        "frequency": wording.say(FREQUENCY, one.frequency), "owner": one.owner, "source": one.source,
        "baseline": _anchor(one, one.baseline), "target": _anchor(one, one.target), "plain_unit": one.unit,
        "by": [wording.say(FACT, fact) for fact in one.disaggregation],
    }  # fmt: skip


def _anchor(one: Indicator, anchor: Any) -> str:
    return f"{figure(one.unit, anchor.value)} ({day(anchor.day)}; {anchor.source})" if anchor else ""


def places(one: Indicator, areas: Sequence[AreaName], values: Mapping[str, SafeValue]) -> list[dict[str, Any]]:
    """Return the areas right below with their figure and its shade, highest first."""
    edges = edges_of([v.value for v in values.values() if v.value is not None])
    made = []
    for area in areas:
        value = values.get(area.code)
        plain = value.value if value else None
        made.append({
            "code": area.code, "name": area.called(wording.language()), "value": "" if plain is None else plain,
            "text": shown(one, value), "shade": "#dfe6e5" if plain is None else SHADES[sum(plain >= edge for edge in edges)],
            "numerator": value.numerator if value else None, "denominator": value.denominator if value else None,
        })  # fmt: skip
    return sorted(made, key=lambda row: (row["value"] == "", -(row["value"] or 0), str(row["name"])))


def edges_of(values: Sequence[float]) -> list[float]:
    """Return the lower edges of the shades above the lightest: fifths of the span between the ends."""
    if not values or min(values) == max(values):
        return []
    low, step = min(values), (max(values) - min(values)) / 5
    return [low + step * part for part in (1, 2, 3, 4)]


def legend(one: Indicator, values: Iterable[SafeValue]) -> list[dict[str, str]]:
    """Return the words of each shade, and of grey."""
    known = [v.value for v in values if v.value is not None]
    edges = edges_of(known)
    if not known:
        return []
    ends = [min(known), *edges, max(known)]
    texts = (
        [span(figure(one.unit, low), figure(one.unit, high)) for low, high in pairwise(ends)]
        if edges
        else [figure(one.unit, known[0])]
    )
    rows = [{"shade": shade, "text": text} for shade, text in zip(SHADES, texts, strict=False)]
    return [*rows, {"shade": "#dfe6e5", "text": _("hidden or not known")}]


def history(one: Indicator, found: Sequence[tuple[date, SafeValue]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return one row for each day and area of a figure's past."""
    return [
        {
            "name": day(when), "series": names.get(value.area_code, value.area_code), "text": shown(one, value),
            "value": "" if value.value is None else value.value, "known": "no" if value.value is None else "yes",
        }
        for when, value in found
    ]  # fmt: skip


def groups(one: Indicator, values: Sequence[SafeValue], programmes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the figure by each fact that it is split by."""
    made: dict[str, list[dict[str, Any]]] = {}
    for value in values:
        if value.indicator == one.code and value.group_by:
            name = programmes.get(value.group_value) or wording.say(GROUP, value.group_value)
            made.setdefault(value.group_by, []).append({
                "name": name, "text": shown(one, value), "value": value.value or 0,
                "numerator": value.numerator, "denominator": value.denominator,
            })  # fmt: skip
    return [{"fact": fact, "name": wording.say(FACT, fact), "rows": rows} for fact, rows in made.items()]


def funnel(framework: Framework, here: Mapping[str, SafeValue]) -> list[dict[str, Any]]:
    """Return the stages of the delivery chain in one area, each against the one before; who waits stands beside it."""
    made: list[dict[str, Any]] = []
    before: float | None = None
    for step in framework.funnel:
        one, value, delay = framework.indicator(step.code), here.get(step.code), here.get(step.delay)
        count = value.numerator if value and not value.hidden else None
        days = delay.value if delay and not delay.hidden else None
        made.append({
            "name": one.name(wording.language()), "value": count or 0, "text": number(round(count)) if count is not None else shown(one, value),
            "conversion": count / before if count is not None and before else None, "is_aside": step.is_aside,
            "days": "" if days is None else figure("days", days),
        })  # fmt: skip
        if not step.is_aside:
            before = count
    return made


def _lazy() -> tuple[Mapping[str, Any], ...]:
    from django.utils.translation import gettext_lazy as _

    relation = {"household": _("registered households"), "recipient": _("recipients on the one list"), "payment": _("rows of connected lists"),
                "enrolment": _("enrolments"), "grievance": _("appeals, proposals and corrections"), "budget": _("lines of budgets")}  # fmt: skip
    unit = {"share": _("share"), "count": _("households"), "people": _("persons"), "money": _("money"), "months": _("months"), "rows": _("rows"),
            "days": _("days"), "ratio": _("ratio"), "places": _("enrolments and places on waiting lists"), "cases": _("appeals, proposals and corrections")}  # fmt: skip
    frequency = {
        "month": _("every month"),
        "quarter": _("every quarter"),
        "half_year": _("every half-year"),
        "year": _("every year"),
    }
    fact = {"area_type": _("Urban and rural"), "survey_mode": _("How it came to be interviewed"), "is_woman_headed": _("Headed by a woman"),
            "programme": _("Programme"), "agency": _("Agency"), "period": _("Period"), "is_registered": _("Registered"),
            "fifth": _("Fifth of the population by score"), "state": _("State of the enrolment"), "kind": _("Kind of case"),
            "government": _("Government that pays"), "year": _("Fiscal year"), "cash_programmes": _("Cash programmes")}  # fmt: skip
    group = {"urban": _("urban"), "rural": _("rural"), "true": _("yes"), "false": _("no"), "desk": _("at the desk"), "door": _("door to door"),
             "": _("not stated"), "STOP_APPEAL": _("appeal against a stop"), "FILTER_APPEAL": _("appeal against a filter"),
             "FILE_CORRECTION": _("something wrong in one's own file"),
             "PROPOSAL": _("proposal of a local government"), "CORRECTION": _("correction of a list"), "ENROLLED": _("enrolled"),
             "SUSPENDED": _("suspended"), "WAITLISTED": _("waiting"), "IDENTIFIED": _("identified"), "SELECTED": _("selected"),
             "NOTIFIED": _("notified"), "DECLINED": _("declined"), "GRADUATED": _("graduated"), "EXITED": _("left")}  # fmt: skip
    return relation, unit, frequency, fact, group


RELATION, UNIT, FREQUENCY, FACT, GROUP = _lazy()
