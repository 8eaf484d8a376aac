"""Which lines are no rows: blank, the header again, totals, notes, and titles that tell facts.

A total or note is only believed where the line has no personal number and few filled cells: a person
called *Total* stays a person. Titles fill the facts of the rows below them until the next title.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.header import Plan
from khana_methods.standardise.digits import clean_text, comparison_key

_TOTAL = re.compile(
    r"^\W*(?:(?:grand|page|sheet|district|tehsil|overall|running)\s+)?(?:sub\W*)?totals?\b"
    r"|^\W*(?:کل|میزان|ٹوٹل|مجموعہ|ذیلی)(?:\s|\W|$)|^\W*(?:সর্ব|উপ)?-?মোট(?:\s|\W|$)",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"^\W*(?:prepared|checked|verified|approved|certified|signed|countersigned|printed|generated|end of)\b"
    r"(?:.*\bby\b|.*\bon\b|\W|$)|^\W*(?:notes?|n\.?b\.?|source|remarks?)\s*[:.-]",
    re.IGNORECASE,
)


class LineRules:
    """Judges records that may be no rows, under one contract and one header."""

    def __init__(self, contract: Contract, plan: Plan) -> None:
        """Prepare the patterns of a contract for the columns of one header."""
        self._contract = contract
        self._plan = plan
        self._header = [comparison_key(name.rsplit("\n", 1)[-1]) for name in plan.header]
        self._named = [position for position, key in enumerate(self._header) if key]
        self._blocks = [re.compile(pattern) for pattern in contract.blocks]
        self._patterns = [re.compile(pattern) for pattern in contract.not_data.patterns]
        numbers = [name for name in contract.facts if contract.fact_type(name) == "personal_number"]
        self._numbers = [p for name in numbers for p in plan.facts.get(name, ())]
        self._most_of_aside = max(3, len(self._header) // 2)
        self.told: dict[str, str] = {}

    def read_sheet_name(self, name: str) -> None:
        """Take the facts that the name of a sheet tells."""
        self.told = {}
        match = re.search(self._contract.file.sheet_pattern, name) if self._contract.file.sheet_pattern else None
        if match:
            self._tell(match)

    def is_no_row(self, cells: Sequence[str]) -> bool:
        """Tell whether a record is a title, the header again, a total or a note."""
        filled = sum(1 for cell in cells if cell and not cell.isspace())
        if filled <= self._most_of_aside and (self.is_title(cells) or self.is_aside(cells)):
            return True
        return self.is_header(cells)

    def is_title(self, cells: Sequence[str]) -> bool:
        """Tell whether a record is a title line, and take the facts that it tells."""
        if not self._blocks:
            return False
        text = " ".join(cell.strip() for cell in cells if cell.strip())
        is_one = False
        for pattern in self._blocks:
            match = pattern.search(text)
            if match:
                self._tell(match)
                is_one = True
        return is_one

    def is_header(self, cells: Sequence[str]) -> bool:
        """Tell whether a record is the header again."""
        if not self._contract.not_data.repeated_header or self._plan.index < 0 or not self._named:
            return False
        first = self._named[:2]
        if not any(p < len(cells) and comparison_key(cells[p]) == self._header[p] for p in first):
            return False
        keys = [comparison_key(cell) for cell in cells[: len(self._header)]]
        keys += [""] * (len(self._header) - len(keys))
        same = sum(keys[position] == self._header[position] for position in self._named)
        return (same >= 2 and same * 10 >= len(self._named) * 8) or (len(self._named) == 1 and same == 1)

    def is_aside(self, cells: Sequence[str]) -> bool:
        """Tell whether a record is a total, a note or another line that the contract calls no row."""
        filled = [cell for cell in cells if cell.strip()]
        if not filled or len(filled) > self._most_of_aside:
            return False
        if any(position < len(cells) and _has_digit(cells[position]) for position in self._numbers):
            return False
        if any(pattern.search(clean_text(filled[0])) for pattern in self._patterns):
            return True
        if self._contract.not_data.totals and any(_TOTAL.match(cell) for cell in filled):
            return True
        return len(filled) == 1 and bool(_NOTE.match(filled[0]))

    def _tell(self, match: re.Match[str]) -> None:
        for fact, value in match.groupdict().items():
            if value is not None:
                self.told[fact] = clean_text(value)


def _has_digit(cell: str) -> bool:
    return any(character.isdigit() for character in cell)


def structure_fault(cells: Sequence[str], width: int) -> str:
    """Name what is wrong with the number of cells of a record; empty where nothing is.

    Examples:
        >>> [structure_fault(cells, 3) for cells in (["1", "a"], ["", "1", "a", "b"], ["1", "a", "b", "c"], ["1", "a", "b"])]
        ['short_row', 'shifted_row', 'long_row', '']
    """
    if len(cells) == width:
        return ""
    if len(cells) < width:
        return "short_row"
    is_shifted = len(cells) == width + 1 and not cells[0].strip() and bool(cells[1].strip())
    return "shifted_row" if is_shifted else "long_row"
