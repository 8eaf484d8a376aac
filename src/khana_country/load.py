"""Read one country's folder into a frozen pack, or say everything that is wrong with it.

A pack is refused as a whole: half a catalogue would decide about people. Checked are: every value
dated, cited and marked; codes that exist where they are named; the cap counting exactly cash unless
a programme states otherwise; pairs of two different programmes. The data lies in `country/` of the
sources, or beside this file in an installed wheel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from khana_country.check import check_cited, check_country, check_programmes, check_rules
from khana_country.pack import (
    Agency,
    Amount,
    CapRule,
    Condition,
    CountryPack,
    CutOff,
    Deadline,
    ExclusionFilter,
    ExclusionPair,
    Figure,
    FiscalYear,
    Holiday,
    Language,
    Level,
    Limit,
    Line,
    Programme,
    Quota,
    RegisterExclusion,
    Weekend,
)
from khana_methods.errors import InputError, NotConfigured
from khana_methods.yaml_text import read_yaml


class CountryUnknown(InputError):
    """There is no pack for that country; the message lists those there are."""

    code: ClassVar[str] = "country.unknown"


class PackInvalid(NotConfigured):
    """A country's folder contradicts itself or leaves a value undated or uncited."""

    code: ClassVar[str] = "country.pack.invalid"


def list_countries() -> tuple[str, ...]:
    """List the codes of the countries that have a pack."""
    return tuple(sorted(file.parent.name for file in _root().glob("*/country.yaml")))


def pack_folder(country: str) -> Path:
    """Return the folder of one country's data.

    Raises:
        CountryUnknown: There is no folder for that country.
    """
    if country not in list_countries():
        raise CountryUnknown(
            f"There is no country pack '{country}'. There are: {', '.join(list_countries())}.",
            country=country,
        )
    return _root() / country


@cache
def load_document(country: str, name: str) -> Mapping[str, Any]:
    """Read one file of a country's folder as it stands, for the reader that knows its words.

    Args:
        country: Code of the country.
        name: Name of the file without `.yaml`, such as `identifiers`.

    Raises:
        CountryUnknown: There is no folder for that country.
        PackInvalid: The folder has no such file.
    """
    file = pack_folder(country) / f"{name}.yaml"
    if not file.is_file():
        raise PackInvalid(f"The pack '{country}' has no {name}.yaml.", country=country, file=name)
    return MappingProxyType(read_yaml(file.read_text(encoding="utf-8")))


def area_names(country: str) -> Mapping[str, Mapping[str, Any]]:
    """Return what a country's pack tells of its areas beside the boundary files, by code; a pack that tells nothing is no fault."""
    try:
        names: Mapping[str, Mapping[str, Any]] = load_document(country, "area_names")["names"]
    except PackInvalid:
        return {}
    return names


@cache
def areas_cut_from(country: str) -> Mapping[str, tuple[str, ...]]:
    """Return in which areas each area of a country lay before it was made, by code; empty where the pack does not tell."""
    cut = {code: tuple(said["cut_from"]) for code, said in area_names(country).items() if "cut_from" in said}
    return MappingProxyType(cut)


@cache
def load_pack(country: str) -> CountryPack:
    """Read and check the pack of one country.

    Args:
        country: Code of the country: the name of its folder, ISO 3166 alpha-3 in small letters.

    Returns:
        The pack, frozen; the same object on every call.

    Raises:
        CountryUnknown: There is no folder for that country.
        PackInvalid: The folder contradicts itself; one message tells all of it.
    """
    return read_pack(pack_folder(country))


def read_pack(folder: Path) -> CountryPack:
    """Read and check a pack from any folder; see `load_pack`."""
    documents = {
        name: _document(folder, name)
        for name in (
            "country",
            "levels",
            "programmes",
            "cut_offs",
            "cap",
            "exclusions",
            "deadlines",
            "holidays",
        )
    }
    problems: list[str] = []
    for name, document in documents.items():
        check_cited(name, document, problems)
    if not problems:
        try:
            pack = _pack(folder, documents)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            problems.append(f"a value is missing or of another kind ({type(error).__name__} {error})")
        else:
            check_country(documents["country"], problems)
            check_programmes(pack, problems)
            check_rules(pack, problems)
            if not problems:
                return pack
    raise PackInvalid(
        f"The pack '{folder.name}' has {len(problems)} mistakes: {'; '.join(problems)}.",
        country=folder.name,
        mistakes=len(problems),
    )


def _root() -> Path:
    """Return the folder of all packs: inside the wheel, else `country/` of the sources."""
    here = Path(__file__).parent
    return here if any(here.glob("*/country.yaml")) else here.parents[1] / "country"


def _document(folder: Path, name: str) -> Mapping[str, Any]:
    file = folder / f"{name}.yaml"
    if not file.is_file():
        raise PackInvalid(f"The pack '{folder.name}' has no {name}.yaml.", country=folder.name, file=name)
    found = read_yaml(file.read_text(encoding="utf-8"))
    return found if isinstance(found, Mapping) else {}


