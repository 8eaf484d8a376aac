"""From the dossier of a source to words: freshness, states, quarantine codes, the kept study."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from khana.dossiers.source_file import SourceFile, SourceLine
from khana.interfaces.web import wording

FRESHNESS = {
    "fresh": (_("fresh"), "good"), "due": (_("a new list is due"), "warn"), "late": (_("late"), "bad"),
    "none": (_("nothing yet"), "info"),
}  # fmt: skip
QUARANTINE = {
    "short_row": _("Too few columns"), "long_row": _("Too many columns"), "shifted_row": _("Cells are shifted"),
    "truncated_json": _("The record is cut off"), "trailing_comma": _("A comma too many"), "nan_value": _("A value that is no number"),
    "missing_holder": _("The holder is missing"), "impossible_date": _("A date that does not exist"),
    "empty_identity": _("Neither name nor number"), "control_char": _("A control character"), "nul_char": _("A NUL character"),
    "foreign_byte": _("Bytes of another encoding"), "ROW_MALFORMED": _("The record is broken"),
}  # fmt: skip


def line(found: SourceLine) -> dict[str, Any]:
    """Return one source for the list."""
    words, tone = FRESHNESS[found.freshness]
    return {
        "found": found,
        "freshness": str(words),
        "tone": tone,
        "frequency": wording.say(wording.FREQUENCY, found.source.frequency),
        "programmes": [row.called(wording.language()) for row in found.programmes] or list(found.source.programmes),
    }


def source(found: SourceFile) -> dict[str, Any]:
    """Return one source for its page."""
    return {
        **line(found.line),
        "file": found,
        "batches": [{"row": row, "state": wording.say(wording.BATCH_STATE, row.state)} for row in found.batches],
        "findings": [(n, wording.finding(code)) for code, n in found.findings.items()],
    }


def held(row: Any) -> dict[str, Any]:
    """Return one row in quarantine with the reason in words."""
    kind = row.detail.split(":")[0].strip()
    reason = QUARANTINE.get(row.code) if row.code != "ROW_MALFORMED" else QUARANTINE.get(kind)
    return {"row": row, "reason": str(reason or QUARANTINE.get(kind) or row.code)}


def study(result: dict[str, Any]) -> dict[str, Any]:
    """Return a study as its page shows it: verdict, shares, columns, what to fix."""
    shares = [
        (name, value) for name, value in result.items()
        if isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value <= 1 and "share" in name
    ]  # fmt: skip
    return {"result": result, "shares": shares}
