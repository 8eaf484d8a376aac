"""The picture code of a family's slip: an address with a mark that only Khana can make, leading to a state and no person.

Whoever holds the slip learns how far her form is and what to bring; neither number, name nor place stands there.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from khana.access import services as access
from khana.intake.reasons import RETURN, reasons
from khana.platform import keys
from khana_methods.errors import NotFound

_LENGTH = 26  # 130 bits in base 32


class SlipUnknown(NotFound):
    """No slip has this code."""

    code: ClassVar[str] = "intake.slip.unknown"


@dataclass(frozen=True)
class SlipState:
    """How far a filled form is: `reasons` are only those that its sender can put right."""

    state: str
    state_on: date
    received_on: date
    reasons: tuple[str, ...]


def code_of(number: int) -> str:
    """Return the code on the slip of a filled form: its number and the mark."""
    return f"{number}-{_mark(number)}"


def _mark(number: int) -> str:
    return base64.b32encode(keys.pseudonym("slip", str(number))).decode()[:_LENGTH]


def read(code: str) -> SlipState:
    """Return what a slip's code leads to.

    Raises:
        SlipUnknown: The code was not made here, or its form is gone.
    """
    number, _sign, mark = code.partition("-")
    if number.isascii() and number.isdecimal() and len(number) < 18 and hmac.compare_digest(mark, _mark(int(number))):
        for state, state_on, received_on, codes in access.call("intake_slip_state", int(number)):
            listed = json.loads(codes) if isinstance(codes, str) else codes
            told = [one for one in listed if one in reasons() and reasons()[one].effect == RETURN]
            return SlipState(state, state_on, received_on, tuple(told))
    raise SlipUnknown("No slip has this code. Look at the picture again, or ask at a registration centre.")
