"""Every error of the product: one kind, one dotted code of its own, and no personal value in its words.

Messages and log lines are read from the sources: what they interpolate must be ids, codes, counts and
positions. Logs are at a lower privacy level than data.
"""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache

import pytest
from tests.architecture.sources import module_of, parsed, python_files

from khana_methods import errors

KINDS = {
    errors.InputError,
    errors.NotFound,
    errors.Conflict,
    errors.NotPermitted,
    errors.NotConfigured,
    errors.Unavailable,
}
PERSONAL = {
    "account", "account_number", "address", "beneficiary_name", "birth", "birth_date", "canonical", "cell", "cells",
    "cnic", "display_name", "dob", "father_name", "full_name", "guardian_name", "holder", "husband_name", "id_number",
    "mobile", "mobile_number", "name_native", "nid", "password", "payee_name", "person_name", "phone", "plain",
    "plaintext", "raw", "raw_text", "record", "row", "secret",
}  # fmt: skip
HARMLESS_CALLS = {"len", "type", "sorted_codes"}


@cache
def all_errors() -> tuple[type[errors.KhanaError], ...]:
    """Import every module and return every concrete error class."""
    for path in python_files():
        module = module_of(path)
        if not module.endswith("__main__") and not module.startswith("khana_settings"):
            importlib.import_module(module)
    found: list[type[errors.KhanaError]] = []
    waiting = [errors.KhanaError]
    while waiting:
        for below in waiting.pop().__subclasses__():
            waiting.append(below)
            if below not in KINDS and below.__module__.startswith("khana"):
                found.append(below)
    return tuple(found)


def test_every_error_has_a_code_of_its_own() -> None:
    codes: dict[str, str] = {}
    for error in all_errors():
        assert "code" in vars(error), f"{error.__qualname__} has no code of its own"
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", error.code), error.code
        assert codes.setdefault(error.code, error.__qualname__) == error.__qualname__, error.code


def test_every_error_is_of_one_kind_with_its_exit_code() -> None:
    """130 is what a shell expects of work that somebody stopped."""
    for error in all_errors():
        kinds = [kind for kind in KINDS if issubclass(error, kind)]
        if kinds:
            assert len(kinds) == 1, error.__qualname__
            assert error.exit_code in {kinds[0].exit_code, 130}, error.__qualname__
            assert error.http_status == kinds[0].http_status, error.__qualname__


def test_every_error_says_why_it_is_refused() -> None:
    for error in all_errors():
        assert error.__doc__ and len(error.__doc__.split()) >= 4, error.__qualname__


def personal_parts(node: ast.AST) -> set[str]:
    """Return the personal words among the names whose values a message would show."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in HARMLESS_CALLS:
        return set()
    own = {node.id} if isinstance(node, ast.Name) else {node.attr} if isinstance(node, ast.Attribute) else set()
    if isinstance(node, ast.Attribute):
        return own & PERSONAL
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        own |= {str(node.slice.value)}
    return (own & PERSONAL).union(*(personal_parts(child) for child in ast.iter_child_nodes(node)))


def shown_values(tree: ast.Module) -> list[tuple[int, ast.AST]]:
    """Return what raised errors and log lines show: interpolations, and the details of errors."""
    shown: list[tuple[int, ast.AST]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            call = node.exc
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
            and isinstance(node.func.value, ast.Name)
            and "log" in node.func.value.id.lower()
        ):
            call = node
        else:
            continue
        shown += [(call.lineno, keyword.value) for keyword in call.keywords]
        for argument in call.args:
            if isinstance(argument, ast.JoinedStr):
                shown += [(call.lineno, part.value) for part in argument.values if isinstance(part, ast.FormattedValue)]
            elif not isinstance(argument, ast.Constant):
                shown.append((call.lineno, argument))
    return shown


@pytest.mark.parametrize("path", python_files(), ids=module_of)
def test_no_message_or_log_line_shows_a_personal_value(path: object) -> None:
    found = [
        f"line {line}: {', '.join(sorted(personal_parts(value)))}"
        for line, value in shown_values(parsed(path))  # type: ignore[arg-type]
        if personal_parts(value)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "is_seen"),
    [
        ("raise NotFound(f'no {person.id_number}')", True),
        ("raise NotFound('no person', number=row['cnic'])", True),
        ("raise InputError(f'cannot read {cell!r}')", True),
        ("log.warning('payee %s', payee_name)", True),
        ("raise NotFound(f'no household {household.id}', rows=len(row))", False),
        ("log.info('batch %s', batch_id)", False),
    ],
)
def test_planted_breaches_are_seen(source: str, is_seen: bool) -> None:
    values = shown_values(ast.parse(source))
    assert any(personal_parts(value) for _, value in values) is is_seen
