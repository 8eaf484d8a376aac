"""What a fit is asked to do: a SPEC in YAML, checked whole before the survey is touched.

The least is `welfare` and `regressors`; design columns, method, policies, folds and what is to be held beside the model
have defaults that are said in the card. A regressor is a column name, `C(name)` for a code, or a mapping with its kind,
caps, ratio, bands or order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import yaml

from khana_methods.errors import InputError
from khana_methods.pmt.model import MISSING_POLICIES, RESCALES, TRANSFORMS, UNSEEN_POLICIES
from khana_methods.yaml_text import read_yaml

METHODS = ("ols", "wls", "quantile", "poverty_weighted")
KINDS = ("auto", "number", "category", "cumulative", "bands", "dummy")
BASES = ("population", "household")
SINGLE = ("refuse", "certainty", "centre")
NONPOSITIVE = ("leave_out", "refuse")
WELFARE_IS = ("per_head", "household", "log_per_head")
TIES = ("split", "all", "none")
_DEFAULT_CUT_OFFS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)


class SpecInvalid(InputError):
    """The SPEC of a fit contradicts itself or says what nobody knows; nothing is fitted by it."""

    code: ClassVar[str] = "pmt.spec.invalid"


@dataclass(frozen=True, slots=True)
class Regressor:
    """One candidate variable: the column that it is read from and how it enters.

    `kind` is one of KINDS; `per` makes a ratio; `order` lists the levels of a cumulative one from the base upward;
    `bands` the values at which bands begin; `sign` what its coefficient is expected to have, if anything; `expression`
    the rule by which the registry makes it from facts, kept in the model.
    """

    code: str
    column: str
    label: str
    kind: str = "auto"
    per: str = ""
    at_least: float | None = None
    at_most: float | None = None
    transform: str = ""
    order: tuple[str, ...] = ()
    bands: tuple[float, ...] = ()
    reference: str | float | None = None
    missing: str = ""
    sign: str = ""
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """How members are counted: a column of adult equivalents, or (adults + child x children) to the power theta."""

    column: str = ""
    children: tuple[str, ...] = ()
    child: float = 1.0
    theta: float = 1.0


@dataclass(frozen=True, slots=True)
class Screening:
    """What a variable must show to stay; None asks nothing of it.

    `max_missing` is a share of households, `min_households` the least in a level (smaller levels join the reference),
    `p_value` the level of the joint test by which variables are taken out backwards, `signs` drops a variable whose
    coefficient contradicts its expected sign.
    """

    max_missing: float | None = 0.2
    min_households: int = 0
    p_value: float | None = None
    signs: bool = False


@dataclass(frozen=True, slots=True)
class FitSpec:
    """Everything that a fit needs to know; see `docs/how-to/models.md` for each key."""

    welfare: str
    regressors: tuple[Regressor, ...]
    method: str = "ols"
    size: str | None = None
    weight: str | None = None
    strata: str | None = None
    psu: str | None = None
    welfare_is: str = "per_head"
    nonpositive: str = "leave_out"
    equivalence: Equivalence | None = None
    poor_share: float = 0.3
    line: float | None = None
    quantile: float | None = None
    fade: float = 0.2
    basis: str = "population"
    area_effects: str = ""
    separate: str = ""
    folds: int = 5
    seed: int = 20260101
    single: str = "centre"
    missing: str = "reference"
    unseen: str = "as_missing"
    screening: Screening = field(default_factory=Screening)
    rescale: Mapping[str, Any] = field(default_factory=lambda: {"kind": "linear"})
    decimals: int = 2
    classes: Mapping[str, float] = field(default_factory=dict)
    cut_offs: tuple[float, ...] = _DEFAULT_CUT_OFFS
    ties: str = "split"
    equity: Mapping[str, str] = field(default_factory=dict)
    benchmark: bool = True
    robustness: bool = True
    survey_date: str = ""
    code: str = "MODEL"
    version: int = 1
    title: str = ""
    valid_from: date = date(2000, 1, 1)
    valid_to: date | None = None
    source: str = "fitted with Khana"
    mark: str = "A"
    data: str = ""
    currency: str = ""
    price_year: str = ""


def load_spec(file: Path) -> FitSpec:
    """Read a SPEC from a YAML (or JSON) file.

    Raises:
        SpecInvalid: All mistakes in one message.
    """
    try:
        document = read_yaml(file.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecInvalid(f"The file {file.name} is not YAML in UTF-8.", file=file.name) from error
    return read_spec(document)


def read_spec(document: Any) -> FitSpec:
    """Make a SPEC of a document as a YAML or JSON file holds it.

    Raises:
        SpecInvalid: All mistakes in one message.

    Examples:
        >>> spec = read_spec({"welfare": "pcc", "regressors": ["rooms", "C(wall)", {"column": "size", "at_most": 12}]})
        >>> [(r.code, r.kind, r.at_most) for r in spec.regressors]
        [('rooms', 'auto', None), ('wall', 'category', None), ('size', 'auto', 12.0)]
    """
    problems: list[str] = []
    if not isinstance(document, dict):
        raise SpecInvalid("A SPEC is a mapping with welfare and regressors.")
    told = {key: value for key, value in document.items() if value is not None}
    known = FitSpec.__dataclass_fields__
    problems += [f"'{key}' is no key of a SPEC" for key in told if key not in known]
    values: dict[str, Any] = {key: value for key, value in told.items() if key in known}
    if not isinstance(values.get("welfare"), str):
        problems.append("welfare names the column of consumption")
    for key in ("valid_from", "valid_to"):
        if isinstance(values.get(key), str):
            with suppress(ValueError):
                values[key] = date.fromisoformat(values[key])
    values["regressors"] = _regressors(values.get("regressors"), problems)
    if "equivalence" in values:
        values["equivalence"] = _equivalence(values["equivalence"], problems)
    if "screening" in values:
        values["screening"] = _screening(values["screening"], problems)
    problems += _problems_of_words(values) + _problems_of_numbers(values) + _problems_of_tables(values)
    if problems:
        raise SpecInvalid(f"The SPEC has {len(problems)} mistakes: {'; '.join(problems)}.", mistakes=len(problems))
    if "cut_offs" in values:
        values["cut_offs"] = tuple(sorted(float(share) for share in values["cut_offs"]))
    if isinstance(values.get("rescale"), str):
        values["rescale"] = {"kind": values["rescale"]}
    return FitSpec(**values)


def code_of(column: str) -> str:
    """Return a code of small letters, digits and underscores for a column of any name.

    Examples:
        >>> code_of("Toilet (2015)"), code_of("2nd wall")
        ('toilet_2015', 'v_2nd_wall')
    """
    text = re.sub(r"\W+", "_", column.strip().lower()).strip("_") or "column"
    return text if text.isidentifier() else f"v_{text}"


def _regressors(told: Any, problems: list[str]) -> tuple[Regressor, ...]:
    """Read the list of regressors; note every mistake."""
    if isinstance(told, dict):
        told = [{"column": name, **(rest or {})} for name, rest in told.items() if isinstance(rest, dict | None)]
    if not isinstance(told, list) or not told:
        problems.append("regressors is a list of columns")
        return ()
    found = [made for entry in told if (made := _regressor(entry, problems)) is not None]
    codes = [regressor.code for regressor in found]
    problems += [f"{code}: the variable stands twice; give one a code of its own" for code in dict.fromkeys(codes)
                 if codes.count(code) > 1]  # fmt: skip
    return tuple(found)


_REGRESSOR_KEYS = frozenset(
    {"code", "column", "label", "kind", "per", "at_least", "at_most", "transform", "order", "bands", "reference",
     "missing", "sign", "expression"}
)  # fmt: skip


def _regressor(entry: Any, problems: list[str]) -> Regressor | None:
    """Read one regressor: a name, `C(name)`, or a mapping."""
    if isinstance(entry, str):
        coded = re.fullmatch(r"C\((.+)\)", entry.strip())
        column = coded[1].strip() if coded else entry.strip()
        return Regressor(code_of(column), column, column, kind="category" if coded else "auto")
    if not isinstance(entry, dict) or not isinstance(entry.get("column", entry.get("code")), str):
        problems.append("a regressor is a column name or a mapping with a column")
        return None
    column = str(entry.get("column", entry.get("code")))
    code = str(entry.get("code", code_of(column)))
    before = len(problems)
    problems += [f"{code}: '{key}' is no key of a regressor" for key in entry if key not in _REGRESSOR_KEYS]
    if not code.isidentifier():
        problems.append(f"{code}: a code is small letters, digits and underscores")
    kind = entry.get("kind") or ("cumulative" if entry.get("order") else "bands" if entry.get("bands") else "auto")
    for key, value, allowed in (
        ("kind", kind, KINDS),
        ("transform", entry.get("transform", ""), TRANSFORMS),
        ("missing", entry.get("missing", ""), ("", *MISSING_POLICIES)),
        ("sign", entry.get("sign", ""), ("", "+", "-")),
    ):
        if value not in allowed:
            problems.append(f"{code}: {key} is one of {', '.join(filter(None, allowed))}")
    ends: list[Any] = [entry.get("at_least"), entry.get("at_most")]
    if not all(end is None or _is_number(end) for end in ends):
        problems.append(f"{code}: at_least and at_most are numbers")
    elif None not in ends and ends[0] >= ends[1]:
        problems.append(f"{code}: at_least is not under at_most")
    order, bands = entry.get("order", []), entry.get("bands", [])
    if not isinstance(order, list) or (kind == "cumulative" and len(order) < 2):
        problems.append(f"{code}: order lists the levels from the base upward, two or more")
    if not isinstance(bands, list) or not all(map(_is_number, bands)) or (kind == "bands" and len(bands) < 2):
        problems.append(f"{code}: bands lists the values at which they begin, two or more")
    if entry.get("expression") and (column != code or entry.get("per")):
        problems.append(f"{code}: a variable with an expression is read from a column of its own code")
    if len(problems) > before:
        return None
    return Regressor(
        code=code,
        column=column,
        label=str(entry.get("label", column)),
        kind=str(kind),
        per=str(entry.get("per", "")),
        at_least=None if ends[0] is None else float(ends[0]),
        at_most=None if ends[1] is None else float(ends[1]),
        transform=str(entry.get("transform", "")),
        order=tuple(level_text(level) for level in order),
        bands=tuple(sorted(float(start) for start in bands)),
        reference=entry.get("reference"),
        missing=str(entry.get("missing", "")),
        sign=str(entry.get("sign", "")),
        expression=str(entry.get("expression", "")),
    )


def level_text(level: object) -> str:
    """Return a level as columns of codes are written: whole numbers without a point, yes and no for truth values.

    Examples:
        >>> level_text(2.0), level_text(True), level_text(" mud ")
        ('2', 'yes', 'mud')
    """
    if isinstance(level, bool):
        return "yes" if level else "no"
    if isinstance(level, float) and level.is_integer():
        return str(int(level))
    return str(level).strip()


def _equivalence(told: Any, problems: list[str]) -> Equivalence | None:
    if isinstance(told, str):
        return Equivalence(column=told)
    if not isinstance(told, dict) or set(told) - {"column", "children", "child", "theta"}:
        problems.append("equivalence is a column, or a mapping of children, child and theta")
        return None
    children = told.get("children", [])
    children = [children] if isinstance(children, str) else children
    if not isinstance(children, list) or not (told.get("column") or children):
        problems.append("equivalence names the column of adult equivalents, or the columns of children")
        return None
    if not all(_is_number(told.get(key, 1)) and 0 < told.get(key, 1) <= 1 for key in ("child", "theta")):
        problems.append("child and theta of equivalence lie over 0 and up to 1")
        return None
    return Equivalence(
        column=str(told.get("column", "")),
        children=tuple(map(str, children)),
        child=float(told.get("child", 1)),
        theta=float(told.get("theta", 1)),
    )


def _screening(told: Any, problems: list[str]) -> Screening:
    known = Screening.__dataclass_fields__
    if not isinstance(told, dict) or set(told) - set(known):
        problems.append(f"screening has the keys {', '.join(known)}")
        return Screening()
    for key in ("max_missing", "p_value"):
        if told.get(key) is not None and not (_is_number(told[key]) and 0 <= told[key] <= 1):
            problems.append(f"{key} of screening lies between 0 and 1")
    if type(told.get("min_households", 0)) is not int or type(told.get("signs", False)) is not bool:
        problems.append("min_households is a whole number, signs is true or false")
        return Screening()
    return Screening(**told)


def _problems_of_words(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the keys that take words."""
    problems = []
    for key, allowed in (
        ("method", METHODS), ("basis", BASES), ("single", SINGLE), ("missing", MISSING_POLICIES),
        ("unseen", UNSEEN_POLICIES), ("welfare_is", WELFARE_IS), ("nonpositive", NONPOSITIVE),
        ("ties", TIES),
    ):  # fmt: skip
        if key in values and values[key] not in allowed:
            problems.append(f"{key} is one of {', '.join(allowed)}")
    for key in ("size", "weight", "strata", "psu", "area_effects", "separate", "survey_date", "code", "title"):
        if key in values and not isinstance(values[key], str):
            problems.append(f"{key} is a text")
    for key in ("benchmark", "robustness"):
        if key in values and type(values[key]) is not bool:
            problems.append(f"{key} is true or false")
    for key in ("valid_from", "valid_to"):
        if key in values and not isinstance(values[key], date):
            problems.append(f"{key} is a day such as 2026-01-31")
    if values.get("method") == "wls" and not values.get("weight"):
        problems.append("wls needs a weight")
    if (values.get("welfare_is") == "household" or values.get("equivalence")) and not (
        values.get("size") or getattr(values.get("equivalence"), "column", "")
    ):
        problems.append("welfare of the whole household needs a size to be divided by")
    return problems


