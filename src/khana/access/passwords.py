"""Which passwords a person may choose: long enough, not known to guessers, not built from the words of this place.

No rule about kinds of signs and no end of a password's life: both make people choose worse ones. How many guesses a password
takes is estimated by zxcvbn (thirty thousand passwords that leaked, names and words of several languages, keyboards, dates, and what
guessers do to them); where `KHANA_BREACHED_PASSWORDS` names a sorted file of hashes (the download of Have I Been Pwned) every one
of those is refused too.

Source: NIST SP 800-63B-4, section 3.1.1.2; OWASP ASVS 5.0, V6.2; Wheeler (2016), zxcvbn, USENIX Security.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from zxcvbn import zxcvbn

from khana_methods.errors import InputError, NotConfigured

SHORTEST = 12
LONGEST = 1000
LEAST_GUESSES = 10**9
_READ_BY_ZXCVBN = 72
_BETWEEN = re.compile(r"[\s\-_.,:;+/|]+")
# words of this product and its work: a password may hold one, but gains nothing by it
WORDS = (
    "khana", "registry", "register", "household", "beneficiary", "beneficiaries", "social", "protection", "poverty", "score",
    "steward", "registrar", "officer", "auditor", "analyst", "administrator", "enumerator", "programme", "pension", "stipend",
    "allowance", "kafaalat", "nashonuma", "taleemi", "wazaif", "benazir", "bisp", "nser", "ehsaas", "zakat", "bhata", "vata",
    "nadra", "bangladesh", "pakistan", "islamabad", "dhaka", "punjab", "sindh", "government", "ministry", "welfare",
)  # fmt: skip


class PasswordWeak(InputError):
    """A chosen password is too short, known to guessers, or built from words of this place."""

    code: ClassVar[str] = "access.password.weak"


class PasswordsDiffer(InputError):
    """The new password was not typed the same twice."""

    code: ClassVar[str] = "access.password.differ"


class BreachedListUnreadable(NotConfigured):
    """The file that KHANA_BREACHED_PASSWORDS names is missing, or is no sorted list of SHA-1 hashes."""

    code: ClassVar[str] = "access.password.breached_list"


def check_length(password: str) -> None:
    """Raise unless a password has as many signs as one must have.

    Raises:
        PasswordWeak: It is shorter than twelve or longer than a thousand.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordWeak(
            f"A password has {SHORTEST} signs at least and {LONGEST} at most. Four words in a row are good."
        )


def check(password: str, *, own_words: Sequence[str] = ()) -> None:
    """Raise unless a person may choose a password.

    Args:
        password: As she typed it; nothing of it is written anywhere.
        own_words: Her user name and name: what whoever knows her tries first.

    Raises:
        PasswordWeak: Too short, guessed too soon, or among passwords that leaked.
        BreachedListUnreadable: The list of the settings cannot be read: nobody can choose a password until it can.
    """
    check_length(password)
    words = [*WORDS, *(part for one in own_words for part in (one, *one.split()) if part)]
    # words with hyphens between them are no harder than the words
    if min(_guesses(text, words) for text in (password, _BETWEEN.sub("", password))) < LEAST_GUESSES:
        raise PasswordWeak(
            "This password is guessed too soon: it is on a list of known ones, or is made of names, dates, rows of keys or words of "
            "this registry. Four words in a row that have nothing to do with each other are good."
        )
    if is_breached(password):
        raise PasswordWeak("This password stands on a list of passwords that leaked somewhere. Choose another one.")


def _guesses(text: str, words: Sequence[str]) -> float:
    return float(zxcvbn(text[:_READ_BY_ZXCVBN], user_inputs=list(words))["guesses"]) if text else 0.0


def is_breached(password: str) -> bool:
    """Say whether a password stands in the file of `KHANA_BREACHED_PASSWORDS`; false where none is named.

    The file has one line a password, `SHA-1 in upper-case hexadecimal:count`, sorted; it is searched by halves, so that forty
    gigabytes take some thirty reads.
    """
    named = os.environ.get("KHANA_BREACHED_PASSWORDS")
    if not named:
        return False
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()  # the list's own form
    try:
        with Path(named).open("rb") as lines:
            low, high = 0, os.fstat(lines.fileno()).st_size
            while low < high:
                middle = (low + high) // 2
                lines.seek(max(middle - 1, 0))
                if middle:
                    lines.readline()  # the rest of the line before
                start, line = lines.tell(), lines.readline(200)
                held = line[:40].upper()
                if line and len(held.strip()) != 40:
                    raise BreachedListUnreadable("The list of breached passwords is not of the form HASH:COUNT.")
                if held == wanted:
                    return True
                if not line or held > wanted:
                    high = middle
                else:
                    low = start + len(line)
    except OSError as error:
        raise BreachedListUnreadable(
            "The list of breached passwords cannot be read. Check KHANA_BREACHED_PASSWORDS."
        ) from error
    return False
