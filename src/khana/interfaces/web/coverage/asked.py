"""From the fields of the form of a study to the words of a design file, and a first guess from the names of columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import QueryDict
from django.utils.translation import gettext as _

from khana_methods.errors import InputError

ONE = (
    "weight",
    "size",
    "household",
    "registered",
    "number",
    "name",
    "birth",
    "sex",
    "welfare",
    "poor_column",
    "reasons",
    "gone",
)
MANY = ("strata", "psu", "fpc", "domains", "determinants")
TEXT = ("title", "poor_line", "poor_share", "lonely", "found", "true_pairs", "matched_wrongly", "strangers")
LONELY = ("refuse", "certainty", "centre", "average", "pool")
# the names that surveys give to such columns, for the first guess
_NAMES: Mapping[str, tuple[str, ...]] = {
    "weight": ("weight", "w", "hhweight", "wgt", "pw", "hh_weight", "sampling_weight"), "size": ("size", "hhsize", "hh_size", "members", "household_size"),
    "household": ("household", "hhid", "hh_id", "household_id", "hhcode"), "registered": ("registered", "is_registered", "in_registry"),
    "number": ("id_number", "cnic", "nid", "national_id", "cnic_number", "nid_number"), "name": ("name", "head_name", "full_name"),
    "birth": ("birth_date", "dob", "date_of_birth", "birth_year"), "sex": ("sex", "gender"),
    "welfare": ("welfare", "pc_consumption", "consumption", "pcexp", "y"), "reasons": ("reason", "why_not", "reason_not_registered"),
    "strata": ("strata", "stratum", "strat"), "psu": ("psu", "cluster", "ea"), "fpc": ("fpc", "fpc1"),
    "domains": ("province", "division", "district", "area_type", "urban", "remoteness", "sex_of_head", "disability"),
}  # fmt: skip


class SurveyMissing(InputError):
    """There is no survey to study, or the form leaves out what a study cannot do without."""

    code: ClassVar[str] = "web.survey_missing"


def fresh() -> dict[str, Any]:
    """Return the fields of an empty form."""
    return {**dict.fromkeys((*ONE, *TEXT), ""), **{name: [] for name in MANY}, "lonely": "refuse", "poor_share": "0.4"}


def guess(columns: Sequence[str], fields: QueryDict) -> dict[str, Any]:
    """Return a first guess from the names of columns; the title stays as it was typed."""
    known = {column.lower(): column for column in columns}
    made = fresh()
    for name, likely in _NAMES.items():
        found = [known[one] for one in likely if one in known]
        if name in MANY:
            made[name] = found if name == "domains" else found[:1]
        elif found:
            made[name] = found[0]
    return {**made, "title": fields.get("title", "")[:120]}


def typed(fields: QueryDict) -> dict[str, Any]:
    """Return what was typed, for the form again."""
    return {
        **{name: fields.get(name, "")[:200].strip() for name in (*ONE, *TEXT)},
        **{name: fields.getlist(name)[:40] for name in MANY},
    }


def words(fields: QueryDict, columns: Sequence[str]) -> dict[str, Any]:
    """Return the words of design and study.

    Raises:
        SurveyMissing: A column is not in the file, nothing says who is registered, or a number is none.
    """
    asked = typed(fields)
    named = [asked[name] for name in ONE if asked[name]] + [one for name in MANY for one in asked[name]]
    strange = sorted({one for one in named if one not in columns})
    if strange:
        raise SurveyMissing(_("The file has no such column. Choose from its columns."), columns=strange)
    made: dict[str, Any] = {
        name: asked[name] for name in ("weight", "size", "household", "registered", "welfare", "reasons") if asked[name]
    }
    made |= {name: asked[name] for name in MANY if asked[name]}
    made["lonely"] = asked["lonely"] if asked["lonely"] in LONELY else "refuse"
    facts = {"id_number": asked["number"], "name": asked["name"], "birth_date": asked["birth"], "sex": asked["sex"]}
    match = {fact: column for fact, column in facts.items() if column}
    if not asked["registered"]:
        if "id_number" not in match:
            raise SurveyMissing(_("Say which column tells who is registered, or which holds the number to match on."))
        made["match"] = match
    if asked["poor_column"]:
        made["poor"] = asked["poor_column"]
    elif asked["welfare"] and asked["poor_line"]:
        made["poor"] = {"line": _number(asked, "poor_line")}
    elif asked["welfare"] and asked["poor_share"]:
        made["poor"] = {"share": _number(asked, "poor_share")}
    rates = {
        "true_pairs": asked["true_pairs"], "found": asked["found"], "strangers": asked["strangers"],
        "matched_wrongly": asked["matched_wrongly"],
    }  # fmt: skip
    if any(rates.values()):
        made["linkage"] = {name: int(_number(asked, name)) for name in rates}
    if asked["gone"]:
        made["gone"] = asked["gone"]
    return made


def _number(asked: Mapping[str, Any], name: str) -> float:
    try:
        value = float(str(asked[name]).replace(",", ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SurveyMissing(_("A field that needs a number holds something else."), field=name)
    return value
