"""Answer the calls of partners: search, enrolled, subscribe, unsubscribe, txn status of SR and IBR v1.0.0.

Everything happens in the transaction that the address opened under the partner's token: the agreement is named,
rows are read under its mandate, every person who is read leaves an event with agreement and purpose, the message is
kept against replay. What an agreement does not allow is refused item by item, never passed over.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, connection, transaction

from khana.access import mandates
from khana.access import services as access
from khana.platform import keys
from khana.programmes import selectors as programmes
from khana.sharing import addresses, envelopes, fields, population, sandbox, searches
from khana.sharing import standard_records as records
from khana.sharing.envelopes import HeaderRejected, MessageBad
from khana.sharing.models import Agreement, Message, Partner, Subscription
from khana.sharing.population import Asked, FilterInvalid
from khana.sharing.services import agreements
from khana_methods.errors import InputError, KhanaError

Party = Partner  # the name under which interfaces know a partner
KEPT_FOR = timedelta(days=30)
CALLING = ("ANSWER", "LIST", "RECORD")
EVENTS = {
    "sr": ("REGISTER", "NewHouseHoldMember"),
    "ibr": ("enrollement", "enrollement_status_change", "enrollment", "enrollment_status_change"),
}  # fmt: skip
_EACH_PERSON = """SELECT count(khana_private.audit_record(%s, 'person:' || who, %s::jsonb, %s))
    FROM unnest(%s::bigint[]) AS t(who)"""


class CriteriaInvalid(InputError):
    """The criteria of an item cannot be answered."""

    code = "rjct.search_criteria.invalid"


class PageInvalid(InputError):
    """The pagination of an item is not as it may be."""

    code = "rjct.pagination.invalid"


class TooManyCalls(InputError):
    """The partner has used up its calls of the day."""

    code = "err.request.too_many_requests"


@dataclass(frozen=True, slots=True)
class Call:
    """One message under way."""

    partner: Partner
    registry: str
    header: Mapping[str, Any]
    message: Mapping[str, Any]
    kept: Message
    at: datetime

    @property
    def correlation_id(self) -> str:
        """Return the number by which answer and call-back are joined."""
        return str(self.kept.uuid)


def partner_in_scope() -> Partner | None:
    """Return the partner whose token opened the transaction, None where the actor is none."""
    return Partner.objects.filter(user_id=access.actor_id(), closed_at__isnull=True).first()


def take(
    partner: Partner, *, registry: str, action: str, header: Mapping[str, Any], message: Mapping[str, Any], at: datetime
) -> Call:
    """Keep a message; a second one with its id is refused, and so is a call above the day's.

    Raises:
        HeaderRejected: The id was used.
        TooManyCalls: The day's calls are used up.
    """
    used = access.call("sharing_count", 1, 0, at.date())[0][0]
    if used > partner.daily_calls:
        raise TooManyCalls("Your calls of this day are used up.")
    try:
        with transaction.atomic():
            kept = Message.objects.create(
                partner=partner, partner_user_id=partner.user_id, registry=registry, action=action,
                message_id=str(header["message_id"]), transaction_id=str(message.get("transaction_id", ""))[:99],
                received_at=at, request_ciphertext=keys.encrypt(json.dumps([header, message])),
            )  # fmt: skip
    except IntegrityError as error:
        raise HeaderRejected("rjct.message_id.duplicate", "A message with this message_id was taken before.") from error
    return Call(partner, registry, header, message, kept, at)


def kept_call(message_uuid: str, *, at: datetime) -> Call:
    """Return a kept message to be answered; within the scope of its partner."""
    kept = Message.objects.select_related("partner").get(uuid=message_uuid)
    header, message = json.loads(keys.decrypt(bytes(kept.request_ciphertext or b"")))
    return Call(kept.partner, kept.registry, header, message, kept, at)


def finish(call: Call, answer: Mapping[str, Any], *, outcome: str = "", state: str = "ANSWERED") -> None:
    """Write down how a call ended, with its answer, encrypted."""
    inner = answer.get("message", {})
    shown = inner.get("search_response") or []
    count = sum(len(one.get("data", {}).get("reg_records", [])) for one in shown)
    Message.objects.filter(pk=call.kept.pk).update(
        state=state, outcome=outcome[:99], items=len(shown) or 1, records=count,
        answer_ciphertext=keys.encrypt(json.dumps(answer, ensure_ascii=False)),
    )  # fmt: skip
    if count:
        access.call("sharing_count", 0, count, call.at.date())


# --- which agreement ------------------------------------------------------------------------------------------


def agreement_for(call: Call, criteria: Mapping[str, Any]) -> Agreement | None:
    """Return the agreement that a question rests on; None for a sandbox partner.

    The message may name its number (`header.meta.agreement`) or its purpose (`authorize.purpose.code`); where one
    agreement only is in force nothing need be named.

    Raises:
        CriteriaInvalid: None is in force, none fits, or several do.
    """
    if call.partner.is_sandbox:
        return None
    meta = call.header.get("meta")
    named = meta.get("agreement") if isinstance(meta, dict) else None
    authorize = criteria.get("authorize")
    purpose = authorize.get("purpose") if isinstance(authorize, dict) else None
    code = purpose.get("code") if isinstance(purpose, dict) else None
    found = [
        one
        for one in agreements.in_force(partner_user_id=call.partner.user_id, at=call.at)
        if one.level in CALLING and named in (None, one.number) and (named or code in (None, one.purpose))
    ]
    if len(found) != 1:
        raise CriteriaInvalid(
            "No agreement in force allows this question."
            if not found
            else "Several agreements are in force: name one in header.meta.agreement, or its purpose."
        )
    return found[0]


def _name(call: Call, agreement: Agreement | None) -> None:
    if agreement is not None:
        mandates.name(mandate=agreement.number, purpose=agreement.purpose, request=str(call.header["message_id"])[:99])


# --- search ---------------------------------------------------------------------------------------------------


def search(call: Call) -> dict[str, Any]:
    """Return the message of an answer to a search: one response an item."""
    items = envelopes.items_of(call.message, "search_request")
    answers, seen = [], set[str]()
    for item in items:
        reference = str(item["reference_id"])
        if reference in seen:
            answers.append(
                envelopes.rejected(item, "rjct.reference_id.duplicate", "Used twice in this message.", at=call.at)
            )
            continue
        seen.add(reference)
        try:
            with transaction.atomic():
                answers.append(_searched(call, item))
        except (FilterInvalid, CriteriaInvalid, PageInvalid, searches.TooMany, searches.SortInvalid) as error:
            answers.append(envelopes.rejected(item, error.code, error.message, at=call.at))
    return {
        "transaction_id": call.message["transaction_id"], "correlation_id": call.correlation_id,
        "search_response": answers,
    }  # fmt: skip


def _searched(call: Call, item: Mapping[str, Any]) -> dict[str, Any]:
    criteria = item.get("search_criteria")
    if not isinstance(criteria, dict):
        raise CriteriaInvalid("'search_criteria' is missing.")
    agreement = agreement_for(call, criteria)
    allowed = sandbox.FIELDS if agreement is None else tuple(agreement.fields)
    asked = read_query(criteria, allowed, only_known=agreement is not None and agreement.level == "ANSWER")
    entity = _entity(call.registry, criteria, allowed)
    try:
        size, number = envelopes.page(item.get("pagination"), criteria.get("pagination"))
    except MessageBad as error:
        raise PageInvalid(error.message) from error
    found = _found(call, agreement, asked, entity=entity, sort=_sort(criteria), page=(size, number))
    written = [records.record_of(one, registry=call.registry, entity=entity) for one in found.records]
    return {
        "reference_id": item["reference_id"], "timestamp": call.at.isoformat(), "status": "succ",
        "data": {
            "version": "1.0.0", "reg_type": _text(criteria, "reg_type") or _REGISTRY[call.registry],
            "reg_record_type": _text(criteria, "reg_record_type") or entity, "reg_records": written,
        },
        "pagination": {"page_size": size, "page_number": number, "total_count": found.total},
        "locale": envelopes.locale(item),
    }  # fmt: skip


_REGISTRY = {"sr": "ns:org:RegistryType:Social", "ibr": "ns:org:RegistryType:IBR"}


def _text(criteria: Mapping[str, Any], name: str) -> str:
    value = criteria.get(name, "")
    if not isinstance(value, str) or len(value) > 99:
        raise CriteriaInvalid(f"'{name}' is no text of at most 99 signs.")
    return value


def _entity(registry: str, criteria: Mapping[str, Any], allowed: Sequence[str]) -> str:
    wanted = _text(criteria, "response_entity") or _text(criteria, "reg_record_type").rsplit(":", 1)[-1]
    kinds = {"Group": "Group", "Household": "Group", "Member": "Member", "Person": "Member", "SRPerson": "Member",
             "IBRPerson": "Member", "Beneficiary": "Member", "": "Member"}  # fmt: skip
    if wanted not in kinds or (registry == "ibr" and kinds[wanted] == "Group"):
        raise CriteriaInvalid("There are no records of this kind in this registry.")
    if kinds[wanted] == "Group" and not {fields.catalogue()[name].of for name in allowed} & {"household"}:
        raise CriteriaInvalid("The agreement has no field of a household.")
    return kinds[wanted]


def read_query(criteria: Mapping[str, Any], allowed: Sequence[str], *, only_known: bool) -> Asked:
    """Read the query of an item, of any of the three types.

    Args:
        criteria: Of the item.
        allowed: Fields of the agreement.
        only_known: The partner may ask about a person it names by number, and in no other way.

    Raises:
        CriteriaInvalid, FilterInvalid: It is not as it may be.
    """
    known = {"version", "reg_type", "reg_record_type", "reg_event_type", "query_type", "response_entity", "query", "sort",
             "pagination", "consent", "authorize", "frequency", "filter_type", "filter", "notify_record_type"}  # fmt: skip
    if strange := sorted(set(criteria) - known):
        raise CriteriaInvalid(f"The criteria hold what is not known here ({len(strange)} names).")
    kind, query = criteria.get("query_type"), criteria.get("query")
    if kind == "idtype-value":
        return _by_number(query, allowed, only_known=only_known)
    if kind not in ("expression", "predicate"):
        raise CriteriaInvalid("'query_type' is idtype-value, expression or predicate.")
    if only_known:
        raise CriteriaInvalid("The agreement lets you ask about a person by her number only.")
    if kind == "predicate":
        return population.from_predicates(query, allowed)
    if not isinstance(query, dict):
        raise FilterInvalid("The query is no object.")
    value = query.get("value", query)
    inner = value.get("expression", value) if isinstance(value, dict) else value
    if isinstance(inner, dict) and "query" in inner:
        if set(inner) - {"collection", "query"}:
            raise FilterInvalid("An expression has collection and query only.")
        inner = inner["query"]
    return population.from_expression(inner, allowed)


def _by_number(query: Any, allowed: Sequence[str], *, only_known: bool) -> Asked:
    if not isinstance(query, dict) or set(query) != {"type", "value"} or not isinstance(query["type"], str):
        raise CriteriaInvalid("An idtype-value query has type and value.")
    if not isinstance(query["value"], str | int):
        raise FilterInvalid("The value of the query is no text.")
    kind = query["type"].rsplit(":", 1)[-1].upper()
    if kind in ("HOUSEHOLD_ID", "HOUSEHOLDID") and "household_number" in allowed:
        return population.condition("household_number", "eq", str(query["value"]), allowed)
    if kind not in {one.upper() for one in searches.kinds_of_numbers()} | {"UIN", "NIN", "NID", "NATIONAL_ID"}:
        raise FilterInvalid("Numbers of this type are not known here.")
    may = {*allowed, "identifier"}  # whoever shows a number may ask about it; it is given back only where agreed
    return population.condition("identifier", "eq", query["value"], may)


def _sort(criteria: Mapping[str, Any]) -> list[tuple[str, str]]:
    sort = criteria.get("sort") or []
    if not isinstance(sort, list) or len(sort) > 5 or not all(isinstance(one, dict) for one in sort):
        raise searches.SortInvalid("'sort' is a list of at most five attributes.")
    names = fields.by_standard_name()
    return [(names.get(str(one.get("attribute_name")), "?"), str(one.get("sort_order", "asc"))) for one in sort]


def _found(
    call: Call, agreement: Agreement | None, asked: Asked, *, entity: str, sort: list[tuple[str, str]], page: tuple[int, int]
) -> searches.Page:  # fmt: skip
    if agreement is None:
        return sandbox.find(asked, entity=entity, sort=sort, page_size=page[0], page_number=page[1])
    _name(call, agreement)
    if agreement.population_rule:
        asked = population.Tree("and", (asked, population.compile_rule(agreement.population_rule)))
    if agreement.programme:
        asked = population.Tree("and", (asked, population.Condition("programmes", "eq", agreement.programme)))
    terms = searches.Terms(call.partner.code, tuple(agreement.fields), agreement.needs_consent, agreement.max_rows)
    found = searches.find(
        asked, entity=entity, terms=terms, sort=sort, page_size=page[0], page_number=page[1], today=call.at.date()
    )
    note_persons(call, found.persons, "sharing.person_disclosed", found.total)
    return found


def note_persons(call: Call, persons: Sequence[int], action: str, total: int) -> None:
    """Leave one event for each person who was read, or one that nobody was found."""
    details = json.dumps({"partner": call.partner.code, "message": call.correlation_id, "found": total})
    with connection.cursor() as cursor:
        if persons:
            cursor.execute(_EACH_PERSON, [action, details, call.at, list(persons)])
        else:
            cursor.execute(
                "SELECT khana_private.audit_record(%s, 'person:none', %s::jsonb, %s)", [action, details, call.at]
            )


# --- enrolled (IBR) -------------------------------------------------------------------------------------------


def enrolled(call: Call) -> dict[str, Any]:
    """Return the message that says whether a person draws from a programme: yes or no, and nothing else."""
    envelopes.text(call.message, "transaction_id")
    criteria = call.message.get("enrolled_criteria")
    if not isinstance(criteria, dict) or not isinstance(criteria.get("query"), dict):
        raise MessageBad("'enrolled_criteria' with a query is missing.")
    response: dict[str, Any] = {"reference_id": str(call.header["message_id"])[:99], "timestamp": call.at.isoformat()}
    try:
        with transaction.atomic():
            asked = population.from_expression(criteria["query"], ["identifier", "programmes"])
            if "identifier" not in population.fields_of(asked):
                raise CriteriaInvalid("The question names no person.")
            agreement = agreement_for(call, criteria)
            if agreement is not None and "programmes" not in agreement.fields:
                raise CriteriaInvalid("The agreement does not answer which programme a person draws from.")
            if "programmes" not in population.fields_of(asked):
                asked = _any_programme(asked)
            found = _found(call, agreement, asked, entity="Member", sort=[], page=(10, 1))
        response |= {"status": "succ", "enrolled_status": "yes" if found.total else "no"}
    except (FilterInvalid, CriteriaInvalid, searches.TooMany) as error:
        response |= {
            "status": "rjct",
            "status_reason_message": f"{error.code}: {error.message}",
            "enrolled_status": "no",
        }
    return {
        "transaction_id": call.message["transaction_id"], "correlation_id": call.correlation_id,
        "enrolled_response": [response],
    }  # fmt: skip


def _any_programme(asked: Asked) -> Asked:
    codes = tuple(one.code for one in programmes.list_programmes()[:1000]) or ("",)
    return population.Tree("and", (asked, population.Condition("programmes", "in", codes)))


# --- subscriptions --------------------------------------------------------------------------------------------


def subscribe(call: Call) -> dict[str, Any]:
    """Write wishes down and return the message of the answer."""
    answers = []
    for item in envelopes.items_of(call.message, "subscribe_request"):
        try:
            with transaction.atomic():
                answers.append(_subscribed(call, item))
        except KhanaError as error:
            code = error.code if error.code.startswith("rjct.") else "rjct.notify_details.invalid"
            code = "rjct.notify_details.invalid" if "search" in code or "filter" in code else code
            answers.append(envelopes.rejected(item, code, error.message, at=call.at))
    return {
        "transaction_id": call.message["transaction_id"], "correlation_id": call.correlation_id,
        "subscribe_response": answers,
    }  # fmt: skip


class AlreadySubscribed(InputError):
    """The same wish is in force."""

    code = "rjct.event.already_subscribed"


class EventUnknown(InputError):
    """There is no such event."""

    code = "rjct.notify_types.invalid"


def _subscribed(call: Call, item: Mapping[str, Any]) -> dict[str, Any]:
    criteria = item.get("subscribe_criteria")
    if not isinstance(criteria, dict):
        raise CriteriaInvalid("'subscribe_criteria' is missing.")
    event = str(criteria.get("reg_event_type", "")).rsplit(":", 1)[-1]
    if event not in EVENTS[call.registry]:
        raise EventUnknown(f"Events of this registry are: {', '.join(EVENTS[call.registry])}.")
    kind = envelopes.text(criteria, "notify_record_type")
    agreement = agreement_for(call, criteria)
    allowed = sandbox.FIELDS if agreement is None else tuple(agreement.fields)
    query = {"query_type": criteria.get("filter_type", "idtype-value"), "query": criteria.get("filter")}
    read_query(query, allowed, only_known=agreement is not None and agreement.level == "ANSWER")
    target = str(call.header.get("sender_uri", ""))
    if target:
        addresses.allow(target, call.partner.callback_hosts)
    wish = json.dumps([call.registry, event, kind, query, agreement.number if agreement else ""], sort_keys=True)
    mark = sha256(keys.pseudonym(call.partner.code, wish)).digest()
    if Subscription.objects.filter(partner=call.partner, filter_hash=mark, ended_at__isnull=True).exists():
        raise AlreadySubscribed("This is subscribed already.")
    made = Subscription.objects.create(
        code=f"sub-{secrets.token_hex(8)}", partner=call.partner, partner_user_id=call.partner.user_id,
        agreement=agreement.number if agreement else "", registry=call.registry, event_type=event, record_type=kind,
        filter_hash=mark, criteria_ciphertext=keys.encrypt(json.dumps(query)), callback=target, subscribed_at=call.at,
    )  # fmt: skip
    return {
        "reference_id": item["reference_id"], "timestamp": call.at.isoformat(), "status": "succ",
        "subscriptions": [
            {"code": made.code, "status": "subscribe", "timestamp": call.at.isoformat(), "reg_event_type": event,
             "notify_record_type": kind, "locale": envelopes.locale(item)}
        ],
        "locale": envelopes.locale(item),
    }  # fmt: skip


def unsubscribe(call: Call) -> dict[str, Any]:
    """End subscriptions of the partner and return the message of the answer."""
    envelopes.text(call.message, "transaction_id")
    envelopes.moment(call.message, "timestamp")
    codes = call.message.get("subscription_codes")
    if (
        not isinstance(codes, list)
        or not 1 <= len(codes) <= 1000
        or not all(isinstance(code, str) and len(code) <= 99 for code in codes)
    ):
        raise MessageBad("'subscription_codes' is a list of 1 to 1,000 codes.")
    held = {one.code: one for one in Subscription.objects.filter(partner=call.partner, code__in=codes)}
    answer: dict[str, Any] = {
        "transaction_id": call.message["transaction_id"], "correlation_id": call.correlation_id,
        "timestamp": call.at.isoformat(),
    }  # fmt: skip
    if any(code not in held for code in codes):
        return answer | {"status": "rjct", "status_reason_code": "rjct.subscription_code.invalid",
                         "status_reason_message": "A code is none of your subscriptions; nothing was ended."}  # fmt: skip
    if any(one.ended_at for one in held.values()):
        return answer | {"status": "rjct", "status_reason_code": "rjct.event.already_unsubscribed",
                         "status_reason_message": "A subscription was ended before; nothing was ended."}  # fmt: skip
    Subscription.objects.filter(partner=call.partner, code__in=codes).update(ended_at=call.at)
    return answer | {
        "status": "succ",
        "subscription_status": [{"code": code, "status": "unsubscribe"} for code in codes],
    }


# --- txn status -----------------------------------------------------------------------------------------------


def txn_status(call: Call) -> dict[str, Any]:
    """Return the message that says how an earlier transaction of the partner ended."""
    envelopes.text(call.message, "transaction_id")
    asked = call.message.get("txnstatus_request")
    if not isinstance(asked, dict):
        raise MessageBad("'txnstatus_request' is missing.")
    envelopes.text(asked, "reference_id")
    envelopes.locale(asked)
    kind, by, value = asked.get("txn_type"), asked.get("attribute_type"), asked.get("attribute_value")
    if kind not in ("search", "subscribe", "receipt") or by not in (
        "transaction_id",
        "reference_id_list",
        "correlation_id",
    ):
        raise MessageBad("'txn_type' or 'attribute_type' is not known.")
    fits = (
        isinstance(value, list) and all(isinstance(one, str) and len(one) <= 99 for one in value) and len(value) <= 1000
    )
    if not (fits if by == "reference_id_list" else isinstance(value, str) and len(value) <= 99):
        raise MessageBad("'attribute_value' does not fit its type.")
    found = _earlier(call, str(kind), str(by), value)
    return {
        "transaction_id": call.message["transaction_id"], "correlation_id": call.correlation_id,
        "txnstatus_response": {"txn_type": kind, "txn_status": found},
    }  # fmt: skip


def _earlier(call: Call, kind: str, by: str, value: Any) -> dict[str, Any]:
    rows = Message.objects.filter(
        partner=call.partner, registry=call.registry, action=kind, received_at__gt=call.at - KEPT_FOR
    ).order_by("-id")
    if by == "transaction_id":
        rows = rows.filter(transaction_id=value)
    elif by == "correlation_id":
        rows = rows.filter(uuid=value if _is_uuid(value) else "00000000-0000-0000-0000-000000000000")
    name = "subscribe_response" if kind == "subscribe" else "search_response"
    empty = {
        "transaction_id": value if by == "transaction_id" else call.message["transaction_id"],
        "correlation_id": value if by == "correlation_id" else call.correlation_id, name: [],
    }  # fmt: skip
    for row in rows[:50]:
        if not row.answer_ciphertext:
            continue
        answer = json.loads(keys.decrypt(bytes(row.answer_ciphertext))).get("message", {})
        items = answer.get(name, [])
        if by == "reference_id_list":
            items = [one for one in items if one.get("reference_id") in value]
        if items:
            return {"transaction_id": answer["transaction_id"], "correlation_id": answer["correlation_id"], name: items}
    return empty


def _is_uuid(value: Any) -> bool:
    import uuid

    try:
        uuid.UUID(str(value))
    except ValueError:
        return False
    return True


ANSWER = {"search": search, "subscribe": subscribe, "unsubscribe": unsubscribe, "txn-status": txn_status}


def answer(call: Call, *, action: str) -> tuple[dict[str, Any], str, str]:
    """Answer a call.

    Returns:
        The message, and the status and the reason code of its header.
    """
    message = ANSWER[action](call)
    items = message.get("search_response") or message.get("subscribe_response") or []
    status = envelopes.overall(items) if items else str(message.get("status", "succ"))
    return message, status, ""
