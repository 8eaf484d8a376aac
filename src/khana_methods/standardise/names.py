"""Names of people: read beside what was typed, in Latin, Urdu and Bangla script, never instead of it.

A name is parted into prefixes (Muhammad, Mst, Syed), titles (Haji, Dr, Late), initials, courtesy words
(Begum, Khan) and the words that tell people apart, the first of which is the *call name*. Latin words are
brought to *spelling classes* (Rahman, Rehman, Rahaman are one). A *skeleton* of consonants is comparable
across the three scripts; it serves blocking and is no transliteration. The original is always kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import MutableMapping
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.standardise.digits import comparison_key
from khana_methods.standardise.scripts import ARABIC_SCRIPT, BANGLA_SCRIPT, mend_bangla, romanised
from khana_methods.standardise.spelling import SERVANT, fold, skeleton
from khana_methods.yaml_text import read_yaml

READING = 3  # raised when names are read otherwise: keys that were kept from an earlier reading no longer meet new ones


class PersonName(NamedTuple):
    """One name as read.

    `original` is what was typed. `script`: latin, urdu, bangla, mixed, or empty without a letter. `key`: words in
    spelling classes, in order, without prefixes, titles and initials. `call_name`: first word that tells people
    apart. `core`: the words but courtesy ones, sorted. `skeleton`: consonants of the words, comparable across
    scripts. `prefixes`, `titles` and `courtesy` hold codes such as MUHAMMAD; `initials` hold letters.
    """

    original: str
    script: str = ""
    key: str = ""
    call_name: str = ""
    core: str = ""
    call_skeleton: str = ""
    skeleton: str = ""
    prefixes: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    courtesy: tuple[str, ...] = ()
    initials: tuple[str, ...] = ()


_PREFIXES = {"muhammad": "MUHAMMAD", "mst": "MST", "syed": "SYED"}
_TITLES = {
    "haji": "HAJI", "hafiz": "HAFIZ", "maulana": "MAULANA", "molvi": "MAULANA", "moulvi": "MAULANA", "molana": "MAULANA",
    "dr": "DOCTOR", "doctor": "DOCTOR", "engr": "ENGINEER", "eng": "ENGINEER", "engineer": "ENGINEER",
    "prof": "PROFESSOR", "professor": "PROFESSOR", "barrister": "BARRISTER", "advocate": "ADVOCATE", "adv": "ADVOCATE",
    "capt": "RANK", "captain": "RANK", "major": "RANK", "maj": "RANK", "col": "RANK", "colonel": "RANK",
    "subedar": "RANK", "havildar": "RANK", "retd": "RETIRED", "rtd": "RETIRED", "late": "LATE", "marhum": "LATE",
    "marhoom": "LATE", "shaheed": "SHAHEED", "shahid-e": "SHAHEED", "ustad": "USTAD",
    "ustaad": "USTAD", "mr": "MR", "mrs": "MRS", "misses": "MRS", "miss": "MISS", "ms": "MS",
}  # fmt: skip
_COURTESY = {
    "bibi": "BIBI", "begam": "BEGUM", "khatun": "KHATUN", "bano": "BANO", "mai": "MAI", "akhtar": "AKTER",
    "khan": "KHAN", "mia": "MIA", "chaudhri": "CHAUDHRY", "shaikh": "SHEIKH", "malik": "MALIK", "jan": "JAN",
    "mian": "MIAN", "rana": "RANA", "sk": "SHEIKH", "sh": "SHEIKH", "ch": "CHAUDHRY", "makdum": "MAKHDOOM",
    "sahibjada": "SAHIBZADA", "navabjada": "SAHIBZADA",
}  # fmt: skip
_PARTICLES = frozenset(
    [
        "ud",
        "ul",
        "ur",
        "us",
        "un",
        "uz",
        "ush",
        "ad",
        "al",
        "ar",
        "el",
        "e",
        "i",
        "ibn",
        "bin",
        "উদ",
        "উল",
        "উর",
        "উস",
        "উন",
        "উজ",
        "আল",
    ]
)
_JOINED = (
    (re.compile(r"^(?:abd[aeou](?:l|[rsnzdt](?=[rsnzdt]))?)(\w{3,})$"), ("abdul", 1)),
    (re.compile(r"^(\w{2,})[uo]d+[ie]+n$"), (1, "din")),
    (re.compile(r"^(\w{3,}?)[uo]l+ah?$"), (1, "ulah")),
    (re.compile("^عبد(?:ال)?(\\w{2,})$"), ("عبد", 1)),
    (re.compile("^(\\w{2,})(?:ال)?دین$"), (1, "دین")),
    (re.compile("^(\\w{2,})اللہ$"), (1, "اللہ")),
    (re.compile("^(.{2,}?)(?:ু|উ)দ্দ[িী]ন$"), (1, "দিন")),
    (re.compile("^(?!আব্?দ)(.{2,}?)(?:ু|উ)ল্লাহ?$"), (1, "উল্লাহ")),
    (re.compile("^(.{2,}?)(?:ু|উ)জ্জামান$"), (1, "জামান")),
    (re.compile("^(.{2,}?)(?:ু|উ)ন্নব[ীি]$"), (1, "নবী")),
    (re.compile("^(.{2,}?)(?:ু|উ)ন্নাহার$"), (1, "নাহার")),
    (re.compile("^(.{2,}?)(?:ু|উ)ন্[নেি]+[সছ]া$"), (1, "নেসা")),
    (re.compile("^ابوال(\\w{2,})$"), ("ابو", 1)),
    (re.compile("^(\\w{2,})ال(زمان|زماں|نبی|حق|رحمن|رحمان|اسلام|نساء|نسا|حسن|حسین|امین|کریم)$"), (1, 2)),
    (re.compile(r"^(\w{2,})[uo]n+[ie]+s+ah?$"), (1, "nisa")),
    (re.compile(r"^(\w{2,})[uo]n+[ae]h[ae]r$"), (1, "nahar")),
    (re.compile(r"^(\w{2,})[uo]n+abi$"), (1, "nabi")),
    (re.compile(r"^(\w{2,})[uo](?:z+|j+)[ae]m[ae]n$"), (1, "zaman")),
    (re.compile(r"^abul(\w{3,})$"), ("abu", 1)),
    (re.compile(r"^(\w{2,})[uo]r+[aei]h+m[ae]n$"), (1, "rahman")),
    (re.compile(r"^(\w{2,})[uo]l+h[aou]+[qk](?:ue)?$"), (1, "hak")),
    (re.compile(r"^(\w{2,})[uo]l+(?:islam)$"), (1, "islam")),
)
_WHOLE = {
    **dict.fromkeys(("uddin", "udin", "uddeen", "deen", "din", "oddin"), "din"),
    **dict.fromkeys(("ullah", "ulla", "allah", "ulah", "olah", "ollah"), "ulah"),
    **dict.fromkeys(("abdul", "abdur", "abdus", "abdun", "abduz", "abd", "abdel", "abdal", "abdool"), "abdul"),
    **dict.fromkeys(("abul", "abu"), "abu"),
    **dict.fromkeys(("আবুল", "আবু"), "আবু"),
    **dict.fromkeys(("উদ্দিন", "উদ্দীন", "দীন"), "দিন"),
    **dict.fromkeys(("আব্দুল", "আবদুল", "আব্দুর", "আবদুর", "আব্দুস", "আবদুস"), "আবদ"),
    **dict.fromkeys(("উল্লাহ", "উল্লা", "আল্লাহ"), "উল্লাহ"),
    "عبدل": "عبد",
    "الدین": "دین",
}
_WITH_ARTICLE = re.compile("^ال(?!لہ$)(\\w{2,})$")
_NOT_ARTICLE = frozenset(("الیاس", "الطاف", "الماس"))  # Ilyas, Altaf, Almas
_HALVES = SERVANT | {"gulam", "غلام"}
_LATTER = frozenset(("din", "ulah", "দিন", "উল্লাহ", "دین"))
_FIRST_HALVES = SERVANT | {"abu", "ابو", "আবু"}  # servant of, father of: what follows is a name
# What follows a first half, by the letter that the article takes before it: Aziz-ur-Rahman, Ziya-ul-Haque, Qamar-un-Nisa
_SECOND = {
    "l": "hak islam alam huda karim kadir amin bari hasan husain ajim aziz kabir hakim hamid majid malik kayum hai ahad gani jabar"
    " jalil khair kalam matin mumin manan kibria abidin arefin aval fatah karam hasanat vadud bashar mulk ajam anvar akbar",
    "r": "rahman rahim rashid rauf razak rab",
    "s": "satar salam samad subhan salihin",
    "n": "nisa nahar nabi nur nasir",
    "z": "zaman zahir",
    "d": "din",
}
_CONSTRUCT = re.compile(r"^(\w{2,}?)[uo]([lrsnzd])$")
_BANGLA_CONSTRUCT = re.compile("^(.{2,}?)(?:ু|উ)([লরসনজদ])$")
_ARTICLE = str.maketrans("লরসনজদ", "lrsnzd")
_NOT_CONSTRUCT = ("rasul", "makbul", "gul", "mansur", "manjur", "nur", "gafur", "shakur", "sabur")
_CLIPPED = re.compile("a?[bcdfghjklmnpqrstvwxz]{2,3}")  # initials typed as one word: AKM, ABM, KM
_FIRST_ONLY = frozenset(("HAFIZ", "SHAHEED"))  # titles that are names too
_NOT_PARTED = {**dict.fromkeys(("abdullah", "abdulla", "abdulah", "abdallah"), "abdulah"), "عبداللہ": "عبداللہ"}
_LATIN = re.compile(r"[a-z]")
_ACCENTS = re.compile("([A-Za-z])[\u0300-\u036f]+")  # Bénazir is Benazir; marks of other scripts stay


@lru_cache(maxsize=1)
def _script_words() -> dict[str, tuple[str, str]]:
    """Give (kind, code) of each word of Urdu and Bangla script that is an attribute."""
    text = resources.files("khana_methods.standardise").joinpath("names.yaml").read_text(encoding="utf-8")
    return {
        comparison_key(mend_bangla(word)): (kind, code)
        for kind, codes in read_yaml(text).items()
        for code, words in codes.items()
        for word in words
    }


def _words(text: str) -> list[str]:
    """Part a name into words; a Latin word at its capitals' change too (BiBi stays one)."""
    mended = unicodedata.normalize("NFD", mend_bangla(text))
    plain = comparison_key(_ACCENTS.sub(r"\1", mended).replace(".", ". "))
    return re.sub(r"\b(b[ie]+) (b[ie]+)\b", r"\1\2", plain).split()


