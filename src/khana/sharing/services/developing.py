"""Say who looks after the calls of a partner's system: a person with an account of her own, signed in like staff.

She has the role `partner_developer`, which reads no person and no content; what she sees comes from definer functions
(`sql/developers.sql`) that ask whose developer she is. Decision 0035 says why she does not sign in with the client secret.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import IntegrityError, transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.sharing.models import Developer
from khana.sharing.services import partners
from khana_methods.errors import Conflict, NotFound

ROLE = "partner_developer"


class DeveloperStands(Conflict):
    """She is a developer of this partner already."""

    code: ClassVar[str] = "sharing.developer.stands"


class DeveloperUnknown(NotFound):
    """She is no developer of this partner."""

    code: ClassVar[str] = "sharing.developer.unknown"


@transaction.atomic
def add(*, partner: str, username: str, name: str, language: str = "en", at: datetime) -> access.NewUser:
    """Make an account for a developer of a partner; needs `partners.manage` and `users.manage` for the whole country.

    Returns:
        Her first password and second factor, shown once.

    Raises:
        PartnerUnknown: There is no such partner.
        NameTaken: The name is in use.
    """
    access.require("partners.manage", everywhere=True)
    held = partners.get(partner)
    made = access.add_user(
        username=username, display_name=name or username, role=ROLE, language=language, token_ttl=timedelta(days=30), at=at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            Developer.objects.create(partner=held, user_id=made.id, added_at=at)
    except IntegrityError as error:
        raise DeveloperStands("She is a developer of this partner already.", partner=partner) from error
    audit.record(action="sharing.developer_added", subject=f"partner:{partner}", details={"user": made.id}, at=at)
    return made


@transaction.atomic
def end(*, partner: str, user_id: int, at: datetime) -> None:
    """End that somebody looks after a partner's calls; her account stays. Needs `partners.manage`.

    Raises:
        DeveloperUnknown: She is none.
    """
    access.require("partners.manage", everywhere=True)
    held = partners.get(partner)
    ended = Developer.objects.filter(partner=held, user_id=user_id, ended_at__isnull=True).update(ended_at=at)
    if not ended:
        raise DeveloperUnknown("She is no developer of this partner.", partner=partner, user=user_id)
    audit.record(action="sharing.developer_ended", subject=f"partner:{partner}", details={"user": user_id}, at=at)
