"""What a partner's question finds: households or persons under row security, only the fields of the agreement.

The transaction has named the agreement's mandate: rows outside its area are not there. People who refused, and
households without the consent that the agreement needs, are left out. Numbers come as ciphertext and are opened
only where the agreement has the field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from typing import Any, ClassVar

from django.db import connection
from django.db.utils import OperationalError
from psycopg.types.numeric import Int8

from khana.assessment.frames import counted
from khana.geo import selectors as geo
from khana.platform import installation, keys, prepared
from khana.sharing import population
from khana.sharing.population import Asked
from khana_country.load import load_document
from khana_methods.errors import InputError
from khana_methods.standardise.identifiers import IdentifierRules

_CURRENT = "{0}.valid_to IS NULL AND {0}.superseded_at IS NULL"
_AGE = """(extract(year FROM %(today)s::date)::int - v.birth_year
    - (CASE WHEN (coalesce(v.birth_month, 1), coalesce(v.birth_day, 1))
        > (extract(month FROM %(today)s::date)::int, extract(day FROM %(today)s::date)::int) THEN 1 ELSE 0 END))"""
_BAND = "(floor(s.score / 10) * 10)::int::text || '-' || (floor(s.score / 10) * 10 + 10)::int::text"
_SIZE = f"""(SELECT count(*) FROM registry_membership z WHERE z.household_id = {{0}} AND z.is_member
    AND {_CURRENT.format("z")})"""
# every file that was merged into hers: what hangs on them is found from hers; most files were never merged
_FILES = """CASE WHEN EXISTS (SELECT FROM registry_alias a WHERE a.current_id = {0} AND a.valid_from IS NOT NULL)
    THEN ARRAY(SELECT khana_private.registry_files_of({0})) ELSE ARRAY[{0}] END"""
_STANDS_FOR_ITSELF = """NOT EXISTS (SELECT FROM registry_alias a WHERE a.person_id = p.id AND a.valid_from IS NOT NULL
    AND a.valid_to IS NULL)"""
_PERSON_FROM = f"""registry_person p CROSS JOIN LATERAL (SELECT {_FILES.format("p.id")} AS files) hers
    JOIN LATERAL (SELECT v.* FROM registry_personversion v WHERE v.person_id = p.id
        AND {_CURRENT.format("v")} ORDER BY v.recorded_at DESC, v.id DESC LIMIT 1) v ON true
    LEFT JOIN LATERAL (SELECT m.* FROM registry_membership m WHERE m.person_id = ANY (hers.files)
        AND {_CURRENT.format("m")} ORDER BY m.person_id = p.id DESC, m.id DESC LIMIT 1) m ON true
    LEFT JOIN registry_household h ON h.id = m.household_id
    LEFT JOIN LATERAL (SELECT w.address, w.consent, w.recorded_at FROM registry_householdversion w
        WHERE w.household_id = h.id AND {_CURRENT.format("w")} ORDER BY w.recorded_at DESC, w.id DESC LIMIT 1) hv ON true
    LEFT JOIN LATERAL ({counted("h.id")}) s ON true"""
_HOUSEHOLD_FROM = f"""registry_household h LEFT JOIN LATERAL (SELECT w.address, w.consent, w.recorded_at
        FROM registry_householdversion w WHERE w.household_id = h.id AND {_CURRENT.format("w")}
        ORDER BY w.recorded_at DESC, w.id DESC LIMIT 1) hv ON true
    LEFT JOIN LATERAL ({counted("h.id")}) s ON true"""
_COMMON = {
    "poverty_score": "s.score", "score_class": _BAND, "household_number": "h.number",
    "registration_date": "h.created_at::date", "group_size": _SIZE.format("h.id"),
}  # fmt: skip
_CURRENT_FILE = """CASE WHEN EXISTS (SELECT FROM registry_alias a WHERE a.person_id = i.person_id AND a.valid_from IS NOT NULL)
    THEN khana_private.registry_current(i.person_id) ELSE i.person_id END"""
_ON_A_LIST = """SELECT {0} FROM {1}registry_identifier i JOIN beneficiaries_benefit b ON b.id_token = i.token
    WHERE {2}i.retired_at IS NULL AND b.programme = ANY ({{0}})"""
# everybody on the lists of some programmes; and, of people who are known already, whether they are on one
_DRAWN = (
    _ON_A_LIST.format("i.person_id", "", "")
    + " UNION ALL "
    + _ON_A_LIST.format(
        "khana_private.registry_current(a.person_id)", "registry_alias a JOIN ",
        "a.valid_from IS NOT NULL AND a.valid_to IS NULL AND ",
    ).replace("registry_identifier i JOIN", "registry_identifier i ON i.person_id = a.person_id JOIN")
)  # fmt: skip
_DRAWS_ONE = "EXISTS ({})".format(_ON_A_LIST.format("1", "", "i.person_id = ANY (hers.files) AND "))
_WHO_HOLDS = {
    "Member": f"SELECT i.token, {_CURRENT_FILE} FROM registry_identifier i WHERE i.retired_at IS NULL AND i.token = ANY (%(tokens)s::bytea[])",
    "Group": f"""SELECT held.token, l.household_id FROM (SELECT i.token, {_CURRENT_FILE} FROM registry_identifier i
        WHERE i.retired_at IS NULL AND i.token = ANY (%(tokens)s::bytea[])) AS held (token, id)
        CROSS JOIN LATERAL unnest({_FILES.format("held.id")}) f
        JOIN registry_membership l ON l.person_id = f AND {_CURRENT.format("l")}""",
}  # fmt: skip
_LIVES = f"SELECT l.household_id FROM registry_membership l WHERE {_CURRENT.format('l')} AND l.person_id IN ({{}})"
PERSON_COLUMNS = {
    **_COMMON, "district": "p.area_path", "sex": "v.sex", "marital_status": "v.marital", "age": _AGE,
    "birth_date": "make_date(v.birth_year, coalesce(v.birth_month, 1), coalesce(v.birth_day, 1))",
    "identifier": "p.id = ANY ({})", "programmes": f"p.id IN ({_DRAWN})",
}  # fmt: skip
HOUSEHOLD_COLUMNS = {
    **_COMMON, "district": "h.area_path", "identifier": "h.id = ANY ({})",
    "programmes": f"h.id IN ({_LIVES.format(_DRAWN)})",
}  # fmt: skip
_NUMBERS_OF = """(SELECT coalesce(json_agg(json_build_object('type', i.type, 'ciphertext', encode(i.ciphertext, 'hex'))
    ORDER BY i.id), '[]'::json) FROM registry_identifier i WHERE i.person_id = ANY ({0}) AND i.retired_at IS NULL)"""
_DRAWS = """(SELECT coalesce(json_agg(d), '[]'::json) FROM (SELECT DISTINCT b.programme, b.period, b.amount::text AS amount
    FROM beneficiaries_benefit b JOIN registry_identifier i ON i.token = b.id_token
    WHERE i.person_id = ANY ({0}) AND i.retired_at IS NULL ORDER BY b.programme, b.period DESC LIMIT 50) d)"""
_OF_HOUSEHOLD = {
    "household_number": "h.number", "district": "{area}", "address": "hv.address", "group_size": _SIZE.format("h.id"),
    "poverty_score": "s.score", "score_class": _BAND, "registration_date": "h.created_at",
}  # fmt: skip
_OF_PERSON = {
    "identifier": _NUMBERS_OF.format("hers.files"), "name": "v.name", "name_native": "v.name_native",
    "guardian_name": "v.guardian_name", "sex": "v.sex", "marital_status": "v.marital", "relation": "m.relation",
    "birth_date": "json_build_array(v.birth_year, v.birth_month, v.birth_day)", "age": _AGE,
    "registered": "true", "programmes": _DRAWS.format("hers.files"), "benefits": _DRAWS.format("hers.files"),
}  # fmt: skip
SORTABLE = {"poverty_score", "registration_date", "group_size", "household_number", "age", "birth_date"}
_REFUSED = """NOT EXISTS (SELECT 1 FROM sharing_refusal r WHERE r.ended_at IS NULL
    AND r.partner_code IN ('', %(partner)s) AND r.person_id {0})"""


class SortInvalid(InputError):
    """The sort names what cannot be sorted by."""

    code: ClassVar[str] = "rjct.sort.invalid"


class TooMany(InputError):
    """More records than the agreement lets one search return."""

    code: ClassVar[str] = "rjct.search.too_many_records_found"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records; each is a plain mapping of the agreement's fields with `person` or `household` ids."""

    records: tuple[Mapping[str, Any], ...]
    total: int
    persons: tuple[int, ...]


