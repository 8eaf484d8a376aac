"""The documents say what the sources say: rooms, reference pages, dependencies, decisions, glossary.

That a generated page has not drifted is asked by script/check; a page that is written by hand must at least name everything.
"""

from __future__ import annotations

import json
import re
import shlex

import click
import pytest
from django.apps import apps
from tests.architecture.sources import REPOSITORY, layers, room_of
from tests.conftest import LONGEST

from khana.interfaces.cli.main import khana
from khana_methods.overlap.finding_codes import SEVERITIES

GLOSSARY = (REPOSITORY / "GLOSSARY.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"^\*\*(?P<term>[^*]+)\*\*: (?P<text>.+?) \*Source: (?P<source>.+?)\*$", re.M)


def test_files_that_are_run_first_are_there() -> None:
    assert [name for name in LONGEST if not (REPOSITORY / "tests" / name).is_file()] == []


def _required(name: str) -> set[str]:
    """Return the packages that one requirements file names."""
    lines = (REPOSITORY / "requirements" / name).read_text(encoding="utf-8").splitlines()
    names = (re.match(r"@?[\w.-]+", line) for line in lines if not line.startswith(("-", "#")))
    return {found[0] for found in names if found}


def _browser_packages() -> set[str]:
    """Return the packages of package.json; none where the pages are not there yet."""
    file = REPOSITORY / "package.json"
    document = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {*document.get("dependencies", {}), *document.get("devDependencies", {})}


def test_every_dependency_has_its_line() -> None:
    page = (REPOSITORY / "docs" / "dependencies.md").read_text(encoding="utf-8")
    wanted = {
        "To run": _required("base.in"),
        "To develop": _required("dev.in"),
        "Forms that tests read": _required("forms.txt"),
    }
    if _browser_packages():
        wanted["In the browser"] = _browser_packages()
    for title, packages in wanted.items():
        section = page.split(f"## {title}", 1)[1].split("## ", 1)[0]
        rows = re.findall(r"^\| ([@\w./-]+) \| [^|]+ \| [^|]+ \| [^|]+ \|$", section, re.M)
        assert set(rows) - {"package"} == packages, title


def test_decisions_are_numbered_and_name_what_was_rejected() -> None:
    files = sorted((REPOSITORY / "docs" / "decisions").glob("*.md"))
    assert [file.name[:4] for file in files] == [f"{n:04d}" for n in range(1, len(files) + 1)]
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "**Rejected.**" in text and "**Consequences.**" in text, file.name
        assert len(text.split()) < 500, f"{file.name} is longer than a page"


def words_of(name: str) -> str:
    """Return a class name as words: ExitRecord -> exit record."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def test_glossary_entries_have_a_source_and_stand_in_order() -> None:
    terms = [entry["term"] for entry in ENTRY.finditer(GLOSSARY)]
    assert len(terms) > 60
    assert terms == sorted(terms, key=str.casefold)
    assert len(set(terms)) == len(terms)
    assert len(terms) == len(re.findall(r"^\*\*", GLOSSARY, re.M)), "an entry does not have the form"
    for entry in ENTRY.finditer(GLOSSARY):
        sentences = len(re.findall(r"[.!?](?: |$)", entry["text"]))
        assert 1 <= sentences <= 3, entry["term"]


def test_every_row_of_a_room_is_a_word_of_the_glossary() -> None:
    terms = {entry["term"].casefold() for entry in ENTRY.finditer(GLOSSARY)}
    nouns = {words_of(model.__name__) for model in apps.get_models() if room_of(model.__module__)}
    assert nouns - terms == set()


def test_severities_and_rooms_are_explained() -> None:
    terms = {entry["term"].casefold() for entry in ENTRY.finditer(GLOSSARY)}
    assert {severity.casefold() for severity in SEVERITIES} <= terms
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert all(f"`{room}`" in text for layer in layers() for room in layer)


def test_status_gives_every_sentence_one_of_three_states_and_a_place() -> None:
    page = (REPOSITORY / "docs" / "status.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+) \| (\w+) \| (.*) \|$", page, re.M)
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == len(re.findall(r"^\| \d", page, re.M)), "a row does not have the form"
    for number, sentence, state, where in rows:
        assert state in {"works", "measured", "missing"}, f"{number}: {sentence}"
        assert state == "missing" or where.strip(), f"{number} does not say where it is shown"
        for path in re.findall(r"`((?:src|tests|script|docs|country|bench)/[\w./-]*)", where):
            assert (REPOSITORY / path).exists(), f"{number}: {path}"


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    lost = [
        f"{page.relative_to(REPOSITORY)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists() and not target.endswith("images/answers.png")
    ]
    assert lost == []


def documented_commands() -> list[str]:
    """Return every command line that a page shows, without its remark."""
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs" / "how-to").glob("*.md")]
    found = set()
    for page in pages:
        text = page.read_text(encoding="utf-8")
        found |= set(re.findall(r"^ *(khana [^#\n]+)", text, re.M)) | set(re.findall(r"`(khana [^`\n]+)`", text))
    return sorted(line.strip() for line in found)


@pytest.mark.parametrize("line", documented_commands())
def test_a_command_that_a_page_shows_is_one(line: str) -> None:
    """Every verb and every option exists; values are not looked at."""
    command: click.Command = khana
    context = click.Context(khana, info_name="khana")
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{words[0]} is no command"
        command, words = found, words[1:]
    command.make_context("khana", list(words), parent=context, resilient_parsing=True)
    missing = [
        option.opts[-1]
        for option in command.params
        if isinstance(option, click.Option) and option.required and not set(option.opts) & set(words)
    ]
    assert "--" not in line or not missing, f"{line} lacks {', '.join(missing)}"
