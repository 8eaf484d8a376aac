"""Convert the texts of each fact to its type, a column at a time, and judge the rows.

A row is refused where a date is impossible, a period or programme cannot be told, or nothing says
whom it is about; anything else that is odd is noted and received. Each different text of a column
is worked out once for the whole file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from khana.deliveries.contracts.schema import AREA_FACTS, Contract, FactRule
from khana.deliveries.reading.chunk import FORMULA_TEXT, ROW_ODD, Chunk, Parted, Refused, quarantine_table
from khana.deliveries.reading.packing import packed_json
from khana_methods.rules.facts import Fact, load_facts
from khana_methods.standardise.amounts import Amount, amount_column, number_column
from khana_methods.standardise.areas import AreaResolver
from khana_methods.standardise.dates import PartialDate, date_columns
from khana_methods.standardise.digits import comparison_key, first_letters, text_column
from khana_methods.standardise.identifiers import IdentifierRules
from khana_methods.standardise.periods import Period, period_columns
from khana_methods.standardise.phones import mobile_column

_AREA_CODES = ("union_code", "tehsil_code", "district_code", "province_code")
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "y", "1", "t", "ہاں", "جی ہاں", "হ্যাঁ", "হা"), True),
    **dict.fromkeys(("false", "no", "n", "0", "f", "نہیں", "না"), False),
}
_SEXES = {
    "M": "m male man boy مرد لڑکا পুরুষ ছেলে",
    "F": "f female woman girl عورت خاتون لڑکی মহিলা নারী মেয়ে",
    "O": "o x other transgender tg خواجہ سرا হিজড়া অন্যান্য",
}
_LATE_PIVOT = 69
_BIRTH_PIVOT = 29
Mask = npt.NDArray[np.bool_]


class Converter:
    """Converts the blocks of one file; what it has worked out once it remembers."""

    def __init__(self, contract: Contract, identifiers: IdentifierRules, areas: AreaResolver | None) -> None:
        """Prepare for one contract.

        Args:
            contract: What the file is read under.
            identifiers: The personal numbers of the country.
            areas: Finds areas by name and code; None leaves areas unresolved.
        """
        self._contract = contract
        self._identifiers = identifiers
        self._areas = areas
        catalogue = load_facts()
        self._facts: dict[str, Fact] = {
            name: catalogue.get(name, contract.entity) for name in sorted(contract.given_facts())
        }
        self._order = [*contract.facts, *(name for name in self._facts if name not in contract.facts)]
        self._memo: dict[tuple[str, ...], Any] = defaultdict(dict)
        self._maps: dict[str, dict[str, str | None]] = {}

    def convert(self, parted: Parted) -> Chunk:
        """Convert one block.

        Args:
            parted: Texts by fact.

        Returns:
            The typed rows, and the refused ones with those that parting refused.
        """
        block = _Block(parted, self._contract)
        texts = self._texts(parted, block)
        own = self._own_benefits(texts)
        self._pivot = self._birth_pivot(texts)
        for name in self._order:
            self._convert_fact(name, texts[name], block)
        if own is not None:
            self._blank_payee(block, own)
        self._add_area(block)
        self._refuse_without_identity(block)
        self._refuse_without_programme(block)
        return block.finish(parted, keep_unmapped=self._contract.keep_unmapped)

    def _texts(self, parted: Parted, block: _Block) -> dict[str, pa.Array]:
        """Return the texts of every fact: of columns, of titles, of constants; translated."""
        count = len(parted)
        texts: dict[str, pa.Array] = {}
        for name in self._order:
            rule = self._contract.facts.get(name)
            column = parted.texts.get(name)
            if rule is not None and rule.constant is not None:
                column = pa.array([rule.constant] * count, pa.string())
            if column is None:
                column = pa.array([""] * count, pa.string())
            if rule is not None:
                column = self._translated(name, rule, column, block)
            texts[name] = column
        return texts

    def _translated(self, name: str, rule: FactRule, column: pa.Array, block: _Block) -> pa.Array:
        """Translate values as the contract says, and drop its words for 'not stated'."""
        fact = self._facts[name]
        if not (rule.values or rule.missing or fact.codes):
            return column
        table = self._map_of(name, rule, fact)
        encoded = pc.dictionary_encode(column)
        unique = encoded.dictionary.to_pylist()
        translated: list[str] = []
        unknown: set[int] = set()
        is_closed = bool(fact.codes) or (bool(rule.values) and fact.type in ("text", "boolean"))
        for number, text in enumerate(unique):
            key = comparison_key(text)
            known = text.strip() if text.strip() in table else key
            if known in table:
                translated.append(table[known] or "")
                continue
            if is_closed and text.strip():
                unknown.add(number)
            translated.append("" if is_closed else text)
        if unknown:
            indices = encoded.indices.to_numpy(zero_copy_only=False)
            block.note(np.flatnonzero(np.isin(indices, list(unknown))).tolist(), "VALUE_UNKNOWN", name, "")
        return pa.array(translated, pa.string()).take(encoded.indices)

    def _map_of(self, name: str, rule: FactRule, fact: Fact) -> dict[str, str | None]:
        table = self._maps.get(name)
        if table is None:
            table = {}
            if name == "sex" or name.endswith("_sex"):
                table = {comparison_key(w): sex for sex, words in _SEXES.items() for w in words.split()}
            table |= {comparison_key(code): code for code in fact.codes}
            table |= {comparison_key(value): value for value in rule.values.values() if value}
            table |= {comparison_key(word): "" for word in rule.missing}
            for text, value in rule.values.items():
                table[text.strip()] = value
                table[comparison_key(text)] = value
            table.pop("", None) if "" not in rule.values else None
            self._maps[name] = table
        return table

    def _own_benefits(self, texts: dict[str, pa.Array]) -> pa.Array | None:
        """Make the payee the beneficiary where no beneficiary is named; return where."""
        names = self._contract.own_benefit_when_blank
        if not names:
            return None
        own = pc.equal(pc.utf8_trim_whitespace(texts[names[0]]), "")
        for name in names[1:]:
            own = pc.and_(own, pc.equal(pc.utf8_trim_whitespace(texts[name]), ""))
        for name in list(texts):
            payee = name.replace("beneficiary_", "payee_", 1)
            if name.startswith("beneficiary_") and payee in texts:
                texts[name] = pc.if_else(own, texts[payee], texts[name])
        return own

    @staticmethod
    def _blank_payee(block: _Block, own: pa.Array) -> None:
        """Empty the payee where she is the beneficiary: what is odd about her is told once."""
        block.forget_notes(set(pc.indices_nonzero(own).to_pylist()), "payee_")
        for name in list(block.columns):
            if name.startswith("payee_"):
                column = block.columns[name]
                blank = "" if name.endswith("_state") or name in ("payee_name", "payee_guardian_name") else None
                block.columns[name] = pc.if_else(own, pa.scalar(blank, column.type), column)

    def _birth_pivot(self, texts: dict[str, pa.Array]) -> int:
        """Return up to which two-digit year a birth is in this century: that of the list's periods."""
        if self._contract.century_pivot is not None:
            return self._contract.century_pivot
        if "period" in texts and len(texts["period"]):
            ends = self._periods(texts["period"])[2]
            latest = pc.max(ends).as_py()
            if latest is not None:
                return int(latest.year % 100)
        return _BIRTH_PIVOT

    def _periods(self, texts: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array, list[int]]:
        memo: dict[str, Period | None] = self._memo[("period",)]
        return period_columns(texts, memo, self._contract.fiscal_year_starts, self._contract.date_order)

    def _convert_fact(self, name: str, texts: pa.Array, block: _Block) -> None:
        """Convert one fact's texts and keep the columns that it makes."""
        fact, rule = self._facts[name], self._contract.facts.get(name)
        kind = fact.type
        if kind == "personal_number":
            self._convert_number(name, texts, rule, block)
        elif kind in ("date", "partial_date"):
            self._convert_date(name, texts, rule, block, is_partial=kind == "partial_date")
        elif kind == "mobile":
            memo: dict[str, tuple[str, str]] = self._memo[("mobile",)]
            table = mobile_column(texts, self._identifiers.country, memo)
            block.columns[name] = _flat(table["number"])
            block.columns[f"{name}_state"] = _flat(table["state"])
        elif kind == "account":
            plain = pc.utf8_upper(text_column(texts))
            plain = pc.replace_substring_regex(plain, r"[^\pL\pN]+", "")
            block.columns[name] = pc.if_else(pc.match_substring_regex(plain, "[0-9]"), plain, None)
        elif kind in ("money", "decimal", "integer"):
            self._convert_amount(name, texts, rule, block, kind)
        elif kind == "boolean":
            self._convert_boolean(name, texts, block)
        elif kind == "period":
            text, start, end, unread = self._periods(texts)
            block.columns |= {name: text, f"{name}_start": start, f"{name}_end": end}
            block.refuse(unread, "unreadable_period", name)
        elif kind == "area":
            cleaned = pc.utf8_upper(text_column(texts))
            block.columns[name] = pc.if_else(pc.equal(cleaned, ""), None, cleaned)
        else:
            cleaned = text_column(texts, self._memo[("text",)])
            block.columns[name] = cleaned
            block.note(np.flatnonzero(runs_as_formula(cleaned)).tolist(), FORMULA_TEXT, name, "")

    def _convert_number(self, name: str, texts: pa.Array, rule: FactRule | None, block: _Block) -> None:
        rules = self._identifiers
        if rule is not None and rule.number_type:
            key = ("identifiers", rule.number_type)
            rules = self._memo.get(key) or self._memo.setdefault(key, rules.only(rule.number_type))
        table, scientific = rules.column(texts)
        block.columns[name] = _flat(table["canonical"])
        for part in ("state", "type", "scheme", "prefix"):
            block.columns[f"{name}_{part}"] = _flat(table[part])
        block.note(scientific, ROW_ODD, name, "number_scientific")

    def _convert_date(
        self, name: str, texts: pa.Array, rule: FactRule | None, block: _Block, *, is_partial: bool
    ) -> None:
        order = (rule.order if rule else None) or self._contract.date_order
        pivot = self._pivot if "birth" in name else _LATE_PIVOT
        memo: dict[str, PartialDate] = self._memo[("date", order, str(pivot))]
        dates = date_columns(texts, order, pivot, memo=memo)
        block.refuse(dates.unreadable, "impossible_date", name)
        if is_partial:
            block.columns |= {f"{name}_year": dates.year, f"{name}_month": dates.month, f"{name}_day": dates.day}
        else:
            block.columns[name], partial = dates.as_date32()
            block.note(partial, "DATE_PARTIAL", name, "")

    def _convert_amount(self, name: str, texts: pa.Array, rule: FactRule | None, block: _Block, kind: str) -> None:
        memo: dict[str, Amount] = self._memo[("amount",)]
        scale = (rule.scale if rule else None) or 1.0
        if rule is not None and rule.decimal == ",":  # 1.234,50: points part thousands, the comma the decimals
            texts = pc.replace_substring(pc.replace_substring_regex(texts, r"[.\s\x{a0}]", ""), ",", ".")
        if kind == "money" and scale == 1.0:
            read = amount_column(texts, memo)
            block.columns[name] = read.values
            block.note(read.text, ROW_ODD, name, "amount_text")
        else:
            read = number_column(texts, memo, scale)
            values = read.values
            if kind == "money":
                values = pc.round(values, 2).cast(pa.decimal128(16, 2))
            elif kind == "integer":
                whole = pc.equal(pc.floor(values), values)
                fractions = pc.indices_nonzero(pc.fill_null(pc.invert(whole), False)).to_pylist()
                block.note(fractions, "NUMBER_UNREADABLE", name, "")
                values = pc.if_else(whole, values, None).cast(pa.int64())
            block.columns[name] = values
        block.note(read.unreadable, "NUMBER_UNREADABLE", name, "")

    def _convert_boolean(self, name: str, texts: pa.Array, block: _Block) -> None:
        encoded = pc.dictionary_encode(texts)
        unique = encoded.dictionary.to_pylist()
        values = [_BOOLEANS.get(comparison_key(text), _BOOLEANS.get(text.strip().casefold())) for text in unique]
        block.columns[name] = pa.array(values, pa.bool_()).take(encoded.indices)
        bad = [number for number, text in enumerate(unique) if values[number] is None and text.strip()]
        if bad:
            indices = encoded.indices.to_numpy(zero_copy_only=False)
            block.note(np.flatnonzero(np.isin(indices, bad)).tolist(), "VALUE_UNKNOWN", name, "")

    def _add_area(self, block: _Block) -> None:
        """Add the smallest certain area, from codes where the file has them, else from names."""
        columns = block.columns
        codes = [columns[name] for name in ("area_code", *_AREA_CODES) if name in columns]
        if codes:
            code = pc.coalesce(*codes) if len(codes) > 1 else codes[0]
            self._area_from_codes(code, block)
            return
        names = [columns.get(name) for name in AREA_FACTS]
        if not any(column is not None for column in names):
            return
        blank = pa.array([""] * block.count, pa.string())
        filled: list[pa.Array] = [blank if column is None else column for column in names]
        while columns.get(AREA_FACTS[len(filled) - 1]) is None:
            filled.pop()
        if self._areas is None:
            columns["area_code"] = blank
            columns["area_level"] = pa.nulls(block.count, pa.int8())
            columns["area_state"] = pa.array(["UNKNOWN"] * block.count, pa.string())
            return
        columns["area_code"], columns["area_level"], columns["area_state"] = self._areas.column(filled)

    def _area_from_codes(self, code: pa.Array, block: _Block) -> None:
        encoded = pc.dictionary_encode(pc.fill_null(code, ""))
        levels: list[int | None] = []
        states: list[str] = []
        for value in encoded.dictionary.to_pylist():
            is_known = self._areas is not None and self._areas.has_code(value)
            levels.append(self._areas.level_of(value) if self._areas is not None and is_known else None)
            states.append("OK" if is_known else "UNKNOWN" if value else "MISSING")
        block.columns["area_code"] = pc.fill_null(code, "")
        block.columns["area_level"] = pa.array(levels, pa.int8()).take(encoded.indices)
        block.columns["area_state"] = pa.array(states, pa.string()).take(encoded.indices)

    def _refuse_without_identity(self, block: _Block) -> None:
        """Refuse the rows of which nothing says whom or what they are about."""
        for choice in self._contract.required_facts():
            blank = np.ones(block.count, dtype=bool)
            for name in choice:
                if name in self._facts:
                    blank &= self._is_blank(name, block.columns)
            block.refuse(np.flatnonzero(blank).tolist(), "empty_identity", choice[0])

    def _refuse_without_programme(self, block: _Block) -> None:
        """Refuse the rows of a list that say a programme which the contract does not know, or none."""
        if self._contract.entity == "benefit" and "programme" in block.columns:
            block.refuse(
                np.flatnonzero(self._is_blank("programme", block.columns)).tolist(), "unknown_programme", "programme"
            )

    def _is_blank(self, name: str, columns: dict[str, pa.Array]) -> Mask:
        kind = self._facts[name].type
        if kind == "personal_number":
            return mask_of(pc.equal(columns[f"{name}_state"], "MISSING"))
        column = columns[f"{name}_year"] if kind == "partial_date" else columns[name]
        if pa.types.is_string(column.type):
            return mask_of(pc.equal(pc.fill_null(column, ""), ""))
        return mask_of(pc.is_null(column))


