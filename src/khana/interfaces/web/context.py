"""What every page knows: direction of writing, who is signed in, the way to the other pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from khana.interfaces.web.tags import joined

# address, key after "g", permissions of which one is enough
_PAGES = (
    ("answers", "a", ("results.read",)),
    ("lookup", "l", ("registry.read", "recipients.read", "benefits.read")),
    ("intake", "i", ("submissions.read", "submissions.send")),
    ("centres", "c", ("centres.read",)),
    ("findings", "f", ("findings.read",)),
    ("models", "m", ("models.read",)),
    ("rules", "r", ("results.read",)),
    ("simulator", "p", ("results.read",)),
    ("programmes", "b", ("results.read",)),
    ("lists", "t", ("lists.read",)),
    ("unserved", "n", ("recipients.read",)),
    ("monitoring", "d", ("results.read",)),
    ("coverage", "v", ("results.read",)),
    ("enrolments", "e", ("benefits.read",)),
    ("sources", "s", ("deliveries.read", "benefits.read", "sources.write")),
    ("matching", "o", ("linkage.read",)),
    ("jobs", "j", ()),
    ("users", "u", ("users.read",)),
    ("cases", "k", ("cases.answer",)),
    ("civil", "y", ("registry.read",)),
    ("authorities", "z", ("identity.verify", "identity.write")),
    ("partner", "h", ("partner.follow",)),
    ("alarms", "w", ("alarms.read",)),
)
# pages that stand together in one menu, in the order of the bar; a page of no menu is found in the last one
_MENUS = (
    ("registration", ("intake", "centres", "matching", "cases", "civil")),
    ("benefits", ("programmes", "lists", "unserved", "enrolments")),
    ("scores", ("models", "rules", "simulator")),
    ("figures", ("monitoring", "coverage")),
    ("sources", ("sources", "findings", "authorities")),
    ("office", ("jobs", "users", "alarms", "partner")),
)
_ALWAYS_SHOWN = ("answers", "lookup")
_MOST_WRITTEN = 400
_FLAT = 6  # a bar of so few pages has no menus


def _menu_labels() -> dict[str, str]:
    return {
        "registration": _("Registration"), "benefits": _("Who gets what"), "scores": _("Scores and rules"), "figures": _("Figures"),
        "sources": _("Lists and findings"), "office": _("Office"), "": _("More pages"),
    }  # fmt: skip


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the values of the frame."""
    actor = getattr(request, "actor", None)
    frame: dict[str, Any] = {
        "direction": "rtl" if get_language_bidi() else "ltr",
        "languages": settings.LANGUAGES,
        "actor": actor,
        "actor_name": "",
        "actor_initial": "",
        "actor_reach": "",
        "may_look_up": False,
        "navigation": [],
        "menus": [],
        "flashes": request.session.pop("flashes", []) if actor and "flashes" in request.session else [],
    }
    if actor is None:
        return frame
    permissions = actor.permissions
    frame["actor_name"] = actor.display_name
    frame["actor_initial"] = actor.display_name[:1].upper()
    frame["actor_reach"] = _reach(actor)
    frame["may_look_up"] = bool(permissions & set(_PAGES[1][2]))
    frame["navigation"] = _navigation(request, permissions)
    frame["menus"] = menus(frame["navigation"])
    return frame


def menus(pages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the bar: pages that stand by themselves, and menus of those that belong together.

    Args:
        pages: Every page that the reader may open, with `name`, in the order of their keys.

    Returns:
        Entries with `pages`; `label` is empty where the one page stands by itself. `is_here` says where the reader is.
    """
    if len(pages) <= _FLAT:
        return [{"label": "", "pages": [page], "is_here": page["is_here"]} for page in pages]
    by_name = {page["name"]: page for page in pages}
    labels = _menu_labels()
    bar = [("", [by_name.pop(name)]) for name in _ALWAYS_SHOWN if name in by_name]
    for code, names in _MENUS:
        mine = [by_name.pop(name) for name in names if name in by_name]
        if mine:
            bar.append((labels[code] if len(mine) > 1 else "", mine))
    if by_name:
        bar.append((labels[""] if len(by_name) > 1 else "", list(by_name.values())))
    return [{"label": label, "pages": items, "is_here": any(one["is_here"] for one in items)} for label, items in bar]


def _navigation(request: HttpRequest, permissions: frozenset[str]) -> list[dict[str, Any]]:
    labels = {
        "answers": _("Five answers"), "lookup": _("Look up"), "intake": _("Intake"), "centres": _("Centres"), "findings": _("Findings"),
        "models": _("Models"), "rules": _("Rules"), "simulator": _("Simulator"), "programmes": _("Programmes"), "lists": _("Selection lists"),
        "unserved": _("Eligible and unserved"), "monitoring": _("Indicators"), "coverage": _("Who is missing"),
        "enrolments": _("Enrolments"), "sources": _("Sources"), "matching": _("One person, one file"), "jobs": _("Jobs"), "users": _("Users"), "alarms": _("Alarms"),
        "cases": _("Cases"), "partner": _("Calls of my system"), "civil": _("Civil events"), "authorities": _("Authorities"),
    }  # fmt: skip
    here = (
        request.resolver_match.url_name.split("-")[0]
        if request.resolver_match and request.resolver_match.url_name
        else ""
    )
    shown = []
    for name, key, needed in _PAGES:
        if needed and not permissions & set(needed):
            continue
        try:
            href = reverse(name)
        except NoReverseMatch:
            continue
        shown.append({"name": name, "href": href, "label": labels[name], "key": key, "is_here": here == name})
    return shown


def _reach(actor: Any) -> str:
    agencies = sorted({grant.agency for grant in actor.grants if grant.agency})
    paths = sorted({grant.area_path for grant in actor.grants if grant.area_path})
    parts = []
    if paths:
        parts.append(_("Areas: %(areas)s") % {"areas": joined(path.rstrip(".").split(".")[-1] for path in paths)})
    if agencies:
        parts.append(_("Agencies: %(agencies)s") % {"agencies": joined(agencies)})
    return " · ".join(parts) or _("The whole country, every agency")


def flash(request: HttpRequest, level: str, text: str) -> None:
    """Keep one sentence for the next page, with what was written beside it; level is success, warning or danger."""
    kept = {"level": level, "text": str(text)}
    written = getattr(text, "as_written", "")
    if written and written != text:
        kept["written"] = written[:_MOST_WRITTEN]  # the session is a cookie
    request.session["flashes"] = [*request.session.get("flashes", []), kept]
