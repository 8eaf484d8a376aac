"""Text that a spreadsheet would run as a formula, made harmless on its way out.

A cell that begins with `=`, `+`, `-`, `@` or a tab or line break is run by spreadsheets, also when
it came from a stranger's list (CSV injection). An apostrophe in front makes it text. Numbers are
no formulas and stay as they are.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_STARTS = r"^[=+\-@\t\r\n＝＋－＠]"
_NUMBER = re.compile(r"[+-]?\d[\d ,]*(?:\.\d+)?%?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def neutralise(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula.

    Args:
        text: One cell, as it came.

    Returns:
        The same text, or the text with an apostrophe in front.

    Source:
        OWASP, CSV Injection (2024).

    Examples:
        >>> neutralise("=HYPERLINK(A1)")
        "'=HYPERLINK(A1)"
        >>> neutralise("-12.50"), neutralise("+92 300 1234567"), neutralise("Ali")
        ('-12.50', '+92 300 1234567', 'Ali')
        >>> neutralise("-1+cmd|A1")
        "'-1+cmd|A1"
    """
    if text.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def restore(text: str) -> str:
    """Take away the apostrophe that `neutralise` put there: for files that come back corrected.

    Examples:
        >>> restore("'=1+1"), restore("'s-Gravenhage")
        ('=1+1', "'s-Gravenhage")
    """
    if text.startswith("'") and text[1:].startswith(FORMULA_STARTS):
        return text[1:]
    return text


def printable(text: str) -> str:
    """Drop control characters that no spreadsheet file may hold.

    Examples:
        >>> printable("a" + chr(0) + "b")
        'ab'
    """
    return _CONTROL.sub("", text)


def harmless(table: pa.Table) -> pa.Table:
    """Return a table whose texts and names of columns no spreadsheet runs as formulas; other columns are not touched.

    Examples:
        >>> harmless(pa.table({"a": ["=1", None, "b"], "=n": [1, 2, 3]})).to_pydict()
        {'a': ["'=1", None, 'b'], "'=n": [1, 2, 3]}
    """
    for number, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            column = table.column(number)
            risky = pc.match_substring_regex(column, _STARTS)
            if pc.any(risky).as_py():
                safe = [None if text is None else neutralise(text) for text in column.to_pylist()]
                table = table.set_column(number, field, pa.array(safe, field.type))
    return table.rename_columns([neutralise(name) for name in table.schema.names])


def harmless_sql(text: str) -> str:
    """Write a text so that no spreadsheet runs it, as `neutralise`: for rows that an engine writes by itself.

    Args:
        text: SQL of a text.

    Examples:
        >>> harmless_sql("name").startswith("CASE WHEN regexp_matches(name,")
        True
    """
    risky = f"regexp_matches({text}, '{_STARTS}') AND NOT regexp_full_match({text}, '{_NUMBER.pattern}')"
    return f"CASE WHEN {risky} THEN chr(39) || {text} ELSE {text} END"
