"""Area names to codes, tolerant of spelling and never guessing.

Offices spell districts as they hear them, in two scripts, with 'Distt.' before and a second name in
brackets. A name is sought among the children of the area above it, in this order: as written, by
its sounds, by likeness. A name that two areas could bear is not resolved: the area above it stays.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz.distance import OSA

from khana_methods.standardise.digits import comparison_key

OK = "OK"
PARTIAL = "PARTIAL"
UNKNOWN = "UNKNOWN"
MISSING = "MISSING"
_GENERIC_WORDS = """
    district distt dist disst tehsil teh tahsil taluka talka upazila upazilla thana zila zilla division province prov
    agency ضلع تحصیل صوبہ صوبه ডিভিশন বিভাগ জেলা উপজেলা থানা ইউনিয়ন
"""
_GENERIC = frozenset(map(comparison_key, _GENERIC_WORDS.split()))
_NUMERAL = re.compile(r"(?:\b[IVXivx]+|\d+)\W*$")
_SOUNDS = (
    (re.compile("ph"), "f"),
    (re.compile("[ck]h?|q"), "k"),
    (re.compile("[jz]h?"), "j"),
    (re.compile("[wv]|ou|au|oo"), "u"),
    (re.compile("([bdgtsr])h"), r"\1"),
    (re.compile("ee|ei|ie|ai|ay|ey|y"), "i"),
    (re.compile("(?<=.)[aeiouh]"), ""),
    (re.compile(r"(.)\1+"), r"\1"),
)


@dataclass(frozen=True, slots=True)
class AreaName:
    """One area with every name it goes by, in any language.

    `former_names`: names of an earlier time, of this area or of one that it was cut from. `former_parents`: codes of areas that
    it once lay in. Lists of an older vintage name the country as it was.
    """

    code: str
    level: int
    parent: str
    names: tuple[str, ...]
    former_names: tuple[str, ...] = ()
    former_parents: tuple[str, ...] = ()


class AreaMatch(NamedTuple):
    """The smallest area that is certain, and how certain it is (0 to 1)."""

    code: str
    level: int
    state: str
    confidence: float


class _Found(NamedTuple):
    code: str
    confidence: float


class AreaResolver:
    """Finds the code of an area by its names from the top down; remembers what it found."""

    def __init__(self, areas: Iterable[AreaName]) -> None:
        """Index the areas by parent and by every form of every name."""
        self._areas = {area.code: area for area in areas}
        self._keys: dict[str, frozenset[str]] = {}
        self._sounds: dict[str, frozenset[str]] = {}
        self._by_key: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._by_former: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._once_in: dict[str, set[str]] = defaultdict(set)
        self._by_level: dict[int, list[str]] = defaultdict(list)
        self._memo: MutableMapping[tuple[str, ...], AreaMatch] = {}
        self._found: MutableMapping[tuple[str, int, str], _Found | None] = {}
        self._within: dict[tuple[int, str], frozenset[str]] = {}
        self._numbered = frozenset(
            area.code for area in self._areas.values() if any(_NUMERAL.search(name) for name in area.names)
        )
        for area in self._areas.values():
            keys = frozenset(form for name in area.names for form in _forms(name))
            self._keys[area.code] = keys
            self._sounds[area.code] = frozenset(filter(None, map(_sound, keys)))
            self._by_level[area.level].append(area.code)
            for key in keys:
                self._by_key[area.level][key].add(area.code)
            for key in (form for name in area.former_names for form in _forms(name)):
                self._by_former[area.level][key].add(area.code)
            for above in area.former_parents:
                self._once_in[above].add(area.code)

    def has_code(self, code: str) -> bool:
        """Tell whether an area has this code."""
        return code in self._areas

    def level_of(self, code: str) -> int:
        """Return the level of a code that exists."""
        return self._areas[code].level

    def ancestor(self, code: str, level: int) -> str:
        """Return the code of the area of a level that holds an area; empty where there is none."""
        while code in self._areas and self._areas[code].level > level:
            code = self._areas[code].parent
        return code if code in self._areas and self._areas[code].level == level else ""

    def resolve(self, names: Sequence[str]) -> AreaMatch:
        """Find the smallest certain area of a row.

        Args:
            names: Names from level 1 down; blank where the row does not say.

        Returns:
            The match. OK: the lowest name that is filled was found. PARTIAL: only a name above it.
            UNKNOWN: names are filled and none was found. MISSING: no name is filled.

        Examples:
            >>> resolver = AreaResolver([AreaName("PK6", 1, "PK", ("Punjab", "پنجاب")),
            ...     AreaName("PK611", 2, "PK6", ("Gujranwala",)), AreaName("PK612", 2, "PK6", ("Gujrat",))])
            >>> resolver.resolve(("PUNJAB", "Gujran Wala"))
            AreaMatch(code='PK611', level=2, state='OK', confidence=1.0)
            >>> resolver.resolve(("پنجاب", "Distt. Gujraat")).code, resolver.resolve(("Punjab", "Gujr")).code
            ('PK612', 'PK6')

            An older list: Nawabshah is Shaheed Benazirabad since 2008, and Hub left Lasbela in 2022.

            >>> older = AreaResolver([AreaName("PK2", 1, "PK", ("Balochistan",)), AreaName("PK7", 1, "PK", ("Sindh",)),
            ...     AreaName("PK716", 2, "PK7", ("Shaheed Benazirabad",), ("Nawabshah",)), AreaName("PK219", 2, "PK2", ("Lasbela",)),
            ...     AreaName("PK235", 2, "PK2", ("Hub",)), AreaName("PK23501", 3, "PK235", ("Hub",), (), ("PK219",))])
            >>> older.resolve(("Sindh", "Nawab Shah")).code, older.resolve(("Balochistan", "Lasbela", "Hub")).code
            ('PK716', 'PK23501')
        """
        key = tuple(names)
        match = self._memo.get(key)
        if match is None:
            match = self._memo[key] = self._resolve(key)
        return match

    def column(self, names: Sequence[pa.Array]) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Find the areas of many rows; each different combination of names is sought once.

        Args:
            names: One column of n texts for each level from 1 down, no nulls.

        Returns:
            n codes (empty where none), n levels (int8, null where none) and n states.
        """
        joined = pc.binary_join_element_wise(*names, "\x1f")
        encoded = pc.dictionary_encode(joined)
        matches = [self.resolve(text.split("\x1f")) for text in encoded.dictionary.to_pylist()]
        return (
            pa.array([m.code for m in matches], pa.string()).take(encoded.indices),
            pa.array([m.level or None for m in matches], pa.int8()).take(encoded.indices),
            pa.array([m.state for m in matches], pa.string()).take(encoded.indices),
        )

    def _resolve(self, names: tuple[str, ...]) -> AreaMatch:
        filled = [level for level, name in enumerate(names, start=1) if comparison_key(name)]
        if not filled:
            return AreaMatch("", 0, MISSING, 0.0)
        code, confidence, lowest = "", 1.0, 0
        for level in filled:
            found = self._find(names[level - 1], level, code)
            if found is None:
                found = self._by_the_name_below(names, filled, level, code)
            if found is None:
                break  # what lies below an unknown area could be anywhere
            code, confidence, lowest = found.code, min(confidence, found.confidence), level
        if not code:
            return AreaMatch("", 0, UNKNOWN, 0.0)
        state = OK if lowest == filled[-1] else PARTIAL
        return AreaMatch(code, self._areas[code].level, state, round(confidence, 2))

    def _by_the_name_below(
        self, names: tuple[str, ...], filled: Sequence[int], level: int, above: str
    ) -> _Found | None:
        """Settle a name that several areas bear by the one of them that has the area named below it."""
        bearers = self._bearers(names[level - 1], level) & self._inside(level, above)
        below = [lower for lower in filled if lower > level][:1]
        if len(bearers) < 2 or not below:
            return None
        fitting = [code for code in bearers if self._find(names[below[0] - 1], below[0], code)]
        return _Found(fitting[0], 0.9) if len(fitting) == 1 else None

    def _bearers(self, name: str, level: int) -> set[str]:
        """Return every area of a level that bears a name exactly."""
        forms = [form for reading in _readings(name) for form in reading]
        return {code for form in forms for code in self._by_key[level].get(form, ())} or {
            code for form in forms for code in self._by_former[level].get(form, ())
        }

    def _find(self, name: str, level: int, above: str) -> _Found | None:
        key = (name, level, above)
        if key not in self._found:
            self._found[key] = self._search(name, level, above)
        return self._found[key]

    def _search(self, name: str, level: int, above: str) -> _Found | None:
        """Seek one name among the areas of a level inside the area above, exactly first."""
        inside = self._inside(level, above)
        is_elsewhere = False
        for forms in _readings(name):
            bearers = {code for form in forms for code in self._by_key[level].get(form, ())}
            exact = bearers & inside
            if len(exact) == 1:
                return _Found(exact.pop(), 1.0)
            if exact:
                return None
            is_elsewhere = is_elsewhere or bool(bearers)
        former = self._as_it_was(name, level, above, inside)
        if former:
            return _Found(former.pop(), 0.9) if len(former) == 1 else None
        if is_elsewhere:
            return None  # the row contradicts itself: that area lies in another one
        inside -= self._numbered  # Town-II and Town-III are one slip apart and two places
        forms = _readings(name)[0]
        sounds = {sound for form in forms if len(sound := _sound(form)) >= 3}
        alike = {code for code in inside if sounds & self._sounds[code]}
        if len(alike) == 1:
            return _Found(alike.pop(), 0.95)
        return self._nearest(forms, inside, is_narrow=bool(above))

    def _as_it_was(self, name: str, level: int, above: str, inside: frozenset[str]) -> set[str]:
        """Seek a name in the country of an earlier time: under a former name, or inside a former parent."""
        forms = {form for forms in _readings(name) for form in forms}
        known = {code for form in forms for code in self._by_former[level].get(form, ())} & inside
        if known or not above:
            return known
        once = self._once_in[above]
        return {
            code
            for form in forms
            for by in (self._by_key, self._by_former)
            for code in by[level].get(form, ())
            if code in once or self._areas[code].parent in once
        }

    def _inside(self, level: int, above: str) -> frozenset[str]:
        """Return the codes of a level inside an area, or all of the level."""
        key = (level, above)
        if key not in self._within:
            codes = self._by_level[level]
            if above:
                top = self._areas[above].level
                codes = [code for code in codes if self.ancestor(code, top) == above]
            self._within[key] = frozenset(codes)
        return self._within[key]

    def _nearest(self, forms: Sequence[str], inside: Iterable[str], *, is_narrow: bool) -> _Found | None:
        """Return the area whose name is fewest slips away, where few are and no other is as near.

        A slip is a letter lost, added, changed or two swapped; a short name bears one, a long three.
        """
        distances = sorted(
            (min(_slips(form, key) for form in forms for key in self._keys[code]), code) for code in inside
        )
        longest = max(map(len, forms))
        bearable = (longest >= (4 if is_narrow else 5)) + (longest >= 8) + (longest >= 13)
        if not distances or distances[0][0] > bearable:
            return None
        if len(distances) > 1 and distances[1][0] == distances[0][0]:
            return None
        return _Found(distances[0][1], 1 - distances[0][0] / longest)


