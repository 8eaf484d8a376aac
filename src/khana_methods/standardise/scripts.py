"""Letters of Urdu and Bangla script: mended where a keyboard broke them, and what sound each writes.

What letters of the world's scripts sound like is known to the library anyascii, how Bangla is put together to
bnunicodenormalizer; here stands only what Urdu and Bangla say otherwise than the Arabic and Sanskrit that such
tables follow. Sounds serve comparison: they are shown to nobody and stored in place of nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock
from typing import Any

from anyascii import anyascii
from bnunicodenormalizer import Normalizer

ARABIC_SCRIPT = re.compile("[\u0600-\u06ff\u0750-\u077f]")
BANGLA_SCRIPT = re.compile("[\u0980-\u09ff]")
_BANGLA_WORD = re.compile("[\u0980-\u09ff\u200c\u200d]*[\u0980-\u09ff][\u0980-\u09ff\u200c\u200d]*")
_LONGEST = 60  # letters of a word that is worth mending
# In Urdu these four are s and z, not th, dh, d and dh; noon ghunna is a nasal vowel that Latin writes n.
_URDU = {"ث": "s", "ذ": "z", "ض": "z", "ظ": "z", "ں": "n"}
# In Bangla ya is said ja, and ya with a dot y; Latin spelling writes the nasal signs n and ng (Chand, Bangla, Shankar).
# Names that came through Arabic write s with chha (Hasan, Salim).
_BANGLA = {"য": "j", "ং": "ng", "ঙ": "ng", "ঁ": "n", "ছ": "s"}
_DOTTED = str.maketrans({"য": "\u09df", "ড": "\u09dc", "ঢ": "\u09dd"})
_WITH_DOT = re.compile("([যডঢ])\u09bc")
# below another letter ya is y (Shyamal), and ba after these letters is a w or silent (Biswas, Swapna, Dwijen)
_YA_BELOW = re.compile("্য")
_BA_BELOW = re.compile("(?<=[শষসতদধজনহকখট]্)ব")
# bha begins Bhuiyan; within a name it is mostly the v of Parvin and Tanvir, which Urdu writes with a vowel's letter
_BHA_WITHIN = re.compile("(?<=[^্])ভ")
_NASAL_BEFORE_K = re.compile("(?:ং|ঙ্)(?=[কখগঘ])")
_CLASSES = str.maketrans("qeiouwvyz", "kaaaaaaaj")
_CONSONANT = re.compile("[কখগঘঙচছজঝঞটঠডঢণতথদধনপফবভমযরলশষসহ\u09dc\u09dd\u09df]")
_mending = Lock()


@lru_cache(maxsize=1)
def _normalizer() -> Any:
    return Normalizer()


def mend_bangla(text: str) -> str:
    """Put the letters of Bangla words into the order and the forms of the script: signs typed twice or apart, joiners.

    Args:
        text: Any text; what is not Bangla stays as it is.

    Examples:
        >>> mend_bangla("Md কাসেেম, আক্তাার") == "Md কাসেম, আক্তার"
        True
        >>> mend_bangla("Karim"), mend_bangla("رحمن") == "رحمن"
        ('Karim', True)
    """
    return _BANGLA_WORD.sub(lambda word: _mended(word[0]), text) if BANGLA_SCRIPT.search(text) else text


@lru_cache(maxsize=100_000)
def _mended(word: str) -> str:
    if len(word) > _LONGEST:
        return word
    with _mending:  # the library keeps the word it works on in itself
        found = _normalizer()(word)["normalized"]
    return re.sub("[\u200c\u200d]", "", found or word)


@lru_cache(maxsize=2_000)
def _sound(letter: str) -> str:
    """Return what one letter sounds like, in small Latin letters; `a` where it writes a vowel or no more than a catch."""
    said = _URDU.get(letter) or _BANGLA.get(letter) or re.sub("[^a-z]", "", anyascii(letter).lower())
    return said or ("a" if letter.isalpha() else "")


@lru_cache(maxsize=2_000)
def _class(letter: str) -> str:
    """Return the consonants of one letter in the classes of `spelling.skeleton`; `a` for vowels of every kind."""
    said = _sound(letter).replace("ph", "f").replace("x", "ks").translate(_CLASSES)
    return said.replace("h", "") if len(said) > 1 else said


def sounds(word: str) -> str:
    """Write one word of Urdu or Bangla script in the classes of sound that Latin words are folded to.

    Args:
        word: A comparison key of one word.

    Returns:
        Small Latin letters; every vowel, w and y is `a`, breath is left out but where a letter is nothing else.

    Examples:
        >>> sounds("رحمن"), sounds("ذوالفقار"), sounds("ممتاز"), sounds("রহমান"), sounds("শ্যামল")
        ('rhmn', 'jaaalfkar', 'mamtaj', 'rhman', 'saaaml')
    """
    said, before, letter_before = [], "", ""
    for letter in _letters(word):
        heard = _class(letter)
        # neither script writes a doubled sound so: a vowel stands between, but in the r of Musharraf and Mukarram
        if heard == before and not letter_before == letter == "র":
            said.append("a")
        said.append(heard)
        before, letter_before = heard, letter
    return "".join(said)


def romanised(word: str) -> str:
    """Write one Bangla word in Latin letters, with the vowel that bare consonants carry within a word.

    Examples:
        >>> romanised("মোহাম্মেদ"), romanised("মাহমুদ"), romanised("চৌধূরী")
        ('mohammed', 'mahamud', 'chaudhuri')
    """
    word = _WITH_DOT.sub(lambda found: found[1].translate(_DOTTED), word)
    said = []
    for place, letter in enumerate(word):
        is_bare = _CONSONANT.match(letter) and place + 1 < len(word) and _CONSONANT.match(word[place + 1])
        said.append("ch" if letter == "চ" else _sound(letter))
        if is_bare:
            said.append("a")
    return "".join(said)


def _letters(word: str) -> str:
    word = _WITH_DOT.sub(lambda found: found[1].translate(_DOTTED), word)
    word = _NASAL_BEFORE_K.sub("ন", word).replace("اللہ", "الہ")
    word = _BHA_WITHIN.sub("\u09df", word)
    return _BA_BELOW.sub("\u09df", _YA_BELOW.sub("\u09cd\u09df", word))
