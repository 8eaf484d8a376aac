"""The steward's queue for machines: pairs that wait, both records, outcomes; so that labels can come from outside.

Reads and writes as its caller, under the same policies as the page.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from khana.access import services as access
from khana.audit import services as audit
from khana.dossiers import desk_check, pair_file
from khana.interfaces.api.v1.problems import answer
from khana.linkage import selectors
from khana.linkage.services import openings
from khana.platform import clock
from khana.workflows import estimate_matching, review_pair

router = Router(tags=["matching"])
MOST = 500


class Outcome(Schema):
    """What somebody says of a pair: SAME, DIFFERENT, UNSURE or ASK_FIELD."""

    outcome: str
    merge: bool = False


class AtDesk(Schema):
    """What is known of a person before she is registered."""

    name: str
    guardian_name: str = ""
    sex: str = ""
    birth_year: int | None = None
    number: str = ""


class MayBe(Schema):
    """A file within your area that may be hers."""

    person: int
    name: str
    guardian_name: str
    birth: str
    sex: str
    households: list[str]
    shares_number: bool
    percent: int | None = None


class DeskAnswer(Schema):
    """Files of your area that may be hers, and whether another may exist elsewhere."""

    files: list[MayBe]
    elsewhere: bool
    elsewhere_shares_number: bool


class PutQuestion(Schema):
    """For how many files outside your area a question was put."""

    asked: int


class DeskQuestion(Schema):
    """One question of yours to another area; `answer` tells name, household and place where a steward opened the file."""

    id: int
    state: str
    asked_at: datetime
    answered_at: datetime | None
    said: dict[str, Any]
    answer: dict[str, Any]


class DeskQuestions(Schema):
    """Your own questions, newest first."""

    questions: list[DeskQuestion]


class PairLine(Schema):
    """One pair of the queue; `kind` is PERSON for two files, ROW for a row of a list and a file, ROWS for two rows."""

    id: int
    kind: str
    left: int
    left_role: str
    right: int
    right_role: str
    match_weight: float
    probability: float
    contradiction: str
    decision: str
    stake: int
    gain: float
    wants_second: bool
    stratum: str


class Queue(Schema):
    """Pairs in the order in which they are worth a look."""

    counts: dict[str, int]
    pairs: list[PairLine]


class Record(Schema):
    """One record of a pair; the number is masked."""

    kind: str
    id: int
    name: str
    name_native: str
    guardian: str
    birth: str
    sex: str
    number: str
    place: list[str]
    household: str
    household_members: list[str]
    draws: list[str]


class Compared(Schema):
    """One question with both answers: yes, near, no or unknown."""

    question: str
    left: str
    right: str
    agrees: str


class Whole(Schema):
    """One pair with both records side by side and bits by question."""

    pair: PairLine
    left: Record
    right: Record
    lines: list[Compared]
    bits: dict[str, float]


class Done(Schema):
    """What an outcome did."""

    pair_id: int
    decision: str
    waits_for_second: bool
    merge: dict[str, Any] | None = None


class Estimated(Schema):
    """Precision and recall of the last run as labels show it."""

    run: int
    model: str
    labels: int
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    kappa: float | None
    second_opinions: int
    rows: list[dict[str, Any]]


def _line(pair: Any) -> dict[str, Any]:
    return {
        "id": pair.pk, "kind": pair.kinds, "left": pair.left_id, "left_role": pair.left_role, "right": pair.right_id,
        "right_role": pair.right_role,
        "match_weight": pair.match_weight, "probability": pair.probability, "contradiction": pair.contradiction,
        "decision": pair.decision, "stake": pair.stake, "gain": pair.gain, "wants_second": pair.wants_second,
        "stratum": pair.stratum,
    }  # fmt: skip


@router.get("/linkage/queue", response=Queue, summary="Pairs that wait for somebody")
def get_queue(request: HttpRequest, state: str = "REVIEW", limit: int = 50, after: int = 0) -> HttpResponse:
    """Return pairs in one state, what is at stake first; `after` passes over so many."""
    size, start = min(max(limit, 1), MOST), max(after, 0)
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        access.require("linkage.read")
        pairs = [_line(one) for one in selectors.queue(decision=state)[start : start + size]]
        counts = selectors.count_by_decision()
    return answer(200, {"counts": counts, "pairs": pairs})


@router.get(
    "/linkage/sample", response=Queue, summary="The random draw of pairs whose labels tell precision and recall"
)
def get_sample(request: HttpRequest, limit: int = 400) -> HttpResponse:
    """Return the draw of the last run over the registry, in its order; label from the first on."""
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        access.require("linkage.read")
        last = selectors.get_run()
        pairs = [_line(one) for one in selectors.sample(run_id=last.pk, limit=min(max(limit, 1), 5000))]
    return answer(200, {"counts": {"drawn": len(pairs)}, "pairs": pairs})


@router.get("/linkage/pairs/{pair}", response=Whole, summary="Both records of a pair side by side")
def get_pair(request: HttpRequest, pair: int) -> HttpResponse:
    """Return one pair with both records, numbers masked, and what agrees; the look is recorded."""
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        access.require("linkage.read")
        found = pair_file.pair_file(pair)
        audit.record(action="linkage.pair.read", subject=f"pair:{pair}", at=clock.now())
    sides = {name: {**vars(getattr(found, name))} for name in ("left", "right")}
    lines = [vars(one) for one in found.lines]
    return answer(200, {"pair": _line(found.pair), **sides, "lines": lines, "bits": dict(found.bits)})


@router.post("/linkage/pairs/{pair}/labels", response=Done, summary="Say whether a pair is one person")
def post_label(request: HttpRequest, pair: int, body: Outcome) -> HttpResponse:
    """Record your outcome for one pair; with `merge` the two files are merged, or the merge proposed."""
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        done = review_pair.run(pair=pair, outcome=body.outcome.upper(), origin="API", merges=body.merge, at=clock.now())
    return answer(200, done)


@router.get("/linkage/estimate", response=Estimated, summary="Precision and recall as labels show it")
def get_estimate(request: HttpRequest) -> HttpResponse:
    """Return precision and recall of the last run with 95 % intervals; empty where a stratum has no label."""
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        found = estimate_matching.run(keep=False, at=clock.now())
    return answer(200, found)


@router.post("/linkage/check", response=DeskAnswer, summary="May she have a file already?")
def post_check(request: HttpRequest, body: AtDesk) -> HttpResponse:
    """Ask before a new file is made: files of your area, and whether another may exist elsewhere; recorded."""
    asked = _asked(body)
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        found = desk_check.check(asked, at=clock.now())
    return answer(200, found)


@router.post("/linkage/check/ask", response=PutQuestion, summary="Ask that her file elsewhere be opened")
def post_ask(request: HttpRequest, body: AtDesk) -> HttpResponse:
    """Ask the stewards of other areas to open files that may be hers; you learn their answers, never which files they were."""
    asked = _asked(body)
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        count = openings.ask(
            said=desk_check.said(asked),
            tokens=desk_check.tokens(asked),
            people=desk_check.likely_elsewhere(asked),
            at=clock.now(),
        )
    return answer(200, {"asked": count})


@router.get("/linkage/check/questions", response=DeskQuestions, summary="Your questions to other areas")
def get_openings(request: HttpRequest) -> HttpResponse:
    """Return your own questions with their answers, newest first."""
    with access.scoped(request.auth):  # type: ignore[attr-defined]
        access.require("registry.write")
        rows = [
            {"id": one.id, "state": one.state, "asked_at": one.asked_at, "answered_at": one.answered_at, "said": one.said,
             "answer": one.answer} for one in selectors.my_openings()
        ]  # fmt: skip
    return answer(200, {"questions": rows})


def _asked(body: AtDesk) -> desk_check.Asked:
    return desk_check.Asked(
        body.name[:200], body.guardian_name[:200], body.sex[:1].upper(), body.birth_year, body.number[:40]
    )
