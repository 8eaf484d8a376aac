"""Read a model from its cited file and hold it together: all mistakes are told at once.

A file with an unknown fact in an expression, a variable of two effects, a percentile scale that does not rise or a
policy that has nothing to stand in is refused whole: half a model would score everybody wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import yaml

from khana_methods.errors import InputError, KhanaError
from khana_methods.pmt.model import (
    LINKS,
    MISSING_POLICIES,
    RESCALES,
    TRANSFORMS,
    UNSEEN_POLICIES,
    Bands,
    Calibration,
    Cumulative,
    Dummy,
    Effect,
    Levels,
    Likelihood,
    Linear,
    PmtModel,
    Rescale,
    Variable,
)
from khana_methods.rules.check import read_rule
from khana_methods.yaml_text import read_yaml

_KEYS = frozenset(
    [
        "code",
        "version",
        "valid_from",
        "valid_to",
        "intercept",
        "link",
        "missing",
        "unseen",
        "rescale",
        "scale",
        "decimals",
        "variables",
        "classes",
        "calibration",
        "likelihood",
        "source",
        "mark",
        "by",
        "models",
    ]
)
_REQUIRED = ("code", "version", "valid_from", "variables", "scale", "source", "mark")
_OF_A_PART = frozenset({"intercept", "variables"})
_EFFECTS = ("levels", "bands", "dummy", "linear", "cumulative")
_VARIABLE_KEYS = frozenset({"code", "label", "expression", "missing", "reference", "base", "column", *_EFFECTS})
_LINEAR_KEYS = frozenset({"coefficient", "at_least", "at_most", "of", "to", "transform"})


class ModelInvalid(InputError):
    """A file of a model contradicts itself or names what the catalogue does not have; nothing is scored by it."""

    code: ClassVar[str] = "pmt.model.invalid"


def load_model(file: Path) -> PmtModel:
    """Read one model from a YAML or JSON file; of the JSON of a fit, its model.

    Raises:
        ModelInvalid: All mistakes in one message.
    """
    document = load_document(file)
    if isinstance(document, dict) and isinstance(document.get("model"), dict) and "variables" not in document:
        document = document["model"]
    return read_model(document)


def load_document(file: Path) -> Any:
    """Read what a YAML or JSON file holds.

    Raises:
        ModelInvalid: It is neither, or not in UTF-8.
    """
    try:
        return read_yaml(file.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelInvalid(f"The file {file.name} is not YAML in UTF-8.", file=file.name) from error


def read_model(document: Any) -> PmtModel:
    """Make a model of a document as a YAML or JSON file holds it.

    Raises:
        ModelInvalid: All mistakes in one message.
    """
    document = _dated(document)
    if isinstance(document, dict) and ("by" in document or "models" in document):
        return _read_parts(document)
    problems = _problems_of(document)
    variables: list[Variable] = []
    if not problems:
        for entry in document["variables"]:
            variable = _variable(entry, str(document.get("missing", "reject")), problems)
            if variable is not None:
                variables.append(variable)
        codes = [variable.code for variable in variables]
        problems += [f"{code}: the variable stands twice" for code in dict.fromkeys(codes) if codes.count(code) > 1]
    if problems:
        raise ModelInvalid(f"The model has {len(problems)} mistakes: {'; '.join(problems)}.", mistakes=len(problems))
    return _model(document, tuple(variables))


def _read_parts(document: Mapping[str, Any]) -> PmtModel:
    """Make a model of one formula for each value of a column."""
    told = document.get("models")
    if not isinstance(document.get("by"), str) or not isinstance(told, dict) or not told or document.get("variables"):
        raise ModelInvalid("A model of several formulas has `by`, a column, and `models` by its values.")
    common = {key: value for key, value in document.items() if key not in ("by", "models", "variables")}
    parts: dict[str, PmtModel] = {}
    for level, part in told.items():
        if not isinstance(part, dict) or set(part) - _OF_A_PART:
            raise ModelInvalid(f"The model of '{level}' has an intercept and variables alone.", level=str(level))
        parts[_text(level)] = read_model({**common, **part})
    first = next(iter(parts.values()))
    return replace(first, variables=(), intercept=0.0, by=document["by"], parts=parts)


def _dated(document: Any) -> Any:
    """Return the document with its days as days: JSON knows none and writes them as text."""
    if not isinstance(document, dict):
        return document
    made = dict(document)
    for key in ("valid_from", "valid_to"):
        if isinstance(made.get(key), str):
            try:
                made[key] = date.fromisoformat(made[key])
            except ValueError:
                continue
    return made


def _problems_of(document: Any) -> list[str]:
    """Return what is wrong with the document itself."""
    if not isinstance(document, dict):
        return ["the file is no mapping"]
    problems = [f"{key} is missing" for key in _REQUIRED if document.get(key) in (None, "", [])]
    problems += [f"'{key}' is no key of a model" for key in document if key not in _KEYS]
    if problems:
        return problems
    if not isinstance(document["valid_from"], date) or not isinstance(document.get("valid_to"), date | None):
        problems.append("valid_from and valid_to are days such as 2026-01-31")
    scale = document["scale"]
    if not (isinstance(scale, list) and len(scale) == 2 and all(map(_is_number, scale)) and scale[0] < scale[1]):
        problems.append("scale is two numbers, the lowest and the highest score")
    for key, allowed in (("link", LINKS), ("missing", MISSING_POLICIES), ("unseen", UNSEEN_POLICIES)):
        if key in document and document[key] not in allowed:
            problems.append(f"{key} is one of {', '.join(allowed)}")
    for key in ("version", "decimals"):
        if key in document and (type(document[key]) is not int or not 0 <= document[key] <= 1_000_000):
            problems.append(f"{key} is a whole number")
    if not _is_number(document.get("intercept", 0)):
        problems.append("intercept is a number")
    return [
        *problems,
        *_problems_of_rescale(document.get("rescale", {"kind": "identity"})),
        *_problems_of_tables(document),
    ]


def _problems_of_tables(document: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with variables, classes, calibration and likelihoods as wholes."""
    problems = [] if isinstance(document["variables"], list) else ["variables is a list"]
    if not all(map(_is_number, _mapping(document, "classes", problems).values())):
        problems.append("classes give the highest score of each")
    strange = sorted(set(_mapping(document, "calibration", problems)) - {field.name for field in fields(Calibration)})
    problems += [f"'{key}' is no key of calibration" for key in strange]
    for line, table in _mapping(document, "likelihood", problems).items():
        percent = table.get("percent") if isinstance(table, dict) else None
        if not isinstance(percent, dict) or table.get("kind") not in ("point", "band"):
            problems.append(f"the likelihood of {line} has a kind, point or band, and percent by score")
        elif not all(type(at) is int and _is_number(value) for at, value in percent.items()):
            problems.append(f"the likelihood of {line} gives percent by whole score")
    return problems


