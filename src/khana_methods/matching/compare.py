"""How two records are compared: a few questions, each with ordered answers (*levels*).

The questions are name, birth, sex, number, family and place. Everything that a family shares (guardian,
mobile, relatives, and the place where they live) answers one question, so that brothers are not taken for
one man because five facts about their father agree. Levels know partial and heaped dates, transposed
digits, a husband's name where the father's stood, and rare against common names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Level:
    """One answer: SQL over the two records (columns end in _l and _r), and where its frequency matters, the column.

    `covered`: blocking meets every pair with this answer, so that its u is counted, not sampled. `fixed_m`: m where it is
    known beforehand and not learned.
    """

    code: str
    when: str
    frequency_of: str = ""
    is_null: bool = False
    covered: bool = False
    fixed_m: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One question with its levels, best first; the last takes what is left."""

    code: str
    levels: tuple[Level, ...]


_ONE_HOUSEHOLD = "(household_id_l = household_id_r AND household_id_l <> '')"
_SAME_DAY = "birth_year_l = birth_year_r AND birth_month_l = birth_month_r AND birth_day_l = birth_day_r"
_IS_TIED = "(list_has_any(ties_l, ties_r) OR subscriber_l = number_r OR subscriber_r = number_l)"
_SAME_GUARDIAN = "list_has_any(guardians_l, guardians_r)"
_NEAR_GUARDIAN = "(near_any(guardians_l, guardians_r) OR list_has_any(guardian_skeletons_l, guardian_skeletons_r))"
RAREST = 1e-6  # no name counts as rarer than this, however few bear it

