"""Pieces of SQL over rows of lists that frames of the room share: which batches are in force, and who draws the money."""

from __future__ import annotations

from collections.abc import Sequence


def payee_sql(alias: str = "") -> str:
    """Write the token of whoever draws a row: the payee where one is named, else the beneficiary.

    Examples:
        >>> payee_sql("b.")
        "CASE WHEN b.payee_id_raw_state = '' THEN b.id_token ELSE b.payee_id_token END"
    """
    return f"CASE WHEN {alias}payee_id_raw_state = '' THEN {alias}id_token ELSE {alias}payee_id_token END"


def in_force_sql(without_batches: Sequence[int], *, word: str, alias: str = "") -> str:
    """Write the condition that leaves out replaced batches, behind WHERE or AND; nothing where none is replaced.

    Examples:
        >>> in_force_sql([3, 5], word="AND", alias="b.")
        'AND b.batch_id <> ALL (ARRAY[3, 5]::bigint[])'
        >>> in_force_sql([], word="WHERE")
        ''
    """
    left_out = ", ".join(str(int(one)) for one in without_batches)
    return f"{word} {alias}batch_id <> ALL (ARRAY[{left_out}]::bigint[])" if left_out else ""
