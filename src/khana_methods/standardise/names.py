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
import yaml

from khana_methods.standardise.digits import comparison_key


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


# Spelling classes of domain §7.3, and words that stand for an attribute. First match wins; whole words only.
_CLASSES: tuple[tuple[str, str], ...] = (
    (r"m[uo]?h+[aeiou]*m+[aeiou]*[dt]|m[ao]h[ao]m[ae]d|md|mohd|mhd|mohmd", "muhammad"),
    (r"mst|must|most|mosa|m[uo]s+a+m+[ao]*t+|musmat", "mst"),
    (r"s[ae]*i?y+[ae]*d+[ae]?h?", "syed"),
    (r"al+h[ae]+j+|h[ae]+j+[iy]+|hajji", "haji"),
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
_PREFIXES = {"muhammad": "MUHAMMAD", "mst": "MST", "syed": "SYED"}
_TITLES = {
    "haji": "HAJI", "hafiz": "HAFIZ", "maulana": "MAULANA", "molvi": "MAULANA", "moulvi": "MAULANA", "molana": "MAULANA",
    "dr": "DOCTOR", "doctor": "DOCTOR", "engr": "ENGINEER", "eng": "ENGINEER", "engineer": "ENGINEER",
    "prof": "PROFESSOR", "professor": "PROFESSOR", "barrister": "BARRISTER", "advocate": "ADVOCATE", "adv": "ADVOCATE",
    "capt": "RANK", "captain": "RANK", "major": "RANK", "maj": "RANK", "col": "RANK", "colonel": "RANK",
    "subedar": "RANK", "havildar": "RANK", "retd": "RETIRED", "rtd": "RETIRED", "late": "LATE", "marhum": "LATE",
    "marhoom": "LATE", "shaheed": "SHAHEED", "shahid-e": "SHAHEED", "ustad": "USTAD",
    "ustaad": "USTAD", "mr": "MR", "mrs": "MRS", "miss": "MISS", "ms": "MS",
}  # fmt: skip
_COURTESY = {
    "bibi": "BIBI", "begam": "BEGUM", "khatun": "KHATUN", "bano": "BANO", "mai": "MAI", "akhtar": "AKTER",
    "khan": "KHAN", "mia": "MIA", "chaudhri": "CHAUDHRY", "shaikh": "SHEIKH", "malik": "MALIK", "jan": "JAN",
    "mian": "MIAN", "rana": "RANA",
}  # fmt: skip
_PARTICLES = frozenset(["ud", "ul", "ur", "us", "un", "uz", "ush", "ad", "al", "ar", "el", "e", "i", "ibn", "bin"])
_JOINED = (
    (re.compile(r"^(?:abd[aeou](?:l|[rsnzdt](?=[rsnzdt]))?)(\w{3,})$"), ("abdul", 1)),
    (re.compile(r"^(\w{2,})[uo]d+[ie]+n$"), (1, "din")),
    (re.compile(r"^(\w{3,}?)[uo]l+ah?$"), (1, "ulah")),
    (re.compile("^عبد(?:ال)?(\\w{2,})$"), ("عبد", 1)),
    (re.compile("^(\\w{2,})(?:ال)?دین$"), (1, "دین")),
    (re.compile("^(\\w{2,})اللہ$"), (1, "اللہ")),
    (re.compile("^ال(\\w{3,})$"), (1,)),
    (re.compile("^(.{2,})ুদ্দ[িী]ন$"), (1, "দিন")),
    (re.compile(r"^(\w{2,})[uo]r+[aei]h+m[ae]n$"), (1, "rahman")),
    (re.compile(r"^(\w{2,})[uo]l+h[aou]+[qk](?:ue)?$"), (1, "hak")),
    (re.compile(r"^(\w{2,})[uo]l+(?:islam)$"), (1, "islam")),
)
_WHOLE = {
    **dict.fromkeys(("uddin", "udin", "uddeen", "deen", "din", "oddin"), "din"),
    **dict.fromkeys(("ullah", "ulla", "allah", "ulah", "olah", "ollah"), "ulah"),
    **dict.fromkeys(("abdul", "abdur", "abdus", "abdun", "abduz", "abd", "abdel", "abdal", "abdool"), "abdul"),
    **dict.fromkeys(("উদ্দিন", "উদ্দীন", "দীন"), "দিন"),
    **dict.fromkeys(("আব্দুল", "আবদুল", "আব্দুর", "আবদুর", "আব্দুস", "আবদুস"), "আবদ"),
    "عبدل": "عبد",
    "الدین": "دین",
}
_SERVANT = frozenset(("abdul", "عبد", "আবদ"))
_HALVES = _SERVANT | {"gulam", "غلام"}
_SECOND = frozenset(
    ("rahman", "hak", "islam", "alam", "huda", "karim", "kadir", "amin", "bari", "hasan", "husain", "din")
)
_CONSTRUCT = re.compile(r"^(\w{2,}?)[uo][lrsnz]$")
_NOT_CONSTRUCT = frozenset(
    [
        "rasul",
        "rasool",
        "maqbul",
        "maqbool",
        "makbul",
        "gul",
        "mansur",
        "mansoor",
        "manzur",
        "manzoor",
        "noor",
        "nur",
        "ghafur",
    ]
)
_NOT_PARTED = frozenset(["abdullah", "abdulla", "abdulah", "abdallah"])
_FOLDS = (
    (re.compile(r"(?<=[aeiou])[qk]u?e$"), "k"),
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
_LATIN = re.compile(r"[a-z]")
_ACCENTS = re.compile("([A-Za-z])[\u0300-\u036f]+")  # Bénazir is Benazir; marks of other scripts stay
_URDU = re.compile("[\u0600-\u06ff]")
_BANGLA = re.compile("[\u0980-\u09ff]")
_URDU_SOUNDS = str.maketrans(
    dict(zip("بپتٹثجچحخدڈذرڑزژسشصضطظغفقکگلمنں", "bpttsjchkddjrrjjsssjtjgfkkglmnn", strict=True))
    | dict.fromkeys("ہھ", "h")
    | dict.fromkeys("اآأإعویےئؤءۂۃۓ", "a")
)
_BANGLA_SOUNDS = str.maketrans(
    dict(
        zip(
            "কখগঘঙচছজঝঞটঠডঢণতথদধনপফবভমযরলশষসহৎং",
            "kkggnccjjnttddnttddnpfbbmjrlssshtn",
            strict=True,
        )
    )
    | dict.fromkeys("অআইঈউঊঋএঐওঔািীুূৃেৈোৌ", "a")
    | {"্": None, "ঃ": None, "ঁ": None, "়": None}
)


@lru_cache(maxsize=1)
def _script_words() -> dict[str, tuple[str, str]]:
    """Give (kind, code) of each word of Urdu and Bangla script that is an attribute."""
    text = resources.files("khana_methods.standardise").joinpath("names.yaml").read_text(encoding="utf-8")
    return {
        comparison_key(word): (kind, code)
        for kind, codes in yaml.safe_load(text).items()
        for code, words in codes.items()
        for word in words
    }


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
    if word in _SERVANT:
        return "abd"
    if _URDU.search(word):
        sounds = word.translate(_URDU_SOUNDS)
    elif _BANGLA.search(word):
        sounds = word.translate(_BANGLA_SOUNDS)
    else:
        sounds = re.sub(r"[aeiouwvy]", "a", fold(word)).replace("z", "j")
    sounds = re.sub(r"(.)\1+", r"\1", sounds)
    return sounds[:1] + re.sub(r"[ah]", "", sounds[1:])


def _words(text: str) -> list[str]:
    """Part a name into words; a Latin word at its capitals' change too (BiBi stays one)."""
    plain = comparison_key(_ACCENTS.sub(r"\1", unicodedata.normalize("NFD", text)).replace(".", ". "))
    return re.sub(r"\b(b[ie]+) (b[ie]+)\b", r"\1\2", plain).split()


def _part_particles(words: list[str]) -> list[str]:
    """Write joined and split particles one way: Nasiruddin, Nasir Uddin and Nasir ud Din are nasir din."""
    parted: list[str] = []
    for position, word in enumerate(words):
        if word in _PARTICLES and parted and position + 1 < len(words):
            continue
        following = fold(words[position + 1]) if position + 1 < len(words) else ""
        construct = _CONSTRUCT.match(word) if following in _SECOND and word not in _NOT_CONSTRUCT else None
        if construct and word not in _WHOLE:
            parted.append(construct[1])
            continue
        if word in _WHOLE:
            parted.append(_WHOLE[word])
            continue
        if word in _NOT_PARTED:
            parted.append("abdulah")
            continue
        for pattern, shape in _JOINED:
            match = pattern.match(word)
            if match:
                parted.extend(part if isinstance(part, str) else match[part] for part in shape)
                break
        else:
            parted.append(word)
    return parted


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
        name for name, pattern in (("latin", _LATIN), ("urdu", _URDU), ("bangla", _BANGLA)) if pattern.search(joined)
    ]
    if not scripts:
        return PersonName(text)
    found: dict[str, list[str]] = {"prefix": [], "title": [], "courtesy": [], "initial": []}
    kept: list[tuple[str, bool]] = []
    parted = _part_particles(words)
    for word in parted:
        kind, code, form = _classify(word)
        if kind:
            found[kind].append(code)
        if kind in ("", "courtesy"):
            kept.append((form, kind == "courtesy"))
    if not kept:
        kept = [(_classify(word)[2], False) for word in parted]
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


@lru_cache(maxsize=200_000)
def _classify(word: str) -> tuple[str, str, str]:
    """Say what one word is: kind (empty for a word that tells people apart), code, and its spelling class."""
    if not _LATIN.search(word):
        kind, code = _script_words().get(word, ("", ""))
        if not kind and len(word) == 1:
            return "initial", word, word
        return kind, code, word
    if len(word) == 1:
        return "initial", word, word
    if word in _TITLES:
        return "title", _TITLES[word], word
    form = "mian" if word == "mian" else fold(word)
    if form in _PREFIXES:
        return "prefix", _PREFIXES[form], form
    if form == "haji":
        return "title", "HAJI", form
    for courtesy in (word, form):
        if courtesy in _COURTESY:
            return "courtesy", _COURTESY[courtesy], form
    return "", "", form


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
