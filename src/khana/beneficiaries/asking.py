"""May this number join that programme? Asked by a ministry's system before it enrols, and kept as an answer.

`sql/may_join_by_rule.sql` looks: it answers only where the asker's grant reaches programme and person, and says which rule
between programmes speaks, never what else the person draws. The programme's own rule, the same that the evaluation of the
whole registry applies, is held here against the facts of her household; none of them goes further than this module.
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
from khana_methods.rules.decide import HOLDS, MOST_FACTS, Decidable, decidable, decide_one
from khana_methods.rules.one_household import situation
from khana_methods.rules.rulebook import read_rules

_ASK = "SELECT * FROM khana_private.beneficiaries_ask(%s, %s::bytea[], %s, %s::int, %s::date, %s)"
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
    ((outcome, no, missing, known, facts, whose),) = prepared.fetch(_ASK, [session, held, programme, cap, on, at])
    _refuse(outcome, programme)
    reasons, unknown = list(no), list(missing)
    if known is not None:
        against, lacking = _by_rule(known, facts, poor_cutoff, on)
        reasons, unknown = [*reasons, *against], [*unknown, *lacking]
    answer = "NO" if reasons else "UNKNOWN" if unknown else "YES"
    told = [*reasons, *unknown]
    ((number,),) = prepared.fetch(
        _KEEP, [session, held, programme, answer, json.dumps(told), json.dumps(whose), at]
    )  # fmt: skip
    return Answer(int(number), answer, tuple(told))


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
    known: Mapping[str, Any], facts: Mapping[str, Any], poor_cutoff: float, on: date
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Hold the programme's own rule against one household: reasons against, and facts that are missing."""
    one = _rule(json.dumps(known, sort_keys=True), poor_cutoff, on)
    if one is None:
        return [{"code": "RULE_NOT_IN_FORCE"}], []
    members = facts["members"]
    if not any(member["person_id"] == facts["person"] for member in members):
        members = [*members, facts["alone"]]
    score = facts["score"]
    at = situation(
        facts["household"] or {}, members, as_of=on, wanted=one.facts, score=None if score is None else float(score),
        person=facts["person"] if one.rule.entity == "person" else None,
    )  # fmt: skip
    answer = decide_one(one, at)
    if answer == HOLDS:
        return [], []
    if answer > 0:
        return [{"code": "NOT_ELIGIBLE", "clause": one.texts[answer - 1]}], []
    lacking = one.missing(answer) if -answer < 1 << MOST_FACTS else ()
    return [], [{"code": "MISSING", "fact": _LACKING.get(name, name)} for name in lacking] or [{"code": "NOT_KNOWN"}]


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
