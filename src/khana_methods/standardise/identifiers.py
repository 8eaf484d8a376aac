"""Personal numbers: one canonical form per number, and a state that says what is wrong with it.

A *scheme* is one kind of number as a country pack describes it (CNIC, B-form, NID, birth
registration). The *canonical* form is ASCII digits only, and one number has one: 13- and 17-digit
NIDs meet in the last 13. A number is MISSING (no digit stands there), MALFORMED (no valid length,
or all digits equal) or OK. Parity, province and year are warnings: offices' own numbers break them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from khana_methods.errors import NotConfigured
from khana_methods.standardise.digits import ascii_digits
from khana_methods.yaml_text import read_yaml

OK = "OK"
MISSING = "MISSING"
MALFORMED = "MALFORMED"
_SCIENTIFIC = re.compile(r"^\d(?:[.,]\d+)?[eE]\+?\d{1,2}$")
_TRAILING_ZERO = re.compile(r"\.0+$")
_SEPARATORS = re.compile(r"[\s\-./_,'`´‐-―−()\u200b-\u200f\ufeff]+")


class IdentifierRulesInvalid(NotConfigured):
    """The country pack's identifiers contradict themselves; no number may be read with them."""

    code: ClassVar[str] = "standardise.identifiers.invalid"


@dataclass(frozen=True, slots=True)
class PersonalNumber:
    """One number as read: `canonical` is empty unless the state is OK."""

    state: str
    canonical: str = ""
    type: str = ""
    scheme: str = ""
    prefix: str = ""
    is_scientific: bool = False


