"""Name under which agreement, for which purpose and for which request the open transaction reads.

A mandate that the actor does not hold gives nothing; events carry all three. Set for one transaction only.
"""

from __future__ import annotations

from khana.access.functions import raw

_NAME = """SELECT set_config('khana.mandate', %s, true), set_config('khana.purpose', %s, true),
    set_config('khana.request', %s, true)"""


def name(*, mandate: str = "", purpose: str = "", request: str = "") -> None:
    """Name the mandate, the purpose and the request of what follows in the open transaction.

    Args:
        mandate: Number of an agreement; empty for none.
        purpose: Its code, such as `eligibility`.
        request: Reference of the message or letter that asked; no personal value.
    """
    raw(_NAME, mandate, purpose, request)