def _cited(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Cited`."""
    return {
        "valid_from": entry.get("from", entry.get("valid_from", entry.get("as_of"))),
        "source": " ".join(str(entry["source"]).split()),
        "mark": entry["mark"],
        "known_to": entry.get("known_to", "day"),
    }


def _frozen(words: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return MappingProxyType(dict(words or {}))


def _number(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _exact(value: object) -> Decimal:
    return Decimal(str(value))


def _pack(folder: Path, documents: Mapping[str, Mapping[str, Any]]) -> CountryPack:
    country, rules = documents["country"], documents["exclusions"]
    currency = country["currency"]["code"]
    return CountryPack(
        code=country["code"],
        iso_alpha2=country["iso_alpha2"],
        iso_alpha3=country["iso_alpha3"],
        names=_frozen(country["names"]),
        currency=currency,
        currency_symbol=country["currency"]["symbol"],
        languages=tuple(Language(**language) for language in country["languages"]),
        calling_code=country["calling_code"],
        time_zone=country["time_zone"],
        weekends=tuple(Weekend(days=tuple(x["days"]), **_cited(x)) for x in country["weekend"]),
        fiscal_years=tuple(FiscalYear(starts_month=x["starts_month"], **_cited(x)) for x in country["fiscal_year"]),
        figures=tuple(
            Figure(name=x["name"], value=_exact(x["value"]), unit=x["unit"], **_cited(x)) for x in country["figures"]
        ),
        levels=tuple(
            Level(x["level"], x["code"], x["pattern"], _frozen(x["names"])) for x in documents["levels"]["levels"]
        ),
        agencies=MappingProxyType(
            {
                code: Agency(code, _frozen(agency["names"]), _frozen(agency["owner"]), _frozen(agency["budget_head"]))
                for code, agency in documents["programmes"]["agencies"].items()
            }
        ),
        programmes=MappingProxyType(
            {x["code"]: _programme(x, currency) for x in documents["programmes"]["programmes"]}
        ),
        cut_offs=tuple(
            CutOff(
                programme=x["programme"],
                max_score=_exact(x["max_score"]),
                when=x.get("when", ""),
                **_cited(x),
            )
            for x in documents["cut_offs"]["cut_offs"]
        ),
        lines=tuple(_line(x) for x in documents["cut_offs"]["lines"]),
        cap_rules=tuple(
            CapRule(
                max_programmes=x["max_programmes"],
                counts=frozenset(x["counts"]),
                per=x["per"],
                **_cited(x),
            )
            for x in documents["cap"]["rules"]
        ),
        exclusion_pairs=tuple(ExclusionPair(programmes=_pair(x["programmes"]), **_cited(x)) for x in rules["pairs"]),
        register_exclusions=tuple(
            RegisterExclusion(
                code=x["code"],
                applies_to=tuple(x["applies_to"]),
                programmes=tuple(x["programmes"]),
                **_cited(x),
            )
            for x in rules["registers"]
        ),
        exclusion_filters=tuple(
            ExclusionFilter(
                code=x["code"],
                meaning=_frozen(x["meaning"]),
                hits=_frozen(x["hits"]),
                programmes=tuple(x["programmes"]),
                **_cited(x),
            )
            for x in rules["filters"]
        ),
        deadlines=tuple(
            Deadline(
                step=x["step"],
                office=x["office"],
                days=x["days"],
                kind=x["kind"],
                then=x.get("then", ""),
                **_cited(x),
            )
            for x in documents["deadlines"]["deadlines"]
        ),
        holidays=tuple(
            Holiday(month=x["month"], day=x["day"], names=_frozen(x["names"]), **_cited(x))
            for x in documents["holidays"]["holidays"]
        ),
        folder=folder,
    )


def _pair(programmes: Sequence[str]) -> tuple[str, str]:
    first, second = sorted(programmes)
    return first, second


def _line(entry: Mapping[str, Any]) -> Line:
    return Line(
        name=entry["name"],
        max_score=_number(entry.get("max_score")),
        min_score=_number(entry.get("min_score")),
        max_quantile=_number(entry.get("max_quantile")),
        min_quantile=_number(entry.get("min_quantile")),
        **_cited(entry),
    )


def _programme(entry: Mapping[str, Any], currency: str) -> Programme:
    condition = entry.get("condition")
    return Programme(
        code=entry["code"],
        names=_frozen(entry["names"]),
        agency=entry["agency"],
        benefit_type=entry["benefit_type"],
        kind=entry["kind"],
        counts_to_cap=entry.get("counts_to_cap", entry["benefit_type"] == 1),
        unit=entry["unit"],
        frequency=entry["frequency"],
        target_group=entry["target_group"],
        rule=" ".join(entry["rule"]["en"].split()),
        valid_to=entry.get("valid_to"),
        is_planned=entry.get("planned", False),
        min_age=entry.get("min_age"),
        max_age=entry.get("max_age"),
        min_age_female=entry.get("min_age_female"),
        sex=entry.get("sex", ""),
        marital=tuple(entry.get("marital", ())),
        also_eligible=tuple(entry.get("also_eligible", ())),
        poverty_targeted=entry.get("poverty_targeted", False),
        one_per_household=entry.get("one_per_household", False),
        requires=entry.get("requires", ""),
        areas=tuple(entry.get("areas", ())),
        amounts=tuple(
            Amount(
                amount=_exact(x["amount"]),
                currency=currency,
                per=x["per"],
                variant=x.get("variant", ""),
                sex=x.get("sex", ""),
                **_cited(x),
            )
            for x in entry["amounts"]
        ),
        no_amount=entry.get("no_amount", ""),
        limits=tuple(
            Limit(
                fact=x["fact"],
                bound=_exact(x.get("at_most", x.get("below"))),
                is_inclusive="at_most" in x,
                source=x["source"],
                mark=x["mark"],
            )
            for x in entry.get("limits", ())
        ),
        condition=Condition(
            fact=condition["fact"],
            at_least=_exact(condition["at_least"]),
            period=condition["period"],
        )
        if condition
        else None,
        conditions=tuple(words["en"] for words in entry.get("conditions", ())),
        quotas=tuple(Quota(area=x["area"], places=x["places"], **_cited(x)) for x in entry.get("quotas", ())),
        variants=_frozen({key: words["en"] for key, words in entry.get("variants", {}).items()}),
        **_cited(entry),
    )