NAME = Comparison(
    "name",
    (
        Level("null", "name_key_l IS NULL OR name_key_r IS NULL", is_null=True),
        Level("same", "name_key_l = name_key_r", frequency_of="name_key"),
        Level(
            "same_words",
            "core_l = core_r OR native_key_l = native_key_r OR (skeleton_l = skeleton_r AND skeleton_l LIKE '% %') "
            "OR skeleton_l = native_skeleton_r OR native_skeleton_l = skeleton_r",
        ),
        Level("near", "jaro_winkler_similarity(core_l, core_r) >= 0.93"),
        Level("same_call_name", "call_name_l = call_name_r", frequency_of="call_name"),
        Level(
            "near_call_name",
            "call_skeleton_l = call_skeleton_r OR jaro_winkler_similarity(call_name_l, call_name_r) >= 0.88",
        ),
        Level("other", "ELSE"),
    ),
)
BIRTH = Comparison(
    "birth",
    (
        Level("null", "birth_year_l IS NULL OR birth_year_r IS NULL", is_null=True),
        Level("same_day", f"{_SAME_DAY} AND NOT (birth_month_l = 1 AND birth_day_l = 1)"),
        Level(
            "same_month",
            "birth_year_l = birth_year_r AND birth_month_l = birth_month_r AND (birth_day_l IS NULL OR birth_day_r IS NULL) "
            f"OR ({_SAME_DAY})",
        ),
        Level(
            "one_part_off",
            "(birth_year_l = birth_year_r AND birth_month_l = birth_day_r AND birth_day_l = birth_month_r) "
            "OR (birth_year_l = birth_year_r AND (birth_month_l = birth_month_r OR birth_day_l = birth_day_r)) "
            "OR (birth_month_l = birth_month_r AND birth_day_l = birth_day_r AND NOT (birth_month_l = 1 AND birth_day_l = 1) "
            "AND abs(birth_year_l - birth_year_r) <= 10)",
        ),
        Level("same_year", "birth_year_l = birth_year_r"),
        Level("year_1", "abs(birth_year_l - birth_year_r) <= 1"),
        Level("year_3", "abs(birth_year_l - birth_year_r) <= 3"),
        Level("year_7", "abs(birth_year_l - birth_year_r) <= 7"),
        Level("other", "ELSE"),
    ),
)
SEX = Comparison(
    "sex",
    (
        Level("null", "sex_l IS NULL OR sex_r IS NULL", is_null=True),
        Level("same", "sex_l = sex_r"),
        Level("other", "ELSE"),
    ),
)
NUMBER = Comparison(
    "number",
    (
        Level("null", "number_l IS NULL OR number_r IS NULL", is_null=True),
        Level("same", "number_l = number_r", covered=True),
        Level("one_digit", "damerau_levenshtein(number_l, number_r) <= 1", covered=True),
        Level("differs", "NOT is_verified_l OR NOT is_verified_r"),
        Level("verified_differ", "ELSE", fixed_m=0.001),  # the authority gives a person one number
    ),
)
FAMILY = Comparison(
    "family",
    (
        # people of one household are never candidates; here they would only make families look common
        Level("null", _ONE_HOUSEHOLD, is_null=True),
        Level("tied_guardian", f"{_IS_TIED} AND {_NEAR_GUARDIAN}", covered=True),
        Level("tied", _IS_TIED, covered=True),
        Level("guardian_kin", f"{_NEAR_GUARDIAN} AND list_has_any(kin_keys_l, kin_keys_r)"),
        Level(
            "rarest_guardian_near_by",
            "list_has_any(rarest_guardians_l, rarest_guardians_r) AND district_code_l = district_code_r",
        ),
        Level("rarest_guardian", "list_has_any(rarest_guardians_l, rarest_guardians_r)"),
        Level(
            "rare_guardian_near_by",
            "list_has_any(rare_guardians_l, rare_guardians_r) AND district_code_l = district_code_r",
        ),
        Level("rare_guardian", "list_has_any(rare_guardians_l, rare_guardians_r)"),
        Level("guardian_near_by", f"{_NEAR_GUARDIAN} AND district_code_l = district_code_r"),
        Level("guardian", f"{_SAME_GUARDIAN} OR {_NEAR_GUARDIAN}"),
        Level("guardian_call", "list_has_any(guardian_calls_l, guardian_calls_r)"),
        Level("unknown", "len(guardians_l) = 0 OR len(guardians_r) = 0", is_null=True),
        Level(
            "relation_changed",
            "NOT list_has_any(guardian_kinds_l, guardian_kinds_r) "
            "AND NOT list_contains(guardian_kinds_l, 'U') AND NOT list_contains(guardian_kinds_r, 'U')",
        ),
        Level("other", "ELSE"),
    ),
)
PLACE = Comparison(
    "place",
    (
        Level(
            "null",
            f"district_code_l IS NULL OR district_code_r IS NULL OR {_IS_TIED} OR {_ONE_HOUSEHOLD} "
            f"OR (district_code_l = district_code_r AND {_NEAR_GUARDIAN})",
            is_null=True,
        ),
        Level("same_tehsil", "tehsil_code_l = tehsil_code_r"),
        Level("same_district", "district_code_l = district_code_r"),
        Level("other", "ELSE"),
    ),
)
COMPARISONS: tuple[Comparison, ...] = (NAME, BIRTH, SEX, NUMBER, FAMILY, PLACE)

# Where the pair is told apart by a fact that no probability outweighs.
CONTRADICTIONS = {
    "two_verified_numbers": "is_verified_l AND is_verified_r AND number_l <> number_r",
    "sex_differs": "sex_l <> sex_r AND sex_l IN ('M', 'F') AND sex_r IN ('M', 'F')",
    "born_far_apart": "abs(birth_year_l - birth_year_r) > 20",
}


def sided(when: str) -> str:
    """Write a level's condition for a join of tables l and r.

    Examples:
        >>> sided("near_any(guardians_l, guardians_r) AND sex_l = sex_r")
        'near_any(l.guardians, r.guardians) AND l.sex = r.sex'
    """
    return re.sub(r"\b([a-z_]+)_([lr])\b", r"\2.\1", when)
