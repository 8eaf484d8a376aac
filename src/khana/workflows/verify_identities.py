"""Ask an authority about the numbers of one person, of an area, or of everybody; what was answered is kept as it comes.

The question is read in one transaction, asked outside any, kept in another: a kill costs one round of questions, and a
run that starts again asks only those that have no young answer yet. A cancel keeps what was answered.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.geo import selectors as geo
from khana.identity import authorities
from khana.identity.gateways.protocol import Answer, AuthorityGateway, Question
from khana.identity.services import verify
from khana.platform import clock, faults, outgoing
from khana.platform.progress import Progress, silent
from khana.sharing.services import asking
from khana_methods.errors import Conflict, Unavailable

MOST_FAILURES = 3


class AuthorityLies(Conflict):
    """The authority knows a number that was never issued: nothing that it says is believed."""

    code: ClassVar[str] = "identity.authority.lies"


class AuthoritySilent(Unavailable):
    """The authority does not answer any more; what it answered is kept and the same run goes on from there."""

    code: ClassVar[str] = "identity.authority.silent"


def run(
    *, token: str, authority: str, area: str = "", person: int | None = None, again: bool = False, limit: int = 0,
    progress: Progress = silent, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Ask about every number of an area, or of one person, that has no young answer of an authority.

    Args:
        token: Of who asks.
        authority: Its code.
        area: Code of an area; everybody in scope if empty.
        person: Only of this file.
        again: Also those with an answer that is young enough.
        limit: At most so many numbers; 0 for all.
        progress: Told after each round; where a run can be stopped.
        at: When it was asked for.

    Returns:
        `authority`, `due` before, `asked`, and how many came to each outcome.

    Raises:
        AuthorityUnknown: No such authority is open.
        AuthorityLies: It knew its decoy.
        AuthoritySilent: It failed three rounds in a row; run again to go on.
    """
    with access.scoped(token):
        access.require("identity.verify")
        held = authorities.get(authority)
        whose = verify.Whose(geo.get_path(area) if area else "", person, again)
        due = verify.count_due(held, whose, at=at)
    total = min(due, limit) if limit else due
    gateway = authorities.gateway(held, searcher=lambda *how: asking.searcher(token, *how))
    _try_decoy(token, held, gateway)
    counts: dict[str, int] = {}
    asked = after = failures = 0
    progress(0, total, "asking")
    while not limit or asked < limit:
        now = clock.now()
        with access.scoped(token):
            claims = verify.choose(held, whose, after=after, at=now)
        if limit:
            claims = claims[: limit - asked]
        if not claims:
            break
        after = claims[-1].identifier_id
        questions = [claim.question for claim in claims]
        try:
            answers, failures = _ask(token, held, gateway, questions, now), 0
        except Unavailable as error:
            answers, failures = [Answer(one.reference, "UNANSWERED", why=error.code) for one in questions], failures + 1
        faults.reach("identity.answered")
        with access.scoped(token):
            for name, count in verify.keep(held, claims, answers, at=now).items():
                counts[name] = counts.get(name, 0) + count
        asked += len(claims)
        progress(asked, max(total, asked), "asking")
        if failures >= MOST_FAILURES:
            raise AuthoritySilent(
                "The authority does not answer. What it answered is kept; run the same again to go on.", **counts
            )
    return {"authority": authority, "due": due, "asked": asked, **counts}


def _ask(
    token: str, held: authorities.Connected, gateway: AuthorityGateway, questions: list[Question], now: datetime
) -> list[Answer]:
    if authorities.is_offline(held):  # asks the database, within the scope
        with access.scoped(token):
            return gateway.ask(questions, at=now)
    return gateway.ask(questions, at=now)


def _try_decoy(token: str, held: authorities.Connected, gateway: AuthorityGateway) -> None:
    """Ask about a number that was agreed never to be issued: whoever says yes to it says yes to everything."""
    decoy = held.settings.get("decoy")
    if not isinstance(decoy, dict) or not decoy.get("number"):
        return
    question = Question("decoy", str(decoy["number"]), str(decoy.get("kind", "")), b"", name="Decoy", sex="M")
    try:
        (answer,) = _ask(token, held, gateway, [question], clock.now())
    except outgoing.NoAnswer:
        return
    if answer.said in ("RECORD", "YES"):
        raise AuthorityLies(
            "The authority confirms a number that was never issued. Nobody was asked about; tell its operators.",
            authority=held.code,
        )
