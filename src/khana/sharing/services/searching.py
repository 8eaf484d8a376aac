"""Answer what partners ask about people: search and enrolled, item by item, each person who is read with an event.

What an agreement does not allow is refused item by item, never passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from khana.platform import prepared
from khana.programmes import selectors as programmes
from khana.sharing import envelopes, fields, population, sandbox, searches
from khana.sharing import standard_records as records
from khana.sharing.envelopes import MessageBad
from khana.sharing.models import Agreement
from khana.sharing.population import Asked, FilterInvalid
from khana.sharing.services import calls
from khana.sharing.services.calls import Call, CriteriaInvalid, PageInvalid, agreement_for

_EACH_PERSON = """SELECT count(khana_private.audit_record(%s, who, %s::jsonb, %s)) FROM unnest(%s::text[]) AS t(who)"""


@dataclass(frozen=True, slots=True)
class _Question:
    """One item of a search that may be asked; `number` where it asks who holds one number, and nothing else."""

    item: Mapping[str, Any]
    criteria: Mapping[str, Any]
    agreement: Agreement | None
    asked: Asked
    entity: str
    sort: list[tuple[str, str]]
    page: tuple[int, int]
    number: str

    @property
    def together(self) -> tuple[str, str] | None:
        """Return what questions have in common that are asked of the database at once; None for one asked by itself."""
        alone = self.agreement is None or not self.number or self.sort or self.page[1] != 1
        return None if alone or self.agreement is None else (self.agreement.number, self.entity)


def search(call: Call) -> dict[str, Any]:
    """Return the message of an answer to a search: one response an item; items that name a number are asked together."""
    answers: dict[int, dict[str, Any]] = {}
    questions: dict[int, _Question] = {}
    seen = set[str]()
    standing = calls.standing(call)
    for place, item in enumerate(envelopes.items_of(call.message, "search_request")):
        reference = str(item["reference_id"])
        if reference in seen:
            answers[place] = envelopes.rejected(
                item, "rjct.reference_id.duplicate", "Used twice in this message.", at=call.at
            )
            continue
        seen.add(reference)
        try:
            questions[place] = _question(call, item, standing)
        except REFUSALS as error:
            answers[place] = envelopes.rejected(item, error.code, error.message, at=call.at)
    groups: dict[Any, list[int]] = {}
    for place, question in questions.items():
        groups.setdefault(question.together or place, []).append(place)
    for places in groups.values():
        try:
            with transaction.atomic():
                if questions[places[0]].together is None:
                    answers[places[0]] = _searched(call, questions[places[0]])
                else:
                    made = _searched_together(call, [questions[place] for place in places])
                    answers.update(zip(places, made, strict=True))
        except REFUSALS as error:
            for place in places:
                answers[place] = envelopes.rejected(questions[place].item, error.code, error.message, at=call.at)
    return {
        "transaction_id": call.message["transaction_id"], "correlation_id": call.correlation_id,
        "search_response": [answers[place] for place in sorted(answers)],
    }  # fmt: skip


REFUSALS = (FilterInvalid, CriteriaInvalid, PageInvalid, searches.TooMany, searches.SortInvalid)


def _question(call: Call, item: Mapping[str, Any], standing: Sequence[Agreement]) -> _Question:
    criteria = item.get("search_criteria")
    if not isinstance(criteria, dict):
        raise CriteriaInvalid("'search_criteria' is missing.")
    agreement = agreement_for(call, criteria, standing)
    allowed = sandbox.FIELDS if agreement is None else tuple(agreement.fields)
    asked = read_query(criteria, allowed, only_known=agreement is not None and agreement.level == "ANSWER")
    entity = _entity(call.registry, criteria, allowed)
    try:
        page = envelopes.page(item.get("pagination"), criteria.get("pagination"))
    except MessageBad as error:
        raise PageInvalid(error.message) from error
    is_number = isinstance(asked, population.Condition) and (asked.field, asked.operator) == ("identifier", "eq")
    number = str(asked.value) if is_number and isinstance(asked, population.Condition) else ""
    return _Question(item, criteria, agreement, asked, entity, _sort(criteria), page, number)


def _searched(call: Call, one: _Question) -> dict[str, Any]:
    found = found_under(call, one.agreement, one.asked, entity=one.entity, sort=one.sort, page=one.page)
    return _answered(call, one, found.records, found.total)


def _searched_together(call: Call, questions: Sequence[_Question]) -> list[dict[str, Any]]:
    """Answer questions of one agreement that each name one number: two statements and the events, however many they are."""
    agreement, entity = questions[0].agreement, questions[0].entity
    if agreement is None:
        raise CriteriaInvalid("No agreement in force allows this question.")
    calls.name_mandate(call, agreement)
    found = searches.find_holders(
        [one.number for one in questions], asked=_bound(agreement, None), entity=entity, terms=_terms(call, agreement),
        today=call.at.date(),
    )  # fmt: skip
    made, nobody = [], 0
    for one in questions:
        records = found.get(one.number, ())
        if len(records) > agreement.max_rows:
            made.append(envelopes.rejected(one.item, searches.TooMany.code, "More records than agreed.", at=call.at))
            continue
        nobody += not records
        made.append(_answered(call, one, records[: one.page[0]], len(records)))
    persons = dict.fromkeys(person for records in found.values() for one in records for person in one["persons"])
    note_persons(call, list(persons), "sharing.person_disclosed", len(persons), nobody=nobody)
    return made


def _answered(call: Call, one: _Question, found: Sequence[Mapping[str, Any]], total: int) -> dict[str, Any]:
    written = [records.record_of(record, registry=call.registry, entity=one.entity) for record in found]
    return {
        "reference_id": one.item["reference_id"], "timestamp": call.at.isoformat(), "status": "succ",
        "data": {
            "version": "1.0.0", "reg_type": _text(one.criteria, "reg_type") or REGISTRY[call.registry],
            "reg_record_type": _text(one.criteria, "reg_record_type") or one.entity, "reg_records": written,
        },
        "pagination": {"page_size": one.page[0], "page_number": one.page[1], "total_count": total},
        "locale": envelopes.locale(one.item),
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
    only: Sequence[int] | None = None, is_of_programme: bool = False,
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
        is_of_programme: Whoever is asked about stands on the agreement's programme already: no list is asked.
    """
    if agreement is None:
        return sandbox.find(asked, entity=entity, sort=sort, page_size=page[0], page_number=page[1])
    calls.name_mandate(call, agreement)
    found = searches.find(
        _bound(agreement, asked, is_of_programme=is_of_programme),
        entity=entity,
        terms=_terms(call, agreement),
        sort=sort,
        page_size=page[0],
        page_number=page[1],
        today=call.at.date(),
        only=only,
    )
    note_persons(call, found.persons, "sharing.person_disclosed", found.total)
    return found


def _terms(call: Call, agreement: Agreement) -> searches.Terms:
    return searches.Terms(call.partner.code, tuple(agreement.fields), agreement.needs_consent, agreement.max_rows)


def _bound(agreement: Agreement, asked: Asked | None, *, is_of_programme: bool = False) -> Asked | None:
    """Return what is asked within the population and the programme of an agreement."""
    parts = [] if asked is None else [asked]
    if agreement.population_rule:
        parts.append(population.compile_rule(agreement.population_rule))
    if agreement.programme and not is_of_programme:
        parts.append(population.Condition("programmes", "eq", agreement.programme))
    return None if not parts else parts[0] if len(parts) == 1 else population.Tree("and", tuple(parts))


def note_persons(call: Call, persons: Sequence[int], action: str, total: int, *, nobody: int = 0) -> None:
    """Leave one event for each person who was read, and one for each question that found nobody (one at least)."""
    details = json.dumps({"partner": call.partner.code, "message": call.correlation_id, "found": total})
    subjects = [f"person:{one}" for one in persons] + ["person:none"] * (nobody or (0 if persons else 1))
    prepared.fetch(_EACH_PERSON, [action, details, call.at, subjects])


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
