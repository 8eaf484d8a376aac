"""From the dossier of a source to words: freshness, states, quarantine codes, the kept study."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from khana.dossiers.source_file import SourceFile, SourceLine
from khana.interfaces.web import wording
from khana.interfaces.web.errors.pages import in_words

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
        "batches": [
            {
                "row": row,
                "state": wording.say(wording.BATCH_STATE, row.state),
                "said": in_words(row.error_code, row.error_message),
            }
            for row in found.batches
        ],
        "findings": [(n, wording.finding(code)) for code, n in found.findings.items()],
    }


def held(row: Any) -> dict[str, Any]:
    """Return one row in quarantine with the reason in words."""
    kind = row.detail.split(":")[0].strip()
    reason = QUARANTINE.get(row.code) if row.code != "ROW_MALFORMED" else QUARANTINE.get(kind)
    return {"row": row, "reason": str(reason or QUARANTINE.get(kind) or row.code)}


MEASURES = {
    "share_readable": (
        _("Rows that can be read"),
        _("Correct the rows in quarantine and have the ministry mend its export."),
    ),
    "share_usable_identifier": (
        _("Rows with a usable number"),
        _("Collect the number of every beneficiary; rows without one cannot be linked."),
    ),
    "share_usable_payee_identifier": (
        _("Rows with a usable number of the payee"),
        _("Collect the number of every payee; payments cannot be compared without it."),
    ),
    "share_unique": (_("Rows whose number stands once"), _("Remove rows that repeat one number in one period.")),
    "share_in_national_id_extract": (
        _("Known to the identity authority"),
        _("Verify the numbers with the identity authority and renew the extract."),
    ),
    "share_in_population_register": (
        _("Known to the population register"),
        _("Have people who are missing entered in the population register."),
    ),
    "share_in_household_registry": (
        _("Known to the household registry"),
        _("Register the beneficiaries' households, or attach their numbers to them."),
    ),
    "share_area_matched": (
        _("Rows whose area is recognised"),
        _("Send area codes, or add the spellings in use to the area names of the contract."),
    ),
    "share_fresh": (_("Fresh"), _("Send the list when it is due.")),
}
LEVELS = {
    "latent": (_("latent"), "bad"), "emerging": (_("emerging"), "warn"), "moderate": (_("moderate"), "info"),
    "advanced": (_("advanced"), "good"),
}  # fmt: skip


def study(result: dict[str, Any]) -> dict[str, Any]:
    """Return a study as its page shows it: verdict, measures with their level, columns, what to fix."""
    levels = {row["measure"]: row["level"] for row in result.get("levels", ())}
    verdict, tone = LEVELS.get(str(result.get("verdict")), (result.get("verdict", ""), "info"))
    return {
        "verdict": str(verdict),
        "tone": tone,
        "rows": result.get("rows"),
        "quarantined": result.get("quarantined"),
        "days_late": result.get("days_late"),
        "periods": result.get("periods", ()),
        "measures": [
            {
                "name": str(words[0]), "share": result.get(name), "level": str(LEVELS[levels[name]][0]) if name in levels else "",
                "tone": LEVELS[levels[name]][1] if name in levels else "info",
            }
            for name, words in MEASURES.items()
            if name in result
        ],
        "columns": [
            {"name": row["column"], "filled": row["share_filled"], "valid": row["share_valid"]} for row in result.get("columns", ())
        ],
        "fixes": [
            {
                "name": str(MEASURES[row["measure"]][0]), "what": str(MEASURES[row["measure"]][1]), "rows": row["rows"],
                "level": str(LEVELS[row["level"]][0]), "tone": LEVELS[row["level"]][1],
            }
            for row in result.get("fixes", ())
            if row["measure"] in MEASURES
        ],
    }  # fmt: skip