@lru_cache(maxsize=4)
def _rules(country: str) -> tuple[IdentifierRules, ...]:
    whole = IdentifierRules.parse(load_document(country, "identifiers"))
    return tuple(whole.only(kind) for kind in dict.fromkeys(form.kind for form in whole.forms))


def kinds_of_numbers() -> list[str]:
    """Return the kinds of personal numbers that this country knows."""
    return sorted({form.kind for rules in _rules(installation.read().get("country", "pak")) for form in rules.forms})


def tokens(number: str) -> list[bytes]:
    """Return the tokens of a personal number under each kind that it fits; none where it is no number here."""
    read = [rules.standardise(number) for rules in _rules(installation.read().get("country", "pak"))]
    return [keys.token(one.scheme, one.canonical) for one in read if one.state == "OK"]


def path_of(code: str) -> str:
    """Return the path of an area.

    Raises:
        FilterInvalid: There is no such area.
    """
    try:
        return geo.get_path(code)
    except geo.AreaUnknown as error:
        raise population.FilterInvalid("The filter names an area that is not known.") from error


@dataclass(frozen=True, slots=True)
class Terms:
    """What of an agreement a search is held to."""

    partner: str
    fields: tuple[str, ...]
    needs_consent: bool
    max_rows: int


def held_by(numbers: Sequence[str], *, entity: str) -> dict[str, list[int]]:
    """Return by number whose it is within the open scope: ids of current files, or of the households they live in.

    Asked before the records are: one look into the index of tokens, whatever the planner makes of the rest.
    """
    held = {number: tokens(number) for number in dict.fromkeys(numbers)}
    by_token: dict[bytes, list[int]] = {}
    asked = {"tokens": [token for of_one in held.values() for token in of_one]}
    for token, holder in prepared.fetch_text(_WHO_HOLDS[entity], asked):
        by_token.setdefault(bytes(token), []).append(holder)
    return {
        number: list(dict.fromkeys(holder for token in of_one for holder in by_token.get(token, ())))
        for number, of_one in held.items()
    }


