"""The truth beside the country: rows with codes, planted reasons, keys of people, cap, unserved, households.

Written block by block from what was judged; nothing is decided here but how it is laid out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from khana_methods.synth import columns as col
from khana_methods.synth.evidence import CODES, Facts
from khana_methods.synth.judge import programme_bits
from khana_methods.synth.population import Array
from khana_methods.synth.programmes import CASH_CAP, LISTS, PROGRAMMES, SCORE_CUTOFF
from khana_methods.synth.registers import person_keys

POOR_PERCENTILE = 20.0


def code_texts(mask: Array) -> Any:
    """Write sets of codes, held as bits, as words with blanks between."""
    kinds, where = np.unique(mask, return_inverse=True)
    texts = [" ".join(c for i, c in enumerate(CODES) if int(k) >> i & 1) for k in kinds]
    return col.pick(col.strings(texts), where.reshape(-1))


def _place(f: Facts, rows: Array, provinces: list[str]) -> dict[str, Any]:
    lists = LISTS[f.block.country]
    return {
        "file": col.pick(col.strings([item.name for item in lists]), f.rows.list_no[rows].astype(np.int64)),
        "sheet": col.pick(col.strings(["", *provinces]), f.rows.sheet[rows].astype(np.int64)),
        "line": f.rows.line[rows],
    }


def list_rows_table(f: Facts) -> dict[str, Any]:
    """One row a data row of any list: where it stands, whom it is about, and its codes."""
    g = f.block.geography
    rows = np.arange(f.rows.size)
    lists = LISTS[f.block.country]
    width = max(len(item.periods) for item in lists)
    periods = [item.periods[i].code if i < len(item.periods) else "" for item in lists for i in range(width)]
    district = g.district_of[f.block.tehsil_of(f.beneficiary)]
    return {
        **_place(f, rows, [a.name for a in g.provinces]),
        "programme": col.pick(col.strings([p.code for p in PROGRAMMES[f.block.country]]), f.programme),
        "period": col.pick(col.strings(periods), f.rows.list_no.astype(np.int64) * width + f.rows.period),
        "beneficiary": person_keys(f.block, f.beneficiary),
        "payee": person_keys(f.block, np.where(f.own, -1, f.payee)),
        "area_code": col.pick(col.strings([a.code for a in g.districts]), district),
        "codes": code_texts(f.mask),
    }


def planted_table(f: Facts) -> dict[str, Any]:
    """One row a row and reason, in file order."""
    p = f.planted
    if not p.rows:
        p.rows = [np.zeros(0, dtype=np.int64)]
        p.code, p.role, p.detail, p.group = [""], [""], [[]], [[]]
    rows = np.concatenate(p.rows)
    sizes = [r.size for r in p.rows]
    order = np.lexsort((np.arange(rows.size), rows))
    take = pa.array(order)

    def texts(values: list[str]) -> Any:
        return pa.array([v for v, n in zip(values, sizes, strict=True) for _ in range(n)], pa.string()).take(take)

    def flat(values: list[list[str]]) -> Any:
        return pa.array([v for part in values for v in part], pa.string()).take(take)

    return {
        **_place(f, rows[order], [a.name for a in f.block.geography.provinces]),
        "code": texts(p.code),
        "role": texts(p.role),
        "detail": flat(p.detail),
        "group": flat(p.group),
    }


def cap_table(f: Facts) -> dict[str, Any]:
    """One row a payee at the cap or over it: her cash programmes, and how many her one number shows."""
    programmes = PROGRAMMES[f.block.country]
    cash = sum(1 << i for i, p in enumerate(programmes) if p.is_cash)
    count = np.array([bin(b).count("1") for b in range(1 << len(programmes))])
    who, bits = programme_bits(f.payee + 1, f.programme, f.live)
    keep = count[bits & cash] >= CASH_CAP
    who, bits = who[keep] - 1, bits[keep] & cash
    keys, seen = programme_bits(f.payee_key, f.programme, f.live)
    # The most that any one number typed for her shows.
    shown = np.zeros(f.block.people.size, dtype=np.int64)
    if keys.size:
        at = np.minimum(np.searchsorted(keys, f.payee_key), keys.size - 1)
        best = np.where((keys[at] == f.payee_key) & f.live, count[seen[at] & cash], 0)
        np.maximum.at(shown, f.payee, best)
    house = f.block.people.house[who]
    on_form = f.block.people.kind[who] == "P"
    return {
        "person": person_keys(f.block, who),
        "household_id": col.whole(np.where(on_form, f.block.houses.number[house], 0)),
        "cash_as_payee": count[bits],
        "over_cap": (count[bits] > CASH_CAP).astype(np.int64),
        "programmes": col.pick(col.strings(_names(f)), bits),
        "cash_by_one_number": shown[who],
    }


def _names(f: Facts) -> list[str]:
    codes = [p.code for p in PROGRAMMES[f.block.country]]
    return [" ".join(sorted(c for i, c in enumerate(codes) if b >> i & 1)) for b in range(1 << len(codes))]


def household_tables(f: Facts) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (household truth, households served by nothing): one row a form.

    ``programmes`` is what anybody truly living there receives; ``programmes_by_number`` what the
    numbers on the form show. A household is poor in truth below the twentieth
    percentile, and poor by the score at the cut-off.
    """
    houses, register = f.block.houses, f.register
    bits = np.zeros(houses.size, dtype=np.int64)
    live = np.flatnonzero(f.live)
    real = live[f.block.people.kind[f.beneficiary[live]] != "G"]
    for who in (f.beneficiary, f.payee):
        np.bitwise_or.at(bits, f.block.people.house[who[real]], np.int64(1) << f.programme[real])
    shown = np.zeros(register.form_house.size, dtype=np.int64)
    for key in (f.key, f.payee_key):
        keys, seen = programme_bits(key, f.programme, f.live)
        if keys.size:
            at = np.minimum(np.searchsorted(keys, register.number), keys.size - 1)
            hit = (keys[at] == register.number) & (register.number > 0)
            np.bitwise_or.at(shown, register.form[hit], seen[at[hit]])
    house = register.form_house
    names = col.strings(_names(f))
    poor = (houses.percentile[house] < POOR_PERCENTILE) & (bits[house] == 0) & (register.form_copy_of == 0)
    by_score = (houses.score[house] <= SCORE_CUTOFF) & (shown == 0)
    truth = {
        "household_id": register.form_number,
        "copy_of": col.whole(register.form_copy_of),
        "percentile": houses.percentile[house],
        "office_score": houses.office_score[house],
        "score": houses.score[house],
        "programmes": col.pick(names, bits[house]),
        "programmes_by_number": col.pick(names, shown),
        "poor_unserved": poor.astype(np.int64),
    }
    keep = np.flatnonzero(poor | by_score)
    unserved = {
        "household_id": register.form_number[keep],
        "percentile": houses.percentile[house][keep],
        "score": houses.score[house][keep],
        "poor_unserved": poor[keep].astype(np.int64),
        "unserved_by_score_and_number": by_score[keep].astype(np.int64),
    }
    return truth, unserved


def non_data_table(lines: list[tuple[str, str, int, str]]) -> dict[str, Any]:
    """One row a filled or blank line that is no data: header, title, total, note."""
    return {
        "file": col.strings([x[0] for x in lines]),
        "sheet": col.strings([x[1] for x in lines]),
        "line": np.array([x[2] for x in lines], dtype=np.int64),
        "kind": col.strings([x[3] for x in lines]),
    }
