"""Roles and permissions as `roles.yaml` names them: read, checked, handed to the database.

A *permission* says what may be done and against which scope it is held; a *role* is a set of
permissions that an office needs. The file is the only source; the table is its copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from khana_methods.errors import InputError
from khana_methods.yaml_text import read_yaml

SCOPES = ("country", "area", "agency", "agency_area", "any")


class RoleUnknown(InputError):
    """There is no role, or no permission, with this name."""

    code: ClassVar[str] = "access.role.unknown"


class PurposeUnknown(InputError):
    """There is no purpose with this name."""

    code: ClassVar[str] = "access.purpose.unknown"


@dataclass(frozen=True)
class Permission:
    """One permission: what it is held against, and what it means in words."""

    name: str
    scope: str
    meaning: str
    people: bool = False


@dataclass(frozen=True)
class Role:
    """One role and the permissions that it holds."""

    name: str
    permissions: tuple[str, ...]
    meaning: str
    strong: bool = False
    machine: bool = False


@dataclass(frozen=True)
class Catalogue:
    """Every permission and every role by name."""

    permissions: dict[str, Permission]
    roles: dict[str, Role]
    purposes: dict[str, str]

    def role(self, name: str) -> Role:
        """Return a role, or say which ones there are."""
        if name not in self.roles:
            there = ", ".join(self.roles)
            raise RoleUnknown(f"There is no role '{name}'. The roles are: {there}.", role=name)
        return self.roles[name]

    def purpose(self, name: str) -> str:
        """Return the name of a purpose, or say which ones there are; an empty one is none."""
        if name and name not in self.purposes:
            there = ", ".join(self.purposes)
            raise PurposeUnknown(f"There is no purpose '{name}'. The purposes are: {there}.", purpose=name)
        return name

    def rows(self) -> list[tuple[str, str]]:
        """Return (role, permission) pairs, sorted: the content of the table."""
        return sorted((role.name, name) for role in self.roles.values() for name in role.permissions)

    def people(self) -> frozenset[str]:
        """Return the permissions that show people."""
        return frozenset(one.name for one in self.permissions.values() if one.people)

    def traits(self) -> list[tuple[str, bool, bool, bool, bool]]:
        """Return what the database must know of each role: name, strong, shows people, keeps keys, for machines."""
        return [
            (
                one.name, one.strong, bool(self.people() & set(one.permissions)), "keys.manage" in one.permissions,
                one.machine,
            )
            for one in self.roles.values()
        ]  # fmt: skip


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Read and check `roles.yaml`."""
    document = read_yaml((Path(__file__).parent / "roles.yaml").read_text())
    permissions = {name: Permission(name, **body) for name, body in document["permissions"].items()}
    roles = {
        name: Role(name, **{**body, "permissions": tuple(body["permissions"])})
        for name, body in document["roles"].items()
    }
    wrong = [p.name for p in permissions.values() if p.scope not in SCOPES]
    wrong += [name for role in roles.values() for name in role.permissions if name not in permissions]
    if wrong:
        raise RoleUnknown(f"roles.yaml names what it does not define: {', '.join(wrong)}.")
    return Catalogue(permissions, roles, document["purposes"])
