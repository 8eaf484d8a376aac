"""Whether a member of a form is somebody who is registered: by a number, else by name, sex and birth."""

from __future__ import annotations

from difflib import SequenceMatcher

from khana.intake.draft import Member
from khana.intake.services.verify import token_of
from khana.registry import known as registry
from khana_methods.standardise.digits import comparison_key

_ALIKE, _YEARS = 0.75, 3


def is_same(member: Member, known: registry.KnownMember) -> bool:
    """Say whether she is the same by a number or by name, sex and birth."""
    return same_number(member, known) or same_person(member, known)


def same_number(member: Member, known: registry.KnownMember) -> bool:
    """Say whether she shows one of the numbers that are known of her."""
    token = token_of(member)
    return token is not None and token in known.tokens


def alike(first: str, second: str) -> float:
    """Return how alike two names are, from 0 to 1; 0 where one is not stated.

    Examples:
        >>> alike("Sana Bibi", "SANA  BIBI"), alike("Sana", "")
        (1.0, 0.0)
    """
    return SequenceMatcher(None, comparison_key(first), comparison_key(second)).ratio() if first and second else 0.0


def born_near(member: Member, known: registry.KnownMember) -> bool:
    """Say whether the years of birth are near, or one is not stated."""
    born = member.facts.get("birth_year")
    return born is None or known.birth_year is None or abs(born - known.birth_year) <= _YEARS


def same_person(member: Member, known: registry.KnownMember) -> bool:
    """Say whether sex, birth and name are hers."""
    return (
        member.facts.get("sex") == known.sex
        and born_near(member, known)
        and alike(str(member.facts.get("name", "")), known.name) >= _ALIKE
    )
