"""One name written differently: spelling classes of Latin words, and skeletons that three scripts share.

A *spelling class* brings what registries of both countries write for one name to one word (Rahman, Rehman, Rahaman).
A *skeleton* is the consonants that Latin, Urdu and Bangla script all write; it serves blocking and comparison across
scripts and is no transliteration.
"""

from __future__ import annotations

import re
from functools import lru_cache

from khana_methods.standardise.scripts import ARABIC_SCRIPT, BANGLA_SCRIPT, sounds

SERVANT = frozenset(("abdul", "عبد", "আবদ"))  # of God, before one of His names: the first half of a name
# Spelling classes of domain §7.3. First match wins; whole words only.
_CLASSES: tuple[tuple[str, str], ...] = (
    (r"m[uo]?h+[aeiou]*m+[aeiou]*[dt]|m[ao]h[ao]m+[ae]d|md|mohd|mhd|mohmd", "muhammad"),
    (r"mst|must|most|mosa|m[uo]s+a+m+[ao]*t+|musmat", "mst"),
    (r"sa+[iy]?e{2,}d|sa+ied|said", "said"),
    (r"s[ae]*i?y+(?!ee)[ae]*d+[ae]?h?", "syed"),
    (r"al+h[ae]+[jz]+|h[ae]+j+[iy]+|hajji", "haji"),
    (r"r[aei]+h+[a]?m[aeiou]+n", "rahman"),
    (r"h[uo]+s+[ae]*[iy]+n|h[uo]+s+[ae]+[iy]*n|h[uo]sen", "husain"),
    (r"h[aou]+[qk](?:ue|u)?", "hak"),
    (r"ch[aou]+w?d+h?[aeiou]*r+[iye]+|ch[ao]+dr[iy]", "chaudhri"),
    (r"t[aeo]lu[kq]d[aeo]r", "talukdar"),
    (r"m[ao]nd[aoe]l", "mandal"),
    (r"s[ia]d+[iy]+[qk](?:ue|ui|i|y|a|ah)?", "sidik"),
    (r"s[oa]rk[ae]r", "sarkar"),
    (r"m[iy]+[ae]+h?", "mia"),
    (r"ahm+[ae]+d", "ahmad"),
    (r"akh?t+[aeo]r", "akhtar"),
    (r"b[ei]+g[aou]+m", "begam"),
    (r"kh?at[ou]+n", "khatun"),
    (r"b[ae]+n[ou]+", "bano"),
    (r"b[ie]+b[ie]+", "bibi"),
    (r"sh[ae]+[iy]*kh?", "shaikh"),
    (r"m[ao]+l+[ao]+h?|mul+ah?", "mola"),
)
_CLASS_OF = tuple((re.compile(pattern), name) for pattern, name in _CLASSES)
_FOLDS = (
    (re.compile(r"(?<=[aeiou])[qk]u?e$"), "k"),
    (re.compile(r"qu(?=[aei])"), "k"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"ck|q"), "k"),
    (re.compile(r"c(?!h)"), "k"),
    (re.compile(r"w"), "v"),
    (re.compile(r"z"), "j"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"gh"), "g"),
    (re.compile(r"kh"), "k"),
    (re.compile(r"([bdt])h"), r"\1"),
    (re.compile(r"ee+|ea|ie|iy|y(?![aeiou])"), "i"),
    (re.compile(r"oo+|ou|au|aw"), "u"),
    (re.compile(r"ai|ay|ei|ey"), "e"),
    (re.compile(r"(.)\1+"), r"\1"),
    (re.compile(r"(?<=[aeiou])h$"), ""),
)
_VOWEL_FOLD = str.maketrans("eo", "iu")


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """Bring one Latin word to its spelling class.

    Args:
        word: Small ASCII letters.

    Returns:
        A class whose members are one name written differently; readable, and not to be shown.

    Source:
        Spelling variants as registries of both countries show them: domain report §7.3.

    Examples:
        >>> [fold(word) for word in ("rehman", "rahaman", "rahman")]
        ['rahman', 'rahman', 'rahman']
        >>> fold("haque") == fold("hoque") == fold("huq"), fold("hussain") == fold("hossain") == fold("husain")
        (True, True)
        >>> fold("siddique") == fold("siddiky"), fold("chowdhury") == fold("choudhury") == fold("chaudhry")
        (True, True)
        >>> fold("wazeer") == fold("wazir"), fold("yusuf") == fold("yousuf"), fold("fatimah") == fold("fatima")
        (True, True, True)
        >>> fold("hasan") == fold("hussain")
        False
    """
    for pattern, name in _CLASS_OF:
        if pattern.fullmatch(word):
            return name
    for pattern, put in _FOLDS:
        word = pattern.sub(put, word)
    return word.translate(_VOWEL_FOLD)


@lru_cache(maxsize=200_000)
def skeleton(word: str) -> str:
    """Reduce one word of any of the three scripts to the consonants that all three write.

    Vowels, and the letters that stand for vowels in one script and consonants in another (w, y, inner h), go;
    a leading vowel of any kind is `a`. For blocking and for comparison across scripts.

    Examples:
        >>> skeleton("rahman") == skeleton("رحمن") == skeleton("রহমান")
        True
        >>> skeleton("shamim") == skeleton("شمیم") == skeleton("শামীম"), skeleton("akbar") == skeleton("اکبر")
        (True, True)
    """
    if word in SERVANT:
        return "abd"
    if ARABIC_SCRIPT.search(word) or BANGLA_SCRIPT.search(word):
        said = sounds(word)
    else:
        said = re.sub(r"[aeiouwvy]", "a", fold(word)).replace("z", "j")
    said = re.sub(r"(.)\1+", r"\1", said)
    return said[:1] + re.sub(r"[ah]", "", said[1:])
