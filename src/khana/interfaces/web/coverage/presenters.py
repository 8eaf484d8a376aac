"""From the figures of a study to cards, bars with their intervals, and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from khana.geo.area_names import AreaName
from khana.interfaces.web import wording
from khana.interfaces.web.answers.presenters import SHADES
from khana.interfaces.web.monitoring.presenters import edges_of
from khana.interfaces.web.tags import number, share, span
from khana.monitoring.selectors import StudyFile

ESTIMATOR = {
    "registered_share": gettext_lazy("Share registered"),
    "registered_share_corrected": gettext_lazy("Share registered, corrected for linkage error"),
    "missing": gettext_lazy("Missing"), "missing_corrected": gettext_lazy("Missing, corrected for linkage error"),
    "poor_registered_share": gettext_lazy("Share of the poor registered"),
    "poor_registered_share_corrected": gettext_lazy("Share of the poor registered, corrected"),
    "poor_missing_share": gettext_lazy("Share of the poor missing"), "poor_missing": gettext_lazy("Poor and missing"),
    "poor_missing_corrected": gettext_lazy("Poor and missing, corrected"),
    "dual_system_chapman": gettext_lazy("All there are, by two lists (Chapman)"),
    "dual_system_survey": gettext_lazy("All there are, registry over its share"),
    "census_ratio": gettext_lazy("Registered over counted by the census"),
    "moved": gettext_lazy("Registered but moved"), "dead": gettext_lazy("Registered but dead"),
    "not_found": gettext_lazy("Registered but not found"), "false_positive_share": gettext_lazy("Registered, not there any more"),
}  # fmt: skip
WEIGHT = {
    "household": gettext_lazy("households"),
    "population": gettext_lazy("people"),
    "none": gettext_lazy("not weighted"),
}
SHARES = ("registered_share", "missing", "poor_registered_share", "poor_missing_share", "poor_missing")


def is_share(estimator: str) -> bool:
    """Tell whether a figure is shown in per cent."""
    return "share" in estimator or estimator == "census_ratio" or estimator.startswith("reason: ")


def told(row: Mapping[str, Any], key: str = "estimate") -> str:
    """Write one figure of a row with its unit."""
    value = row.get(key)
    if value is None:
        return "–"
    if is_share(str(row["estimator"])):
        return share(value)
    return number(round(value)) if abs(value) >= 10 else number(round(value, 3))


def interval(row: Mapping[str, Any]) -> str:
    """Write the interval of a figure; empty where it has none."""
    return "" if row.get("lower") is None else span(told(row, "lower"), told(row, "upper"))


def name_of(estimator: str) -> str:
    """Return the words of an estimator."""
    if estimator.startswith("reason: "):
        return estimator[8:]
    if estimator.startswith("accuracy: "):
        return estimator[10:]
    return wording.say(ESTIMATOR, estimator)


def weights_of(found: StudyFile) -> list[str]:
    """Return the weightings that a study has, households first."""
    return [one for one in ("household", "population") if any(row["weight"] == one for row in found.figures)]


def cards(found: StudyFile, weight: str) -> list[dict[str, str]]:
    """Return the figures of everybody, the corrected one before the plain where both stand."""
    whole = {r["estimator"]: r for r in found.figures if r["domain"] == "all" and r["level"] == "all" and r["weight"] in (weight, "none")}  # fmt: skip
    wanted = (
        ("registered_share_corrected", "registered_share"), ("missing_corrected", "missing"), ("poor_missing_share",),
        ("poor_missing_corrected", "poor_missing"), ("dual_system_chapman",), ("false_positive_share",),
    )  # fmt: skip
    made = []
    for names in wanted:
        row = next((whole[name] for name in names if name in whole), None)
        if row is not None:
            made.append({"label": name_of(row["estimator"]), "value": told(row), "unit": interval(row)})
    return made


def domains(found: StudyFile, weight: str, areas: Mapping[str, AreaName]) -> list[dict[str, Any]]:
    """Return each domain with bars of its shares and its counts of missing."""
    made: dict[str, list[Mapping[str, Any]]] = {}
    for row in found.figures:
        if row["domain"] not in ("all", "fact") and row["weight"] == weight:
            made.setdefault(row["domain"], []).append(row)
    return [_domain(domain, rows, areas) for domain, rows in made.items()]


def _domain(domain: str, rows: Sequence[Mapping[str, Any]], areas: Mapping[str, AreaName]) -> dict[str, Any]:
    by_level: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        by_level.setdefault(str(row["level"]), {})[row["estimator"]] = row
    levels = []
    for level, own in by_level.items():
        first = own.get("registered_share_corrected") or own.get("registered_share")
        missing = own.get("missing_corrected") or own.get("missing")
        poor = own.get("poor_missing_share")
        levels.append({
            "level": level, "name": areas[level].called(wording.language()) if level in areas else level,
            "code": areas[level].code if level in areas else "", **bar(first), "n": first["n"] if first else 0,
            "note": (first or {}).get("note", ""), "missing": told(missing) if missing else "–",
            "missing_interval": interval(missing) if missing else "", "poor": bar(poor), "raw": first["estimate"] if first else None,
        })  # fmt: skip
    is_mapped = bool(levels) and all(one["code"] for one in levels if one["level"])
    edges = edges_of([one["raw"] for one in levels if one["raw"] is not None])
    for one in levels:
        one["shade"] = "#dfe6e5" if one["raw"] is None else SHADES[sum(one["raw"] >= edge for edge in edges)]
    name = _("Quantile of welfare") if domain == "welfare_quantile" else domain
    return {"domain": domain, "name": name, "levels": levels, "is_mapped": is_mapped, "has_poor": any(one["poor"]["text"] for one in levels)}  # fmt: skip


def bar(row: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a share as a bar: its length and interval in hundredths, and the words."""
    if row is None or row["estimate"] is None:
        return {"text": "", "interval": "", "length": None, "from": None, "width": None}
    clip = {
        key: min(1.0, max(0.0, row[key])) if row.get(key) is not None else None
        for key in ("estimate", "lower", "upper")
    }
    low, high = clip["lower"], clip["upper"]
    return {
        "text": told(row), "interval": interval(row), "length": f"{100 * (clip['estimate'] or 0):.2f}",
        "from": None if low is None else f"{100 * low:.2f}",
        "width": None if low is None or high is None else f"{100 * (high - low):.2f}",
    }  # fmt: skip


