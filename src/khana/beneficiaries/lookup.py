"""What one number draws: the rows of every connected list that name it, in scope, in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from khana.platform import prepared

MOST = 100
_DRAWN = """
SELECT b.programme, b.source_code, b.agency, b.period, b.period_end, b.amount,
    b.id_token = ANY (%(tokens)s::bytea[]), coalesce(b.payee_id_token, b.id_token) = ANY (%(tokens)s::bytea[])
FROM beneficiaries_benefit b
WHERE b.id_token = ANY (%(tokens)s::bytea[]) OR b.payee_id_token = ANY (%(tokens)s::bytea[])
ORDER BY b.period_end DESC NULLS LAST, b.programme, b.id LIMIT %(most)s"""


def list_drawn(*, tokens: Sequence[bytes]) -> list[Mapping[str, Any]]:
    """Return rows of lists that name the number, newest period first, at most 100."""
    names = ("programme", "source", "agency", "period", "period_end", "amount", "is_beneficiary", "is_payee")
    rows = prepared.fetch(_DRAWN, {"tokens": list(tokens), "most": MOST})
    return [dict(zip(names, row, strict=True)) for row in rows]