def holders(numbers: Sequence[str], *, entity: str) -> list[int]:
    """Return the ids of the files of whoever holds one of the numbers, or of the households they live in."""
    return sorted({one for ids in held_by(numbers, entity=entity).values() for one in ids})


def find_holders(
    numbers: Sequence[str], *, asked: Asked | None, entity: str, terms: Terms, today: date
) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """Return who holds each of many numbers, in one question: the records of `find` by number; those of nobody are absent.

    Args:
        numbers: As the partner wrote them.
        asked: What else holds of every record; None for nothing.
        entity: `Group` for households, `Member` for persons.
        terms: What the agreement says; its `max_rows` bounds each number, not their sum.
        today: For ages.

    Raises:
        TooMany: The question takes too long.
    """
    held = held_by(numbers, entity=entity)
    only = sorted({holder for ids in held.values() for holder in ids})
    if not only:
        return {}
    found = find(
        asked, entity=entity, terms=replace(terms, max_rows=len(only) + 1), page_size=len(only) + 1, today=today, only=only,
    )  # fmt: skip
    by_id = {int(one["id"] if entity == "Group" else one["persons"][0]): one for one in found.records}
    made = {}
    for number, ids in held.items():
        if records := tuple(by_id[one] for one in ids if one in by_id):
            made[number] = records
    return made


def find(
    asked: Asked | None,
    *,
    entity: str,
    terms: Terms,
    sort: Sequence[tuple[str, str]] = (),
    page_size: int = 10,
    page_number: int = 1,
    today: date,
    only: Sequence[int] | None = None,
) -> Page:
    """Return one page of what a partner asked for.

    Args:
        asked: The conditions, over fields of the agreement; None where `only` says all.
        entity: `Group` for households, `Member` for persons.
        terms: What the agreement says.
        sort: (field, asc or desc), of fields of the agreement.
        page_size: Records a page.
        page_number: From 1.
        today: For ages.
        only: Ids of households or persons beside which nothing is found; all if absent.

    Raises:
        TooMany: More than the agreement lets one search return, or the search takes too long.
        FilterInvalid, SortInvalid: A name cannot be asked of this record.
    """
    is_group = entity == "Group"
    values: dict[str, Any] = {"partner": terms.partner, "today": today}
    columns = HOUSEHOLD_COLUMNS if is_group else PERSON_COLUMNS
    if not is_group and (only is not None or asked is None or "identifier" in population.fields_of(asked)):
        columns = {**columns, "programmes": _DRAWS_ONE}
    where = ["true"] if is_group else [_STANDS_FOR_ITSELF]

    if asked is not None:
        where.append(
            population.to_sql(asked, columns, values, holders=partial(holders, entity=entity), path_of=path_of)
        )
    if terms.needs_consent:
        where.append("hv.consent")
    refusing = (
        f"IN (SELECT x.person_id FROM registry_membership x WHERE x.household_id = h.id AND {_CURRENT.format('x')})"
        if is_group
        else "= ANY (hers.files)"
    )
    where.append(_REFUSED.format(refusing))
    if only is not None:
        values["only"] = [Int8(one) for one in only]
        where.append(f"{'h' if is_group else 'p'}.id = ANY (%(only)s)")
    source = _HOUSEHOLD_FROM if is_group else _PERSON_FROM
    body = f"FROM {source} WHERE {' AND '.join(where)}"
    order = _order(sort, columns, terms.fields, "h.id" if is_group else "p.id")
    values |= {"limit": page_size, "offset": (page_number - 1) * page_size, "most": terms.max_rows + 1}
    chosen = _selected(terms.fields, is_group=is_group)
    statement = f"SELECT json_build_object({chosen}) {body} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s"
    counting = f"SELECT count(*) FROM (SELECT 1 {body} LIMIT %(most)s) found"
    try:
        with _planned_for_its_values() if only is None else nullcontext(prepared.fetch_text) as ask:
            records = [row[0] for row in ask(statement, values)]
            total = len(records)
            if page_number > 1 or total == page_size:
                total = int(ask(counting, values)[0][0])
    except OperationalError as error:
        raise TooMany("The question finds too many records or takes too long; ask it more narrowly.") from error
    if total > terms.max_rows:
        raise TooMany(f"The question finds more than the {terms.max_rows} records that the agreement allows.")
    shown = [opened(record) for record in records]
    persons = [one for record in shown for one in record["persons"]]
    return Page(tuple(shown), total, tuple(dict.fromkeys(persons)))


