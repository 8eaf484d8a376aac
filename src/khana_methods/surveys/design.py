"""How a survey was drawn: weight, strata, primary units by stage, finite population, and the rule for a lonely unit.

A design is data: a YAML file or `weight=pw,strata=stype,psu=dnum`. Unknown words are refused with the nearest known
one, because a stratum that is passed over in silence gives a standard error that looks right and is not.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import yaml

from khana_methods.errors import InputError
from khana_methods.yaml_text import read_yaml

LONELY = ("refuse", "certainty", "centre", "average", "pool")
WEIGHTS = ("household", "population")
_SAME = {
    "weights": "weight", "wgt": "weight", "pweight": "weight", "stratum": "strata", "strat": "strata", "cluster": "psu",
    "clusters": "psu", "id": "psu", "ids": "psu", "members": "size", "hh_size": "size", "hhsize": "size",
    "population_size": "fpc", "pop_size": "fpc", "lonely_psu": "lonely", "single": "lonely", "nest": "nested",
}  # fmt: skip
# what a file of one survey says about its other columns; each command reads the words that are its own
OTHER_WORDS = frozenset(
    {"welfare", "household", "registered", "match", "domains", "title", "source", "date", "country", "areas", "poor",
     "reasons", "determinants", "linkage", "compare", "denominators", "poststrata", "note", "gone", "years"}
)  # fmt: skip


class DesignUnreadable(InputError):
    """The design is no mapping, or names something that a design does not have."""

    code: ClassVar[str] = "surveys.design.unreadable"


@dataclass(frozen=True, slots=True)
class Design:
    """The columns of one design.

    Attributes:
        weight: Weight of a household; None: from the finite population, else every row counts one, and it is said.
        strata: Columns whose values together name the stratum; empty is one stratum.
        psu: Column of the unit of each stage; empty takes each row as a unit of its own, and it is said.
        fpc: Column per stage: units in the population of the stratum, or the share of them that was drawn.
        size: Persons of the household: the population weight is weight times size.
        lonely: What is done with a stratum of one unit: `refuse`; `certainty` (it adds nothing); `centre` (held
            against the mean of all units); `average` (takes the mean variance of the other strata); `pool` (all
            such strata together make one).
        nested: Codes of units are taken inside their stratum.
    """

    weight: str | None = None
    strata: tuple[str, ...] = ()
    psu: tuple[str, ...] = ()
    fpc: tuple[str, ...] = ()
    size: str | None = None
    lonely: str = "refuse"
    nested: bool = True

    def columns(self) -> tuple[str, ...]:
        """Return every column that the design names."""
        ones = tuple(name for name in (self.weight, self.size) if name)
        return (*ones, *self.strata, *self.psu, *self.fpc)


def read_design(text: str) -> tuple[Design, dict[str, Any]]:
    """Read a design from a YAML file or from words.

    Args:
        text: Path of a YAML file, or `weight=pw,strata=stype,psu=dnum+snum,fpc=fpc1+fpc2`.

    Returns:
        The design, and the words of the file that other commands read (welfare, domains, reasons, ...).

    Raises:
        DesignUnreadable: No such file, no mapping, an unknown word, or a rule that does not exist.

    Examples:
        >>> read_design("weight=pw,strata=stype,psu=dnum+snum")[0].psu
        ('dnum', 'snum')
    """
    path = Path(text)
    if "=" in text and not path.is_file():
        parts = [part.partition("=") for part in text.replace(";", ",").split(",") if part.strip()]
        return design_of({key.strip(): value.strip() for key, _, value in parts})
    if not path.is_file():
        raise DesignUnreadable(
            f"No design file {path.name}; name a YAML file, or write weight=COLUMN,strata=COLUMN,psu=COLUMN."
        )
    try:
        found = read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DesignUnreadable("The design file is not YAML.") from error
    if not isinstance(found, Mapping):
        raise DesignUnreadable("The design file holds no words like `weight: COLUMN`.")
    return design_of(found)


def design_of(found: Mapping[str, Any]) -> tuple[Design, dict[str, Any]]:
    """Read a design from a mapping; as `read_design`."""
    inner = found.get("design")
    words: dict[str, Any] = {**{k: v for k, v in found.items() if k != "design"}}
    if isinstance(inner, Mapping):
        words |= inner
    known = {field.name for field in fields(Design)}
    said: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for key, value in words.items():
        name = _SAME.get(str(key).lower(), str(key).lower())
        if name in known:
            said[name] = value
        elif name in OTHER_WORDS:
            others[name] = value
        else:
            near = difflib.get_close_matches(name, [*known, *OTHER_WORDS], 1)
            hint = f" Did you mean {near[0]}?" if near else f" A design has {', '.join(sorted(known))}."
            raise DesignUnreadable(f"A design has no word {name}.{hint}", word=name)
    nested = said.get("nested", True)
    rule = str(said.get("lonely") or "refuse").lower()
    rule = {"adjust": "centre", "center": "centre", "remove": "certainty", "fail": "refuse"}.get(rule, rule)
    if rule not in LONELY:
        raise DesignUnreadable(f"The rule for lonely units is one of {', '.join(LONELY)}.", word=rule)
    made = Design(
        weight=_one(said, "weight"),
        strata=_many(said.get("strata")),
        psu=tuple(name for name in _many(said.get("psu")) if name not in ("1", "0")),
        fpc=_many(said.get("fpc")),
        size=_one(said, "size"),
        lonely=rule,
        nested=nested if isinstance(nested, bool) else str(nested).lower() not in ("false", "no", "0"),
    )
    if len(made.fpc) > max(1, len(made.psu)):
        raise DesignUnreadable("There are more columns of finite population than stages of units.")
    if len(made.fpc) > 2:
        raise DesignUnreadable("A finite population is taken at the first two stages; give two columns at most.")
    return made, others


def _one(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise DesignUnreadable(f"{name} is the name of one column.", word=name)
    return value


def _many(value: Any) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split("+") if part.strip())
    if isinstance(value, list):
        return tuple(str(part) for part in value)
    if isinstance(value, int):
        return (str(value),)
    raise DesignUnreadable("Columns of a design are a name, or a list of names.")
