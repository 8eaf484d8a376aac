"""What the first reader of a page would wait for, done while the server starts: modules, templates, catalogues, frameworks.

A process that has just begun reads YAML, imports every view, compiles templates and loads three languages at its first
requests; on a busy machine that is more than a second for somebody. Nothing here asks the database, and nothing that fails
keeps the server from starting: the page that needs it will say what is wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.template.loader import get_template
from django.urls import get_resolver
from django.utils import translation

from khana.interfaces.web import messages
from khana.monitoring import frameworks
from khana_country.load import list_countries, load_pack
from khana_methods.errors import KhanaError

_log = logging.getLogger(__name__)


def warm() -> list[str]:
    """Load what pages need; return the names of what could not be loaded."""
    parts: dict[str, Callable[[], object]] = {
        "addresses": lambda: get_resolver().url_patterns and get_resolver().reverse_dict,
        "templates": _templates,
        "languages": _languages,
        "packs": _packs,
    }
    failed = []
    for name, load in parts.items():
        try:
            load()
        except (KhanaError, OSError, ValueError, ImportError) as error:
            _log.warning("not warmed: %s (%s)", name, type(error).__name__)
            failed.append(name)
    return failed


def _templates() -> None:
    folder = messages.WEB / "templates"
    for path in sorted(folder.rglob("*.html")):
        get_template(str(path.relative_to(folder)))


def _languages() -> None:
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            translation.gettext("Indicators")


def _packs() -> None:
    for country in list_countries():
        load_pack(country)
        frameworks.framework_of(country)
