"""Reads of matching for people: models, the queue, one pair, agreement, and what labels say.

Everything under the caller's scope: a pair of which she may read one side only is not there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Count, QuerySet

from khana.access.functions import raw
from khana.linkage.models import Approval, Label, LinkageRun, MatchingModel, Pair
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


def estimate_of(run: LinkageRun) -> Estimate:
    """Estimate precision and recall of a run from the labels on its random draw.

    Only labels SAME and DIFFERENT on drawn pairs count, the last one of a pair. A stratum is a class of probability, linked or not by the model; its size is the run's own count.
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
        precision, recall = estimate(strata)
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
