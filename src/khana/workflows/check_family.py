"""Hold claimed members of a household against the families of its listed ones: numbers become tokens on the way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.identity import evidence
from khana.identity.services import family_tree
from khana.registry import files
from khana.sharing import searches
from khana_methods.errors import InputError


class NumberUnreadable(InputError):
    """A claimed number is no personal number of this country."""

    code: ClassVar[str] = "identity.family.number_unreadable"


def run(*, household: str, claims: Sequence[str] = (), only_list: bool = False, at: datetime) -> list[dict[str, Any]]:
    """Check claims, or list earlier checks, in the scope that is open.

    Raises:
        HouseholdUnknown: No household of that number is in scope.
        NumberUnreadable: A claim is no number.
    """
    access.require("registry.read")
    found = files.household_id_of(household)
    if found is None:
        raise family_tree.HouseholdUnknown("No such household within the area that you work for.")
    if only_list:
        return evidence.family_checks(found)
    tokens = []
    for claim in claims:
        read = searches.tokens(claim)
        if not read:
            raise NumberUnreadable("A claimed number is no personal number: check the digits and their count.")
        tokens.append(read[0])
    return family_tree.check(household_id=found, tokens=tokens, at=at)
