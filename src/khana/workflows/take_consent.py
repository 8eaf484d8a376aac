"""Take the code that a person told: in a transaction of its own, so that a wrong try stays counted."""

from __future__ import annotations

from datetime import datetime

from khana.access import services as access
from khana.identity.services import consent
from khana_methods.errors import KhanaError


def run(*, token: str, number: str, code: str, at: datetime) -> dict[str, str]:
    """Take a code in the scope of a token.

    Raises:
        ConsentUnknown, CodeWrong, CodeOver: After the try was written down.
    """
    refused: KhanaError | None = None
    given: dict[str, str] = {}
    with access.scoped(token):
        try:
            given = consent.give(number=number, code=code, at=at)
        except (consent.CodeWrong, consent.CodeOver) as error:
            refused = error
    if refused is not None:
        raise refused
    return given
