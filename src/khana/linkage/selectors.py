"""Reads of matching for people: models, the queue, one pair, agreement, and what labels say.

Everything under the caller's scope: a pair of which she may read one side only is not there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet

from khana.access.functions import raw
from khana.linkage.models import Approval, ClusterMember, Label, LinkageRun, MatchingModel, Opening, Pair
from khana.platform import keys
from khana_methods.errors import NotConfigured, NotFound
from khana_methods.matching.evaluate import Interval, LabelsMissing, Stratum, estimate, kappa
from khana_methods.matching.model import ModelCard

LINKED = str(Pair.Decision.LINKED)


class ModelNotFound(NotFound):
    """There is no matching model of that version."""

    code: ClassVar[str] = "linkage.model_not_found"


class NoActiveModel(NotConfigured):
    """No matching model is in use: train one and let two people approve it."""

    code: ClassVar[str] = "linkage.no_active_model"


class NothingMatched(NotFound):
    """No run of matching has come to its end yet."""

    code: ClassVar[str] = "linkage.nothing_matched"


class PairNotFound(NotFound):
    """There is no such pair within the caller's scope."""

    code: ClassVar[str] = "linkage.pair_not_found"


class OpeningNotFound(NotFound):
    """There is no such question within the caller's scope."""

    code: ClassVar[str] = "linkage.opening_not_found"


@dataclass(frozen=True)
class Question:
    """One question of a desk: what it stated, and what was answered (empty until then, and where it was refused)."""

    id: int
    state: str
    asked_at: datetime
    answered_at: datetime | None
    said: dict[str, Any]
    answer: dict[str, Any]
    person_id: int | None = None


@dataclass(frozen=True)
class Agreement:
    """How far two people agree on pairs that both looked at."""

    pairs: int
    agreed: int
    kappa: float | None


@dataclass(frozen=True)
class Estimate:
    """Precision and recall of one run as labels show it; None where strata lack labels."""

    run: int
    precision: Interval | None
    recall: Interval | None
    labels: int
    strata: Sequence[dict[str, Any]]


def get_matching_model(version: str) -> MatchingModel:
    """Return one model.

    Raises:
        ModelNotFound: There is none of that version.
    """
    found = MatchingModel.objects.filter(version=version).first()
    if found is None:
        raise ModelNotFound(f"There is no matching model {version}. See `khana linkage models`.", version=version)
    return found


def list_models() -> list[dict[str, Any]]:
    """Return every model, newest first, with how many approved it."""
    counted = dict(
        Approval.objects.values("model_id").annotate(n=Count("approved_by", distinct=True)).values_list("model_id", "n")
    )
    return [
        {
            "version": one.version, "state": one.state, "approvals": counted.get(one.pk, 0), "records": one.card["trained_records"],
            "link_threshold": one.card["thresholds"]["link"], "trained_at": one.trained_at, "digest": one.digest[:12],
        }
        for one in MatchingModel.objects.order_by("-id")[:100]
    ]  # fmt: skip


def find_active_card() -> tuple[int, ModelCard] | None:
    """Return the number and card of the model in use, with its approvals; None where there is none."""
    model = MatchingModel.objects.filter(state=MatchingModel.State.ACTIVE).first()
    if model is None:
        return None
    return model.pk, card_of(model)


def get_active_card() -> tuple[int, ModelCard]:
    """Return the number and card of the model in use.

    Raises:
        NoActiveModel: There is none.
    """
    found = find_active_card()
    if found is None:
        raise NoActiveModel(
            "No matching model is in use. Train one (`khana linkage train`) and let two people approve it "
            "(`khana linkage approve VERSION`)."
        )
    return found


def card_of(model: MatchingModel) -> ModelCard:
    """Return the card of a model with the approvals that it has."""
    card = ModelCard.from_json(json.dumps(model.card))
    approvals = Approval.objects.filter(model=model).order_by("id").values_list("approved_by", flat=True)
    for actor in dict.fromkeys(approvals):
        card = card.approve(str(actor))
    return card


def latest_run(kind: str = "REGISTRY") -> LinkageRun | None:
    """Return the newest finished run of a kind."""
    runs = LinkageRun.objects.filter(kind=kind, state=LinkageRun.State.DONE)
    return runs.select_related("model").order_by("-id").first()