class _Block:
    """What becomes of one block while its facts are converted."""

    def __init__(self, parted: Parted, contract: Contract) -> None:
        self.count = len(parted)
        self.columns: dict[str, pa.Array] = {}
        self._notes: dict[int, list[tuple[str, str, str]]] = {k: list(v) for k, v in parted.notes.items()}
        self._refused: dict[int, tuple[str, str]] = {}
        self._contract = contract

    def note(self, rows: Sequence[int], code: str, column: str, detail: str) -> None:
        """Note something odd about some rows."""
        for row in rows:
            self._notes.setdefault(row, []).append((code, column, detail))

    def forget_notes(self, rows: set[int], prefix: str) -> None:
        """Drop the notes of some rows about columns whose names begin in one way."""
        for row in rows & set(self._notes):
            kept = [note for note in self._notes[row] if not note[1].startswith(prefix)]
            self._notes[row] = kept
            if not kept:
                del self._notes[row]

    def refuse(self, rows: Sequence[int], detail: str, column: str) -> None:
        """Refuse some rows; the first reason stays."""
        for row in rows:
            self._refused.setdefault(row, (detail, column))

    def finish(self, parted: Parted, *, keep_unmapped: bool) -> Chunk:
        """Part the rows from the refused ones."""
        refused = list(parted.refused)
        for row, (detail, column) in self._refused.items():
            refused.append(Refused(parted.sheet, int(parted.lines[row]), detail, parted.raw_of(row), column))
        notes: list[str | None] = [None] * self.count
        for row, found in self._notes.items():
            notes[row] = json.dumps([{"code": c, "column": n, "detail": d} for c, n, d in found])
        columns = {
            "sheet": pa.array([parted.sheet] * self.count, pa.string()),
            "line": pa.array(parted.lines, pa.int64()),
            **self.columns,
            "notes": pa.array(notes, pa.string()),
        }
        if keep_unmapped:
            columns["facts"] = (
                parted.unmapped["@record"] if "@record" in parted.unmapped else packed_json(parted.unmapped, self.count)
            )
        rows = pa.table(columns)
        if self._refused:
            keep = np.ones(self.count, dtype=bool)
            keep[list(self._refused)] = False
            rows = rows.filter(pa.array(keep))
        return Chunk(rows, quarantine_table(refused), parted.not_data, parted.bytes_done)


def runs_as_formula(texts: pa.Array) -> Mask:
    """Tell which texts a spreadsheet would run: those that begin with = or @, or with + or - and more than a number or name.

    Examples:
        >>> runs_as_formula(pa.array(["=SUM(A1)", "-2+3+cmd|x", "+92 300 1234567", "-", "-ud-Din"])).tolist()
        [True, True, False, False, False]
    """
    if not len(texts):
        return np.zeros(0, dtype=bool)
    suspects = np.isin(first_letters(texts), np.frombuffer(b"=@+-", dtype=np.uint8))
    rows = np.flatnonzero(suspects)
    if len(rows):
        some = texts.take(pa.array(rows))
        harmless = pc.match_substring_regex(some, r"^(?:[=@+-]+\s*|[+-][\d\s().,/-]*|[+-][\pL\pM\s-]+)$")
        suspects[rows[mask_of(harmless)]] = False
    return suspects


def mask_of(column: pa.Array | pa.ChunkedArray) -> Mask:
    """Return a column of truth values as a NumPy mask; null is false."""
    return np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), dtype=bool)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    """Return a chunked column as one array."""
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
