"""What other registries tell us: events of civil registration go to the room of identity, in the partner's own scope."""

from __future__ import annotations

from khana.identity.services import civil_events
from khana.sharing import searches
from khana.sharing.services.calls import Call


def take_events(call: Call) -> dict[str, int]:
    """Keep and place the events of a `notify` of a partner that may tell some; others are kept as messages only.

    Returns:
        What `civil_events.take` counted, nothing where the partner may tell none.
    """
    if not call.partner.may_tell:
        return {}
    return civil_events.take(
        source=call.partner.code, kinds=call.partner.may_tell, message=call.kept.uuid, items=call.message["notify_event"],
        tokens=searches.tokens, at=call.at,
    )  # fmt: skip
