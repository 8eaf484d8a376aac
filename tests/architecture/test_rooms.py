"""Five holes that an import linter cannot see: what couples rooms through Django itself.

A key by string, a reverse accessor, a cascade, a foreign model in a service, and `get_model`.
Each check is shown a planted breach, so that a check that sees nothing does not pass for a clean one.
"""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from tests.architecture.sources import (
    SOURCE,
    imports,
    is_below,
    layers,
    module_of,
    parsed,
    python_files,
    room_of,
)

OWN_MODELS = [model for model in apps.get_models() if room_of(model.__module__)]
KEYS = [
    field
    for model in OWN_MODELS
    for field in model._meta.get_fields()
    if isinstance(field, models.ForeignKey | models.ManyToManyField) and field.model is model
]


def _crossing(field: Any) -> tuple[str, str] | None:
    """Return (room of the key, room that it points at) where they differ."""
    own, other = room_of(field.model.__module__), room_of(field.related_model.__module__)
    return (own, other) if own != other else None


def points_up(field: Any) -> bool:
    """Tell whether a key points to a room that is not below."""
    rooms = _crossing(field)
    return rooms is not None and not is_below(rooms[1], rooms[0])


def has_reverse_accessor(field: Any) -> bool:
    """Tell whether a key across rooms gives the lower room a way up."""
    return _crossing(field) is not None and not str(field.remote_field.related_name or "").endswith("+")


def deletes_across(field: Any) -> bool:
    """Tell whether deleting in the lower room reaches into the upper."""
    return _crossing(field) is not None and field.remote_field.on_delete is not models.PROTECT


def foreign_models(tree: ast.Module, module: str) -> list[int]:
    """Return the lines where a file that holds no models imports another room's."""
    if module.split(".")[2:3] == ["models"]:
        return []
    own = room_of(module)
    found = imports(tree)
    return sorted(
        {line for name, line in found if room_of(name) not in {"", own} and name.split(".")[2:3] == ["models"]}
    )


def get_model_calls(tree: ast.Module) -> list[int]:
    """Return the lines that look a model up by string."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get_model"
    ]


def test_every_room_is_there_with_its_docstring() -> None:
    for room in (room for layer in layers() for room in layer):
        text = ast.get_docstring(parsed(SOURCE / "khana" / room / "__init__.py"))
        assert text and len(text.split()) > 8, room


def test_a_room_re_exports_nothing() -> None:
    for room in (room for layer in layers() for room in layer):
        body = parsed(SOURCE / "khana" / room / "__init__.py").body
        assert len(body) == 1, f"{room}/__init__.py holds more than its docstring"


def test_keys_point_down_the_chain() -> None:
    assert KEYS
    assert [str(field) for field in KEYS if points_up(field)] == []


def test_keys_across_rooms_give_no_way_back() -> None:
    assert [str(field) for field in KEYS if has_reverse_accessor(field)] == []


def test_keys_across_rooms_protect() -> None:
    assert [str(field) for field in KEYS if deletes_across(field)] == []


@pytest.mark.parametrize("path", python_files(), ids=module_of)
def test_only_models_import_a_lower_rooms_models(path: Any) -> None:
    assert foreign_models(parsed(path), module_of(path)) == []


def test_models_are_not_looked_up_by_string() -> None:
    found = {module_of(path): get_model_calls(parsed(path)) for path in python_files()}
    assert {module: lines for module, lines in found.items() if lines} == {}


_MAKES_TABLE = re.compile(r"CREATE OR REPLACE (?:TABLE|VIEW) ([a-z_]+)\b")


def tables_made(text: str) -> set[str]:
    """Return the tables of the engine that a source makes under a name that stands in it."""
    return set(_MAKES_TABLE.findall(text))


def test_matching_makes_no_table_under_a_name_that_a_room_uses() -> None:
    """Both work in one engine: what matching makes and drops for itself must not be what its caller holds."""
    own, rooms = set[str](), set[str]()
    for path in python_files():
        made = tables_made(path.read_text(encoding="utf-8"))
        module = module_of(path)
        if module.startswith("khana_methods.matching"):
            own |= made
        elif module.startswith(("khana.linkage", "khana.workflows.match", "khana.workflows.recognise")):
            rooms |= made
    assert len(own) > 10 and len(rooms) > 10
    assert own & rooms == set()


class _Key:
    """A key as Django describes one, of a room to a room."""

    def __init__(self, own: str, other: str, related_name: str = "+", on_delete: object = models.PROTECT):
        self.model = type("Upper", (), {"__module__": f"khana.{own}.models"})
        self.related_model = type("Lower", (), {"__module__": f"khana.{other}.models"})
        self.remote_field = type("Rel", (), {})()
        self.remote_field.related_name = related_name
        self.remote_field.on_delete = on_delete


def test_planted_breaches_are_seen() -> None:
    assert points_up(_Key("registry", "payments"))
    assert points_up(_Key("intake", "linkage")), "strangers of one layer"
    assert not points_up(_Key("payments", "registry"))
    assert has_reverse_accessor(_Key("payments", "registry", related_name="payments"))
    assert not has_reverse_accessor(_Key("registry", "registry", related_name="members"))
    assert deletes_across(_Key("payments", "registry", on_delete=models.CASCADE))
    hidden = ast.parse("def pay():\n    from khana.registry.models import Person\n    return Person\n")
    assert foreign_models(hidden, "khana.payments.services") == [2]
    assert foreign_models(ast.parse("import khana.registry.models"), "khana.workflows.pay") == [1]
    assert foreign_models(ast.parse("from khana.registry import models"), "khana.payments.services") == [1]
    assert foreign_models(hidden, "khana.payments.models") == []
    assert foreign_models(hidden, "khana.registry.services") == []
    assert get_model_calls(ast.parse("apps.get_model('payments', 'Cycle')")) == [1]
    assert tables_made("engine.run(f'CREATE OR REPLACE TABLE wanted AS SELECT 1')") == {"wanted"}
