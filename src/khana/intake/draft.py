"""From answers to facts: types, units, partial dates, numbers in their canonical form, under the form's own version.

A draft is a household and its members as the registry's facts. An answer that cannot be read leaves its fact out and is
said as a finding by line; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from khana.intake.answers import EntityPart, Instance
from khana.intake.xlsform.definition import Definition, Question
from khana.intake.xlsform.units import convert
from khana_country.load import load_document
from khana_methods.rules.facts import Fact, load_facts
from khana_methods.standardise.identifiers import IdentifierRules, PersonalNumber
from khana_methods.standardise.phones import mobile_number

AREAS = ("union_code", "tehsil_code", "district_code", "province_code", "area_code")
_YES, _NO = {"yes", "1", "true"}, {"no", "0", "false"}
CAME_FROM = "came_from"  # a question of the roster that fills no fact: it says where the journey finds her
EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True)
class Note:
    """Something found about one answer or one member: code, severity, line of the roster or 0; never the answer."""

    code: str
    severity: str
    line_no: int = 0
    question: str = ""


@dataclass
class Member:
    """One person of the roster as facts; apart her number in its canonical form, and the slip's number of her earlier household."""

    facts: dict[str, Any] = field(default_factory=dict)
    number: PersonalNumber | None = None
    came_from: str = ""

    @property
    def line_no(self) -> int:
        """Return her line on the form."""
        return int(self.facts.get("line_no") or 0)


@dataclass
class Draft:
    """One household as the form says it."""

    facts: dict[str, Any]
    members: list[Member]
    notes: list[Note]
    entity: EntityPart | None
    survey_date: date
    consent: bool | None

    @property
    def area_code(self) -> str:
        """Return the smallest area that is stated."""
        return next((str(self.facts[name]) for name in AREAS if self.facts.get(name)), "")


@lru_cache(maxsize=4)
def rules_of(country: str) -> IdentifierRules:
    """Return the rules for personal numbers of a country."""
    return IdentifierRules.parse(load_document(country, "identifiers"))


def make_draft(instance: Instance, definition: Definition, *, country: str, received_at: datetime) -> Draft:
    """Turn the answers of one filled form into facts.

    Args:
        instance: The answers, read with the repeats of `definition`.
        definition: The version that was filled.
        country: Whose numbers and telephones.
        received_at: When it arrived; stands for the interview where the telephone's clock is wrong.

    Returns:
        The draft; what could not be read is in `notes`.
    """
    maker = _Maker(country)
    facts: dict[str, Any] = {}
    rows: dict[int, dict[str, Any]] = {}
    for question in definition.questions:
        if not question.facts:
            continue
        if not question.repeat:
            maker.take(question, instance.answers.get(question.path, ""), facts, 0)
            continue
        for number, row in enumerate(instance.rows.get(question.repeat, ()), start=1):
            maker.take(question, row.get(question.path, ""), rows.setdefault(number, {}), number)
    earlier = _earlier(instance, definition)
    members = [maker.member(number, rows[number], earlier.get(number, "")) for number in sorted(rows)]
    day, notes = _interview_day(facts.pop("survey_date", None), received_at)
    start, end = (_moment(instance.answers.get(name, "")) for name in ("start", "end"))
    if "interview_minutes" not in facts and start and end and timedelta() <= end - start < timedelta(days=1):
        facts["interview_minutes"] = round((end - start).total_seconds() / 60)
    return Draft(
        facts=facts, members=members, notes=[*notes, *maker.notes], entity=instance.entity, survey_date=day,
        consent=facts.get("consent"),
    )  # fmt: skip


