"""The rules of the house that a reader can see in a file: names, docstrings, personal data declared.

No `utils` by stealth, no module without its opening lines, no model that does not say what personal
data it holds, no swallowed error below the interfaces.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from tests.architecture.sources import REPOSITORY, SOURCE, module_of, parsed, python_files, room_of

FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "constants", "misc", "core", "base", "shared"}
AMERICAN = {"program", "programs", "enrollment", "enrollments", "enroll"}
DECLARES = re.compile(r"\.\. (pii: \S|no_pii:)")
TEMPLATES = SOURCE / "khana" / "interfaces" / "web" / "templates"


@pytest.mark.parametrize("path", python_files(with_migrations=True), ids=module_of)
def test_no_file_has_a_name_that_says_nothing(path: Path) -> None:
    assert not {path.stem, *path.relative_to(SOURCE).parts} & FORBIDDEN


@pytest.mark.parametrize("path", python_files(), ids=module_of)
def test_every_module_opens_with_what_it_decides(path: Path) -> None:
    assert ast.get_docstring(parsed(path)), f"{path} has no docstring"


def test_every_model_declares_its_personal_data() -> None:
    own = [model for model in apps.get_models() if room_of(model.__module__)]
    assert own
    silent = [m._meta.label for m in own if not DECLARES.search(m.__doc__ or "")]
    assert silent == []


def test_every_model_says_what_one_row_is() -> None:
    own = [model for model in apps.get_models() if room_of(model.__module__)]
    assert [m._meta.label for m in own if not re.match(r"One row ", m.__doc__ or "")] == []


def test_personal_columns_are_declared() -> None:
    telling = {"name_native", "guardian_name", "id_ciphertext", "mobile_ciphertext", "ciphertext", "address"}
    for model in apps.get_models():
        if room_of(model.__module__) and telling & {field.name for field in model._meta.get_fields()}:
            assert ".. pii: " in (model.__doc__ or ""), model._meta.label


def swallows(tree: ast.Module) -> list[int]:
    """Return the lines that catch everything."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]  # fmt: skip


def test_errors_are_swallowed_nowhere_below_the_interfaces() -> None:
    found = {module_of(path): swallows(parsed(path)) for path in python_files()}
    below = {module: lines for module, lines in found.items() if lines and room_of(module) != "interfaces"}
    assert below == {}
    assert swallows(ast.parse("try:\n    pay()\nexcept Exception:\n    pass")) == [3]


def american(tree: ast.Module) -> set[str]:
    """Return the American spellings among the names that a file defines."""
    defined = {
        node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else node.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.arg)
    }
    defined |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    parts = {part for name in defined for part in re.split(r"_|(?<=[a-z])(?=[A-Z])", name)}
    return {part.lower() for part in parts} & AMERICAN


def test_words_are_spelled_one_way_inside() -> None:
    """A computer program is one; so the room that starts them may say so."""
    found = {
        module_of(path): american(parsed(path))
        for path in python_files()
        if "dci" not in path.parts and room_of(module_of(path)) != "platform"
    }
    assert {module: words for module, words in found.items() if words} == {}
    assert american(ast.parse("def enrol(program): pass")) == {"program"}


def test_every_template_is_used() -> None:
    sources = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    unused = [
        str(path.relative_to(TEMPLATES))
        for path in TEMPLATES.rglob("*.html")
        if path.relative_to(TEMPLATES).as_posix() not in text
        and path.name not in {"400.html", "403.html", "404.html", "500.html"}
    ]
    assert unused == []


def test_country_data_holds_no_code() -> None:
    strangers = [p for p in (REPOSITORY / "country").rglob("*") if p.is_file() and p.suffix != ".yaml"]
    assert strangers == []


def test_every_benchmark_can_be_run() -> None:
    """Benchmarks run by hand: what moves under them is seen here."""
    asked = sorted(path.stem for path in (REPOSITORY / "bench").glob("*.py") if not path.stem.startswith("_"))
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    module = importlib.import_module('bench.' + name)\n"
        "    assert callable(module.run) and isinstance(module.SIZE, int), name\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *asked], cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert len(asked) > 25 and done.returncode == 0, done.stderr[-400:]
