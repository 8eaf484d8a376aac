"""Before a new file is made: who in the whole country may be this person already.

The asker sees files of her area; of all others she learns that there may be one, and nothing more. Every
question is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from khana.access import services as access
from khana.audit import services as audit
from khana.dossiers.lookups import tokens_of
from khana.linkage import selectors
from khana.platform import installation
from khana.registry import files


@dataclass(frozen=True)
class Asked:
    """What is known of the person at the desk."""

    name: str
    guardian_name: str = ""
    sex: str = ""
    birth_year: int | None = None
    number: str = ""


def check(asked: Asked, *, at: datetime) -> dict[str, Any]:
    """Look for files that may be hers, in the scope that is open.

    Returns:
        `files`: those within the asker's area, with what helps to recognise her, numbers masked; `elsewhere`: another file
        may exist outside it; `elsewhere_shares_number`: with the number that she shows.

    Raises:
        PermissionMissing: The asker may not register.
        NumberMalformed: The number is none of this country.
    """
    access.require("registry.write")
    tokens = tokens_of(asked.number, installation.read().get("country", "pak")) if asked.number.strip() else []
    found = selectors.files_like(
        name=asked.name, guardian_name=asked.guardian_name, sex=asked.sex, birth_year=asked.birth_year, tokens=tokens
    )
    inside = {person: shares for person, shares in found if person is not None}
    elsewhere = [shares for person, shares in found if person is None]
    known = files.person_at(list(inside))
    homes = files.households_of(list(inside))
    shown = [
        {
            "person": person, "name": known[person].name, "guardian_name": known[person].guardian_name,
            "birth": known[person].birth, "sex": known[person].sex, "households": homes.get(person, []),
            "shares_number": shares,
        }
        for person, shares in inside.items() if person in known
    ]  # fmt: skip
    audit.record(
        action="linkage.desk.asked",
        subject="person:new",
        details={"files": len(shown), "elsewhere": bool(elsewhere)},
        at=at,
    )
    return {"files": shown, "elsewhere": bool(elsewhere), "elsewhere_shares_number": any(elsewhere)}