@contextmanager
def _planned_for_its_values() -> Iterator[Callable[[str, Mapping[str, Any]], list[Any]]]:
    """Lend what asks a question that might find everybody: planned for its values, and stopped after five seconds."""
    with connection.cursor() as cursor:

        def ask(statement: str, values: Mapping[str, Any]) -> list[Any]:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

        cursor.execute("SET LOCAL statement_timeout = '5s'")
        yield ask
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")


def _order(sort: Sequence[tuple[str, str]], columns: Mapping[str, str], allowed: Sequence[str], last: str) -> str:
    written = []
    for field, way in sort:
        if field not in SORTABLE or field not in allowed or field not in columns or way not in ("asc", "desc"):
            raise SortInvalid("The sort names an attribute that is not known or not agreed.")
        written.append(f"{columns[field]} {way} NULLS LAST")
    return ", ".join([*written, last])


def _selected(chosen: Sequence[str], *, is_group: bool) -> str:
    area = "h.area_path" if is_group else "p.area_path"
    parts = ["'area_path'", area]
    for name in chosen:
        sql = _OF_HOUSEHOLD.get(name, "").replace("{area}", area) or ("" if is_group else _OF_PERSON.get(name, ""))
        if sql:
            parts += [f"'{name}'", sql]
    if not is_group:
        return ", ".join([*parts, "'persons'", "json_build_array(p.id)"])
    member = ["'id'", "p.id", "'relation'", "m.relation"]
    for name in chosen:
        if name in _OF_PERSON:
            member += [f"'{name}'", _OF_PERSON[name]]
    only = "" if "members" in chosen else " AND m.relation = 'head'"
    members = f"""(SELECT coalesce(json_agg(json_build_object({", ".join(member)}) ORDER BY m.line_no), '[]'::json)
        FROM registry_membership m JOIN registry_person p ON p.id = m.person_id
        CROSS JOIN LATERAL (SELECT {_FILES.format("p.id")} AS files) hers
        JOIN LATERAL (SELECT v.* FROM registry_personversion v WHERE v.person_id = p.id AND {_CURRENT.format("v")}
            ORDER BY v.recorded_at DESC, v.id DESC LIMIT 1) v ON true
        WHERE m.household_id = h.id AND {_CURRENT.format("m")}{only})"""
    return ", ".join([*parts, "'id'", "h.id", "'member_rows'", members])


def people_statement(chosen: Sequence[str], where: Sequence[str], *, needs_consent: bool) -> str:
    """Return the statement that reads the persons of an extract, with parameters `area`, `partner` and `today`."""
    held = [*where, _STANDS_FOR_ITSELF, "p.area_path ^@ %(area)s", _REFUSED.format("= ANY (hers.files)")]
    if needs_consent:
        held.append("hv.consent")
    selected = _selected(chosen, is_group=False)
    return f"SELECT json_build_object('id', p.id, {selected}) FROM {_PERSON_FROM} WHERE {' AND '.join(held)}"


def opened(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with its numbers opened."""
    people = record.get("member_rows", [record])
    for one in people:
        if "identifier" in one:
            one["identifier"] = [
                {"type": held["type"], "value": keys.decrypt(bytes.fromhex(held["ciphertext"])).decode()}
                for held in one["identifier"]
            ]
    persons = record.get("persons") or [one["id"] for one in people]
    return {**record, "persons": persons}