@dataclass(frozen=True, slots=True)
class NumberForm:
    """One length that a number may have, and what its canonical form is."""

    kind: str
    type: str
    scheme: str
    length: int
    keep_last: int = 0
    insert_zero_before_last: int = 0
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True)
class IdentifierRules:
    """The numbers of one country, as its pack describes them."""

    country: str
    forms: tuple[NumberForm, ...]
    warnings: Mapping[str, Any] = field(default_factory=dict)
    memo: MutableMapping[str, PersonalNumber] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, path: Path) -> IdentifierRules:
        """Read the rules from a country pack's `identifiers.yaml`.

        Raises:
            IdentifierRulesInvalid: The file is absent or lacks what a number needs.
        """
        try:
            document = read_yaml(path.read_text(encoding="utf-8"))
            return cls.parse(document)
        except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
            raise IdentifierRulesInvalid(
                f"The identifiers of the country pack cannot be read from {path.name}.", file=path.name
            ) from error

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> IdentifierRules:
        """Make the rules from a mapping in the shape of `identifiers.yaml`."""
        forms = []
        for scheme in document["identifiers"]:
            for form in scheme["forms"]:
                pattern = form.get("pattern")
                forms.append(
                    NumberForm(
                        kind=str(scheme["type"]),
                        type=str(form.get("type", scheme["type"])),
                        scheme=str(scheme["scheme"]),
                        length=int(form["length"]),
                        keep_last=int(form.get("keep_last", 0)),
                        insert_zero_before_last=int(form.get("insert_zero_before_last", 0)),
                        pattern=re.compile(pattern) if pattern else None,
                    )
                )
        warnings = {str(scheme["type"]): scheme.get("warnings", {}) for scheme in document["identifiers"]}
        return cls(country=str(document["country"]), forms=tuple(forms), warnings=warnings)

    def standardise(self, text: str) -> PersonalNumber:
        """Bring one number to its canonical form, or say why it has none.

        Args:
            text: The cell as it came: any script, any separators, a trailing ``.0`` of a spreadsheet.

        Examples:
            >>> rules = IdentifierRules.parse({"country": "pak", "identifiers": [
            ...     {"type": "CNIC", "scheme": "PK", "forms": [{"length": 13}]}]})
            >>> rules.standardise("۳۹۸۰۱-۳۹۲۸۱۲۴-۴").canonical
            '3980139281244'
            >>> [rules.standardise(text).state for text in ("applied for", "0000000000000", "3.98E+12", "3980139281244.0")]
            ['MISSING', 'MALFORMED', 'MALFORMED', 'OK']
        """
        plain = ascii_digits(text).strip()
        if not any(character.isdigit() for character in plain):
            return PersonalNumber(MISSING)
        if _SCIENTIFIC.match(plain):
            return PersonalNumber(MALFORMED, is_scientific=True)
        digits = _SEPARATORS.sub("", _TRAILING_ZERO.sub("", plain))
        if not digits.isascii() or not digits.isdigit() or len(set(digits)) == 1:
            return PersonalNumber(MALFORMED)
        for form in self.forms:
            if len(digits) == form.length and (form.pattern is None or form.pattern.search(digits)):
                return _canonical(digits, form)
        return PersonalNumber(MALFORMED)

    def number_warnings(self, number: PersonalNumber, sex: str = "") -> list[str]:
        """List what is odd about a number that is OK: never a reason to refuse it.

        Args:
            number: A number in state OK.
            sex: M, F, O or empty; parity is not asked of O.

        Examples:
            >>> rules = IdentifierRules.parse({"country": "pak", "identifiers": [{"type": "CNIC", "scheme": "PK",
            ...     "forms": [{"length": 13}], "warnings": {"first_digits": "12345678", "parity_of_sex": True}}]})
            >>> rules.number_warnings(rules.standardise("82203-1234567-1"), "F")
            ['parity']
            >>> rules.number_warnings(rules.standardise("92203-1234567-1"), "M")
            ['first_digit']
        """
        kinds = {form.type: form.kind for form in self.forms}
        asked = self.warnings.get(kinds.get(number.type, number.type)) or {}
        found = []
        if asked.get("first_digits") and number.canonical[:1] not in str(asked["first_digits"]):
            found.append("first_digit")
        if asked.get("parity_of_sex") and sex in ("M", "F"):
            is_odd = int(number.canonical[-1]) % 2 == 1
            if is_odd != (sex == "M"):
                found.append("parity")
        return found

    def column(self, texts: pa.Array, number_type: str = "") -> tuple[pa.Table, list[int]]:
        """Bring a column of numbers to canonical form.

        Args:
            texts: n texts, no nulls.
            number_type: Type that the column is known to hold, such as BRN; empty tries all.

        Returns:
            n rows, one per number, same order: ``canonical`` (null unless OK), ``state``, ``type``,
            ``scheme``, ``prefix`` (null unless a year was cut off); and the positions written in
            scientific notation.
        """
        rules = self.only(number_type) if number_type else self
        digits = texts
        if pc.any(pc.match_substring(texts, "-")).as_py():
            digits = pc.replace_substring(texts, "-", "")
        easy = rules._easy_forms()
        lengths = "|".join(f"[0-9]{{{form.length}}}" for form in easy) or "$^"
        is_easy = pc.and_not(
            pc.match_substring_regex(digits, f"^(?:{lengths})$"),
            pc.is_in(
                digits, value_set=pa.array([str(d) * form.length for form in easy for d in range(10)], pa.string())
            ),
        )
        is_blank = pc.equal(texts, "")
        is_hard = pc.invert(pc.or_(is_easy, is_blank))
        hard = pc.indices_nonzero(is_hard)
        numbers = rules._each(texts.take(hard))
        positions = hard.to_pylist()
        scientific = [positions[i] for i, number in enumerate(numbers) if number.is_scientific]
        columns = rules._easy_columns(digits, is_easy, easy)
        columns["state"] = pc.if_else(is_blank, MISSING, columns["state"])
        if numbers:
            slow = _table(numbers)
            columns = {
                name: pc.replace_with_mask(column, is_hard, slow[name].combine_chunks())
                for name, column in columns.items()
            }
        return pa.table(columns), scientific

    def only(self, number_type: str) -> IdentifierRules:
        """Return the same rules for one type of number.

        Raises:
            IdentifierRulesInvalid: The country has no such type.
        """
        forms = tuple(form for form in self.forms if number_type in (form.kind, form.type))
        if not forms:
            raise IdentifierRulesInvalid(
                f"The country pack has no number of type {number_type}.", number_type=number_type
            )
        return IdentifierRules(self.country, forms, self.warnings)

    def _easy_forms(self) -> list[NumberForm]:
        """Return the forms that need nothing but digits of a length that is theirs alone."""
        firsts = {form.length: form for form in reversed(self.forms)}
        return [
            form
            for form in firsts.values()
            if not (form.insert_zero_before_last or form.pattern) and form.keep_last in (0, form.length)
        ]

    @staticmethod
    def _easy_columns(digits: pa.Array, is_easy: pa.Array, easy: list[NumberForm]) -> dict[str, pa.Array]:
        length = pc.utf8_length(digits)
        none = pa.scalar(None, pa.string())
        types, schemes = none, none
        for form in easy:
            here = pc.and_(is_easy, pc.equal(length, form.length))
            types = pc.if_else(here, form.type, types)
            schemes = pc.if_else(here, form.scheme, schemes)
        if not easy:
            types = schemes = pa.nulls(len(digits), pa.string())
        return {
            "canonical": pc.if_else(is_easy, digits, none),
            "state": pc.if_else(is_easy, pa.scalar(OK), none),
            "type": types,
            "scheme": schemes,
            "prefix": pa.nulls(len(digits), pa.string()),
        }

    def _each(self, texts: pa.Array) -> list[PersonalNumber]:
        if len(self.memo) > 200_000:
            self.memo.clear()
        results = []
        for text in texts.to_pylist():
            number = self.memo.get(text)
            if number is None:
                number = self.memo[text] = self.standardise(text)
            results.append(number)
        return results


def _canonical(digits: str, form: NumberForm) -> PersonalNumber:
    prefix = ""
    if form.insert_zero_before_last:
        cut = len(digits) - form.insert_zero_before_last
        digits = digits[:cut] + "0" + digits[cut:]
    if form.keep_last and len(digits) > form.keep_last:
        prefix, digits = digits[: -form.keep_last], digits[-form.keep_last :]
    return PersonalNumber(OK, digits, form.type, form.scheme, prefix)


def _table(numbers: list[PersonalNumber]) -> pa.Table:
    def text(values: list[str]) -> pa.Array:
        return pa.array([value or None for value in values], pa.string())

    return pa.table(
        {
            "canonical": text([number.canonical for number in numbers]),
            "state": pa.array([number.state for number in numbers], pa.string()),
            "type": text([number.type for number in numbers]),
            "scheme": text([number.scheme for number in numbers]),
            "prefix": text([number.prefix for number in numbers]),
        }
    )
