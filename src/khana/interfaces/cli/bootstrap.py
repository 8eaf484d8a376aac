"""First users of a folder, made by the owner of the database: sample logins, or one administrator.

Sample logins exist outside production only; what they are is kept in `<var>/sample.json`, with
their second factor, so that a newcomer can sign in. Nothing here is a person's data.
"""

from __future__ import annotations

import json
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from khana.platform import places

OPERATOR = "steward"
TOKEN_LIFE = timedelta(days=90)


@click.group(hidden=True)
def bootstrap() -> None:
    """First users of a folder; used by `khana up`."""
    os.environ["KHANA_DB_ROLE"] = "owner"


def _setup() -> None:
    import django

    django.setup()


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    temporary.rename(path)


def read_sample() -> dict[str, Any]:
    """Return what the sample of this folder is; empty where there is none."""
    try:
        found: dict[str, Any] = json.loads((places.var() / "sample.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def _add(logins: list[dict[str, str]], name: str, role: str, who: str, *, area_code: str = "", agency: str = "") -> str:
    from khana.access import services as access
    from khana.platform import clock

    if any(login["username"] == name for login in logins):
        return ""
    password = f"khana-{name}-{secrets.token_hex(3)}"
    try:
        user = access.add_user(
            username=name, display_name=who.split(":")[0][:1].upper() + who.split(":")[0][1:], role=role, password=password,
            area_code=area_code, agency=agency, token_ttl=TOKEN_LIFE, at=clock.now(),
        )  # fmt: skip
    except access.NameTaken:  # killed between the user and the file: give her a password again
        user = access.reset_password(username=name, first=False, at=clock.now())
        password = user.password
    logins.append({"username": name, "password": password, "who": who, "otpauth": user.otpauth_uri})
    _write(places.folder() / "sample.json", json.dumps({**read_sample(), "logins": logins}))
    return user.token


@bootstrap.command()
def operator() -> None:
    """Make the data steward of the sample and leave her token for commands in this folder."""
    _setup()
    logins = read_sample().get("logins", [])
    token = _add(logins, OPERATOR, "data_steward", "data steward: loads, consolidates, clears findings; whole country")
    path = places.folder("run") / "operator.token"
    if token:
        _write(path, token)
    elif not path.exists():
        from khana.access import services as access

        _write(path, str(access.call("access_first_token", OPERATOR, TOKEN_LIFE)[0][0]))


@bootstrap.command()
def logins() -> None:
    """Make one sample login for each kind of user."""
    _setup()
    from khana.beneficiaries.selectors import list_sources
    from khana.geo.selectors import list_areas
    from khana.registry.selectors import first_area_path

    made = read_sample().get("logins", [])
    parts = first_area_path().split(".")
    districts = list_areas(level=2)
    district = districts.filter(code__in=parts).first() or districts.first()
    source = list_sources().first()
    agency = source.agency if source else ""
    token = _add(made, "admin", "administrator", "administrator: users, areas, catalogue; sees no person")
    if token:
        _write(places.folder("run") / "administrator.token", token)
    _add(made, "second", "data_steward", "second data steward: what needs two people, with the first; whole country")
    _add(made, "analyst", "analyst", "M&E analyst: figures and maps, never a name")
    if district is not None:
        _add(made, "registrar", "registrar", f"registration desk of {district.name}", area_code=district.code)
    if agency:
        _add(made, "officer", "programme_officer", f"programme officer of {agency}", agency=agency)
    _add(made, "auditor", "auditor", "auditor: reads everything, changes nothing")


@bootstrap.command()
@click.argument("username")
def administrator(username: str) -> None:
    """Make the first administrator; her password and second factor are printed once."""
    _setup()
    from khana.access import services as access
    from khana.platform import clock

    user = access.add_user(username=username, display_name=username, role="administrator", at=clock.now())
    click.echo(json.dumps({"username": user.username, "password": user.password, "otpauth": user.otpauth_uri}))
