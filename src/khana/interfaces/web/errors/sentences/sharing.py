"""Sentences of errors about agreements, extracts, partners and the registries of other offices."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Any] = {
    "sharing.agreement.terms_wrong": _("A term of the agreement is missing or contradicts another."),
    **dict.fromkeys(
        (
            "sharing.agreement.unknown",
            "sharing.extract.unknown",
            "sharing.partner.unknown",
            "sharing.registry.unknown",
            "sharing.developer.unknown",
        ),
        _("There is no agreement, extract, partner or registry of that name, or it is closed."),
    ),
    "sharing.approval.not_waiting": _(
        "This is not waiting for your approval: it is decided, or you approved it already."
    ),
    "sharing.approval.own_draft": _("You drafted this: two other people approve it."),
    "sharing.callback.not_taken": _("The partner's system did not take the message; it can be sent again."),
    "sharing.extract.not_ready": _("The extract is not there: it is not made yet, or has expired."),
    **dict.fromkeys(
        ("sharing.extract.refused", "sharing.field.unknown"),
        _("The agreement does not allow what was asked."),
    ),
    "sharing.extract.stands_out": _("Too many people would be recognisable: ask for fewer or coarser fields."),
    **dict.fromkeys(
        ("sharing.mail.malformed", "sharing.partner.no_encryption_key", "sharing.partner.wrong"),
        _("What the partner sent, or its keys, cannot be used. Ask it to renew them."),
    ),
    **dict.fromkeys(
        ("sharing.registry.not_believed", "sharing.registry.refused"),
        _("The other registry answered, but its answer cannot be believed or read. Tell its operators."),
    ),
    **dict.fromkeys(
        ("sharing.registry.secret_missing", "sharing.registry.wrong"),
        _("The other registry is not set up as it should be. Tell your administrator."),
    ),
}
