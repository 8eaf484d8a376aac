"""What offices type: numbers with slips, shared mobiles and accounts, rows written twice or broken.

The clerk only changes what stands in a file. Codes are never decided here: they come from the
true world after everything has been typed, in ``truth``. ``Typed.key`` is what a careful reader
gets from the cell (0 when nothing usable stands there), ``Typed.text`` the cell where it is odd.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from khana_methods.synth import card_numbers
from khana_methods.synth.enrolment import Enrolments
from khana_methods.synth.population import Array
from khana_methods.synth.programmes import LISTS, PROGRAMMES, ListFile
from khana_methods.synth.world import Block

CAUSES = (
    "",
    "none_issued",
    "missing",
    "placeholder",
    "lost_digit",
    "extra_digit",
    "repeated_digit",
    "scientific",
    "typo",
    "fabricated",
    "spouse_number",
    "stranger_number",
    "year_prefix",
)
(
    OK,
    NONE_ISSUED,
    MISSING,
    WORD,
    LOST,
    EXTRA,
    REPEATED,
    SCIENTIFIC,
    TYPO,
    FABRICATED,
    SPOUSE,
    STRANGER,
    YEAR,
) = range(13)
WORDS = {
    "latin": ("N/A", "nil", "-", "applied for", "not available"),
    "pak": ("نہیں", "-", "درخواست دی", "دستیاب نہیں"),
    "bgd": ("নাই", "-", "আবেদন করা", "পাওয়া যায়নি"),
}
MALFORMED = (
    "",
    "short_row",
    "long_row",
    "shifted_row",
    "impossible_date",
    "empty_identity",
    "control_char",
    "nul_char",
    "truncated_json",
    "trailing_comma",
    "nan_value",
    "missing_holder",
    "foreign_byte",
)
ODD = ("", "embedded_newline", "amount_text", "number_scientific")
FORMULAS = (
    "",
    '=HYPERLINK("http://example.invalid/claim","Click to verify")',
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
)
_TEXT_KINDS = [1, 2, 3, 5]
SHAPE_MALFORMED: dict[str, list[int]] = {
    "pipe": [*_TEXT_KINDS, 6, 7, 12],
    "utf16": [*_TEXT_KINDS, 4, 6, 4],
    "native": [*_TEXT_KINDS, 4, 4],
    "cp1252": [*_TEXT_KINDS, 4],
    "jsonl": [8, 9, 10, 11, 5],
    "xlsx": [4, 5],
    "parquet": [4, 5],
}
SHAPE_ODD: dict[str, list[int]] = {
    "pipe": [2],
    "utf16": [1, 2],
    "native": [1],
    "cp1252": [1, 2],
    "jsonl": [2],
    "xlsx": [2, 3],
    "parquet": [2],
}


@dataclass
class Typed:
    """Numbers as typed, one element an enrolment: usable key or 0, cause of a slip, odd texts."""

    key: Array
    cause: Array
    text: dict[int, str] = field(default_factory=dict)


@dataclass
class Ledger:
    """Everything an office has on each enrolment before it prints a list."""

    enrolments: Enrolments
    number: Typed
    payee_number: Typed
    phone: Array
    account: Array
    spelling: Array
    birth: Array
    twin_of: Array


@dataclass
class Rows:
    """The rows of all lists of the block in file order; ``entry`` points into the ledger."""

    entry: Array
    list_no: Array
    period: Array
    malformed: Array
    odd: Array
    formula: Array
    sheet: Array
    line: Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def size(self) -> int:
        """How many rows."""
        return int(self.entry.size)


def keep_ledger(block: Block, enrolments: Enrolments) -> Ledger:
    """Type every enrolment once; the slips then stand in each period's list."""
    rng, n = block.rng, enrolments.size
    # The same person entered a second time, her number typed otherwise.
    again = np.flatnonzero(rng.random(n) < 0.005)
    twin_of = np.concatenate([np.full(n, -1), again])
    enrolments = Enrolments(
        *(np.concatenate([a, a[again]]) for a in (enrolments.programme, enrolments.beneficiary, enrolments.payee))
    )
    forced = twin_of >= 0
    own = enrolments.beneficiary == enrolments.payee
    number = type_numbers(block, enrolments.beneficiary, forced)
    payee_number = type_numbers(block, enrolments.payee, np.zeros(forced.size, dtype=bool))
    payee_number = Typed(
        np.where(own, number.key, payee_number.key),
        np.where(own, number.cause, payee_number.cause),
        {i: t for i, t in payee_number.text.items() if not own[i]} | {i: t for i, t in number.text.items() if own[i]},
    )
    phone, account = _phones(block, enrolments), _accounts(block, enrolments)
    size = enrolments.size
    birth = block.people.born[enrolments.beneficiary].copy()
    slip = np.flatnonzero(rng.random(size) < 0.02)
    birth[slip] += rng.choice(np.array([-3653, -366, -31, -1, 1, 9, 31, 366]), slip.size)
    spelling = rng.choice(4, size, p=[0.8, 0.08, 0.07, 0.05]).astype(np.int8)
    return Ledger(enrolments, number, payee_number, phone, account, spelling, birth, twin_of)