def _problems_of_numbers(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the keys that take numbers."""
    problems = []
    for key in ("poor_share", "quantile"):
        if key in values and not (_is_number(values[key]) and 0 < values[key] < 1):
            problems.append(f"{key} lies between 0 and 1")
    if "fade" in values and not (_is_number(values["fade"]) and 0 <= values["fade"] <= 1):
        problems.append("fade lies between 0 and 1")
    if "line" in values and not (_is_number(values["line"]) and values["line"] > 0):
        problems.append("line is a positive amount")
    for key, low, high in (("folds", 2, 50), ("version", 1, 1_000_000), ("decimals", 0, 10), ("seed", 0, 2**31)):
        if key in values and not (type(values[key]) is int and low <= values[key] <= high):
            problems.append(f"{key} is a whole number from {low} to {high}")
    shares = values.get("cut_offs", [0.5])
    if not isinstance(shares, list) or not all(_is_number(share) and 0 < share < 1 for share in shares):
        problems.append("cut_offs are shares between 0 and 1")
    return problems


def _problems_of_tables(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the keys that take mappings."""
    problems = []
    rescale = values.get("rescale", {"kind": "linear"})
    rescale = {"kind": rescale} if isinstance(rescale, str) else rescale
    if not isinstance(rescale, dict) or rescale.get("kind") not in RESCALES:
        problems.append(f"rescale is one of {', '.join(RESCALES)}")
    elif set(rescale) - {"kind", "minimum", "maximum"} or not all(
        _is_number(rescale[key]) for key in ("minimum", "maximum") if key in rescale
    ):
        problems.append("rescale has a kind, and for linear a minimum and a maximum of log welfare")
    elif "minimum" in rescale and "maximum" in rescale and rescale["minimum"] >= rescale["maximum"]:
        problems.append("rescale has a minimum that is not under its maximum")
    classes = values.get("classes", {})
    if not isinstance(classes, dict) or not all(map(_is_number, classes.values())):
        problems.append("classes give the highest score of each")
    equity = values.get("equity", {})
    if not isinstance(equity, dict) or not all(isinstance(column, str) for column in equity.values()):
        problems.append("equity names a column for each way to split")
    return problems


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
