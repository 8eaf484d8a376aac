"""Every refusal of the rooms that people at desks meet has its own sentence in Urdu and Bangla, with its figures.

Read from the sources: each sentence that a page or a job can raise under a code of these rooms stands in `own_words.SAID` in
the same words. What is raised and not listed fails, what is listed and raised nowhere fails, and so does a translation
without one of the figures.
"""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest
from tests.architecture.sources import module_of, parsed, python_files
from tests.architecture.test_errors import KINDS, all_errors
from tests.interfaces.web.test_error_words import reached

from khana.access import functions
from khana.beneficiaries import moves
from khana.interfaces.web import messages
from khana.interfaces.web.errors import own_words, pages

ROOMS = (
    "identity.", "registry.", "intake.", "linkage.", "assessment.", "programmes.", "beneficiaries.", "payments.",
    "grievances.", "monitoring.", "dossiers.", "workflows.", "deliveries.", "geo.", "khana.",
)  # fmt: skip
# what is no literal where it is raised, each with where its sentences are
ELSEWHERE = {
    ("access.office.refused", "_RULES[detail]"): tuple(functions._RULES.values()),
    ("beneficiaries.move.refused", "said"): (
        *moves._WHY.values(),
        "There is no such move: {move}. The table of transitions says which there are.",
    ),
    (
        "sharing.extract.refused",
        "' '.join(wrong)",
    ): (),  # terms of one agreement, shown beneath the sentence of the code
}
LETTERS = {"ur": re.compile("[\u0600-\u06ff]"), "bn": re.compile("[\u0980-\u09ff]")}
Raised = dict[tuple[str, str], str]  # code and sentence with {} for each figure: where


def _shape(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
    return None


def _called(name: ast.expr) -> tuple[str, str]:
    """Return what is called and the name before its point, if any."""
    if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
        return name.attr, name.value.id
    return (name.id, "") if isinstance(name, ast.Name) else ("", "")


@cache
def _raised() -> tuple[Raised, Raised, set[tuple[str, str]]]:
    """Return what pages and jobs can raise, what the whole product can, and what is no literal there."""
    classes = {(error.__module__, error.__name__): error.code for error in (*all_errors(), *KINDS)}
    by_name: dict[str, set[str]] = {}
    for (_, name), code in classes.items():
        by_name.setdefault(name, set()).add(code)
    modules = reached()
    met: Raised = {}
    everywhere: Raised = {}
    unread: set[tuple[str, str]] = set()
    for path in python_files():
        module, tree = module_of(path), parsed(path)
        names = {
            one.asname or one.name: (node.module, one.name)
            for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module for one in node.names
        }  # fmt: skip
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            called, owner = _called(node.func)
            home = names.get(owner or called, ("", ""))
            code = (
                classes.get((".".join(home), called)) if owner
                else classes.get((module, called)) or classes.get((home[0], home[1] or called))
            )  # fmt: skip
            if code is None and len(by_name.get(called, ())) == 1:
                (code,) = by_name[called]
            if code is None:
                assert called not in by_name, f"{module} line {node.lineno}: which {called} is it?"
                continue
            shape, where = _shape(node.args[0]), f"{module} line {node.lineno}"
            if shape is None:
                unread |= {(code, ast.unparse(node.args[0]))} if module in modules else set()
                continue
            everywhere.setdefault((code, shape), where)
            if module in modules:
                met.setdefault((code, shape), where)
    return met, everywhere, unread


def _is_listed(code: str, shape: str) -> bool:
    sentences = own_words.SAID.get(code, ())
    if "{}" in shape:
        return shape in {own_words._FIGURE.sub("{}", sentence) for sentence in sentences}
    return any(own_words.pattern_of(sentence).fullmatch(shape) for sentence in sentences)


def _is_asked(code: str) -> bool:
    return code in own_words.SAID or (code.startswith(ROOMS) and code not in pages.BY_CODE)


def test_every_refusal_of_these_rooms_is_told_by_itself() -> None:
    met, _, unread = _raised()
    count: dict[str, int] = {}
    for code, _ in met:
        count[code] = count.get(code, 0) + 1
    missing = {
        f"{code}: {shape} ({where})" for (code, shape), where in met.items()
        if _is_asked(code) and not _is_listed(code, shape)
        # one sentence without a figure is said by the sentence of its code
        and not (count[code] == 1 and "{}" not in shape and code in pages.SENTENCES_OF_CODES)
    }  # fmt: skip
    assert missing == set(), "add it to khana/interfaces/web/errors/sentences/said_*.py and translate it"
    assert len([one for one in met if _is_asked(one[0])]) > 250
    assert {one for one in unread if _is_asked(one[0])} <= set(ELSEWHERE)
    for (code, _), sentences in ELSEWHERE.items():
        assert all(_is_listed(code, sentence) for sentence in sentences)


def test_no_sentence_is_listed_that_nobody_raises() -> None:
    _, everywhere, _ = _raised()
    kept = {code: set(sentences) for (code, _), sentences in ELSEWHERE.items()}
    forgotten = []
    for code, sentences in own_words.SAID.items():
        shapes = {shape for of, shape in everywhere if of == code}
        patterns = [re.compile(".*".join(map(re.escape, shape.split("{}"))), re.DOTALL) for shape in shapes]
        forgotten += [
            f"{code}: {sentence}" for sentence in sentences
            if sentence not in kept.get(code, ()) and not any(one.fullmatch(sentence) for one in patterns)
        ]  # fmt: skip
    assert forgotten == []


@pytest.mark.parametrize("language", sorted(LETTERS))
def test_every_translation_speaks_the_language_and_keeps_the_figures(language: str) -> None:
    wrong = []
    catalogue = messages.read(language)
    for sentences in own_words.SAID.values():
        for sentence in sentences:
            names = {name for name in own_words._FIGURE.findall(sentence) if not name.startswith("_")}
            entry = catalogue.get(sentence)
            told = str(entry.string) if entry is not None else ""
            if set(own_words._FIGURE.findall(told)) != names or not LETTERS[language].search(told):
                wrong.append(sentence)
    assert wrong == []