def _construct(word: str, following: str) -> re.Match[str] | None:
    """Find the first half of a name of two in construct, such as Aziz in Azizur Rahman; in Latin and Bangla script."""
    found = (_BANGLA_CONSTRUCT if BANGLA_SCRIPT.search(word) else _CONSTRUCT).match(word)
    if found is None or skeleton(word) in _whole_skeletons():
        return None
    return found if skeleton(following) in _second_skeletons()[found[2].translate(_ARTICLE)] else None


@lru_cache(maxsize=1)
def _second_skeletons() -> dict[str, frozenset[str]]:
    """Give the skeletons of what follows each letter of the article."""
    return {letter: frozenset(map(skeleton, words.split())) for letter, words in _SECOND.items()}


@lru_cache(maxsize=1)
def _whole_skeletons() -> frozenset[str]:
    """Give the skeletons of words that end as if an article followed, and are whole."""
    return frozenset(map(skeleton, _NOT_CONSTRUCT))


def _part_particles(words: list[str]) -> list[tuple[str, bool]]:
    """Write joined and split particles one way: Nasiruddin, Nasir Uddin and Nasir ud Din are nasir din.

    Returns:
        (word, whether it is half of such a name, and so no title or prefix whatever else it means).
    """
    parted: list[tuple[str, bool]] = []
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        before = parted[-1][0] if parted else ""
        if word in _PARTICLES and parted and following:
            continue
        if before in SERVANT and _WHOLE.get(word) in ("ulah", "উল্লাহ"):
            parted[-1] = (_NOT_PARTED["abdullah"], False)
            continue
        if (before, word) == ("عبد", "اللہ") or (before == "ذو" and word.startswith("ال")):
            parted[-1] = (before + word, False)
            continue
        is_half = before in _FIRST_HALVES or _WHOLE.get(following) in _LATTER
        construct = _construct(word, following) if following and word not in _WHOLE else None
        article = _WITH_ARTICLE.match(word) if parted and word not in _NOT_ARTICLE else None
        if construct:
            parted.append((construct[1], True))
        elif word in _WHOLE:
            parted.append((_WHOLE[word], is_half))
        elif word in _NOT_PARTED:
            parted.append((_NOT_PARTED[word], is_half))
        elif article:
            parted.append((article[1], True))
        else:
            parted.extend(_joined(word) or [(word, is_half)])
    return parted


