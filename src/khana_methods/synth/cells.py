"""The cells of one list of one block, column by column, before any row is broken.

Which romanisation, dash, case or digit a row has hangs on its entry in the ledger, so that the
same person looks alike in two periods of one list and different in two lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.synth import clerk
from khana_methods.synth import columns as col
from khana_methods.synth.clerk import Ledger, Rows
from khana_methods.synth.population import Array
from khana_methods.synth.programmes import PROGRAMMES, ListFile, Programme
from khana_methods.synth.registers import spelt
from khana_methods.synth.world import Block

LANGUAGE = {"pak": "ur", "bgd": "bn"}


@dataclass
class Cells:
    """Text columns of the rows ``at`` (positions in the block's rows) of one list."""

    at: Array
    entry: Array
    own: Array
    malformed: Array
    odd: Array
    formula: Array
    text: dict[str, Any]

    def __len__(self) -> int:
        """How many rows."""
        return int(self.at.size)


def make_cells(block: Block, ledger: Ledger, rows: Rows, item: ListFile, at: Array) -> Cells:
    """Write every column that some shape of list may show, for the given rows of one list."""
    e, people = ledger.enrolments, block.people
    entry = rows.entry[at]
    person, payee = e.beneficiary[entry], e.payee[entry]
    own = person == payee
    style = (entry * 7 + (entry >> 3)) % 4
    native = item.shape == "native"
    text: dict[str, Any] = {}
    for name, who, typed in (("number", person, ledger.number), ("payee_number", payee, ledger.payee_number)):
        text[name] = _numbers(block, who, typed, entry, style, native)
    wife = people.female[person] & (people.marital[person] >= 2)
    guardian = np.where(wife, people.husband_name[person], people.father_name[person])
    payee_guardian = np.where(people.marital[payee] >= 2, people.husband_name[payee], people.father_name[payee])
    for name, names in (
        ("name", people.name[person]),
        ("guardian", guardian),
        ("payee_name", people.name[payee]),
        ("payee_guardian", payee_guardian),
    ):
        text[name] = col.pick(block.names.native, names) if native else _names(block, names, entry)
    text |= _places(block, ledger, entry, person, native)
    text["birth"] = ledger.birth[entry]
    text["sex"] = people.female[person].astype(np.int64)
    text["phone"] = col.phones(block.country, ledger.phone[entry], style if item.shape != "parquet" else style * 0)
    text["account"] = col.accounts(block.country, ledger.account[entry])
    programmes = PROGRAMMES[block.country]
    amounts = np.array([(p.amounts * 5)[:5] for p in programmes])
    text["amount"] = amounts[e.programme[entry], entry % 5]
    text["programme"] = e.programme[entry].astype(np.int64)
    text["period"] = rows.period[at].astype(np.int64)
    text["period_text"] = _periods(item, rows.period[at], entry)
    text["score"] = np.where(
        block.houses.office_score[people.house[person]] > 32,
        8 + entry % 24,
        block.houses.office_score[people.house[person]],
    )
    text["grade"] = people.grade[person].astype(np.int64)
    text["native_digits"] = (entry % 3 == 1) & native
    return Cells(at, entry, own, rows.malformed[at], rows.odd[at], rows.formula[at], text)


def _numbers(block: Block, who: Array, typed: clerk.Typed, entry: Array, style: Array, native: bool) -> Any:
    key = typed.key[entry]
    birth_year = block.people.birth_year()
    # A stranger's 13 digits take the stranger's year before them; typing slips keep the person's own.
    order = np.argsort(block.people.number, kind="stable")
    numbers = block.people.number[order]
    at = np.minimum(np.searchsorted(numbers, key), numbers.size - 1)
    owner = np.where(numbers[at] == key, order[at], who)
    column = col.identity_numbers(block.country, key, birth_year[owner], (style == 1) | (style == 2))
    if not typed.text:
        return column
    odd = np.array(sorted(typed.text))
    special = np.flatnonzero(np.isin(entry, odd))
    texts = {int(i): clerk.odd_text(typed.text[int(entry[i])], block.country, native) for i in special}
    return col.replaced(column, texts)


def _names(block: Block, names: Array, entry: Array) -> Any:
    spelling = np.where(entry % 9 == 4, 1, np.where(entry % 11 == 5, 2, 0))
    text = spelt(block, names, spelling)
    return col.choose(entry % 17 == 3, pc.utf8_upper(text), text)


def _places(block: Block, ledger: Ledger, entry: Array, person: Array, native: bool) -> dict[str, Any]:
    g = block.geography
    tehsil = block.tehsil_of(person)
    spelling = ledger.spelling[entry]
    result: dict[str, Any] = {"tehsil_position": tehsil}
    for name, areas, where in (
        ("province", g.provinces, g.province_of[tehsil]),
        ("district", g.districts, g.district_of[tehsil]),
        ("tehsil", g.tehsils, tehsil),
    ):
        usual = col.pick(col.strings([a.native if native else a.name for a in areas]), where)
        if not native:
            usual = col.choose(spelling == 1, col.pick(col.strings([a.alias for a in areas]), where), usual)
            usual = col.choose(spelling == 2, pc.utf8_upper(usual), usual)
            usual = col.choose(spelling == 3, col.joined(usual, " "), usual)
        result[name] = usual
        result[f"{name}_code"] = col.pick(col.strings([a.code for a in areas]), where)
    return result


def _periods(item: ListFile, period: Array, entry: Array) -> Any:
    width = max(len(p.spellings) for p in item.periods)
    table = [p.spellings[i % len(p.spellings)] for p in item.periods for i in range(width)]
    return col.pick(col.strings(table), period.astype(np.int64) * width + (entry % 4 == 2) * (width - 1))


def money(amount: Array, mark: Array) -> Any:
    """Write amounts; where marked with a comma between thousands."""
    plain = col.whole(amount)
    cut = pc.utf8_slice_codeunits
    long = amount >= 1000
    with_comma = col.joined(col.whole(amount // 1000, amount < 1000), ",", cut(col.whole(amount), -3))
    return col.choose(mark & long, with_comma, plain)


def native_digits(column: Any, mask: Array, country: str) -> Any:
    """Write the digits of the marked cells in Urdu or Bangla."""
    table = col.DIGITS[LANGUAGE[country]]
    where = np.flatnonzero(mask & ~np.asarray(pc.is_null(column)))
    if where.size == 0:
        return column
    texts = "\n".join(column.take(pa.array(where)).to_pylist()).translate(table).split("\n")
    return col.replaced(column, dict(zip(where.tolist(), texts, strict=True)))


def scheme_words(programmes: tuple[Programme, ...], position: Array, entry: Array) -> Any:
    """Name the programme in the list's own words, in two wordings."""
    words = [w for p in programmes for w in (p.native, f"{p.native} 2026")]
    return col.pick(col.strings(words), position * 2 + (entry % 6 == 5))
