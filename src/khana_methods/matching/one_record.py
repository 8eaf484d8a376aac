"""One record as `prepare` makes it, without a table: for somebody at a desk, of whom no authority has been asked.

A look-up waits for every statement; this asks none. A test holds the row equal to that of `prepare`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import pyarrow as pa

from khana_methods.matching.prepare import RARE
from khana_methods.standardise.names import PersonName, name_columns

_SHORTEST_NUMBER = 7


def one_record(
    stated: Mapping[str, Any],
    *,
    shares: Callable[[pa.Table], pa.Table],
    memo: MutableMapping[str, PersonName] | None = None,
) -> dict[str, Any]:
    """Read one record.

    Args:
        stated: What a row of `linkage_frame` holds; relatives are not read.
        shares: What part of the register's households name a guardian, see `prepare`.
        memo: Names read before.

    Returns:
        A row of the table that `prepare` makes, `unique_id` 1.
    """
    memo = {} if memo is None else memo
    texts = pa.array([stated["name"] or "", stated["native_name"] or "", stated["guardian_name"] or ""])
    own, native, guardian = name_columns(texts, memo).to_pylist()
    if own["script"] in ("urdu", "bangla") and not native["core"]:
        native = {**native, "core": own["core"], "skeleton": own["skeleton"]}
    number = stated["number"] or ""
    known = shares(
        pa.table({"guardian": pa.array([guardian["core"]]), "skeleton": pa.array([guardian["skeleton"]])})
    ).to_pylist()
    named = [one for one in known if one["guardian"]]
    mobiles = dict.fromkeys(one for one in (stated["mobile"], stated["household_mobile"]) if one)
    return {
        "unique_id": 1, "record_id": stated["record_id"], "side": stated["side"], "household_id": stated["household_id"] or "",
        "name_key": own["key"] or None, "call_name": own["call_name"] or None, "core": own["core"] or None,
        "call_skeleton": own["call_skeleton"] or None, "skeleton": own["skeleton"] or None,
        "native_key": native["core"] or None, "native_skeleton": native["skeleton"] or None, "sex": stated["sex"] or None,
        "birth_year": stated["birth_year"], "birth_month": stated["birth_month"], "birth_day": stated["birth_day"],
        "stated_year": stated["birth_year"],
        "number": number if len(number) >= _SHORTEST_NUMBER and len(set(number)) > 1 else None,
        "is_verified": False, "mobile": stated["mobile"] or None, "subscriber": None,
        "guardians": [guardian["core"]] if guardian["core"] else [],
        **{column: sorted({one[name] for one in named if one[name] is not None and one[share] <= most}) for column, name, share, most in RARE},
        "guardian_calls": [guardian["call_skeleton"]] if guardian["call_skeleton"] else [],
        "guardian_skeletons": [guardian["skeleton"]] if guardian["skeleton"] else [],
        "guardian_kinds": [stated["guardian_kind"] or "U"] if guardian["core"] else [],
        "has_kin": False, "kin_calls": [], "kin_keys": [], "ties": list(mobiles),
        "district_code": stated["district_code"] or None, "tehsil_code": stated["tehsil_code"] or None,
    }  # fmt: skip
