"""Collect every sentence of the pages for translation, and hold the catalogues against them.

Reads the templates with Django's own lexer and the modules with `ast`, so that no tool of the
system is needed. `python -m khana.interfaces.web.messages` brings the .po files up to date:
what is new stands in them without a translation, and a test refuses that.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from django.template.base import Lexer, TokenType
from django.utils.text import smart_split

WEB = Path(__file__).parent
LANGUAGES = ("ur", "bn")
_PLAIN = {"_": (0, None), "gettext": (0, None), "gettext_lazy": (0, None)}
_CONTEXTED = {"pgettext": 1, "pgettext_lazy": 1}
Message = tuple[str | None, str | tuple[str, str]]


def collect() -> set[Message]:
    """Return every message of pages and modules: context and text, or singular and plural."""
    found: set[Message] = set()
    for path in sorted(WEB.rglob("*.html")):
        found.update(_of_template(path.read_text(encoding="utf-8")))
    for path in sorted(WEB.rglob("*.py")):
        found.update(_of_module(path.read_text(encoding="utf-8")))
    return found


def _of_module(text: str) -> Iterator[Message]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        words = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if node.func.id in _PLAIN and len(words) >= 1:
            yield None, words[0]
        elif node.func.id in _CONTEXTED and len(words) >= 2:
            yield words[0], words[1]
        elif node.func.id == "npgettext" and len(words) >= 3:
            yield words[0], (words[1], words[2])
        elif node.func.id == "ngettext" and len(words) >= 2:
            yield None, (words[0], words[1])


def _of_template(text: str) -> Iterator[Message]:
    singular: list[str] = []
    plural: list[str] | None = None
    is_inside = False
    for token in Lexer(text).tokenize():
        name = token.contents.split()[0] if token.token_type == TokenType.BLOCK and token.contents else ""
        if name in ("translate", "trans"):
            yield None, _unquoted(list(smart_split(token.contents))[1])
        elif name in ("blocktranslate", "blocktrans"):
            is_inside, singular, plural = True, [], None
        elif name == "plural" and is_inside:
            plural = []
        elif name in ("endblocktranslate", "endblocktrans"):
            is_inside = False
            one = "".join(singular)
            yield None, (one, "".join(plural)) if plural is not None else one
        elif is_inside:
            part = f"%({token.contents})s" if token.token_type == TokenType.VAR else token.contents.replace("%", "%%")
            (plural if plural is not None else singular).append(part)


def _unquoted(text: str) -> str:
    return text[1:-1].replace('\\"', '"').replace("\\'", "'") if text[:1] in "\"'" else text


def path_of(language: str) -> Path:
    """Return where the catalogue of one language is."""
    return WEB / "locale" / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """Return the catalogue of one language; an empty one where there is none."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as source:
        return read_po(source, locale=language)


def untranslated(language: str) -> list[str]:
    """Return the messages that one language lacks, in alphabetical order."""
    catalogue = read(language)
    missing = []
    for context, text in collect():
        known = catalogue.get(text if isinstance(text, str) else text[0], context)
        words = known.string if known is not None else ""
        if not words or (not isinstance(words, str) and not all(words)):
            missing.append(text if isinstance(text, str) else text[0])
    return sorted(missing)


def update(language: str) -> int:
    """Bring one catalogue up to date with the pages; return how many messages lack a translation."""
    old = read(language)
    new = Catalog(
        locale=language, project="Khana", version="1", charset="utf-8", fuzzy=False, header_comment="# Words of the pages.",
        msgid_bugs_address="", last_translator="", language_team=language,
    )  # fmt: skip
    for context, text in sorted(collect(), key=lambda one: (str(one[1]), one[0] or "")):
        known = old.get(text if isinstance(text, str) else text[0], context)
        words = known.string if known is not None else None
        new.add(text, words, context=context, flags=["python-format"] if "%(" in str(text) else [])
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        write_po(
            target, new, width=110, omit_header=False, sort_output=True, ignore_obsolete=True, include_lineno=False
        )
    return len(untranslated(language))


if __name__ == "__main__":
    for one in LANGUAGES:
        print(one, update(one), "without a translation")
