"""Ask a person for her yes: a code to her registered telephone; whoever tells it back has her consent.

The channel, the times, the purpose and the transaction stay with the evidence; the code only as a keyed hash. It is
good for fifteen minutes and five tries; the consent for one day and one question to an authority.

Source: NADRA's consent service *Ijazat* (2023): a six-digit code to the citizen's registered mobile, each verification.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.identity.models import Consent
from khana.platform import keys, telephone
from khana.registry import files
from khana_methods.errors import Conflict, NotFound, NotPermitted

CODE_LASTS = timedelta(minutes=15)
GOOD_FOR = timedelta(days=1)
AN_HOUR = 3
TEXT = "Khana: %(code)s is your code. Tell it only if you agree to: %(purpose)s. Else ignore this message."


class NoTelephone(NotFound):
    """No telephone of this person is known to which a code could be sent."""

    code: ClassVar[str] = "identity.consent.no_telephone"


class ConsentUnknown(NotFound):
    """There is no such question to a person within the scope."""

    code: ClassVar[str] = "identity.consent.unknown"


class CodeWrong(NotPermitted):
    """The code is not the one that was sent; the try is counted."""

    code: ClassVar[str] = "identity.consent.code_wrong"


class CodeOver(Conflict):
    """The code is too old, was tried five times, or was taken before; or too many were sent in this hour."""

    code: ClassVar[str] = "identity.consent.code_over"


@dataclass(frozen=True)
class Asked:
    """What was sent; never the code."""

    transaction: str
    person_id: int
    purpose: str
    channel: str
    telephone_from: str
    expires_at: datetime


def _hash(number: uuid.UUID, code: str) -> bytes:
    return hmac.digest(keys.ring().current("pseudonym"), b"consent code " + number.bytes + code.encode(), "sha256")


@transaction.atomic
def ask(*, person_id: int, purpose: str, words: str = TEXT, at: datetime) -> Asked:
    """Send a person a code for one purpose; needs `identity.verify` for her area.

    Args:
        person_id: Her file.
        purpose: Code of it, such as `identity_verification`; she reads it in the message.
        words: The message in her language with `%(code)s` and `%(purpose)s`.
        at: When.

    Raises:
        NoTelephone: None is known that is hers.
        CodeOver: Three codes went to her in this hour.
        TelephoneSilent: The telephone company did not take the message; nothing is kept.
    """
    access.require("identity.verify")
    area = files.area_of_person(person_id)
    if area is None:
        raise ConsentUnknown("No such file, or it lies outside the area that you work for.", person=person_id)
    found = access.call("identity_telephone", person_id)
    if not found:
        raise NoTelephone("No telephone of this person is known: a code cannot be sent.", person=person_id)
    token, ciphertext, comes_from = found[0]
    if Consent.objects.filter(person_id=person_id, sent_at__gt=at - timedelta(hours=1)).count() >= AN_HOUR:
        raise CodeOver("Three codes were sent to this person in the last hour. Wait.", person=person_id)
    number, code = uuid.uuid4(), f"{secrets.randbelow(1_000_000):06d}"
    way = telephone.send(
        keys.decrypt(ciphertext).decode(), words % {"code": code, "purpose": purpose.replace("_", " ")}
    )
    made = Consent.objects.create(
        transaction=number, person_id=person_id, area_path=area, purpose=purpose, channel=f"SMS:{way}",
        telephone_from=comes_from, mobile_token=bytes(token), code_hash=_hash(number, code), sent_at=at,
        expires_at=at + CODE_LASTS, actor_id=access.actor_id(),
    )  # fmt: skip
    audit.record(action="identity.consent_asked", subject=f"person:{person_id}",
                 details={"transaction": str(number), "purpose": purpose, "telephone": comes_from}, at=at)  # fmt: skip
    return Asked(str(number), person_id, purpose, made.channel, comes_from, made.expires_at)


def give(*, number: str, code: str, at: datetime) -> dict[str, str]:
    """Take the code that a person told: she consents.

    Returns:
        `transaction` and `good_until`.

    Raises:
        ConsentUnknown, CodeWrong, CodeOver: See there.
    """
    access.require("identity.verify")
    try:
        which = uuid.UUID(number)
    except ValueError as error:
        raise ConsentUnknown("There is no such transaction.") from error
    with transaction.atomic():
        said = access.call("identity_consent", which, _hash(which, code.strip()), at, GOOD_FOR)[0][0]
        if said == "TAKEN":
            audit.record(action="identity.consent_given", subject=f"consent:{which}", at=at)
    if said == "UNKNOWN":
        raise ConsentUnknown("There is no such transaction within the area that you work for.", transaction=number)
    if said in ("OVER", "GIVEN"):
        raise CodeOver("This code is used up or too old. Send another one.", transaction=number)
    if said == "WRONG":
        raise CodeWrong("The code is not the one that was sent. The try was counted.", transaction=number)
    return {"transaction": str(which), "good_until": (at + GOOD_FOR).isoformat()}
