"""The tables of the room: catalogue, evaluations, selection lists."""

from __future__ import annotations

from khana.programmes.models.catalogue import ExclusionFilter, FilterAppeal, Programme, Quota
from khana.programmes.models.evaluations import AnswerCount, Evaluation, Unserved
from khana.programmes.models.lists import (
    DisasterEvent,
    ListApproval,
    ListChange,
    ListEntry,
    Proposal,
    Recheck,
    SelectionList,
)

__all__ = [
    "AnswerCount",
    "DisasterEvent",
    "Evaluation",
    "ExclusionFilter",
    "FilterAppeal",
    "ListApproval",
    "ListChange",
    "ListEntry",
    "Programme",
    "Proposal",
    "Quota",
    "Recheck",
    "SelectionList",
    "Unserved",
]
