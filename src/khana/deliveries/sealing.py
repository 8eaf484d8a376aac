"""Seals the personal numbers of a chunk: each number column becomes a token and a ciphertext.

After this step no plain number is left in the rows: `<fact>` is replaced by `<fact>_token` and
`<fact>_ciphertext` (hex text for COPY). Personal numbers use the token scheme that the reader
gives per row (`<fact>_scheme`), telephones `MOBILE`, accounts `ACCOUNT`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from khana.platform import bulk, keys

MOBILE_SCHEME = "MOBILE"
ACCOUNT_SCHEME = "ACCOUNT"


def seal(
    rows: pa.Table, *, numbers: Sequence[str], mobiles: Sequence[str] = (), accounts: Sequence[str] = ()
) -> pa.Table:
    """Replace plain numbers by tokens and ciphertexts.

    Args:
        rows: A chunk of the reader; absent columns are passed over.
        numbers: Facts of the type personal_number.
        mobiles: Facts of the type mobile.
        accounts: Facts of the type account.

    Returns:
        The same rows without `<fact>` and `<fact>_scheme`, with `<fact>_token` and `<fact>_ciphertext`.
    """
    for fact in numbers:
        if fact not in rows.column_names:
            continue
        values = rows.column(fact).to_pylist()
        schemes = rows.column(f"{fact}_scheme").to_pylist()
        rows = _replace(rows, fact, values, _tokens(values, schemes)).drop_columns([f"{fact}_scheme"])
    for facts, scheme in ((mobiles, MOBILE_SCHEME), (accounts, ACCOUNT_SCHEME)):
        for fact in facts:
            if fact in rows.column_names:
                values = rows.column(fact).to_pylist()
                rows = _replace(rows, fact, values, keys.tokens_many(scheme, values))
    return rows


def _tokens(values: list[str | None], schemes: list[str | None]) -> list[bytes | None]:
    kinds = {scheme for scheme in schemes if scheme}
    if len(kinds) == 1:
        return keys.tokens_many(kinds.pop(), values)
    out: list[bytes | None] = [None] * len(values)
    for kind in sorted(kinds):
        places = [i for i, scheme in enumerate(schemes) if scheme == kind]
        for place, token in zip(places, keys.tokens_many(kind, [values[i] for i in places]), strict=True):
            out[place] = token
    return out


def _replace(rows: pa.Table, fact: str, values: list[str | None], tokens: list[bytes | None]) -> pa.Table:
    rows = rows.drop_columns([fact])
    rows = rows.append_column(f"{fact}_token", bulk.hex_column(tokens))
    return rows.append_column(f"{fact}_ciphertext", bulk.hex_column(keys.encrypt_many(values)))