def _joined(word: str) -> list[tuple[str, bool]]:
    """Part one word that two names were joined to; none where it is one."""
    for pattern, shape in _JOINED:
        match = pattern.match(word)
        if match:
            return [(part if isinstance(part, str) else match[part], True) for part in shape]
    return []


def person_name(text: str) -> PersonName:
    """Read one name.

    Args:
        text: The name as typed, in any of the three scripts.

    Returns:
        The parts; `original` is the text untouched.

    Examples:
        >>> name = person_name("Haji Md. Nasir ud Din Khan")
        >>> name.original, name.key, name.call_name
        ('Haji Md. Nasir ud Din Khan', 'nasir din kan', 'nasir')
        >>> name.prefixes, name.titles, name.courtesy
        (('MUHAMMAD',), ('HAJI',), ('KHAN',))
        >>> person_name("Nasiruddin").key == person_name("Nasir Uddin").key == "nasir din"
        True
        >>> person_name("A.K.M. Fazlul Haque").initials, person_name("A K M Fazlul Hoque").key
        (('a', 'k', 'm'), 'fajl hak')
        >>> person_name("Muhammad").call_name, person_name("Gulalay Bi Bi").call_name
        ('muhammad', 'gulali')
        >>> person_name("محمد حذیفہ").prefixes, person_name("মোছাঃ রহিমা খাতুন").courtesy
        (('MUHAMMAD',), ('KHATUN',))
        >>> person_name("?").script
        ''
    """
    words = _words(text)
    joined = " ".join(words)
    scripts = [
        name
        for name, pattern in (("latin", _LATIN), ("urdu", ARABIC_SCRIPT), ("bangla", BANGLA_SCRIPT))
        if pattern.search(joined)
    ]
    if not scripts:
        return PersonName(text)
    found: dict[str, list[str]] = {"prefix": [], "title": [], "courtesy": [], "initial": []}
    kept: list[tuple[str, bool]] = []
    parted = _part_particles(words)
    for position, (word, is_half) in enumerate(parted):
        kind, code, form = _classify(word)
        before = parted[position - 1][0] if position else ""
        is_beside = kind == "initial" or (code == "MUHAMMAD" and before in _FIRST_HALVES)  # Abu Md. Saleh
        if (is_half and not is_beside) or _is_name_here(kind, code, word, bool(kept), len(parted) - position - 1):
            kind = ""
        elif not kind and not kept and _CLIPPED.fullmatch(word):
            kind, code = "initial", word
        if kind:
            found[kind].append(code)
        if kind in ("", "courtesy"):
            kept.append((form, kind == "courtesy"))
    if not kept:
        kept = [(_classify(word)[2], False) for word, _ in parted]
    core = [form for form, is_courtesy in kept if not is_courtesy] or [form for form, _ in kept]
    bones = [skeleton(form) for form in core]
    called = 2 if core[0] in _HALVES else 1
    return PersonName(
        original=text,
        script=scripts[0] if len(scripts) == 1 else "mixed",
        key=" ".join(form for form, _ in kept),
        call_name=" ".join(core[:called]),
        core=" ".join(sorted(core)),
        call_skeleton=" ".join(bones[:called]),
        skeleton=" ".join(sorted(bones)),
        prefixes=tuple(dict.fromkeys(found["prefix"])),
        titles=tuple(dict.fromkeys(found["title"])),
        courtesy=tuple(dict.fromkeys(found["courtesy"])),
        initials=tuple(found["initial"]),
    )


