"""The frozen types of a country pack, and the questions that depend on a date.

Every value is *dated* (`valid_from` is the first day it holds) and *cited* (`source`), with a mark
of how well the source is known: V read in the primary document, N official site or newspaper,
U unofficial page, G general professional knowledge, A Khana's own assumption. Values of a date are
never guessed: what is not in force is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from khana_methods.errors import NotConfigured, NotFound

BENEFIT_KINDS: Mapping[int, str] = {
    1: "cash",
    2: "voucher",
    3: "in_kind",
    4: "training",
    5: "workfare",
    6: "insurance",
}
MARKS = frozenset("VNUGA")
Names = Mapping[str, str]


class NotInForce(NotConfigured):
    """The pack has no value for that date; a guess would decide about people."""

    code: ClassVar[str] = "country.not_in_force"


class ProgrammeUnknown(NotFound):
    """The pack's catalogue has no such programme."""

    code: ClassVar[str] = "country.programme.unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """What every value of a pack carries: its first day, its source and the mark of the source.

    `known_to` is `day`, `month` or `year`: how exactly the source gives the first day.
    """

    valid_from: date
    source: str
    mark: str
    known_to: str = "day"


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the country's pages."""

    code: str
    name: str
    script: str
    direction: str


@dataclass(frozen=True, slots=True)
class Level:
    """One administrative level and the shape of its P-codes (a regular expression)."""

    level: int
    code: str
    pattern: str
    names: Names


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency that runs programmes: whose it is and from which head of the budget it pays."""

    code: str
    names: Names
    owner: Names
    budget_head: Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekend(Cited):
    """The days of rest of the week, in English, small letters."""

    days: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiscalYear(Cited):
    """The month on whose first day the fiscal year of governments begins."""

    starts_month: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(Cited):
    """One published figure of the country, for orientation and plausibility; decides nothing."""

    name: str
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount(Cited):
    """What one programme pays `per` unit of time (or once), for one variant and sex where they differ."""

    amount: Decimal
    currency: str
    per: str
    variant: str = ""
    sex: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """An upper bound on one fact, whose unit and period the catalogue of facts holds."""

    fact: str
    bound: Decimal
    is_inclusive: bool
    source: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must be done in a period for the benefit to go on."""

    fact: str
    at_least: Decimal
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota(Cited):
    """Places of one programme in one area; the country's own code stands for the whole country."""

    area: str
    places: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme(Cited):
    """One programme of the catalogue; ages are inclusive, in completed years.

    `benefit_type` is SPDCI's code and `kind` its word. `unit` is whom one benefit is for.
    `requires` is the programme that the payee must be on. Empty `areas` means everywhere.
    """

    code: str
    names: Names
    agency: str
    benefit_type: int
    kind: str
    counts_to_cap: bool
    unit: str
    frequency: str
    target_group: str
    rule: str
    valid_to: date | None = None
    is_planned: bool = False
    min_age: int | None = None
    max_age: int | None = None
    min_age_female: int | None = None
    sex: str = ""
    marital: tuple[str, ...] = ()
    also_eligible: tuple[str, ...] = ()
    poverty_targeted: bool = False
    one_per_household: bool = False
    requires: str = ""
    areas: tuple[str, ...] = ()
    amounts: tuple[Amount, ...] = ()
    no_amount: str = ""
    limits: tuple[Limit, ...] = ()
    condition: Condition | None = None
    conditions: tuple[str, ...] = ()
    quotas: tuple[Quota, ...] = ()
    variants: Mapping[str, str]

    def quotas_on(self, on: date) -> tuple[Quota, ...]:
        """List the quotas in force on that day: the newest of each area."""
        newest: dict[str, Quota] = {}
        for quota in sorted(self.quotas, key=lambda one: one.valid_from):
            if quota.valid_from <= on:
                newest[quota.area] = quota
        return tuple(newest.values())

    def is_in_force(self, on: date) -> bool:
        """Tell whether the programme runs on that day."""
        return not self.is_planned and self.valid_from <= on and (self.valid_to is None or on < self.valid_to)

    def amounts_on(self, on: date) -> tuple[Amount, ...]:
        """List the amounts in force on that day: the newest of each variant and sex."""
        newest: dict[tuple[str, str], Amount] = {}
        for amount in self.amounts:
            key = (amount.variant, amount.sex)
            if amount.valid_from <= on and (key not in newest or newest[key].valid_from < amount.valid_from):
                newest[key] = amount
        return tuple(newest.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff(Cited):
    """The highest score, inclusive, that a programme takes; `when` names a raising circumstance."""

    programme: str
    max_score: Decimal
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Cited):
    """Who counts as poor or well off: a score, or a share (0 to 1) of the households by score."""

    name: str
    max_score: Decimal | None = None
    min_score: Decimal | None = None
    max_quantile: Decimal | None = None
    min_quantile: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapRule(Cited):
    """The most programmes of the counted benefit types that one person may draw."""

    max_programmes: int
    counts: frozenset[int]
    per: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionPair(Cited):
    """Two programmes that one payee may not draw together."""

    programmes: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterExclusion(Cited):
    """A finding code of a public register that excludes from the programmes named."""

    code: str
    applies_to: tuple[str, ...]
    programmes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionFilter(Cited):
    """A profiling filter as it was applied, with its hits as reported (filters overlap).

    Its rule has the same code; `programmes` are those that it keeps a person from.
    """

    code: str
    meaning: Names
    hits: Mapping[str, int]
    programmes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline(Cited):
    """How many calendar or working days one step of a complaint may take at one office."""

    step: str
    office: str
    days: int
    kind: str
    then: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday(Cited):
    """A holiday on a fixed day of the year."""

    month: int
    day: int
    names: Names


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryPack:
    """Everything that is true in one country, as its folder states it."""

    code: str
    iso_alpha2: str
    iso_alpha3: str
    names: Names
    currency: str
    currency_symbol: str
    languages: tuple[Language, ...]
    calling_code: str
    time_zone: str
    weekends: tuple[Weekend, ...]
    fiscal_years: tuple[FiscalYear, ...]
    figures: tuple[Figure, ...]
    levels: tuple[Level, ...]
    agencies: Mapping[str, Agency]
    programmes: Mapping[str, Programme]
    cut_offs: tuple[CutOff, ...]
    lines: tuple[Line, ...]
    cap_rules: tuple[CapRule, ...]
    exclusion_pairs: tuple[ExclusionPair, ...]
    register_exclusions: tuple[RegisterExclusion, ...]
    exclusion_filters: tuple[ExclusionFilter, ...]
    deadlines: tuple[Deadline, ...]
    holidays: tuple[Holiday, ...]
    folder: Path

    def programme(self, code: str) -> Programme:
        """Return one programme of the catalogue.

        Raises:
            ProgrammeUnknown: No programme has that code; the message lists those there are.
        """
        found = self.programmes.get(code)
        if found is None:
            raise ProgrammeUnknown(
                f"{self.names['en']} has no programme '{code}'. It has: {', '.join(self.programmes)}.",
                programme=code,
                country=self.code,
            )
        return found

    def fiscal_month(self, on: date) -> int:
        """Return the month in which the fiscal year begins, by the rule in force on a day.

        Raises:
            NotInForce: The pack states none for that day.
        """
        begun = [one for one in self.fiscal_years if one.valid_from <= on]
        if not begun:
            raise NotInForce(f"{self.names['en']} states no fiscal year for {on}.", country=self.code)
        return max(begun, key=lambda one: one.valid_from).starts_month

    def fiscal_year_of(self, day: date) -> date:
        """Return the first day of the fiscal year that a day lies in.

        Raises:
            NotInForce: The pack states none for that day.
        """
        month = self.fiscal_month(day)
        return date(day.year if day.month >= month else day.year - 1, month, 1)

    def incompatible_with(self, code: str, on: date) -> tuple[str, ...]:
        """List the programmes that exclude this one on that day; symmetric by construction."""
        found = {
            other
            for pair in self.exclusion_pairs
            if pair.valid_from <= on and code in pair.programmes
            for other in pair.programmes
            if other != code
        }
        return tuple(sorted(found))

    def cut_off(self, programme: str, on: date, when: str = "") -> CutOff | None:
        """Return the score cut-off of a programme in force on that day, or None where it has none.

        Args:
            programme: Code of the programme.
            on: The day the question is asked as of.
            when: A raising circumstance such as `member_with_disability`; empty is the rule.
        """
        return max(
            (cut for cut in self.cut_offs if cut.programme == programme and cut.when == when and cut.valid_from <= on),
            key=lambda cut: cut.valid_from,
            default=None,
        )

    def line(self, name: str, on: date) -> Line:
        """Return the line `poor` or `well_off` in force on that day.

        Raises:
            NotInForce: The pack states no such line for that day.
        """
        found = [line for line in self.lines if line.name == name and line.valid_from <= on]
        if not found:
            raise NotInForce(
                f"{self.names['en']} states no line '{name}' for {on}. Add it to cut_offs.yaml.",
                line=name,
                country=self.code,
            )
        return max(found, key=lambda line: line.valid_from)

    def cap(self, on: date) -> CapRule:
        """Return the cap rule in force on that day.

        Raises:
            NotInForce: The pack states no cap for that day.
        """
        found = [rule for rule in self.cap_rules if rule.valid_from <= on]
        if not found:
            raise NotInForce(f"{self.names['en']} states no cap for {on}. Add it to cap.yaml.", country=self.code)
        return max(found, key=lambda rule: rule.valid_from)
