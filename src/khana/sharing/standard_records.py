"""Records of a search as the standard writes them: Group and Member of the social registry, Member of the IBR.

Only what the agreement has; a field that is absent is left out, never sent empty. Source: SPDCI schemas v1.0.0
(`specs` of the standard), names as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOCIAL = "https://schema.spdci.org/extensions/social/v1/"
IBR = "https://schema.spdci.org/extensions/ibr/v1/"
_SEX = {"M": "male", "F": "female", "O": "others"}


def record_of(found: Mapping[str, Any], *, registry: str, entity: str) -> dict[str, Any]:
    """Write one record.

    Args:
        found: A record of `searches.find` or of the sandbox.
        registry: `sr` or `ibr`.
        entity: `Group` or `Member`.
    """
    base = IBR if registry == "ibr" else SOCIAL
    made: dict[str, Any] = {"@context": {"spdci": base}, "@type": f"spdci:{entity}"}
    if entity == "Group":
        return {**made, **_group(found)}
    made |= _member(found)
    if registry == "ibr" and "programmes" in found:
        made |= _drawn(found)
    return made


def _address(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    codes = [part for part in str(found.get("area_path", "")).split(".") if part]
    made: dict[str, Any] = {"@type": "Address"}
    if found.get("address"):
        made["address_line_1"] = found["address"]
    if "district" in found:
        named = zip(("country_code", "region_code", "sub_region_code"), codes[:3], strict=False)
        made |= dict(named)
    return [made] if len(made) > 1 else []


def _group(found: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "household_number" in found:
        made["@id"] = f"urn:khana:household:{found['household_number']}"
        made["group_identifier"] = [
            {"@type": "Identifier", "identifier_type": "HOUSEHOLD_ID", "identifier_value": found["household_number"]}
        ]
    made["group_type"] = "Household"
    if address := _address(found):
        made["address"] = address
    if found.get("poverty_score") is not None:
        made |= {"poverty_score": float(found["poverty_score"]), "poverty_score_type": "PMT"}
    if found.get("score_class"):
        made["score_class"] = found["score_class"]
    if "group_size" in found:
        made["group_size"] = found["group_size"]
    people = [_member(one) for one in found.get("member_rows", [])]
    heads = [one for one, row in zip(people, found.get("member_rows", []), strict=True) if _is_head(row)]
    if heads and len(heads[0]) > 1:
        made["group_head_info"] = heads[0]
    if "members" in found or any(not _is_head(row) for row in found.get("member_rows", [])):
        made["member_list"] = people
    if found.get("registration_date"):
        made["registration_date"] = found["registration_date"]
    return made


def _is_head(row: Mapping[str, Any]) -> bool:
    return str(row.get("relation", "")).lower() == "head"


def _member(found: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"@type": "Member"}
    numbers = [
        {"@type": "Identifier", "identifier_type": held["type"], "identifier_value": held["value"]}
        for held in found.get("identifier", [])
    ]
    if numbers:
        made["member_identifier"] = numbers
    person: dict[str, Any] = {"@type": "SRPerson"}
    if numbers:
        person["identifier"] = numbers
    if found.get("name"):
        given, _, last = str(found["name"]).rpartition(" ")
        person["name"] = {"@type": "Name", "given_name": given or last, "surname": last if given else ""}
        if found.get("name_native"):
            person["name"]["full_name_native"] = found["name_native"]
    if found.get("guardian_name"):
        person["guardian_name"] = found["guardian_name"]
    if found.get("sex"):
        person["sex"] = _SEX.get(found["sex"], "others")
    year, month, day = found.get("birth_date") or (None, None, None)
    if year and month and day:
        person["birth_date"] = f"{year:04d}-{month:02d}-{day:02d}T00:00:00Z"
    elif year:
        person["birth_year"] = year
    if len(person) > 1:
        made["demographic_info"] = person
    for name, standard in (("marital_status", "marital_status"), ("relation", "relationship_type"), ("age", "age"),
                           ("registered", "registered"), ("score_class", "score_class"), ("household_number", "household_number"),
                           ("registration_date", "registration_date")):  # fmt: skip
        if found.get(name) not in (None, ""):
            made[standard] = found[name]
    if found.get("poverty_score") is not None:
        made["poverty_score"] = float(found["poverty_score"])
    if address := _address(found):
        made["address"] = address
    return made


def _drawn(found: Mapping[str, Any]) -> dict[str, Any]:
    codes = list(dict.fromkeys(row["programme"] for row in found["programmes"]))
    made: dict[str, Any] = {
        "@type": "spdci:Beneficiary",
        "programme_identifier": [{"@type": "Programme", "programme_identifier": code} for code in codes],
        "enrollment_status": "Active" if codes else "None",
    }
    if "benefits" in found:
        made["benefits"] = [
            {
                "programme_identifier": row["programme"],
                "benefit_value": row["amount"] or "",
                "benefit_period": row["period"],
            }
            for row in found["benefits"]
        ]
    return made
