"""The register of breaches: each with its clocks from the moment somebody became aware, and letters ready to send.

Hours, authority and source come from `breach_rules.yaml` by country. Whoever reads alarms sees the register, the
data-protection officer keeps it; what was written once about what happened is never changed, only added to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from django.db import transaction

from khana.access import services as access
from khana.access.models import Breach
from khana.audit import services as audit
from khana_methods.errors import Conflict, InputError, NotFound
from khana_methods.yaml_text import read_yaml

KINDS = ("names", "numbers", "addresses", "telephones", "accounts", "health", "scores", "benefits", "biometrics")
AUDIENCES = ("authority", "persons")


class BreachWrong(InputError):
    """What is said of a breach does not fit: a country without a rule, a moment to come, no words."""

    code: ClassVar[str] = "access.breach.wrong"


class BreachNotFound(NotFound):
    """No breach has this number, or the reader may not see the register."""

    code: ClassVar[str] = "access.breach.not_found"


class BreachMoved(Conflict):
    """It was told or closed already, or may not be closed yet."""

    code: ClassVar[str] = "access.breach.moved"


@dataclass(frozen=True)
class Clock:
    """Who must be told by when, and whether it was done in time."""

    audience: str
    due_at: datetime | None
    told_at: datetime | None
    state: str
    source: str
    mark: str


@lru_cache(maxsize=1)
def rules() -> dict[str, Any]:
    """Return hours and letters by country."""
    found: dict[str, Any] = read_yaml((Path(__file__).parent / "breach_rules.yaml").read_text(encoding="utf-8"))
    return found


def _rule(country: str) -> dict[str, Any]:
    if country == "letters" or country not in rules():
        raise BreachWrong(
            f"There is no rule for {country}. There are: {', '.join(c for c in rules() if c != 'letters')}."
        )
    found: dict[str, Any] = rules()[country]
    return found


@transaction.atomic
def add(
    *, country: str, what: str, kinds: list[str], person_count: int, risk: str, aware_at: datetime, measures: str,
    alarm: int | None = None, at: datetime,
) -> str:  # fmt: skip
    """Open a breach; its clocks run from the moment of becoming aware. Return its number.

    Args:
        country: PAK or BGD.
        what: What happened, at least twenty characters; no name or number of a person.
        kinds: Kinds of data, of `KINDS`.
        person_count: How many persons, counted or estimated.
        risk: UNLIKELY, LIKELY or HIGH: whether somebody may come to harm.
        aware_at: When somebody of the office first knew; not in the future.
        measures: What was done.
        alarm: The alarm that it came from.
        at: Now.

    Raises:
        BreachWrong: One of these is not as it should be.
    """
    access.require("alarms.decide", everywhere=True)
    _rule(country)
    if len(what.strip()) < 20 or person_count < 0 or aware_at > at or risk not in ("UNLIKELY", "LIKELY", "HIGH"):
        raise BreachWrong(
            "Say what happened in at least twenty characters, a count, a risk, and a moment that has passed."
        )
    if not kinds or set(kinds) - set(KINDS):
        raise BreachWrong(f"Say which kinds of data: {', '.join(KINDS)}.")
    made = Breach.objects.create(
        country=country, what=what.strip(), kinds=kinds, person_count=person_count, risk=risk, aware_at=aware_at,
        measures=measures.strip(), alarm_id=alarm, opened_at=at,
    )  # fmt: skip
    number = f"B-{at.year}-{made.pk:04d}"
    Breach.objects.filter(pk=made.pk).update(number=number)
    details = {"country": country, "persons": person_count, "risk": risk}
    audit.record(action="access.breach.opened", subject=f"breach:{number}", details=details, at=at)
    return number


def get(number: str) -> Breach:
    """Return one breach of the register."""
    found = Breach.objects.filter(number=number).first()
    if found is None:
        raise BreachNotFound("No breach has this number.", number=number)
    return found


def list_all() -> list[Breach]:
    """Return the register, newest first; needs `alarms.read`."""
    access.require("alarms.read", everywhere=True)
    return list(Breach.objects.order_by("-id"))


def clocks(breach: Breach, *, at: datetime) -> list[Clock]:
    """Return who must be told by when: `told`, `told_late`, `not_needed`, `runs` or `over`."""
    rule = _rule(breach.country)
    out = []
    for audience, told in (("authority", breach.authority_told_at), ("persons", breach.persons_told_at)):
        one = rule[audience]
        due: datetime | None = breach.aware_at + timedelta(hours=one["hours"])
        if one.get("unless") == breach.risk:
            due, state = None, "told" if told else "not_needed"
        elif told is not None:
            state = "told" if due is not None and told <= due else "told_late"
        else:
            state = "runs" if due is not None and at <= due else "over"
        source = rule["authority"]["source"] if one["source"] == "the same" else one["source"]
        out.append(Clock(audience, due, told, state, source, one["mark"]))
    return out


@transaction.atomic
def tell(*, number: str, audience: str, at: datetime) -> None:
    """Write down that the authority, or the persons, were told now.

    Raises:
        BreachMoved: They were told already, or it is closed.
    """
    access.require("alarms.decide", everywhere=True)
    if audience not in AUDIENCES:
        raise BreachWrong(f"Tell {' or '.join(AUDIENCES)}.")
    column = f"{audience}_told_at"
    changed = Breach.objects.filter(number=number, closed_at=None, **{column: None}).update(**{column: at})
    if not changed:
        get(number)
        raise BreachMoved("They were told already, or the breach is closed.", number=number)
    audit.record(action=f"access.breach.{audience}_told", subject=f"breach:{number}", details={}, at=at)


@transaction.atomic
def close(*, number: str, lesson: str, at: datetime) -> None:
    """Close a breach when everybody who must be told was told; with what was learned.

    Raises:
        BreachMoved: Somebody must still be told, or it is closed already.
    """
    access.require("alarms.decide", everywhere=True)
    breach = get(number)
    left = [one.audience for one in clocks(breach, at=at) if one.state in ("runs", "over")]
    if left:
        raise BreachMoved(f"To be told first: {', '.join(left)}.", number=number)
    if len(lesson.strip()) < 10:
        raise BreachWrong("Say what was learned.")
    if not Breach.objects.filter(number=number, closed_at=None).update(closed_at=at, lesson=lesson.strip()):
        raise BreachMoved("It is closed already.", number=number)
    audit.record(action="access.breach.closed", subject=f"breach:{number}", details={}, at=at)


def letter(*, number: str, audience: str, language: str, contact: str) -> str:
    """Return the letter to the authority or to the persons, ready to sign, in English, Urdu or Bangla."""
    access.require("alarms.read", everywhere=True)
    breach = get(number)
    texts = rules()["letters"]
    if audience not in texts or language not in texts[audience]:
        raise BreachWrong("A letter is to the authority or to persons, in en, ur or bn.")
    rule = _rule(breach.country)["authority"]
    filled: str = texts[audience][language].format(
        authority=rule["name"], source=rule["source"], number=breach.number, what=breach.what, kinds=", ".join(breach.kinds),
        aware_at=f"{breach.aware_at:%Y-%m-%d %H:%M} UTC", persons=breach.person_count, risk=breach.risk.lower(),
        measures=breach.measures or "-", contact=contact,
    )  # fmt: skip
    return filled