def type_numbers(block: Block, person: Array, forced: Array) -> Typed:
    """Type the numbers of these people; where ``forced`` the number is always wrong or left out."""
    rng, n, people = block.rng, person.size, block.people
    key = people.number[person].copy()
    cause = np.zeros(n, dtype=np.int8)
    kind = people.kind[person]
    chance = rng.random(n)
    limits = np.cumsum([0.012, 0.004, 0.004, 0.0025, 0.001, 0.001, 0.011, 0.003, 0.002])
    slip = np.searchsorted(limits, chance, side="right")
    kinds = np.array([MISSING, WORD, LOST, EXTRA, REPEATED, SCIENTIFIC, TYPO, SPOUSE, STRANGER, OK])
    cause = kinds[slip].astype(np.int8)
    cause[forced] = np.where(rng.random(int(forced.sum())) < 0.7, TYPO, MISSING)
    if block.country == "bgd":
        long = (key >= 10**12) & (key < 10**13)
        cause[long & (cause == OK) & (rng.random(n) < 0.004)] = YEAR
    cause[key == 0] = NONE_ISSUED
    fake = (kind == "G") & (key > 0)
    cause[fake] = FABRICATED
    spouse = people.spouse[person]
    swap = (cause == SPOUSE) & (spouse >= 0)
    swap &= people.number[np.maximum(spouse, 0)] > 0
    cause[(cause == SPOUSE) & ~swap] = OK
    key[swap] = people.number[spouse[swap]]
    other = np.flatnonzero(cause == STRANGER)
    strangers = rng.integers(0, people.size, other.size)
    good = (people.number[strangers] > 0) & (strangers != person[other])
    key[other[good]] = people.number[strangers[good]]
    cause[other[~good]] = OK
    wrong = np.flatnonzero(cause == TYPO)
    key[wrong] = card_numbers.mistype(key[wrong], rng)
    text = _odd_texts(block, key, cause, people.birth_year()[person])
    key[np.isin(cause, (NONE_ISSUED, MISSING, WORD, LOST, EXTRA, REPEATED, SCIENTIFIC))] = 0
    return Typed(key, cause, text)


def _odd_texts(block: Block, key: Array, cause: Array, year: Array) -> dict[int, str]:
    rng = block.rng
    text: dict[int, str] = {}
    for i in np.flatnonzero((cause >= WORD) & (cause <= SCIENTIFIC)).tolist():
        digits = str(int(key[i]))
        at = int(rng.integers(5, len(digits) - 1))
        if cause[i] == WORD:
            text[i] = f"WORD{int(rng.integers(0, 4))}"
        elif cause[i] == LOST:
            # A birth number of 16 digits is an older form of one of 17: two must be lost to spoil it.
            text[i] = digits[:at] + digits[at + (2 if len(digits) == 17 else 1) :]
        elif cause[i] == EXTRA:
            text[i] = digits[:at] + str(int(rng.integers(0, 10))) + digits[at:]
        elif cause[i] == REPEATED:
            text[i] = "01"[int(rng.integers(0, 2))] * len(digits)
        else:
            text[i] = f"{digits[0]}.{digits[1:4]}E+{len(digits) - 1}"
    for i in np.flatnonzero(cause == YEAR).tolist():
        text[i] = f"{int(year[i]) + int(rng.choice(np.array([-10, -1, 1, 9])))}{int(key[i])}"
    return text


def _phones(block: Block, e: Enrolments) -> Array:
    """A payee's own telephone or none; here and there a shopkeeper's for a dozen payees of one place."""
    rng, people = block.rng, block.people
    phone = people.phone[e.payee].copy()
    phone[rng.random(e.size) < 0.12] = 0
    # One telephone a payee and programme: rows of her several children agree most of the time.
    return _shared(block, e, phone, block.counters.phones, 0.012, "phones")


def _accounts(block: Block, e: Enrolments) -> Array:
    rng = block.rng
    payees, where = np.unique(e.payee, return_inverse=True)
    # A few use the account that somebody else of the household opened first.
    house = block.people.house[payees]
    first = np.full(block.houses.size, payees.size, dtype=np.int64)
    np.minimum.at(first, house, np.arange(payees.size))
    lent = rng.random(e.size) < 0.06
    account = block.counters.accounts + np.where(lent, first[house][where], where)
    block.counters.accounts += payees.size
    account = np.where(rng.random(e.size) < 0.25, 0, account)
    return _shared(block, e, account, block.counters.accounts, 0.008, "accounts")


