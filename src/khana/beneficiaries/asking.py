"""May this number join that programme? Asked by a ministry's system before it enrols, and kept as an answer.

`sql/ask_whole.sql` looks: it answers only where the asker's grant reaches programme and person, and says which rule
between programmes speaks, never what else the person draws. The programme's own rule and its exclusion filters, the same
that the evaluation of the whole registry applies, are held here against the facts of her household; none of them goes
further than this module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, ClassVar

from khana.access import services as access
from khana.beneficiaries.services.enrolments import ProgrammeUnknown
from khana.platform import prepared
from khana.programmes import rules as programme_rules
from khana_methods.errors import NotPermitted
from khana_methods.overlap.one_unit import Seat, Standing, WeighedFilter, read_filters, weigh
from khana_methods.rules.decide import HOLDS, MOST_FACTS, Decidable, decidable, decide_one
from khana_methods.rules.one_household import household_situation
from khana_methods.rules.rulebook import read_rules

_ASK = "SELECT * FROM khana_private.beneficiaries_ask_whole(%s, %s::bytea[], %s, %s::int, %s::date, %s)"
_KEEP = "SELECT khana_private.beneficiaries_keep_answer(%s, %s::bytea[], %s, %s, %s::jsonb, %s::jsonb, %s)"
# what a clause asks for, in the words of the field where they are plain
_LACKING = {"age": "birth_date"}


class OutsideAgreement(NotPermitted):
    """The programme is not one of the asker's agency or agreement."""

    code: ClassVar[str] = "beneficiaries.ask.outside_agreement"


@dataclass(frozen=True)
class Answer:
    """What was said: YES, NO or UNKNOWN, with codes of reasons; `id` is what a report afterwards names."""

    id: int
    answer: str
    reasons: Sequence[Mapping[str, Any]]


def may_join(
    *,
    tokens: Sequence[bytes],
    programme: str,
    cap: int,
    poor_cutoff: float,
    on: date,
    at: datetime,
    session: str | None = None,
) -> Answer:
    """Say whether a number may join a programme, and keep the answer.

    Args:
        tokens: Tokens that the number has under each scheme it fits.
        programme: Code of the catalogue.
        cap: Most programmes that count.
        poor_cutoff: Score up to which a household counts as poor, for programmes for the poor without a rule or a line of their own.
        on: The day that facts, ages and rules are taken on.
        at: Now.
        session: Token of who asks, where no scope is open: each statement is then its own transaction.

    Raises:
        NoSession, PermissionMissing: Nobody asks, or somebody who may not.
        ProgrammeUnknown: The catalogue has none of that code.
        OutsideAgreement: It is a programme of another agency.
    """
    held = list(tokens)
    ((outcome, no, missing, known, facts, whose, told),) = prepared.fetch(_ASK, [session, held, programme, cap, on, at])
    _refuse(outcome, programme)
    reasons, unknown, notes = list(no), list(missing), list[dict[str, Any]]()
    if known is not None:
        against, lacking, notes = _by_rule(known, facts, told, poor_cutoff, on)
        reasons, unknown = [*reasons, *against], [*unknown, *lacking]
    answer = "NO" if reasons else "UNKNOWN" if unknown else "YES"
    said = [*reasons, *unknown, *(notes if not reasons else ())]
    ((number,),) = prepared.fetch(
        _KEEP, [session, held, programme, answer, json.dumps(said), json.dumps(whose), at]
    )  # fmt: skip
    return Answer(int(number), answer, tuple(said))


def _refuse(outcome: str, programme: str) -> None:
    if outcome == "NOBODY":
        raise access.NoSession("You are not signed in, or your session has ended. Sign in and try again.")
    if outcome == "FORBIDDEN":
        raise access.PermissionMissing(
            "You may not do this: it needs the permission 'enrolments.ask'.", permission="enrolments.ask"
        )
    if outcome == "NO_PROGRAMME":
        raise ProgrammeUnknown(f"The catalogue has no programme '{programme}'.", programme=programme)
    if outcome == "OUTSIDE":
        raise OutsideAgreement(
            "You may ask about programmes of your own agency or agreement only.", programme=programme
        )


def _by_rule(
    known: Mapping[str, Any], facts: Mapping[str, Any], told: Mapping[str, Any] | None, poor_cutoff: float, on: date
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Hold the programme's rule and filters against one household.

    Returns:
        Reasons against; facts that are missing for the rule; and filters of which it is not known whether they tell. The last
        refuse nobody: a filter takes out whom it is known to tell against, here as in the evaluation of everybody.
    """
    one = _rule(json.dumps(known, sort_keys=True), poor_cutoff, on)
    if one is None:
        return [{"code": "RULE_NOT_IN_FORCE"}], [], []
    filters = _filters(json.dumps(told["filters"], sort_keys=True), on) if told else ()
    members = facts["members"]
    if not any(member["person_id"] == facts["person"] for member in members):
        members = [*members, facts["alone"]]
    score, whose = facts["score"], facts["person"] if one.rule.entity == "person" else None
    home, people = household_situation(
        facts["household"] or {}, members, as_of=on, wanted={*one.facts, *(name for f in filters for name in f.rule.facts)},
        score=None if score is None else float(score),
    )  # fmt: skip
    answer = decide_one(one, home if whose is None else home.of_member(people[whose]))
    if answer > 0:
        return [{"code": "NOT_ELIGIBLE", "clause": one.texts[answer - 1]}], [], []
    hits, unsure = weigh(filters, home, people, person=whose, standing=_standing(told)) if told else ((), ())
    against = [
        {"code": "EXCLUDED_BY_FILTER", "filter": hit.filter, "name": hit.name, "by": hit.subject} for hit in hits
    ]
    notes = [{"code": "FILTER_NOT_KNOWN", "filter": f.filter, "name": f.name, "facts": list(f.missing)} for f in unsure]
    if answer == HOLDS:
        return against, [], notes
    names = one.missing(answer) if -answer < 1 << MOST_FACTS else ()
    lacking = [{"code": "MISSING", "fact": _LACKING.get(name, name)} for name in names]
    return against, lacking or [{"code": "NOT_KNOWN"}], notes


def _standing(told: Mapping[str, Any]) -> Standing:
    """Read where members stand, which appeals count here and hits of registers; each person under every id that she may have here."""
    rows = told["standing"]
    return Standing(
        seats=tuple(Seat(person, line, spouse) for person, line, spouse in told["seats"]),
        upheld={(code, person, teller) for kind, code, person, teller in rows if kind == "UPHELD"},
        registers={(person, code) for kind, code, person, _ in rows if kind == "REGISTER"},
    )


@lru_cache(maxsize=256)
def _filters(told: str, on: date) -> tuple[WeighedFilter, ...]:
    """Return a programme's filters taken apart, those whose rule is in force; the same wording is read once."""
    entries = json.loads(told)
    return read_filters(entries, read_rules([entry["rule"] for entry in entries]), on)


@lru_cache(maxsize=512)
def _rule(known: str, poor_cutoff: float, on: date) -> Decidable | None:
    """Return a programme's rule taken apart, None where none is in force; the same wording is read once."""
    programme = json.loads(known)
    entry = programme_rules.entry_of_fields(
        programme["eligibility"], programme["fields"], poor_cutoff if programme["poverty_targeted"] else None
    )
    if not programme_rules.is_in_force(entry, on):
        return None
    return decidable(read_rules([entry["rule"]]).read(entry["rule"]["code"], on))