def _mapping(document: Mapping[str, Any], key: str, problems: list[str]) -> Mapping[Any, Any]:
    """Return a part that is a mapping; note where it is none."""
    found = document.get(key, {})
    if not isinstance(found, dict):
        problems.append(f"{key} is a mapping")
        return {}
    return found


def _problems_of_rescale(rescale: Any) -> list[str]:
    kind = rescale.get("kind") if isinstance(rescale, dict) else None
    if kind not in RESCALES:
        return [f"rescale is one of {', '.join(RESCALES)}"]
    if kind == "linear" and not (
        _is_number(rescale.get("minimum"))
        and _is_number(rescale.get("maximum"))
        and rescale["minimum"] < rescale["maximum"]
    ):
        return ["a linear scale needs a minimum below its maximum"]
    points = rescale.get("breakpoints", [])
    numbers = isinstance(points, list) and points and all(map(_is_number, points))
    if kind == "percentile" and not (numbers and all(a < b for a, b in pairwise(points))):
        return ["a percentile scale needs breakpoints that rise"]
    return []


def _variable(entry: Any, policy: str, problems: list[str]) -> Variable | None:
    """Make one variable, or note what is wrong with it."""
    code = str(entry.get("code", "")) if isinstance(entry, dict) else ""
    before = len(problems)
    if not code.isidentifier():
        problems.append("a variable has no code of small letters, digits and underscores")
        return None
    problems += [f"{code}: '{key}' is no key of a variable" for key in entry if key not in _VARIABLE_KEYS]
    kinds = [key for key in _EFFECTS if key in entry]
    if len(kinds) != 1:
        problems.append(f"{code}: a variable has one of {', '.join(_EFFECTS)}")
        return None
    effect = _effect(kinds[0], entry, problems, code)
    missing = str(entry.get("missing", policy))
    if missing not in MISSING_POLICIES:
        problems.append(f"{code}: missing is one of {', '.join(MISSING_POLICIES)}")
    if missing == "reference" and entry.get("reference") is None:
        problems.append(f"{code}: the policy 'reference' needs a reference")
    elif missing == "reference" and effect is not None and not _is_reference(effect, entry["reference"]):
        problems.append(f"{code}: the reference is no value that the model knows")
    if missing in ("lowest", "highest") and effect is not None and effect.extremes() is None:
        problems.append(f"{code}: the policy '{missing}' needs both caps")
    expression = str(entry.get("expression", ""))
    if expression:
        try:
            read_rule(expression)
        except KhanaError as error:
            problems.append(f"{code}: {error.message}")
    if len(problems) > before or effect is None:
        return None
    return Variable(
        code=code,
        label=str(entry.get("label", code)),
        effect=effect,
        missing=missing,
        expression=expression,
        reference=_reference(effect, entry.get("reference")),
        column=str(entry.get("column", "")),
    )