def get_run(kind: str = "REGISTRY") -> LinkageRun:
    """Return the newest finished run of a kind.

    Raises:
        NothingMatched: There is none.
    """
    found = latest_run(kind)
    if found is None:
        raise NothingMatched("Nothing was matched yet: `khana linkage run`.")
    return found


def queue(*, decision: str = Pair.Decision.REVIEW, kind: str = "") -> QuerySet[Pair]:
    """Return pairs in one state in the order in which they are worth a look: stake first, then information gained."""
    found = Pair.objects.filter(decision=decision)
    if kind:
        found = found.filter(left_kind=kind)
    return found.order_by("-stake", "-gain", "id")


def queue_for(actor: int, *, kind: str = "", limit: int = 1, without: Sequence[int] = ()) -> list[Pair]:
    """Return what somebody should look at next: nothing that she has given an outcome already."""
    seen = Label.objects.filter(labelled_by=actor).values("pair_id")
    return list(queue(kind=kind).exclude(pk__in=seen).exclude(pk__in=list(without))[:limit])


def count_by_decision() -> dict[str, int]:
    """Return how many pairs stand in each state within the scope."""
    rows = Pair.objects.values("decision").annotate(n=Count("id")).order_by("decision")
    return {row["decision"]: row["n"] for row in rows}


def get_pair(pair_id: int) -> Pair:
    """Return one pair.

    Raises:
        PairNotFound: It does not exist or one of its sides lies outside the scope.
    """
    found = Pair.objects.select_related("run").filter(pk=pair_id).first()
    if found is None:
        raise PairNotFound("No such pair, or one of its files lies outside the area that you work for.", pair=pair_id)
    return found


def pairs_of(people: Sequence[int], *, limit: int = 50) -> list[Pair]:
    """Return pairs of these files that were linked, told apart or wait for somebody, likeliest first."""
    either = Q(right_kind="PERSON", right_id__in=list(people)) | Q(left_kind="PERSON", left_id__in=list(people))
    return list(Pair.objects.filter(either).exclude(decision="APART").order_by("-probability", "id")[:limit])


def clustermates(people: Sequence[int]) -> list[int]:
    """Return everybody who stands in a cluster with any of these files, themselves included."""
    clusters = ClusterMember.objects.filter(person_id__in=list(people)).values("cluster")
    return list(
        ClusterMember.objects.filter(cluster__in=clusters).order_by("person_id").values_list("person_id", flat=True)
    )


def labels_of(pair_id: int) -> list[Label]:
    """Return the outcomes of a pair, oldest first."""
    return list(Label.objects.filter(pair_id=pair_id).order_by("id"))


def agreement() -> Agreement:
    """Return how far first and second opinions agree (Cohen's kappa), over pairs that two people looked at."""
    first: dict[int, tuple[int, str]] = {}
    both: dict[int, tuple[str, str]] = {}
    rows = Label.objects.order_by("id").values_list("pair_id", "labelled_by", "outcome")
    for pair, actor, outcome in rows.iterator():
        if pair not in first:
            first[pair] = (actor, outcome)
        elif pair not in both and first[pair][0] != actor:
            both[pair] = (first[pair][1], outcome)
    if not both:
        return Agreement(0, 0, None)
    ones, others = [one for one, _ in both.values()], [other for _, other in both.values()]
    return Agreement(len(both), sum(a == b for a, b in both.values()), kappa(ones, others))


def sample(*, run_id: int, limit: int = 400) -> list[Pair]:
    """Return the pairs drawn at random for labels, in the order of the draw."""
    drawn = Pair.objects.filter(run_id=run_id, sample__isnull=False, sample__lte=limit)
    return list(drawn.order_by("sample"))


_MOST_SPOKEN_FOR = 20.0  # pairs that one label may stand for in training, however large its stratum