def _earlier(instance: Instance, definition: Definition) -> dict[int, str]:
    """Return, by the place on the roster, the number of the household in which a member says she was registered before."""
    asked = next((one for one in definition.questions if one.name == CAME_FROM and one.repeat), None)
    if asked is None:
        return {}
    rows = enumerate(instance.rows.get(asked.repeat, ()), start=1)
    return {place: text for place, row in rows if (text := row.get(asked.path, "").strip()[:40])}


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _interview_day(stated: object, received_at: datetime) -> tuple[date, list[Note]]:
    """Return the day of the interview; a clock of 1970 or of tomorrow is said, and the day of arrival taken."""
    if isinstance(stated, date) and EARLIEST <= stated <= received_at.date() + timedelta(days=1):
        return stated, []
    return received_at.date(), [Note("CLOCK_WRONG", "WARN")]


class _Maker:
    """Reads answers one by one and keeps what was wrong with them."""

    def __init__(self, country: str) -> None:
        self._country, self._facts = country, load_facts()
        self.notes: list[Note] = []

    def take(self, question: Question, text: str, into: dict[str, Any], line_no: int) -> None:
        """Read one answer into facts."""
        if not text:
            return
        if question.type == "geopoint":
            parts = text.split()
            values = [parts[0], parts[1], parts[3] if len(parts) > 3 else ""] if len(parts) >= 2 else []
            for name, value in zip(question.facts, values, strict=False):
                self._put(question, self._facts.facts[name], value, into, line_no)
            return
        for name in question.facts:
            self._put(question, self._facts.facts[name], text, into, line_no)

    def _put(self, question: Question, fact: Fact, text: str, into: dict[str, Any], line_no: int) -> None:
        if not text:
            return
        name = f"birth_{question.part}" if fact.name == "birth_date" and question.part else fact.name
        try:
            value = self._value(question, fact, text)
        except (ValueError, ArithmeticError):
            self.notes.append(Note("ANSWER_UNREADABLE", "WARN", line_no, question.name))
            return
        if isinstance(value, date) and fact.type == "partial_date":
            into |= {"birth_year": value.year, "birth_month": value.month, "birth_day": value.day}
        elif value not in (None, ""):
            into[name] = value

    def _value(self, question: Question, fact: Fact, text: str) -> Any:
        if fact.type in ("integer", "partial_date") and question.type != "date":
            number = convert(float(text), question.unit, fact.unit)
            if not abs(number) < 2**31:
                raise ValueError
            return round(number)
        if fact.type in ("decimal", "money"):
            number = convert(float(text), question.unit, fact.unit)
            if not abs(number) < 1e15:
                raise ValueError
            return round(number, 6)
        if fact.type == "boolean":
            if text.lower() not in _YES | _NO:
                raise ValueError
            return text.lower() in _YES
        if fact.type in ("date", "partial_date"):
            return date.fromisoformat(text[:10])
        if fact.type == "code" and fact.codes and text not in fact.codes:
            raise ValueError
        if fact.type == "mobile":
            state, number_text = mobile_number(text, self._country)
            if state == "MALFORMED":
                raise ValueError
            return number_text
        return text[:2000]

    def member(self, number: int, facts: dict[str, Any], came_from: str = "") -> Member:
        """Finish one member: line, year of birth from age, number in its canonical form."""
        facts.setdefault("line_no", number)
        text = str(facts.pop("id_number", "") or "")
        found = rules_of(self._country).standardise(text) if text else None
        if found is not None and found.state == "MALFORMED":
            self.notes.append(Note("NID_MALFORMED", "WARN", number, "id_number"))
        return Member(facts, found if found is not None and found.state == "OK" else None, came_from)


def notes_json(notes: list[Note]) -> list[dict[str, Any]]:
    """Return notes as they are kept with the submission."""
    return [{"code": n.code, "severity": n.severity, "line": n.line_no, "question": n.question} for n in notes]


def read_notes(rows: Sequence[Mapping[str, Any]]) -> list[Note]:
    """Return the notes that `notes_json` gave."""
    return [Note(row["code"], row["severity"], int(row.get("line") or 0), row.get("question", "")) for row in rows]
