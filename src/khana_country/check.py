"""What makes a country pack wrong: undated, uncited or naming what is not there.

Each function adds sentences to a list instead of raising, so that one message tells a pack's
author all of it at once. Nothing here reads a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from khana_country.pack import BENEFIT_KINDS, MARKS, CountryPack

_KNOWN_TO = ("day", "month", "year")
_CITED = {
    "country": ("weekend", "fiscal_year", "figures"),
    "programmes": ("programmes",),
    "cut_offs": ("cut_offs", "lines"),
    "cap": ("rules",),
    "exclusions": ("pairs", "registers", "filters"),
    "deadlines": ("deadlines",),
    "holidays": ("holidays",),
}


def check_cited(name: str, document: Mapping[str, Any], problems: list[str]) -> None:
    """Add a problem for every value that has no date, source or mark."""
    for key in _CITED.get(name, ()):
        for number, entry in enumerate(document.get(key, ()), start=1):
            label = f"{name}.{key} {entry.get('code', entry.get('name', number))}"
            _check_one(label, entry, problems)
            for kind in ("amounts", "quotas"):
                for part in entry.get(kind, ()):
                    _check_one(f"{label} {kind.removesuffix('s')}", part, problems)


def _check_one(label: str, entry: Mapping[str, Any], problems: list[str]) -> None:
    when = entry.get("from", entry.get("valid_from", entry.get("as_of")))
    if not isinstance(when, date):
        problems.append(f"{label} has no date")
    if not entry.get("source"):
        problems.append(f"{label} has no source")
    if entry.get("mark") not in MARKS:
        problems.append(f"{label} has no mark of its source")
    if entry.get("known_to", "day") not in _KNOWN_TO:
        problems.append(f"{label}: known_to is none of {', '.join(_KNOWN_TO)}")


def check_country(document: Mapping[str, Any], problems: list[str]) -> None:
    """Add a problem for every fiscal year that begins in no month."""
    entries = document.get("fiscal_year", ())
    if not entries:
        problems.append("country.fiscal_year: no fiscal year is stated")
    for entry in entries:
        if entry.get("starts_month") not in range(1, 13):
            problems.append("country.fiscal_year: starts_month is the number of a month, 1 to 12")


def check_programmes(pack: CountryPack, problems: list[str]) -> None:
    """Add a problem for every programme that names what is not there."""
    for code, programme in pack.programmes.items():
        if programme.agency not in pack.agencies:
            problems.append(f"{code}: agency '{programme.agency}' is not listed")
        if BENEFIT_KINDS.get(programme.benefit_type) != programme.kind:
            problems.append(f"{code}: benefit type {programme.benefit_type} is not {programme.kind}")
        if programme.requires and programme.requires not in pack.programmes:
            problems.append(f"{code}: requires '{programme.requires}', which is not in the catalogue")
        if not programme.amounts and not programme.no_amount:
            problems.append(f"{code}: no amount, and no word why")
        missing = {language.code for language in pack.languages} - set(programme.names)
        problems += [f"{code}: no name in {language}" for language in sorted(missing)]
        variants = {amount.variant for amount in programme.amounts} - {""} - set(programme.variants)
        problems += [f"{code}: variant '{variant}' is not described" for variant in sorted(variants)]
        problems += [
            f"{code}: area '{area}' has no shape of this country"
            for area in (*programme.areas, *(quota.area for quota in programme.quotas))
            if not any(re.fullmatch(level.pattern, area) for level in pack.levels)
        ]


def check_rules(pack: CountryPack, problems: list[str]) -> None:
    """Add a problem for every cut-off, pair, cap or register that names what is not there."""
    for pair in pack.exclusion_pairs:
        if pair.programmes[0] == pair.programmes[1]:
            problems.append(f"pair {pair.programmes[0]}: a programme cannot exclude itself")
    named: list[tuple[str, tuple[str, ...]]] = [
        *((f"pair {'-'.join(x.programmes)}", x.programmes) for x in pack.exclusion_pairs),
        *((f"register {x.code}", x.programmes) for x in pack.register_exclusions),
        *((f"cut-off {x.programme}", (x.programme,)) for x in pack.cut_offs),
        *((f"filter {x.code}", x.programmes) for x in pack.exclusion_filters),
    ]
    for label, codes in named:
        problems += [
            f"{label}: programme '{code}' is not in the catalogue" for code in codes if code not in pack.programmes
        ]
    for rule in pack.cap_rules:
        counted = {x.code for x in pack.programmes.values() if x.benefit_type in rule.counts}
        stated = {x.code for x in pack.programmes.values() if x.counts_to_cap}
        problems += [f"{code}: counts to the cap against the rule" for code in sorted(stated - counted)]
    for line in pack.lines:
        bounds = (line.max_score, line.min_score, line.max_quantile, line.min_quantile)
        if sum(bound is not None for bound in bounds) != 1:
            problems.append(f"line {line.name}: exactly one bound is wanted")