def said_of_pairs() -> list[dict[str, Any]]:
    """Return what people said of pairs of two files: `left_record`, `right_record`, `is_same`, `stands_for`.

    A label on the random draw stands for its share of the stratum, up to twenty pairs; any other for its own pair.
    """
    run = latest_run()
    sizes: dict[str, int] = run.counts.get("strata", {}) if run else {}
    last: dict[tuple[int, int], tuple[str, str]] = {}
    rows = Label.objects.filter(pair__left_kind="PERSON", outcome__in=("SAME", "DIFFERENT")).order_by("id")
    for left, right, outcome, stratum, sample, of in rows.values_list(
        "pair__left_id", "pair__right_id", "outcome", "pair__stratum", "pair__sample", "pair__run_id"
    ).iterator():
        is_drawn = run is not None and sample is not None and of == run.pk
        last[left, right] = (outcome, stratum if is_drawn else "")
    drawn = Counter(stratum for _, stratum in last.values() if stratum)
    return [
        {
            "left_record": f"P{left:012d}", "right_record": f"P{right:012d}", "is_same": outcome == "SAME",
            "stands_for": min(max(sizes.get(stratum, 0) / drawn[stratum], 1.0), _MOST_SPOKEN_FOR) if stratum else 1.0,
        }
        for (left, right), (outcome, stratum) in last.items()
    ]  # fmt: skip


def estimate_of(run: LinkageRun) -> Estimate:
    """Estimate precision and recall of a run from the labels on its random draw.

    Recall counts against it what blocking is estimated to have missed. Only labels SAME and DIFFERENT on drawn pairs count, the last one of a pair. A stratum is a class of probability, linked or not by the model; its size is the run's own count.
    """
    outcome: dict[int, str] = {}
    stratum_of: dict[int, str] = {}
    rows = Label.objects.filter(pair__run_id=run.pk, pair__sample__isnull=False, outcome__in=("SAME", "DIFFERENT"))
    for pair, stratum, said in rows.order_by("id").values_list("pair_id", "pair__stratum", "outcome").iterator():
        outcome[pair] = said
        stratum_of[pair] = stratum
    sizes: dict[str, int] = run.counts.get("strata", {})
    strata, shown = [], []
    for name in sorted(sizes):
        mine = [pair for pair, stratum in stratum_of.items() if stratum == name]
        same = sum(outcome[pair] == "SAME" for pair in mine)
        strata.append(Stratum(sizes[name], len(mine), same, name.startswith("L")))
        shown.append({"stratum": name, "pairs": sizes[name], "labelled": len(mine), "same": same})
    precision: Interval | None = None
    recall: Interval | None = None
    try:
        precision, recall = estimate(strata, beyond=float(run.counts.get("missed_by_blocking", 0.0)))
    except LabelsMissing:
        precision = recall = None
    return Estimate(run.pk, precision, recall, len(outcome), shown)


def files_like(
    *, name: str, guardian_name: str, sex: str, birth_year: int | None, tokens: Sequence[bytes]
) -> list[tuple[int | None, bool]]:
    """Return files that may be one person's, over the whole country: id within the scope, None for all others together.

    Each with whether it shows one of the numbers. The database function asks for `registry.write` and applies the scope.
    """
    rows = raw(
        "SELECT * FROM khana_private.linkage_files_like(%s, %s, %s, %s, %s)",
        name, guardian_name, sex, birth_year, list(tokens),
    )  # fmt: skip
    return [(None if person is None else int(person), bool(shares)) for person, shares in rows]


def _opened(sealed: bytes | memoryview | None) -> dict[str, Any]:
    return dict(json.loads(keys.decrypt(sealed))) if sealed else {}


def _question(row: Opening) -> Question:
    return Question(
        row.pk, row.state, row.asked_at, row.answered_at, _opened(row.said), _opened(row.answer), row.person_id
    )


def get_opening(opening_id: int) -> Opening:
    """Return one question of a desk about a file within the scope.

    Raises:
        OpeningNotFound: There is none.
    """
    found = Opening.objects.filter(pk=opening_id).first()
    if found is None:
        raise OpeningNotFound("No such question, or its file lies outside the area that you work for.")
    return found


def openings_waiting(limit: int = 50) -> list[Question]:
    """Return questions of other desks that wait for an answer about files within the scope, oldest first."""
    return [_question(row) for row in Opening.objects.filter(state=Opening.State.ASKED).order_by("id")[:limit]]


def my_openings() -> list[Question]:
    """Return the actor's own questions, newest first; which file it is stays with the database until a steward tells."""
    rows = raw("SELECT id, state, asked_at, answered_at, said, answer FROM khana_private.linkage_my_openings()")
    return [Question(int(i), str(st), at, then, _opened(said), _opened(told)) for i, st, at, then, said, told in rows]