def reasons(found: StudyFile, weight: str) -> list[dict[str, Any]]:
    """Return the reasons of the missing, most frequent first."""
    rows = [r for r in found.figures if r["estimator"].startswith("reason: ") and r["weight"] == weight]
    rows.sort(key=lambda row: -(row["estimate"] or 0))
    return [{"name": name_of(row["estimator"]), **bar(row)} for row in rows]


def lists(found: StudyFile) -> list[dict[str, Any]]:
    """Return the estimates of registry and survey as two lists, and the census ratios; alarms first."""
    kinds = (
        "dual_system_chapman",
        "dual_system_survey",
        "census_ratio",
        "moved",
        "dead",
        "not_found",
        "false_positive_share",
    )
    rows = [row for row in found.figures if row["estimator"] in kinds]
    rows.sort(key=lambda row: not str(row["note"]).startswith("ALARM"))
    return [
        {"name": name_of(row["estimator"]), "level": "" if row["level"] == "all" else row["level"], "text": told(row), "interval": interval(row),
         "note": row["note"], "is_alarm": str(row["note"]).startswith("ALARM")}
        for row in rows
    ]  # fmt: skip


def accuracy(found: StudyFile) -> list[dict[str, Any]]:
    """Return how true stored facts still are."""
    rows = [row for row in found.figures if row["estimator"].startswith("accuracy: ")]
    return [
        {"fact": row["level"], "name": name_of(row["estimator"]), "text": number(round(row["estimate"], 3)) if row["estimate"] is not None else "–",
         "n": row["n"], "note": row["note"]}
        for row in rows
    ]  # fmt: skip


def determinants(found: StudyFile) -> list[dict[str, Any]]:
    """Return what goes with not being registered, as changes of the share in points."""
    made = []
    for line in found.determinants:
        if line["term"] == "constant":
            continue
        low, high = line.get("marginal_lower"), line.get("marginal_upper")
        made.append({
            "term": line["term"], "reference": line.get("reference") or "", "effect": _points(line.get("marginal_effect")),
            "interval": span(_points(low), _points(high)) if low is not None else "",
            "is_clear": low is not None and high is not None and (low > 0 or high < 0),
        })  # fmt: skip
    return made


def _points(value: float | None) -> str:
    return "–" if value is None else f"\u2066{'+' if value > 0 else ''}{number(round(100 * value, 2))}\u2069"