def _forms(name: str) -> list[str]:
    """Return the forms of a name under which it is indexed: as written and with words sorted."""
    words = [word for word in comparison_key(name).split() if word not in _GENERIC]
    words = words or comparison_key(name).split()
    written, ordered = "".join(words), "".join(sorted(words))
    return [written] if written == ordered else [written, ordered]


def _readings(name: str) -> list[list[str]]:
    """Return the ways to read a name: whole, without brackets, what stands in them, before 'at'."""
    parts = [name]
    bracket = re.fullmatch(r"(.*)\((.*)\)(.*)", name)
    if bracket:
        parts += [f"{bracket[1]} {bracket[3]}", bracket[2]]
    at = re.split(r"\s+(?:at|@)\s+|/", name, maxsplit=1)
    if len(at) == 2:
        parts += at
    return [forms for part in parts if (forms := _forms(part)) and forms[0]]


def _sound(form: str) -> str:
    """Return the consonants of a Latin name as they are heard; empty for other scripts."""
    if not form.isascii():
        return ""
    for pattern, instead in _SOUNDS:
        form = pattern.sub(instead, form)
    return form


def _slips(first: str, second: str) -> int:
    """Count the slips of the pen between two names (optimal string alignment)."""
    return int(OSA.distance(first, second, score_cutoff=4))
