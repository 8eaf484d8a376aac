"""Go through pages, operations and commands as one user after the other, and say what somebody met who should not.

What there is to go through comes from the resolver of addresses and from the parser of commands, not from a list; what is
in no table of `asked_pages` or `typed_commands` is reported as unlisted. A page that breaks is a find too.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from khana_settings.walk import asked_pages, typed_commands
from khana_settings.walk.country import Trial

BEARER = ("api-v1:", "odk:", "dci:")
REFUSALS = (0, 10, 11, 12, 13)
SERVED = 8  # pages that each user sees of her own: fewer would mean that the walk stood at the door
MACHINES = ("report", "sources study", "explain", "quarantine list")  # asked for JSON too


@dataclass(frozen=True)
class Met:
    """Something that one user met and should not have: where, what was asked, who asked, and what it was."""

    where: str
    asked: str
    user: str
    found: str


@dataclass(frozen=True)
class Answer:
    """One answer: its status, everything that it says, and the address as it was asked."""

    status: int
    text: str
    asked: str


def addresses(resolver: URLResolver | None = None, space: str = "") -> Iterator[str]:
    """Yield the name of every address, with its namespace; the path of one without a name."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, f"{pattern.namespace}:" if pattern.namespace else space)
        elif isinstance(pattern, URLPattern):
            yield space + (pattern.name or f"without a name: {pattern.pattern}")


def commands(group: click.Group | None = None, path: str = "") -> Iterator[str]:
    """Yield every command that can be typed."""
    from khana.interfaces.cli.main import khana

    group = group or khana
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}"


def unlisted() -> list[str]:
    """Return what stands in no table, and what stands in a table and is not there any more."""
    there, typed = set(addresses()), set(commands())
    found = [f"address {name}" for name in there ^ set(asked_pages.PAGES)]
    found += [f"command {name}" for name in typed - set(typed_commands.COMMANDS) - set(typed_commands.NO_PEOPLE)]
    return sorted(found + [f"command {name}" for name in set(typed_commands.COMMANDS) - typed])


def text_of(content: bytes) -> str:
    """Return everything that a file or page says; a workbook and a Parquet file are opened."""
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    if content[:4] == b"PAR1":
        import pyarrow.parquet as pq

        return json.dumps(pq.read_table(io.BytesIO(content)).to_pylist(), default=str, ensure_ascii=False)
    return content.decode("utf-8", "replace")


def ask(client: Client, request: str, things: Mapping[str, str], token: str = "") -> Answer:
    """Make one request of the table."""
    verb, rest = request.split(" ", 1)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response: Any
    if verb == "GET":
        path, _, query = rest.format(**things).partition("?")
        data = dict(part.split("=", 1) for part in query.split("&") if part)
        response, asked = client.get(path, data, headers=headers), f"{path}?{query}"
    else:
        target, *fields = (part.format(**things) for part in rest.split(" "))
        asked = " ".join([target, *fields])
        response = client.post(target, dict(part.split("=", 1) for part in fields), headers=headers)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return Answer(response.status_code, text_of(content) + json.dumps(dict(response.headers)), asked)


def sign_in(trial: Trial, user: str) -> Client:
    """Return the browser of a user who has signed in."""
    client = Client(raise_request_exception=False)
    response = client.post("/sign-in", {"username": user, "password": trial.password})
    if response.status_code != 302:
        raise RuntimeError(f"{user} cannot sign in: {response.status_code}")
    return client


def walk_pages(trial: Trial, user: str) -> Iterator[Met]:
    """Walk every page, operation, report and export as a user; yield what she met and should not have."""
    client, served = sign_in(trial, user), 0
    for name, requests in asked_pages.PAGES.items():
        token = trial.tokens[user] if name.startswith(BEARER) else ""
        where = "operation" if token else "page"
        for request in requests:
            answer = ask(client, request, trial.things, token)
            served += answer.status == 200
            if answer.status >= 500 or answer.status == 429:
                yield Met(where, request, user, f"it broke with {answer.status}")
            for found in trial.found(user, answer.text, answer.asked):
                yield Met(where, request, user, found)
    if served < SERVED:
        yield Met("page", "all", user, f"she was served {served} pages only: this walk shows nothing")


def walk_door(trial: Trial) -> Iterator[Met]:
    """Walk everything without a session or a token: nobody gets further than the door."""
    for name, requests in asked_pages.PAGES.items():
        for request in requests:
            answer = ask(Client(raise_request_exception=False), request, trial.things)
            if not _is_at_the_door(name, answer):
                yield Met("page", request, "nobody", f"answered with {answer.status}")
            for found in trial.found("nobody", answer.text, answer.asked):
                yield Met("page", request, "nobody", found)


def _is_at_the_door(name: str, answer: Answer) -> bool:
    if name in asked_pages.PUBLIC:
        return answer.status in ((403,) if name == "passkey" else (200, 302))
    for space, allowed in (("api-v1:", (401, 404)), ("odk", (400, 401, 403))):
        if name.startswith(space):
            return answer.status in allowed
    if name.startswith("ogc:"):
        return answer.status in ((200, 404) if name == "ogc:item" else (200,))
    if name.startswith("dci:"):
        is_public = name in ("dci:jwks", "dci:locations")
        return answer.status in ((200,) if is_public else (400, 401, 405))
    return answer.status == 302 and "/sign-in" in answer.text


def walk_commands(
    trial: Trial, user: str, run: Callable[..., Any], ended: dict[str, int] | None = None
) -> Iterator[Met]:
    """Type every command as a user; yield what she met and should not have.

    Args:
        trial: Where.
        user: Who types.
        run: Runs one command with a token and returns how it ended.
        ended: Is given the exit code of each command.
    """
    for command, lines in typed_commands.COMMANDS.items():
        for line in lines:
            words = [*command.split(), *line.format(**trial.things).split()]
            for more in ((), ("--json",)) if command in MACHINES else ((),):
                typed = " ".join([*words, *more])
                done = run(*words, *more, token=trial.tokens[user])
                if ended is not None:
                    ended[" ".join(words[:2])] = done.code
                if done.code not in REFUSALS or "Traceback" in done.err:
                    yield Met("command", typed, user, f"it broke with exit code {done.code}")
                for found in trial.found(user, done.out + done.err + _written(trial), typed):
                    yield Met("command", typed, user, found)


def _written(trial: Trial) -> str:
    """Return what the files say that a command wrote, and remove them."""
    said = ""
    for path in trial.folder.glob("out-*"):
        said += text_of(path.read_bytes())
        path.unlink()
    return said
