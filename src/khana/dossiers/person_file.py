"""One person's file: who she is, her numbers masked, where she lives, what she draws, what was found.

Also the search that leads to it. Reads under two clocks: the day asked about, and what was known
when. Rooms are asked under the caller's scope: what she may not read is simply not in the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from khana.assessment import scores
from khana.beneficiaries import lists, results, state_reads
from khana.dossiers.benefit_lines import BenefitLine, benefit_lines
from khana.geo import area_names as geo
from khana.grievances import selectors as grievances
from khana.intake import selectors as submissions
from khana.linkage import selectors as linkage
from khana.platform import clock, installation, keys
from khana.programmes import catalogue as filters
from khana.registry import files
from khana_country.load import pack_folder
from khana_methods.errors import NotFound
from khana_methods.standardise.digits import ascii_digits
from khana_methods.standardise.identifiers import OK, IdentifierRules

_FEWEST_LETTERS = 2


class FileNotFound(NotFound):
    """No such file within the caller's scope."""

    code: ClassVar[str] = "dossiers.file.not_found"


@dataclass(frozen=True)
class Sent:
    """One filled form of a household in which any of her files stands."""

    number: int
    form: str
    state: str
    received_at: datetime


@dataclass(frozen=True)
class Pairing:
    """One pair in which any of her files stands, and what was decided."""

    number: int
    kind: str
    other: int
    decision: str
    by_person: bool


@dataclass(frozen=True)
class PersonFile:
    """Everything that the caller may know of one person."""

    person_id: int
    facts: files.PersonFacts
    versions: Sequence[files.PersonFacts]
    numbers: Sequence[files.HeldNumber]
    places: Sequence[files.Place]
    way_down: Sequence[geo.AreaName]
    benefits: Sequence[BenefitLine]
    exits: Sequence[lists.ExitRow]
    score: scores.ScoreFacts | None
    merges: Sequence[files.Merge] = ()
    submissions: Sequence[Sent] = ()
    pairs: Sequence[Pairing] = ()
    enrolments: Sequence[state_reads.EnrolmentRow] = ()
    stops: Sequence[state_reads.StopRow] = ()
    appeals: Sequence[Mapping[str, Any]] = ()
    cases: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Hit:
    """One person that a search shows: enough to choose, no number."""

    person_id: int
    name: str
    name_native: str
    guardian_name: str
    birth: str
    sex: str
    areas: Sequence[str]
    households: Sequence[str]


@dataclass(frozen=True)
class SearchResult:
    """What one box found: persons, or one household number; `kind` says how the text was read."""

    kind: str
    hits: Sequence[Hit]
    household_number: str = ""
    unregistered_rows: int = 0


def person_file(person_id: int, clocks: files.Clocks | None = None) -> PersonFile:
    """Read one file: what hangs on any of the ids that stand for her today is found from each of them.

    Raises:
        FileNotFound: It does not exist or lies outside the scope, or nothing was known on that day.
    """
    known = clocks.as_known_at if clocks else None
    current = files.current_file(person_id, known)
    held = files.files_of(current, known)
    facts = files.person_at([current], clocks).get(current)
    if facts is None:
        raise FileNotFound("No such file, or it lies outside the area that you work for.", person=person_id)
    numbers = files.numbers_of(held)
    places = files.places_of(held, clocks)
    tokens = [number.token for number in numbers if number.retired_at is None]
    found = scores.scores_of(places[0].household_id, clocks.as_known_at if clocks else None) if places else []
    return PersonFile(
        person_id=current,
        facts=facts,
        versions=files.versions_of_person(held),
        numbers=numbers,
        places=places,
        way_down=geo.way_down(facts.area_path),
        benefits=benefit_lines(tokens),
        exits=lists.exits_of(tokens),
        score=found[0] if found else None,
        merges=files.merges_of(held),
        submissions=[
            Sent(row.pk, row.form_code, row.state, row.received_at)
            for row in submissions.submissions_of(sorted({place.household_id for place in places}))
        ],
        pairs=[
            Pairing(row.pk, row.left_kind, row.right_id if row.left_id in held else row.left_id, row.decision, row.decided_by is not None)
            for row in linkage.pairs_of(held)
        ],
        enrolments=state_reads.enrolments_of(tokens, person_ids=held),
        stops=state_reads.stops_of(tokens, person_ids=held),
        cases=grievances.list_cases(state="", people=held, today=clock.today()),
        appeals=filters.appeals_of(held, sorted({place.household_number for place in places})),
    )  # fmt: skip


@dataclass(frozen=True)
class RecipientFile:
    """One recipient of the one list, with or without a file in the registry."""

    recipient: results.RecipientRow
    benefits: Sequence[BenefitLine]
    way_down: Sequence[geo.AreaName]


def recipient_file(recipient_id: int) -> RecipientFile:
    """Read all rows of one recipient.

    Raises:
        FileNotFound: It does not exist or lies outside the scope.
    """
    row = results.recipient(recipient_id)
    if row is None:
        raise FileNotFound("No such row, or it lies outside the area that you work for.", recipient=recipient_id)
    token = results.recipient_token(recipient_id)
    tokens = [token] if token else []
    if row.person_id is not None:
        mine = files.files_of(files.current_file(row.person_id))
        tokens += [held for held in files.tokens_of(mine) if held not in tokens]
    return RecipientFile(row, benefit_lines(tokens), geo.way_down(row.area_path))


def search(text: str, language: str, *, limit: int = 50) -> SearchResult:
    """Find persons by a personal number or a name, or a household by the number on its slip."""
    plain = ascii_digits(text).strip()
    figures = "".join(letter for letter in plain if letter.isdigit())
    if figures and not any(letter.isalpha() for letter in plain):
        household = files.household_id_of(plain) or files.household_id_of(figures)
        if household is not None:
            found = files.household_at(household)
            return SearchResult("household", (), found.number if found else figures)
        number = _rules(installation.read().get("country", "pak")).standardise(plain)
        if number.state != OK:
            return SearchResult("malformed", ())
        token = keys.token(number.scheme, number.canonical)
        people = files.people_of_token(token)
        rows = 0 if people else len(lists.benefits_of([token], limit=50))
        return SearchResult("number", _hits(people, language), "", rows)
    if len(plain) < _FEWEST_LETTERS:
        return SearchResult("short", ())
    return SearchResult("name", _hits([row.person_id for row in files.search_names(plain, limit=limit)], language))


@lru_cache(maxsize=4)
def _rules(country: str) -> IdentifierRules:
    return IdentifierRules.load(pack_folder(country) / "identifiers.yaml")


def _hits(person_ids: Sequence[int], language: str) -> list[Hit]:
    known = files.person_at(person_ids)
    homes = files.households_of(person_ids)
    areas = geo.areas(code for facts in known.values() for code in facts.area_path.split(".") if code)
    return [
        Hit(
            person, known[person].name, known[person].name_native, known[person].guardian_name, known[person].birth,
            known[person].sex, _area(known[person].area_path, areas, language),
            tuple(homes.get(person, ())),
        )
        for person in person_ids
        if person in known
    ]  # fmt: skip


def _area(path: str, areas: dict[str, geo.AreaName], language: str) -> tuple[str, ...]:
    codes = [code for code in path.split(".") if code in areas]
    return tuple(areas[code].called(language) for code in reversed(codes[1:]))
