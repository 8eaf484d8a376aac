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
            frequency_of="skeleton",
        ),
        Level(
            "near",
            "jaro_winkler_similarity(core_l, core_r) >= 0.93 AND jaro_winkler_similarity(name_key_l, name_key_r) >= 0.88",
        ),
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
# Where two records live, from nearest; places that one of them does not state say nothing.
PLACES = {
    "tehsil": "tehsil_code_l = tehsil_code_r",
    "district": "district_code_l = district_code_r",
    "far": "district_code_l <> district_code_r",
    "": "ELSE",
}
# Shares of households in which a guardian's name stands: from the rarest class on; above the last it is common.
GUARDIAN_SHARES = (2.0**-13, 2.0**-11, 2.0**-9, 2.0**-7)
_CLASSES = {
    f"guardian_{place}": f"list_has_any(guardians_{place}_l, guardians_{place}_r)"
    for place in range(1, len(GUARDIAN_SHARES) + 1)
} | {f"guardian_{len(GUARDIAN_SHARES) + 1}": _SAME_GUARDIAN}
GUARDIAN_CLASSES = tuple(_CLASSES)
# The same for names that agree in their consonants only: spelt otherwise, or written in another script.
SKELETON_SHARES = (2.0**-12, 2.0**-9, 2.0**-7)
_ALIKE = {
    f"alike_{place}": f"list_has_any(skeletons_{place}_l, skeletons_{place}_r)"
    for place in range(1, len(SKELETON_SHARES) + 1)
} | {f"alike_{len(SKELETON_SHARES) + 1}": "list_has_any(guardian_skeletons_l, guardian_skeletons_r)"}
ALIKE_CLASSES = tuple(_ALIKE)
_STATES = {
    **_CLASSES,
    **_ALIKE,
    "near": _NEAR_GUARDIAN,
    "call": "list_has_any(guardian_calls_l, guardian_calls_r)",
    "unknown": "len(guardians_l) = 0 OR len(guardians_r) = 0",
    "changed": "NOT list_has_any(guardian_kinds_l, guardian_kinds_r) "
    "AND NOT list_contains(guardian_kinds_l, 'U') AND NOT list_contains(guardian_kinds_r, 'U')",
    "other": "ELSE",
}


STATES = tuple(state for state in _STATES if state != "unknown")
TIES = ("tied_guardian", "tied")


def _family_levels() -> tuple[Level, ...]:
    """Give the levels of family and place together: a guardian's name says less of two people of one village."""
    levels = [
        # people of one household are never candidates; here they would only make families look common
        Level("null", _ONE_HOUSEHOLD, is_null=True),
        Level("tied_guardian", f"({_IS_TIED}) AND {_NEAR_GUARDIAN}", covered=True),
        Level("tied", _IS_TIED, covered=True),
    ]
    for state, held in _STATES.items():
        for place, there in PLACES.items():
            said = [f"({one})" for one in (there, held) if one != "ELSE"]
            is_null = state == "unknown" and place == ""
            levels.append(Level(f"{state}@{place}", " AND ".join(said) or "ELSE", is_null=is_null))
    return tuple(levels)


FAMILY = Comparison("family", _family_levels())
# The levels of the family question after those of ties are a product: each state at each place, states first.
FAMILY_TIES = tuple(FAMILY.levels[:3])
FAMILY_STATES = tuple(_STATES.values())
FAMILY_PLACES = tuple(PLACES.values())
# Whoever stands with her parents, husband or children in one household and with others in another is likely two people;
# a second registration is mostly that of a relative or lodger without any of them.
COMPANY = Comparison(
    "company",
    (
        Level(
            "null", "household_id_l = '' OR household_id_r = '' OR list_has_any(kin_calls_l, kin_calls_r)", is_null=True
        ),
        Level("one_alone", "has_kin_l <> has_kin_r"),
        Level("both_alone", "NOT has_kin_l AND NOT has_kin_r"),
        Level("differs", "ELSE"),
    ),
)
COMPARISONS: tuple[Comparison, ...] = (NAME, BIRTH, SEX, NUMBER, FAMILY, COMPANY)

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
    return re.sub(r"\b([a-z][a-z0-9_]*)_([lr])\b", r"\2.\1", when)
