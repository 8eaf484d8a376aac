"""`python -m khana_settings.walk`: the whole walk in the folder of KHANA_VAR, which must be an empty one of its own.

Started by `khana access walk` with an environment in which nothing of the installation is named. It makes a database, a
country and users, walks, stops the database, and prints lines of JSON: how far it is, and at the end what it found.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import django

PARTS = ("tables", "pages", "commands")


def main() -> None:
    """Walk, and print what was met."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--users", action="store_true", help="make the users of the country on standard input, as the owner"
    )
    parser.add_argument("--households", type=int, default=150)
    parser.add_argument("--part", action="append", choices=PARTS)
    asked = parser.parse_args()
    if asked.users:
        _print_tokens(json.load(sys.stdin))
        return
    from khana.platform import embedded

    try:
        _walk(asked.households, tuple(asked.part or PARTS))
    finally:
        embedded.stop()


def _say(**line: Any) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


def _khana(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "khana", *words], check=True, stdout=subprocess.DEVNULL)


def _walk(households: int, parts: tuple[str, ...]) -> None:
    from khana.platform import embedded, places

    _say(phase="database")
    _khana("migrate")
    _khana("bootstrap", "operator")
    places.folder("static")
    django.setup()
    from khana.access import shape
    from khana_settings.walk import asked_pages, steps, typed_commands
    from khana_settings.walk.country import USERS, Trial, fill, learn
    from khana_settings.walk.nursery import nursery

    _without_limits()
    trial = Trial(places.var() / "country", password=secrets.token_urlsafe(18))
    operator = (places.var() / "run" / "operator.token").read_text().strip()
    with nursery() as lent:
        _say(phase="country")
        fill(lambda *words: lent.run(*words, token=operator), trial.folder, households=households)
        import psycopg

        with psycopg.connect(**embedded.connection_parameters("owner")) as owner:  # type: ignore[arg-type]
            learn(trial, owner)
        trial.tokens = _users(trial)
        met: list[steps.Met] = []
        for part, user, found in _steps(parts, USERS, trial, lent):
            _say(phase=f"{part}: {user}")
            met += found
    walked = {
        "tables": len(_tables()), "pages": len(asked_pages.PAGES), "commands": len(typed_commands.COMMANDS), "users": len(USERS) + 1,
        "requests": sum(len(one) for one in asked_pages.PAGES.values()), "typed": sum(len(one) for one in typed_commands.COMMANDS.values()),
    }  # fmt: skip
    _say(result={
        "walked": walked, "parts": parts, "unlisted": steps.unlisted(), "met": _together(met), "shape": shape.of_this_database()
    })  # fmt: skip


def _steps(
    parts: tuple[str, ...], users: Iterable[str], trial: Any, lent: Any
) -> Iterable[tuple[str, str, Iterable[Any]]]:
    """Yield each step: its part, who walks, and what she meets as it is walked."""
    import psycopg

    from khana.platform import embedded
    from khana_settings.walk import rows, steps

    if "tables" in parts:
        for role in ("web", "worker"):
            with psycopg.connect(**embedded.connection_parameters(role)) as connection:  # type: ignore[arg-type]
                yield "tables", f"everybody, as {role}", rows.walk_tables(trial, connection)
    if "pages" in parts:
        yield "pages", "nobody", steps.walk_door(trial)
    for user in users:
        if "pages" in parts:
            yield "pages", user, steps.walk_pages(trial, user)
        if "commands" in parts:
            yield "commands", user, steps.walk_commands(trial, user, lent.run)


def _together(met: Iterable[Any]) -> list[dict[str, Any]]:
    """Return finds, those of one request and one user in a line; what was found are made-up people."""
    counted = Counter((one.where, one.asked, one.user) for one in met)
    first = {(one.where, one.asked, one.user): one for one in reversed(list(met))}
    return [{**asdict(first[key]), "times": times} for key, times in counted.items()]


def _tables() -> dict[str, Any]:
    import psycopg

    from khana.platform import embedded
    from khana_settings.walk import rows

    with psycopg.connect(**embedded.connection_parameters("web")) as connection:  # type: ignore[arg-type]
        return rows.tables_of(connection)


def _without_limits() -> None:
    """How often one may ask is another matter: the walk asks often."""
    from khana.interfaces.web import limits

    for bucket in (limits.LOOK_UP, limits.EXPORT, limits.SIGN_IN, limits.OPEN_PAGES):
        bucket.burst = 100_000


def _users(trial: Any) -> dict[str, str]:
    """Make the users in a process that is the owner of the database; this one is not."""
    given = json.dumps({"folder": str(trial.folder), "password": trial.password, "things": trial.things})
    done = subprocess.run(
        [sys.executable, "-m", "khana_settings.walk", "--users"], input=given, text=True, check=True, stdout=subprocess.PIPE,
        env={**os.environ, "KHANA_DB_ROLE": "owner"},
    )  # fmt: skip
    tokens: dict[str, str] = json.loads(done.stdout)
    return tokens


def _print_tokens(given: dict[str, Any]) -> None:
    django.setup()
    from khana_settings.walk.country import Trial, make_users

    trial = Trial(Path(given["folder"]), password=given["password"], things=given["things"])
    print(json.dumps(make_users(trial)))


if __name__ == "__main__":
    main()
