"""Answer what partners ask about people: search and enrolled, item by item, each person who is read with an event.

What an agreement does not allow is refused item by item, never passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from khana.programmes import selectors as programmes
from khana.sharing import envelopes, fields, population, sandbox, searches
from khana.sharing import standard_records as records
from khana.sharing.envelopes import MessageBad
from khana.sharing.models import Agreement
from khana.sharing.population import Asked, FilterInvalid
from khana.sharing.services import calls
from khana.sharing.services.calls import Call, CriteriaInvalid, PageInvalid, agreement_for

_EACH_PERSON = """SELECT count(khana_private.audit_record(%s, 'person:' || who, %s::jsonb, %s))
    FROM unnest(%s::bigint[]) AS t(who)"""


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
    found = found_under(call, agreement, asked, entity=entity, sort=_sort(criteria), page=(size, number))
    written = [records.record_of(one, registry=call.registry, entity=entity) for one in found.records]
    return {
        "reference_id": item["reference_id"], "timestamp": call.at.isoformat(), "status": "succ",
        "data": {
            "version": "1.0.0", "reg_type": _text(criteria, "reg_type") or REGISTRY[call.registry],
            "reg_record_type": _text(criteria, "reg_record_type") or entity, "reg_records": written,
        },
        "pagination": {"page_size": size, "page_number": number, "total_count": found.total},
        "locale": envelopes.locale(item),
    }  # fmt: skip


REGISTRY = {"sr": "ns:org:RegistryType:Social", "ibr": "ns:org:RegistryType:IBR"}


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


def found_under(
    call: Call, agreement: Agreement | None, asked: Asked, *, entity: str, sort: list[tuple[str, str]], page: tuple[int, int],
    only: Sequence[int] | None = None,
) -> searches.Page:  # fmt: skip
    """Return what a question finds under an agreement, in the open scope; each person who is read leaves an event.

    Args:
        call: Whose question it is.
        agreement: That it rests on; None for the sandbox.
        asked: The conditions.
        entity: `Group` or `Member`.
        sort: (field, asc or desc).
        page: Size and number.
        only: Ids of households or persons beside which nothing is found.
    """
    if agreement is None:
        return sandbox.find(asked, entity=entity, sort=sort, page_size=page[0], page_number=page[1])
    calls.name_mandate(call, agreement)
    if agreement.population_rule:
        asked = population.Tree("and", (asked, population.compile_rule(agreement.population_rule)))
    if agreement.programme:
        asked = population.Tree("and", (asked, population.Condition("programmes", "eq", agreement.programme)))
    terms = searches.Terms(call.partner.code, tuple(agreement.fields), agreement.needs_consent, agreement.max_rows)
    found = searches.find(
        asked,
        entity=entity,
        terms=terms,
        sort=sort,
        page_size=page[0],
        page_number=page[1],
        today=call.at.date(),
        only=only,
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
            found = found_under(call, agreement, asked, entity="Member", sort=[], page=(10, 1))
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
