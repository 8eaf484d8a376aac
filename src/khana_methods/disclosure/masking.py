"""Numbers of people as they may be shown: enough to recognise, not enough to use."""

from __future__ import annotations

SHOWN = 4


def mask(number: str | None) -> str:
    """Hide all but the last four signs of a number.

    Args:
        number: A personal, telephone or account number; None or empty where there is none.

    Returns:
        The same length, with stars; a number of four signs or fewer is hidden whole.

    Examples:
        >>> mask("8220312345671"), mask("123"), mask(None)
        ('*********5671', '***', '')
    """
    if not number:
        return ""
    hidden = max(0, len(number) - SHOWN) if len(number) > SHOWN else len(number)
    return "*" * hidden + number[hidden:]
