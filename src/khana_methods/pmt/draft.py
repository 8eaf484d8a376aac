"""A first SPEC from the columns of a survey, for a person to look over: what they are called, what they hold.

Nothing is fitted by a draft alone. Design columns are guessed by their names, numbers and codes by their values; what holds a
different text in every row is left out, for it names households and tells nothing.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.surveys.tables import numbers, texts

MOST_LEVELS = 25
_NAMES = {
    "welfare": r"(pc|pcc|pce|pcexp|welfare|percapita.*|consumption.*|pc_?(cons|exp|welfare).*|.*per_?capita.*|eqincome)",
    "weight": r"(w|wt|wgt|weight|weights|hh_?w(eigh)?t|sample_?weight|pw|rb050)",
    "size": r"(size|hh_?size|members|n_?members|household_size|n)",
    "strata": r"(strat(a|um)?.*)",
    "psu": r"(psu.*|ea|cluster.*|primary_?unit|enumeration_?area)",
}


def draft_spec(table: pa.Table) -> dict[str, Any]:
    """Draft a SPEC from a survey.

    Args:
        table: n rows of a survey, or the first of them.

    Returns:
        A document for `read_spec`; `welfare` is empty where no column is called so.

    Examples:
        >>> table = pa.table({"hhid": ["a", "b", "c"], "pcc": ["10", "20", "30"], "w": ["1", "1", "2"],
        ...     "rooms": ["1", "2", "2"], "wall": ["mud", "brick", "mud"]})
        >>> draft = draft_spec(table)
        >>> draft["welfare"], draft["weight"], draft["regressors"]
        ('pcc', 'w', ['rooms', 'C(wall)'])
    """
    columns = table.schema.names
    found: dict[str, str] = {}
    for key, pattern in _NAMES.items():
        name = next((c for c in columns if re.fullmatch(pattern, c.strip(), re.I) and c not in found.values()), "")
        if name:
            found[key] = name
    regressors = []
    for name in columns:
        if name in found.values():
            continue
        read = numbers(table, name, yes_no=True)
        filled = table.num_rows - read.blank
        levels = pc.count_distinct(texts(table, name)).as_py()
        if not filled or levels < 2:
            continue
        if not read.unreadable:
            if not (levels == filled and re.search(r"(^|_)(id|no|number|key|code)$|^hh", name, re.I)):
                regressors.append(name)
        elif levels <= MOST_LEVELS and levels < filled:
            regressors.append(f"C({name})")
    spec: dict[str, Any] = {"code": "PMT-DRAFT", "version": 1, "welfare": found.get("welfare", "")}
    spec |= {key: found[key] for key in ("size", "weight", "strata", "psu") if key in found}
    return spec | {"method": "wls" if "weight" in found else "ols", "poor_share": 0.3, "regressors": regressors}
