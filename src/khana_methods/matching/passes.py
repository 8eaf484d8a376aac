"""The passes of blocking: what two records must share to be looked at, and what cuts a block that grew too large.

A person who moved to another district, with her name misspelt and without a number, is still met by birth date,
guardian and year, or family. Keys are SQL over a record of `prepare`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlockingPass:
    """One pass: `keys` is SQL that gives a list of texts for one record; null and empty keys block nothing.

    `finer` gives the texts by which a block that grew too large is cut, `finest` those by which what is still too large is cut
    again; nothing cuts it where they are empty.
    """

    code: str
    keys: str
    why: str
    finer: str = ""
    finest: str = ""

    @property
    def cuts(self) -> tuple[str, ...]:
        """Give the lists of texts that cut a block, one after the other."""
        return tuple(one for one in (self.finer, self.finest) if one)


NUMBER = BlockingPass(
    "number",
    "list_append(list_transform(range(1, length(number) + 1), "
    "lambda i: substr(number, 1, i - 1) || substr(number, i + 1)), number)",
    "one digit mistyped, lost, added, or two transposed: numbers with any one digit taken out meet",
)
TIES = BlockingPass(
    "ties", "list_append(ties, number)", "the same mobile, its subscriber, or the number of the same relative"
)
# A record of unknown sex is met under either: rows of many lists do not state it.
_OF_SEX = "flatten(list_transform(CASE WHEN sex IS NULL THEN ['M', 'F'] ELSE [sex] END, lambda s: {keys}))"


def _of_sex(keys: str) -> str:
    return _OF_SEX.format(keys=keys)


# Years in steps of four, twice, the second time two years later: years two apart always share a step, three apart mostly.
_STEPS = "[(birth_year // 4)::VARCHAR, 'h' || ((birth_year + 2) // 4)]"
_LETTER = "[substr(call_skeleton, 1, 1)]"
GUARDIAN = BlockingPass(
    "guardian",
    _of_sex("list_transform(guardian_skeletons, lambda g: call_skeleton || '|' || g || '|' || s)"),
    "call name and any guardian, however far away",
    finer=_STEPS,
    finest="[skeleton, district_code]",
)
GUARDIAN_YEAR = BlockingPass(
    "guardian_year",
    _of_sex("list_transform(guardian_skeletons, lambda g: g || '|' || s || '|' || birth_year)"),
    "name misspelt beyond its skeleton, but guardian and year of birth agree",
    finer=_LETTER,
    finest="[call_skeleton, district_code]",
)
GUARDIAN_PLACE = BlockingPass(
    "guardian_place",
    _of_sex("list_transform(guardian_skeletons, lambda g: g || '|' || s || '|' || tehsil_code)"),
    "name and year both wrong, but guardian and tehsil agree",
    finer=_LETTER,
    finest=_STEPS,
)
BIRTH = BlockingPass(
    "birth",
    _of_sex(
        "[CASE WHEN NOT (birth_month = 1 AND birth_day = 1) THEN birth_year || '-' || birth_month || '-' || birth_day "
        "|| '|' || s || '|' || substr(call_skeleton, 1, 1) END]"
    ),
    "full birth date, unless it is a heaped 1 January",
    finer="[call_skeleton]",
    finest="list_append(guardian_calls, district_code)",
)
NAME_YEAR = BlockingPass(
    "name_year",
    _of_sex("[skeleton || '|' || s || '|' || birth_year]"),
    "whole name and year of birth",
    finer="list_append(guardian_calls, district_code)",
    finest="[tehsil_code, birth_month::VARCHAR]",
)
NATIVE_YEAR = BlockingPass(
    "native_year",
    _of_sex(
        "list_distinct([native_skeleton || '|' || s || '|' || birth_year, skeleton || '|' || s || '|' || birth_year])"
    ),
    "whole name in the other script and year of birth",
    finer="list_append(guardian_calls, district_code)",
    finest="[tehsil_code, birth_month::VARCHAR]",
)
NAME_PLACE = BlockingPass(
    "name_place",
    _of_sex("[skeleton || '|' || s || '|' || tehsil_code]"),
    "whole name in the same tehsil",
    finer="list_append(guardian_calls, birth_year::VARCHAR)",
    finest=_STEPS,
)
FAMILY = BlockingPass(
    "family",
    "list_transform(kin_calls, lambda k: call_skeleton || '|' || k || '|' || coalesce(tehsil_code, ''))",
    "call name and the call name of a relative in the same tehsil",
    finer=_STEPS,
    finest="[skeleton]",
)
GUARDIAN_STEP = BlockingPass(
    "guardian_step",
    _of_sex(
        "flatten(list_transform(guardian_skeletons, lambda g: "
        f"list_transform({_STEPS}, lambda y: g || '|' || s || '|' || substr(call_skeleton, 1, 1) || '|' || y)))"
    ),
    "guardian and first letter, born some years apart, however far away",
    finer="[district_code]",
    finest="[tehsil_code, call_skeleton]",
)
NAME_STEP = BlockingPass(
    "name_step",
    _of_sex(f"list_transform({_STEPS}, lambda y: skeleton || '|' || s || '|' || district_code || '|' || y)"),
    "whole name in the same district, born some years apart, whoever the guardian",
    finer="list_append(guardian_calls, tehsil_code)",
    finest="[tehsil_code]",
)
CALLS_STEP = BlockingPass(
    "calls_step",
    _of_sex(
        "flatten(list_transform(guardian_calls, lambda g: list_transform("
        f"{_STEPS}, lambda y: call_skeleton || '|' || g || '|' || s || '|' || district_code || '|' || y)))"
    ),
    "call names of herself and a guardian in the same district, born some years apart, other words of both misspelt",
    finer="[tehsil_code, skeleton]",
    finest="[birth_year::VARCHAR]",
)
# Of a few records more can be met: nothing but the name may be known, or everything else of it be wrong.
NAME = BlockingPass(
    "name",
    _of_sex("[skeleton || '|' || s]"),
    "whole name, whatever else is missing or wrong",
    finer="list_append(guardian_calls, birth_year::VARCHAR)",
    finest="[tehsil_code, district_code]",
)
TWO_WORDS = BlockingPass(
    "two_words",
    "flatten(list_transform(range(1, len(string_split(skeleton, ' '))), lambda i: list_transform("
    "range(i + 1, len(string_split(skeleton, ' ')) + 1), "
    "lambda j: string_split(skeleton, ' ')[i] || ' ' || string_split(skeleton, ' ')[j])))",
    "two words of the name, others left out or misspelt",
    finer="[birth_year::VARCHAR]",
    finest="[district_code]",
)
PASSES: tuple[BlockingPass, ...] = (
    NUMBER, TIES, GUARDIAN, GUARDIAN_YEAR, GUARDIAN_PLACE, BIRTH, NAME_YEAR, NATIVE_YEAR, NAME_PLACE, FAMILY,
    GUARDIAN_STEP, NAME_STEP, CALLS_STEP,
)  # fmt: skip

FEW = 100_000  # records of a table that is worth these too
PASSES_OF_FEW = (*PASSES, NAME, TWO_WORDS)

# Passes that need the name itself to be near what it was; the others go by number, family, year and place.
NAME_PASSES = frozenset(
    (
        "guardian",
        "birth",
        "name_year",
        "native_year",
        "name_place",
        "family",
        "guardian_step",
        "name_step",
        "calls_step",
        "name",
        "two_words",
    )
)
