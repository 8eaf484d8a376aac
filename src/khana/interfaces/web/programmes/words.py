"""Words of programmes and lists in the reader's language: states, outcomes, reasons, ways of outreach."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _


def states() -> Mapping[str, str]:
    """Return the words for the states of lists and entries."""
    return {
        "OPEN": _("open"), "FROZEN": _("frozen"), "PUBLISHED": _("published"), "WITHDRAWN": _("withdrawn"),
        "SELECTED": _("selected"), "RESERVE": _("in reserve"), "WAITING": _("waits"), "REMOVED": _("taken out"),
    }  # fmt: skip


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


def kinds() -> Mapping[int, str]:
    """Return the words for kinds of benefit, by SPDCI's code."""
    return {1: _("cash"), 2: _("voucher"), 3: _("in kind"), 4: _("training"), 5: _("work"), 6: _("insurance")}