def _shared(block: Block, e: Enrolments, value: Array, first: int, share: float, counter: str) -> Array:
    rng = block.rng
    tehsil = block.tehsil_of(e.payee)
    order = np.lexsort((rng.random(e.size), tehsil, e.programme))
    starts = np.flatnonzero(rng.random(e.size) < share / 6)
    if e.size:
        # At least two of them a programme, so that a small country shows them too.
        firsts = np.searchsorted(e.programme[order], np.unique(e.programme))
        ends = np.append(firsts[1:], e.size)
        some = rng.integers(np.tile(firsts, 2), np.tile(ends, 2))
        starts = np.unique(np.concatenate([starts, some]))
    for nth, start in enumerate(starts.tolist()):
        members = order[start : start + int(rng.integers(3, 11))]
        members = members[(tehsil[members] == tehsil[members[0]]) & (e.programme[members] == e.programme[members[0]])]
        value[members] = first + nth
    setattr(block.counters, counter, first + starts.size)
    return value


def list_rows(block: Block, ledger: Ledger) -> Rows:
    """Expand the ledger into rows of each list and period, in file order, with repeats and breakages."""
    rng, e = block.rng, ledger.enrolments
    lists = LISTS[block.country]
    codes = [p.code for p in PROGRAMMES[block.country]]
    parts: list[tuple[Array, Array, Array]] = []
    for list_no, item in enumerate(lists):
        mine = np.flatnonzero(np.isin(e.programme, [codes.index(c) for c in item.programmes]))
        for period in range(len(item.periods)):
            here = mine[rng.random(mine.size) < 0.97]
            if item.shape != "xlsx":
                here = np.sort(np.concatenate([here, here[rng.random(here.size) < 0.004]]), kind="stable")
            here = here[np.argsort(block.tehsil_of(e.beneficiary[here]), kind="stable")]
            parts.append((here, np.full(here.size, list_no, dtype=np.int8), np.full(here.size, period, dtype=np.int8)))
    entry, list_of, period_of = (np.concatenate([part[i] for part in parts]) for i in range(3))
    n = entry.size
    malformed, odd, formula, sheet = (np.zeros(n, dtype=np.int8) for _ in range(4))
    rows = Rows(entry, list_of, period_of, malformed, odd, formula, sheet)
    _break_rows(block, ledger, rows, lists)
    if ledger.enrolments.size:
        province = block.geography.province_of[block.tehsil_of(e.beneficiary[entry])]
        rows.sheet = np.where(np.array([item.shape == "xlsx" for item in lists])[list_of], province + 1, 0).astype(
            np.int8
        )
    order = np.lexsort((np.arange(n), rows.period, rows.sheet, rows.list_no))
    for name in ("entry", "list_no", "period", "malformed", "odd", "formula", "sheet"):
        setattr(rows, name, getattr(rows, name)[order])
    return rows


def _break_rows(block: Block, ledger: Ledger, rows: Rows, lists: tuple[ListFile, ...]) -> None:
    """Break four rows in a thousand, make two odd, write a formula into one; never two in one row."""
    rng = block.rng
    for list_no, item in enumerate(lists):
        mine = np.flatnonzero(rows.list_no == list_no)
        fate = rng.random(mine.size)
        broken, odd, formula = mine[fate < 0.004], mine[(fate >= 0.004) & (fate < 0.006)], mine[fate > 0.999]
        rows.malformed[broken] = rng.choice(np.array(SHAPE_MALFORMED[item.shape]), broken.size)
        if item.shape == "xlsx" and block.country == "pak":
            # A child's row without a child is a mother's own benefit, and hers states no birth.
            e = ledger.enrolments
            own = (e.beneficiary == e.payee)[rows.entry[broken]]
            rows.malformed[broken] = np.where(
                own, MALFORMED.index("empty_identity"), MALFORMED.index("impossible_date")
            )
        rows.odd[odd] = rng.choice(np.array(SHAPE_ODD[item.shape]), odd.size)
        rows.formula[formula] = rng.integers(1, len(FORMULAS), formula.size)


def odd_text(text: str, country: str, native: bool) -> str:
    """Resolve a placeholder word to the language of the list."""
    if not text.startswith("WORD"):
        return text
    words: tuple[str, ...] = WORDS[country] if native else WORDS["latin"]
    return words[int(text[4:]) % len(words)]
