"""A refusal's own sentence, with its figures, in the reader's language: an English sentence is its own key.

Rooms raise in English, with the place and the values in the text, and jobs and deliveries keep that text. The sentences in
`sentences/said_*.py` are those texts with names for their figures (`The code '{code}' is in use.`): whoever reads Urdu or
Bangla gets the translation with the same figures set in. A name that begins with `_` may be left out by a translation.
`tests/architecture/test_own_words.py` holds the list against every place that raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from khana.interfaces.web import tags, wording
from khana.interfaces.web.errors.sentences import said_offices, said_people, said_programmes

SAID: Mapping[str, tuple[str, ...]] = {**said_people.PEOPLE, **said_programmes.PROGRAMMES, **said_offices.OFFICES}

_FIGURE = re.compile(r"\{(\w+)\}")
_CODES = ("code", "contract", "rule")  # codes may be digits, and stay as they are

_MARKS = {"comma": _("comma"), "semicolon": _("semicolon"), "tab": _("tab"), "upright bar": _("upright bar")}
_AUDIENCES = {"authority": _("the authority"), "persons": _("persons")}
# figures that are codes of ours and have words on the pages, by the name that a sentence gives them
_WORDS: Mapping[str, Mapping[str, Any]] = {
    "action_state": wording.ACTION_STATE, "visit_state": wording.VISIT_STATE, "submission_state": wording.SUBMISSION_STATE,
    "job_state": wording.JOB_STATE, "list_state": wording.LIST_STATE, "entry_state": wording.LIST_STATE,
    "trial_state": {**wording.STOP_STATE, **wording.TRIAL_STATE}, "enrolment_state": wording.ENROLMENT_STATE,
    "agreement_state": {"DRAFT": _("draft"), "IN_FORCE": _("in force"), "REFUSED": _("refused"), "ENDED": _("ended")},
    "call_outcomes": wording.CALL_OUTCOME, "case_abouts": wording.CASE_ABOUT, "case_outcomes": wording.CASE_OUTCOME,
    "move_reasons": wording.MOVE_REASON, "mark": _MARKS, "contract_mark": _MARKS, "audiences": _AUDIENCES,
    "change_kinds": {"COMMUNITY": _("the community"), "RECHECK": _("a visit"), "OFFICE": _("the office")},
    "recheck_outcomes": wording.VISIT_OUTCOME,
    "thing": {
        "alarm": _("alarm"), "area": _("area"), "clearance": _("clearance"), "erasure": _("erasure"), "extract": _("extract"),
        "grant": _("grant"), "job": _("job"), "link": _("link"), "partner": _("partner"), "passkey": _("passkey"),
        "provider": _("provider"), "rule": _("rule"), "user": _("user"),
    },
}  # fmt: skip


def own_words(code: str, message: str) -> str:
    """Return the sentence of a refusal in the language that is active, its figures set in; empty where none is listed.

    Args:
        code: The dotted code of the error.
        message: Its English sentence as it was raised.
    """
    for sentence, pattern in _patterns(code):
        found = pattern.fullmatch(message)
        if found:
            figures = {name: _set_in(name, value) for name, value in found.groupdict().items()}
            return _FIGURE.sub(partial(_figure, figures), gettext(sentence))
    return ""


def _figure(figures: Mapping[str, str], place: re.Match[str]) -> str:
    return figures.get(place[1], "")


@cache
def _patterns(code: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((sentence, pattern_of(sentence)) for sentence in SAID.get(code, ()))


def pattern_of(sentence: str) -> re.Pattern[str]:
    """Return what recognises a sentence, whatever its figures are; each figure is a group of its name.

    >>> pattern_of("Desk {desk} is open.").fullmatch("Desk 3 is open.")["desk"]
    '3'
    """
    parts = _FIGURE.split(sentence)
    text = "".join(f"(?P<{part}>.*?)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    return re.compile(text, re.DOTALL)


def _set_in(name: str, value: str) -> str:
    words = _WORDS.get(name.removesuffix("_next"))
    if words is not None:
        return tags.apart(tags.joined(_word(words, one) for one in re.split(r", | or ", value)))
    return tags.apart(value if name in _CODES else tags.figures(value))


def _word(words: Mapping[str, Any], code: str) -> str:
    return str(words.get(code) or words.get(code.upper()) or code)
