"""Rows as JSON lines: a card and its holder, nested or flat, a number as text or bare.

Breakages are those of a program that was cut short or wrote what JSON does not have.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow.compute as pc

from khana_methods.synth import clerk
from khana_methods.synth import columns as col
from khana_methods.synth.cells import Cells


def json_lines(c: Cells, serial: Any, country: str) -> list[str]:
    """Write each row as one object; the holder stands nested in most, flat in some."""
    t = c.text
    flat, bare = c.entry % 4 == 1, (c.entry % 5 == 2)
    number = col.filled(t["number"])
    digits = np.array(pc.match_substring_regex(number, "^[1-9][0-9]+$"))
    number = col.choose(bare & digits, number, col.joined('"', number, '"'))
    nested = col.joined('"holder":{"nic":', number, ',"name":"', t["name"], '","guardian":"', t["guardian"], '"}')
    plain = col.joined(
        '"holder_nic":', number, ',"holder_name":"', t["name"], '","holder_guardian":"', t["guardian"], '"'
    )
    phone = pc.fill_null(col.joined('"', t["phone"], '"'), "null")
    items = (
        '"items":[{"sku":"ATTA-10KG","qty":2},{"sku":"GHEE-1KG","qty":1}]'
        if country == "pak"
        else '"items":[{"sku":"RICE-30KG","qty":1}]'
    )
    worth = "value_pkr" if country == "pak" else "value_bdt"
    return list(
        col.joined(
            '{"card_no":"RC-',
            pc.utf8_lpad(col.whole(serial), 8, "0"),
            '",',
            col.choose(flat, plain, nested),
            ',"address":{"district":"',
            t["district"],
            '","tehsil":"',
            t["tehsil"],
            '"},"month":"',
            t["period_text"],
            '",',
            items,
            f',"{worth}":',
            col.whole(t["amount"]),
            ',"phone":',
            phone,
            "}",
        ).to_pylist()
    )


def broken_json(line: str, cells: Cells, i: int, worth: str) -> str:
    """Break or dress one object as the clerk marked it."""
    kind, odd = clerk.MALFORMED[int(cells.malformed[i])], clerk.ODD[int(cells.odd[i])]
    if kind == "truncated_json":
        return line[: line.index('"items"') + 30]
    if kind == "trailing_comma":
        return line[:-1] + ",}"
    record = json.loads(line)
    inner = record.get("holder", record)
    nic, name = ("nic", "name") if "holder" in record else ("holder_nic", "holder_name")
    if kind == "nan_value":
        record[worth] = float("nan")
    elif kind == "missing_holder":
        for key in ("holder", "holder_nic", "holder_name", "holder_guardian"):
            record.pop(key, None)
    elif kind == "empty_identity":
        inner[nic] = inner[name] = ""
    elif odd == "amount_text":
        record[worth] = f"{record[worth]:,} Rs"
    elif cells.formula[i]:
        inner[name] = clerk.FORMULAS[int(cells.formula[i])]
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))
