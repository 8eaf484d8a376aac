"""Every error that a page or a job can meet says what is wrong in every language of the pages; what is unlisted fails.

What can be met is read from the modules that pages and jobs import, however deep, so a new error is covered by default.
"""

from __future__ import annotations

import ast
import re

import pytest
from django.utils import translation

from khana.access import functions
from khana.interfaces.web import messages
from khana.interfaces.web.errors import pages
from khana_methods.errors import NotFound
from tests.architecture.sources import module_of, parsed, python_files
from tests.architecture.test_errors import KINDS, all_errors

# codes that the reader of a page never meets, each with why
NOT_ON_A_PAGE = {
    "err.": "the answer to a partner's machine, in the words of the standard",
    "rjct.": "the answer to a partner's machine, in the words of the standard",
    "web.": "written in the reader's language where it is raised; see the test below",
}
BEGINNINGS = ("khana.interfaces.web", "khana.interfaces.jobs", "khana.interfaces.errors")


def _imports(module: str, tree: ast.Module, known: set[str]) -> set[str]:
    """Return the modules of ours that one module imports, at its head or inside a function, or names as a job's work."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        elif module == "khana.interfaces.jobs.registry" and isinstance(node, ast.Constant):
            found.add(str(node.value))
    return found & known


def reached() -> set[str]:
    """Return every module that pages and jobs can run."""
    trees = {module_of(path): parsed(path) for path in python_files()}
    waiting = [module for module in trees if module.startswith(BEGINNINGS)]
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += _imports(module, trees[module], set(trees))
    return seen


def test_every_error_that_a_page_can_show_has_its_sentence() -> None:
    modules = reached()
    assert {
        "khana.registry.services.civil_changes",
        "khana.workflows.draw_list",
        "khana_methods.rules.parse",
    } <= modules
    assert not any(module.startswith("khana.interfaces.cli") for module in modules)
    told = {*pages.BY_CODE, *pages.SENTENCES_OF_CODES}
    codes = {error.code for error in all_errors() if error.__module__ in modules and error not in KINDS}
    missing = sorted(code for code in codes - told if not code.startswith(tuple(NOT_ON_A_PAGE)))
    assert missing == [], "add a sentence in khana/interfaces/web/errors/sentences and translate it"
    assert len(codes) > 300


def test_no_sentence_is_of_an_error_that_there_is_not() -> None:
    codes = {error.code for error in all_errors()} | {"interfaces.jobs.our_mistake"}
    assert {*pages.BY_CODE, *pages.SENTENCES_OF_CODES} - codes == set()
    assert set(pages.BY_CODE) & set(pages.SENTENCES_OF_CODES) == set()


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_every_sentence_speaks_the_language(language: str) -> None:
    first, last = {"ur": ("\u0600", "\u06ff"), "bn": ("\u0980", "\u09ff")}[language]
    with translation.override(language):
        silent = [
            code for code, words in {**pages.BY_CODE, **pages.SENTENCES_OF_CODES}.items()
            if not any(first <= sign <= last for sign in str(words))
        ]  # fmt: skip
    assert silent == []


def test_what_pages_raise_themselves_is_written_in_the_language_of_the_reader() -> None:
    own = {
        error.__name__ for error in all_errors() if error.code.startswith("web.") and error.code not in pages.BY_CODE
    }
    plain = []
    for path in python_files():
        if not module_of(path).startswith("khana.interfaces.web"):
            continue
        for node in ast.walk(parsed(path)):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
                continue
            if ast.unparse(node.exc.func).rpartition(".")[2] not in own:
                continue
            text = node.exc.args[0].left if isinstance(node.exc.args[0], ast.BinOp) else node.exc.args[0]
            if not (isinstance(text, ast.Call) and ast.unparse(text.func) in ("_", "gettext")):
                plain.append(f"{module_of(path)} line {node.lineno}")
    assert own and plain == []


def test_a_reader_gets_her_sentence_and_below_it_what_was_written() -> None:
    class Gone(NotFound):
        """Stands for an error whose code has a sentence."""

        code = "deliveries.file.empty"

    error = Gone("list <1>.csv holds no list.")
    with translation.override("en"):
        assert str(pages.wording(error)) == "list <1>.csv holds no list."
        assert pages.wording(error).__html__() == "list &lt;1&gt;.csv holds no list."
    with translation.override("ur"):
        told = pages.wording(error)
        assert str(told) == "فائل خالی ہے۔"
        assert told.__html__() == (
            'فائل خالی ہے۔ <span class="k-as-written" lang="en" dir="ltr">list &lt;1&gt;.csv holds no list.</span>'
        )
        unlisted = pages.in_words("nobody.knows", "Plain words.")
        assert unlisted.__html__() == '<span class="k-as-written" lang="en" dir="ltr">Plain words.</span>'
        assert str(pages.in_words("web.form_unclear", "پہلے")) == "پہلے"


def test_a_reader_gets_the_sentence_with_its_figures_and_nothing_in_english_below_it() -> None:
    def told(code: str, message: str, language: str) -> pages.Told:
        with translation.override(language):
            return pages.in_words(code, message)

    desk = told("intake.centres.taken", "Desk 3 is open under somebody else. Choose another one.", "ur")
    assert "میز \u20683\u2069 کسی اور" in desk and desk.__html__() == str(desk)
    assert (
        told("intake.centres.taken", "The code '<b>' is in use.", "bn").__html__()
        == "&#x27;&lt;b&gt;&#x27; কোডটি ব্যবহৃত।"
    )
    assert "৩" in told("intake.centres.taken", "Desk 3 is open under somebody else. Choose another one.", "bn")
    waits = told(
        "beneficiaries.move.refused", "Persons may appeal until 2026-11-30: nothing takes effect before.", "ur"
    )
    assert "\u206830 نومبر، 2026\u2069" in waits.replace("\u2068\u2068", "\u2068").replace("\u2069\u2069", "\u2069")
    visit = told("intake.queue.moved", "A visit that is served cannot become called.", "bn")
    assert not re.search("[A-Za-z]", visit)
    several = told("access.breach.moved", "To be told first: authority, persons.", "ur")
    assert not re.search("[A-Za-z]", several)
    # without the optional parts, and one that nobody has listed
    assert "7" in told(
        "beneficiaries.run.none", "There is no finished run 7. Consolidate first: `khana consolidate`.", "ur"
    )
    new = told("intake.centres.taken", "A sentence of tomorrow.", "ur")
    assert new.as_written == "A sentence of tomorrow."
    assert str(told("khana.input", "A decision says why.", "en")) == "A decision says why."
    with translation.override("ur"):
        assert (
            str(pages.wording(functions.AccessNotFound("There is no such user.")))
            == "ایسا کوئی اندراج نہیں: \u2068صارف\u2069۔"
        )
