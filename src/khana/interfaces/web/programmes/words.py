"""Words of programmes and lists in the reader's language: states, outcomes, reasons, ways of outreach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from khana.interfaces.web import wording
from khana.programmes import names


def filters() -> dict[str, dict[str, str]]:
    """Return what each exclusion filter is called in the reader's language, and in which language that is: `words`, `tongue`."""
    return {code: named(one) for code, one in names.called()[names.FILTER].items()}


def named(one: names.Called) -> dict[str, str]:
    """Return a name in the reader's language with the language that it is in."""
    language = wording.language()
    return {"words": one.called(language), "tongue": one.tongue(language)}


def called(known: Mapping[str, names.Called | names.ProgrammeName], code: str) -> str:
    """Return what a programme or a filter is called in the reader's language; its code where the catalogue does not know it."""
    return known[code].called(wording.language()) if code in known else code


def states() -> Mapping[str, str]:
    """Return the words for the states of lists and entries."""
    return {code: str(word) for code, word in wording.LIST_STATE.items()}


def tones() -> Mapping[str, str]:
    """Return the tone of each state."""
    return {
        "OPEN": "info",
        "FROZEN": "good",
        "PUBLISHED": "good",
        "WITHDRAWN": "warn",
        "SELECTED": "good",
        "REMOVED": "warn",
    }


def outcomes() -> Mapping[str, str]:
    """Return the words for what a rule answers."""
    return {
        "eligible": _("eligible"), "excluded": _("excluded by a filter"), "not_eligible": _("not eligible"),
        "unknown": _("not known"),
    }  # fmt: skip


def reasons() -> Mapping[str, str]:
    """Return the words for why somebody eligible gets nothing."""
    return {
        "suspended": _("suspended"), "payment_failed": _("the payment failed"), "selected": _("selected, not enrolled"),
        "wait_listed": _("on a waiting list"), "no_number": _("nobody has a verified number"), "not_enrolled": _("not enrolled"),
    }  # fmt: skip


def outreach() -> Mapping[str, str]:
    """Return the words for what would reach her."""
    return {
        "case": _("her case at the desk"), "account": _("setting the account right"), "message": _("a message to her telephone"),
        "visit": _("a visit"), "identity": _("the identity authority’s counter"), "place": _("a place that becomes free"),
    }  # fmt: skip


def groups() -> Mapping[str, str]:
    """Return the words for target groups and units."""
    return {
        "early_childhood": _("pregnancy and early childhood"), "school_age": _("school age"), "working_age": _("working age"),
        "old_age": _("old age"), "disability": _("disability"), "household": _("household"), "shock": _("shock"),
        "person": _("person"), "child": _("child"), "family": _("family"),
    }  # fmt: skip


def proposal_states() -> Mapping[str, str]:
    """Return the words for what became of a proposal."""
    return {"PROPOSED": _("waits for an answer"), "ACCEPTED": _("accepted"), "REFUSED": _("refused")}


def visits() -> Mapping[str, str]:
    """Return the words for what a visit found."""
    return {code: str(word) for code, word in wording.VISIT_OUTCOME.items()}


def for_whom(row: Mapping[str, Any]) -> str:
    """Say for whom a programme is: its unit and target group, else by sex, age and poverty as the catalogue has them."""
    parts = [groups().get(row["unit"] or ("household" if row["one_per_household"] else "person"), row["unit"])]
    if row["target_group"]:
        parts.append(groups().get(row["target_group"], row["target_group"]))
    else:
        parts += [{"F": _("women"), "M": _("men"), "O": _("other or transgender")}.get(row["sex"], ""), _aged(row)]
        parts.append(_("of poor households") if row["poverty_targeted"] or row["max_score"] is not None else "")
    return " · ".join(str(part) for part in parts if part)


def _aged(row: Mapping[str, Any]) -> str:
    least, most, women = row["min_age"], row["max_age"], row["min_age_female"]
    if least is None and women is not None:
        least, women = women, None
    if least is not None and women is not None and women != least:
        told = _("aged %(from)s and older, women from %(women)s") % {"from": least, "women": women}
    elif least is not None and most is not None:
        return _("aged %(from)s to %(to)s") % {"from": least, "to": most}
    elif least is not None:
        told = _("aged %(from)s and older") % {"from": least}
    else:
        return _("up to the age of %(to)s") % {"to": most} if most is not None else ""
    return told


def kinds() -> Mapping[int, str]:
    """Return the words for kinds of benefit, by SPDCI's code."""
    return {1: _("cash"), 2: _("voucher"), 3: _("in kind"), 4: _("training"), 5: _("work"), 6: _("insurance")}
