"""Ask a registry that speaks DCI (civil registration, functional registry): sync search by number, many in one message.

How a message is signed, sent and its answer verified is handed in: that belongs to the room of partners. Here the
answer is held against the question: another transaction, an unknown reference, another number, or two records for
one number are not believed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from khana.identity.gateways.protocol import Answer, Question
from khana.identity.gateways.standard_person import numbers_of, person_of
from khana_methods.errors import NotPermitted

# takes a message of the standard, returns the verified message of the reply
Search = Callable[[Mapping[str, Any]], Mapping[str, Any]]
KNOWS_NOT = frozenset({"rjct.search.not_found", "rjct.filter.not_found"})


class DciAuthority:
    """Asks by `idtype-value`, one item a number."""

    def __init__(self, search: Search, *, settings: Mapping[str, Any]) -> None:
        """Keep the way of sending and how numbers are called there (`id_types`: kind here -> type there)."""
        self._search = search
        self._types: Mapping[str, str] = settings.get("id_types") or {}
        self._registry = str(settings.get("reg_type") or "")
        self._record = str(settings.get("reg_record_type") or "Person")

    def ask(self, questions: Sequence[Question], *, at: datetime) -> list[Answer]:
        """Ask about some numbers in one message."""
        transaction = str(uuid.uuid4())
        asked = {question.reference: question for question in questions}
        message = {"transaction_id": transaction, "search_request": [self._item(one, at) for one in questions]}
        try:
            reply = self._search(message)
        except NotPermitted as error:  # the signature does not hold: nothing of it is believed
            return [Answer(one, "UNRELIABLE", why=error.code, transaction=transaction) for one in asked]
        if reply.get("transaction_id") != transaction or not isinstance(reply.get("search_response"), list):
            raw = json.dumps(reply, ensure_ascii=False, sort_keys=True).encode()
            return [
                Answer(one, "UNRELIABLE", why="OTHER_TRANSACTION", transaction=transaction, raw=raw) for one in asked
            ]
        answers: dict[str, Answer] = {}
        for item in reply["search_response"]:
            if not isinstance(item, dict) or item.get("reference_id") not in asked:
                continue
            reference = str(item["reference_id"])
            made = self._answer(asked[reference], item, transaction)
            if reference in answers:  # two answers to one question: neither is believed
                made = Answer(reference, "UNRELIABLE", why="ANSWERED_TWICE", transaction=transaction, raw=made.raw)
            answers[reference] = made
        nothing = [
            Answer(one, "UNANSWERED", why="NO_ANSWER", transaction=transaction) for one in asked if one not in answers
        ]
        return [*answers.values(), *nothing]

    def _item(self, question: Question, at: datetime) -> dict[str, Any]:
        criteria: dict[str, Any] = {
            "version": "1.0.0", "reg_type": self._registry, "reg_record_type": self._record, "query_type": "idtype-value",
            "query": {"type": self._types.get(question.kind, question.kind), "value": question.number},
            "pagination": {"page_size": 2, "page_number": 1},
        }  # fmt: skip
        if not self._registry:
            del criteria["reg_type"]
        return {
            "reference_id": question.reference, "timestamp": at.isoformat(), "locale": "eng", "search_criteria": criteria,
        }  # fmt: skip

    def _answer(self, question: Question, item: Mapping[str, Any], transaction: str) -> Answer:
        raw = json.dumps(item, ensure_ascii=False, sort_keys=True).encode()
        as_of = _moment(item.get("timestamp"))

        def said(what: Any, why: str = "", record: Any = None) -> Answer:
            return Answer(question.reference, what, record, why, as_of, transaction, raw)

        if item.get("status") == "rjct":
            code = str(item.get("status_reason_code", ""))
            return said("NOT_FOUND") if code in KNOWS_NOT else said("UNANSWERED", "REFUSED")
        data = item.get("data")
        records = data.get("reg_records") if isinstance(data, dict) else None
        records = [records] if isinstance(records, dict) and records else records
        if item.get("status") != "succ" or not (records is None or isinstance(records, list)):
            return said("UNANSWERED", "UNREADABLE")
        if not records:
            return said("NOT_FOUND")
        if len(records) > 1:
            return said("UNRELIABLE", "SEVERAL_RECORDS")
        if not isinstance(records[0], dict):
            return said("UNANSWERED", "UNREADABLE")
        digits = [_signs(value) for _kind, value in numbers_of(records[0])]
        if digits and _signs(question.number) not in digits:
            return said("UNRELIABLE", "OTHER_NUMBER")
        return said("RECORD", record=person_of(records[0]))


def _signs(number: str) -> str:
    return "".join(sign for sign in number if sign.isalnum()).upper()


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