def _effect(kind: str, entry: Mapping[str, Any], problems: list[str], code: str) -> Effect | None:
    """Make the effect of a variable, or note what is wrong with it."""
    told = entry[kind]
    if kind == "dummy" and _is_number(told):
        return Dummy(float(told))
    if isinstance(told, dict) and told:
        if kind == "linear":
            return _linear(told, problems, code)
        if all(_is_number(value) for value in told.values()):
            if kind == "levels":
                return Levels({_text(level): float(points) for level, points in told.items()})
            if kind == "cumulative" and entry.get("base"):
                return Cumulative(str(entry["base"]), tuple((_text(k), float(v)) for k, v in told.items()))
            if kind == "bands" and all(map(_is_number, told)):
                return Bands(tuple(sorted((float(start), float(points)) for start, points in told.items())))
    problems.append(f"{code}: the numbers of its {kind} are not in order; cumulative ones need a base too")
    return None


def _reference(effect: Effect, value: Any) -> Any:
    """Return the reference as the frame would write it."""
    return _text(value) if value is not None and isinstance(effect, Levels | Cumulative) else value


def _is_reference(effect: Effect, value: object) -> bool:
    """Tell whether a value can stand in: of the right type, and known to the effect."""
    if isinstance(effect, Dummy):
        return isinstance(value, bool)
    if isinstance(effect, Levels | Cumulative):
        return _text(value) in (effect.points if isinstance(effect, Levels) else effect.totals())
    starts = [start for start, _ in effect.points] if isinstance(effect, Bands) else []
    return isinstance(value, int | float) and not isinstance(value, bool) and (not starts or value >= min(starts))


def _linear(told: Mapping[str, Any], problems: list[str], code: str) -> Linear | None:
    if (
        not _is_number(told.get("coefficient"))
        or set(told) - _LINEAR_KEYS
        or bool(told.get("of")) != bool(told.get("to"))
    ):
        problems.append(f"{code}: linear takes coefficient, at_least, at_most, and of with to for a ratio")
        return None
    if told.get("of") and not (isinstance(told["of"], str) and isinstance(told["to"], str)):
        problems.append(f"{code}: of and to are names of columns")
        return None
    if told.get("transform", "") not in TRANSFORMS:
        problems.append(f"{code}: transform is one of {', '.join(filter(None, TRANSFORMS))}")
        return None
    low, high = told.get("at_least"), told.get("at_most")
    if not all(end is None or _is_number(end) for end in (low, high)):
        problems.append(f"{code}: at_least and at_most are numbers")
        return None
    if low is not None and high is not None and low > high:
        problems.append(f"{code}: at_least is over at_most")
    return Linear(
        float(told["coefficient"]),
        None if low is None else float(low),
        None if high is None else float(high),
        str(told.get("of", "")),
        str(told.get("to", "")),
        str(told.get("transform", "")),
    )


def _model(document: Mapping[str, Any], variables: tuple[Variable, ...]) -> PmtModel:
    """Make the model of a document without mistakes."""
    rescale = document.get("rescale", {"kind": "identity"})
    return PmtModel(
        code=str(document["code"]),
        version=int(document["version"]),
        valid_from=document["valid_from"],
        valid_to=document.get("valid_to"),
        variables=variables,
        intercept=float(document.get("intercept", 0)),
        link=str(document.get("link", "identity")),
        rescale=Rescale(
            kind=rescale["kind"],
            minimum=float(rescale.get("minimum", 0)),
            maximum=float(rescale.get("maximum", 1)),
            breakpoints=tuple(float(point) for point in rescale.get("breakpoints", ())),
        ),
        scale=(float(document["scale"][0]), float(document["scale"][1])),
        decimals=int(document.get("decimals", 2)),
        unseen=str(document.get("unseen", "reject")),
        source=str(document["source"]),
        mark=str(document["mark"]),
        classes=tuple((str(name), float(up_to)) for name, up_to in document.get("classes", {}).items()),
        calibration=Calibration(**document.get("calibration", {})),
        likelihoods={
            str(line): Likelihood(table["kind"], {int(k): float(v) for k, v in table["percent"].items()})
            for line, table in document.get("likelihood", {}).items()
        },
    )


def _text(level: object) -> str:
    """Return a level as the frame writes it; YAML reads yes and no as true and false."""
    return ("no", "yes")[level] if isinstance(level, bool) else str(level)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
