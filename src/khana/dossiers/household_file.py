"""One household's file: members by family, scores, what its members draw, what it could get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from khana.assessment import scores
from khana.beneficiaries import results
from khana.dossiers.benefit_lines import BenefitLine, benefit_lines
from khana.dossiers.person_file import FileNotFound
from khana.geo import area_names as geo
from khana.registry import files


@dataclass(frozen=True)
class Member:
    """One line of the household with the person who stands there."""

    place: files.Place
    facts: files.PersonFacts | None


@dataclass(frozen=True)
class HouseholdFile:
    """Everything that the caller may know of one household."""

    facts: files.HouseholdFacts
    versions: Sequence[files.HouseholdFacts]
    members: Sequence[Member]
    scores: Sequence[scores.ScoreFacts]
    recipients: Sequence[results.RecipientRow]
    benefits: Sequence[BenefitLine]
    unserved: results.UnservedRow | None
    way_down: Sequence[geo.AreaName]


def household_file(number: str, clocks: files.Clocks | None = None) -> HouseholdFile:
    """Read one file by the number on the slip.

    Raises:
        FileNotFound: It does not exist or lies outside the scope, or nothing was known on that day.
    """
    household = files.household_id_of(number)
    facts = files.household_at(household, clocks) if household is not None else None
    if household is None or facts is None:
        raise FileNotFound("No such household, or it lies outside the area that you work for.", household=number)
    places = files.members_of(household, clocks)
    people = files.person_at([place.person_id for place in places], clocks)
    run = results.latest_run()
    tokens = files.tokens_of([place.person_id for place in places])
    return HouseholdFile(
        facts=facts,
        versions=files.versions_of_household(household),
        members=[Member(place, people.get(place.person_id)) for place in places],
        scores=scores.scores_of(household, clocks.as_known_at if clocks else None),
        recipients=results.recipients_of_household(run.id, number) if run else (),
        benefits=benefit_lines(tokens),
        unserved=results.unserved_household(run.id, number) if run else None,
        way_down=geo.way_down(facts.area_path),
    )
