"""Before a new file is made: who in the whole country may be this person already.

The asker sees files of her area; of all others she learns that there may be one, and nothing more. Every
question is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from khana.access import services as access
from khana.audit import services as audit
from khana.dossiers.lookups import tokens_of
from khana.geo import area_names as geo
from khana.linkage import desk, selectors
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


def said(asked: Asked) -> dict[str, Any]:
    """Return what the desk stated, as the steward of another area may read it: all but the number."""
    return {
        "name": asked.name, "guardian_name": asked.guardian_name, "sex": asked.sex, "birth_year": asked.birth_year,
    }  # fmt: skip


def tokens(asked: Asked) -> list[bytes]:
    """Return the tokens of the number that she shows, none without one.

    Raises:
        NumberMalformed: The number is none of this country.
    """
    return tokens_of(asked.number, installation.read().get("country", "pak")) if asked.number.strip() else []


def files_asked_for(questions: Sequence[selectors.Question]) -> dict[int, files.PersonFacts]:
    """Return the files that desks ask for, by person, as far as they lie within the scope."""
    return files.person_at([one.person_id for one in questions if one.person_id])


def opened(opening_id: int) -> dict[str, Any]:
    """Return what is told of a file when a steward opens it to a desk: her name, household and place."""
    found = selectors.get_opening(opening_id)
    known = files.person_at([found.person_id]).get(found.person_id)
    if known is None:
        raise selectors.OpeningNotFound("The file lies outside the area that you work for.")
    homes = files.households_of([found.person_id]).get(found.person_id, [])
    places = [area.called("en") for area in geo.way_down(known.area_path)[1:]]
    return {"name": known.name, "household": homes[0] if homes else "", "place": places}


def likely_elsewhere(asked: Asked) -> list[int]:
    """Return whom the model names outside the scope: for the question to the other area, never for the page."""
    model = _likely(asked)
    known = files.person_at(list(model))
    return [person for person in model if person not in known]


def _likely(asked: Asked) -> dict[int, float]:
    """Ask the model in use who in the whole register may be her: person to probability; empty without a model."""
    if not asked.name.strip():
        return {}
    access.require("registry.write")
    said = desk.likely(
        name=asked.name, guardian_name=asked.guardian_name, sex=asked.sex, birth_year=asked.birth_year,
        number=asked.number,
    )  # fmt: skip
    return {one.person_id: one.probability for one in said}


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
    found = selectors.files_like(
        name=asked.name,
        guardian_name=asked.guardian_name,
        sex=asked.sex,
        birth_year=asked.birth_year,
        tokens=tokens(asked),
    )
    inside = {person: shares for person, shares in found if person is not None}
    elsewhere = [shares for person, shares in found if person is None]
    model = _likely(asked)
    known = files.person_at([*inside, *model])
    for person in model:
        if person in known:
            inside.setdefault(person, False)
        else:
            elsewhere.append(False)
    ordered = sorted(inside, key=lambda person: (-inside[person], -model.get(person, 0.0), person))
    homes = files.households_of(list(inside))
    shown = [
        {
            "person": person, "name": known[person].name, "guardian_name": known[person].guardian_name,
            "birth": known[person].birth, "sex": known[person].sex, "households": homes.get(person, []),
            "shares_number": inside[person], "percent": round(100 * model[person]) if person in model else None,
        }
        for person in ordered if person in known
    ]  # fmt: skip
    audit.record(
        action="linkage.desk.asked",
        subject="person:new",
        details={"files": len(shown), "elsewhere": bool(elsewhere), "by_model": len(model)},
        at=at,
    )
    return {"files": shown, "elsewhere": bool(elsewhere), "elsewhere_shares_number": any(elsewhere)}