def _is_name_here(kind: str, code: str, word: str, is_after_name: bool, after: int) -> bool:
    """Say whether a word that can be a title or a letter is a name where it stands; `after`: words that follow."""
    if kind == "title" and code in _FIRST_ONLY:
        return is_after_name or after < 1 + (code == "HAFIZ")
    return kind == "initial" and len(word) > 1 and is_after_name


@lru_cache(maxsize=200_000)
def _classify(word: str) -> tuple[str, str, str]:
    """Say what one word is: kind (empty for a word that tells people apart), code, and its spelling class."""
    if not _LATIN.search(word):
        kind, code = _script_words().get(word, ("", ""))
        if kind == "initial":
            return kind, code.lower(), word
        if not kind and len(word) == 1:
            return "initial", word, word
        if not kind and BANGLA_SCRIPT.search(word):
            kind, code = _attribute(fold(romanised(word)))
        return kind, code, word
    if len(word) == 1:
        return "initial", word, word
    if word in _TITLES:
        return "title", _TITLES[word], fold(word)
    form = "mian" if word == "mian" else fold(word)
    return (*_attribute(form, word), form)


def _attribute(form: str, word: str = "") -> tuple[str, str]:
    """Say what a word in its spelling class, or as written, is beside a name; two empty texts where it is one."""
    if form in _PREFIXES:
        return "prefix", _PREFIXES[form]
    if form == "haji":
        return "title", "HAJI"
    for courtesy in (word, form):
        if courtesy in _COURTESY:
            return "courtesy", _COURTESY[courtesy]
    return "", ""


