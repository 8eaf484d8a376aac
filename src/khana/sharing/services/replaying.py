"""Send again what a partner did not take: answers whose call-back was given up, and notices."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from khana.access import services as access
from khana.audit import services as audit
from khana.platform.progress import Progress, silent
from khana.sharing.models import Message, Notice, Subscription
from khana.sharing.services import notifying, partners, replies
from khana_methods.errors import NotFound

MOST = 1000


class NothingWaits(NotFound):
    """Nothing of this partner waits to be sent again."""

    code: ClassVar[str] = "sharing.replay.nothing"


def replay(*, token: str, code: str, progress: Progress = silent, at: datetime) -> dict[str, int]:
    """Send what a partner did not take, once more and now; needs `partners.manage` for the whole country.

    Args:
        token: Of the officer; the sending is done in the partner's own scope, the event log names both.
        code: Of the partner.
        progress: Told after each answer.
        at: When.

    Returns:
        `answers` and `answers_taken`, `notices_taken`, `notices_waiting`, `notices_given_up`.

    Raises:
        PartnerUnknown: There is no such partner.
        NothingWaits: All was taken.
    """
    with access.scoped(token):
        access.require("partners.manage", everywhere=True)
        partners.get(code)
        own = str(access.call("sharing_adopt_partner", code)[0][0])
    try:
        with access.scoped(own):
            missed = list(Message.objects.filter(state="FAILED").order_by("id").values_list("uuid", flat=True)[:MOST])
            waiting = Notice.objects.filter(state__in=("FAILED", "WAITING"))
            waiting.update(state="WAITING", attempts=0, next_try_at=at)
            of = list(Subscription.objects.filter(pk__in=waiting.values("subscription_id")).order_by("id"))
        if not missed and not of:
            raise NothingWaits("This partner has taken everything.", partner=code)
        counts = {"answers": len(missed), "answers_taken": 0}
        for number, one in enumerate(missed, 1):
            counts["answers_taken"] += replies.send_again(token=own, message=str(one), at=at) == "ANSWERED"
            progress(number, len(missed), "answers")
        for subscription in of:
            for state, count in notifying.send_due(own, subscription.code, at).items():
                counts[f"notices_{state}"] = counts.get(f"notices_{state}", 0) + count
    finally:
        access.sign_out(token=own)
    with access.scoped(token):
        audit.record(action="sharing.replayed", subject=f"partner:{code}", details=counts, at=at)
    return counts
