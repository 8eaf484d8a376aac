"""Which column of each register states which fact, and what its codes mean: contracts as data."""

from __future__ import annotations

from typing import Any

Rules = dict[str, Any]


def _coded(column: str, **values: str) -> Rules:
    return {"column": column, "values": {key.removeprefix("c"): value for key, value in values.items()}}


def _flag(column: str) -> Rules:
    return {"column": column, "values": {"1": "true", "2": "false"}}


_ASSETS = (
    "tv",
    "fridge",
    "freezer",
    "washing_machine",
    "ac",
    "cooler",
    "geyser",
    "microwave",
    "sewing_machine",
    "bicycle",
    "motorcycle",
    "car",
    "tractor",
    "ups",
)
_MARITAL = {"c1": "S", "c2": "M", "c3": "W", "c4": "D"}
_AREAS = {
    "area_code": "tehsil_code",
    "province_code": "province_code",
    "district_code": "district_code",
    "tehsil_code": "tehsil_code",
}

_HOUSEHOLD: Rules = {
    "household_number": "household_id",
    "survey_date": "survey_date",
    "survey_mode": _coded("survey_mode", c1="door_to_door", c2="desk", c3="van"),
    "enumerator_code": "enumerator_id",
    "interview_minutes": "interview_minutes",
    **_AREAS,
    "area_type": _coded("area_type", c1="urban", c2="rural"),
    "address": "address",
    "latitude": "latitude",
    "longitude": "longitude",
    "gps_accuracy_m": "gps_accuracy_m",
    "contact_mobile_number": "contact_mobile",
    "head_line_no": "head_line",
    "members_declared": "members_declared",
    "dwelling": _coded("dwelling", c1="house", c2="part_of_unit", c3="part_of_compound", c4="flat"),
    "tenure": _coded("tenure", c1="owner", c3="rent", c5="rent_free"),
    "rooms": "rooms",
    "wall": _coded("wall", c1="brick", c2="mud", c3="wood"),
    "roof": _coded("roof", c1="concrete", c2="sheet", c3="wood"),
    "floor": _coded("floor", c1="tile", c2="cement", c3="earth"),
    "electricity": _coded("electricity", c1="yes", c2="extension", c3="no"),
    "gas": _coded("gas", c1="yes", c2="extension", c3="no"),
    "water_source": _coded("water", c1="piped", c2="hand_pump", c3="motor_pump"),
    "toilet": _coded(
        "toilet", c1="flush_sewer", c2="flush_pit", c3="flush_drain", c4="dry_raised", c5="dry_pit", c6="none"
    ),
    "has_internet": _flag("internet"),
    "has_mobile": _flag("mobile"),
    "land_owned_acres": "land_owned_acres",
    "land_irrigated_acres": "land_irrigated_acres",
    "cattle_count": "n_cattle",
    "buffalo_count": "n_buffalo",
    "goat_count": "n_goat",
    "sheep_count": "n_sheep",
    "poultry_count": "n_poultry",
    **{f"has_{name}": _flag(f"asset_{name}") for name in _ASSETS},
    "has_bank_account": _flag("bank_account"),
    "consent": _flag("consent"),
}
_PERSON: Rules = {
    "household_number": "household_id",
    "line_no": "line_no",
    "name": "name",
    "name_native": "NATIVE",
    "guardian_name": "father_husband_name",
    "relation": _coded(
        "relation",
        c1="head",
        c2="spouse",
        c3="child",
        c4="grandchild",
        c5="parent",
        c6="sibling",
        c8="child_in_law",
        c14="other",
    ),
    "sex": _coded("sex", c1="M", c2="F"),
    "marital": _coded("marital", **_MARITAL),
    "birth_date": "dob",
    "age": "age",
    "spouse_line": "spouse_line",
    "father_line": "father_line",
    "mother_line": "mother_line",
    "is_present": _flag("present"),
    "is_member": _flag("member"),
    "id_type": _coded("id_type", c1="card_seen", c2="card_stated", c3="child", c4="none", c5="not_at_hand"),
    "id_number": "id_number",
    "mobile_number": "mobile",
    "is_literate": _flag("literate"),
    "ever_attended": _flag("ever_attended"),
    "highest_class": "highest_class",
    "is_attending": _flag("attending"),
    "current_class": "current_class",
    "worked": _flag("worked"),
    "activity": _coded(
        "activity",
        c1="employee",
        c2="self_employed",
        c3="cultivator",
        c4="share_cropper",
        c5="contract_cultivator",
        c6="livestock",
        c7="family_worker",
    ),
    "occupation": "occupation",
    "income_year": "income_year",
    "has_pension": _flag("pension"),
    "disability": _coded(
        "disability",
        c1="seeing",
        c2="hearing",
        c3="walking",
        c4="remembering",
        c5="self_care",
        c6="communicating",
    ),
    "is_pregnant": _flag("pregnant"),
}
_IDENTITY: Rules = {
    "id_number": "NUMBER",
    "name": "name",
    "name_native": "NATIVE",
    "father_name": "father_name",
    "husband_name": "husband_name",
    "sex": "sex",
    "birth_date": "dob",
    "life_status": "status",
    "death_date": "date_of_death",
    "marital": _coded("marital", **_MARITAL),
    "father_id_number": "father_number",
    "spouse_id_number": "spouse_number",
    "card_type": {
        "column": "card_type",
        "values": {"CNIC": "ADULT", "NID": "ADULT", "CRC": "CHILD", "BRN": "CHILD"},
    },
}
_RESIDENT: Rules = {
    "resident_number": "resident_id",
    "id_number": "id_number",
    "name": "name",
    "name_native": "NATIVE",
    "guardian_name": "father_name",
    "sex": "sex",
    "birth_date": "dob",
    "civil_status": {
        "column": "civil_status",
        "values": {"single": "S", "married": "M", "widowed": "W", "divorced": "D"},
    },
    "citizenship": "citizenship",
    "employment": "employment",
    "mobile_number": "mobile",
    "address": "address",
    **_AREAS,
}
_EMPLOYEE: Rules = {
    "employee_number": "emp_no",
    "name": "name",
    "guardian_name": "father_name",
    "id_number": "id_number",
    "department": "department",
    "grade": "grade",
    "birth_date": "dob",
    "employment_status": {"column": "status", "values": {"IN SERVICE": "SERVING", "PENSIONER": "PENSIONER"}},
    "district_name": "district",
}
_EXIT: Rules = {
    "programme": "programme",
    "id_number": "id_number",
    "name": "name",
    "guardian_name": "father_husband",
    "exit_date": "exit_date",
    "exit_reason": "exit_reason",
    "district_name": "district",
}
_PROGRAMME: Rules = {
    "programme": "programme",
    "programme_name": "name",
    "agency": "agency",
    "benefit_type": "benefit_type",
    "counts_to_cap": "counts_to_cash_cap",
    "min_age": "min_age",
    "max_age": "max_age",
    "min_age_female": "min_age_female",
    "programme_sex": "sex",
    "max_score": "max_score",
    "is_poverty_targeted": "poverty_targeted",
    "is_one_per_household": "one_per_household",
    "requires_programme": "requires_programme",
    "incompatible_with": "incompatible_with",
    "rule": "rule",
}
REGISTER_FACTS: dict[str, tuple[str, Rules]] = {
    "programme": ("programmes.csv", _PROGRAMME),
    "household": ("households.csv", _HOUSEHOLD),
    "person": ("persons.csv", _PERSON),
    "identity": ("national_id.csv", _IDENTITY),
    "resident": ("residents.csv", _RESIDENT),
    "score": (
        "scores.csv",
        {
            "household_number": "household_id",
            "score": "score",
            "score_date": "score_date",
            "model_code": "model",
        },
    ),
    "employee": ("employees.csv", _EMPLOYEE),
    "mobile": ("mobiles.csv", {"mobile_number": "mobile", "id_number": "id_number"}),
    "exit": ("exits.csv", _EXIT),
}