NAME_COLUMNS = pa.schema(
    [
        pa.field("original", pa.string()),
        pa.field("script", pa.string()),
        pa.field("key", pa.string()),
        pa.field("call_name", pa.string()),
        pa.field("core", pa.string()),
        pa.field("call_skeleton", pa.string()),
        pa.field("skeleton", pa.string()),
        pa.field("prefixes", pa.list_(pa.string())),
        pa.field("titles", pa.list_(pa.string())),
        pa.field("courtesy", pa.list_(pa.string())),
        pa.field("initials", pa.list_(pa.string())),
    ]
)


def name_columns(texts: pa.Array, memo: MutableMapping[str, PersonName] | None = None) -> pa.Table:
    """Read a column of names; each different name is read once.

    Args:
        texts: n names, no nulls.
        memo: Names read before.

    Returns:
        n rows, same order: the columns of `NAME_COLUMNS`.

    Examples:
        >>> name_columns(pa.array(["Md Abdur Rahman", "Md Abdur Rahman", ""])).column("key").to_pylist()
        ['abdul rahman', 'abdul rahman', '']
    """
    names = _each_once(texts, {} if memo is None else memo)
    columns = list(zip(*names, strict=True)) if names else [()] * len(NAME_COLUMNS)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, NAME_COLUMNS, strict=True)], schema=NAME_COLUMNS
    )


def _each_once(texts: pa.Array, memo: MutableMapping[str, PersonName]) -> list[PersonName]:
    """Read each different name of a column once; what was read before is remembered."""
    if len(memo) > 1_000_000:
        memo.clear()
    encoded = pc.dictionary_encode(texts)
    for value in encoded.dictionary.to_pylist():
        if value not in memo:
            memo[value] = person_name(value)
    read = [memo[value] for value in encoded.dictionary.to_pylist()]
    return [read[index] for index in encoded.indices.to_pylist()]
