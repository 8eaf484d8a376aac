"""The command `khana`: help that teaches, one JSON object, exit codes, who acts."""

from __future__ import annotations

import csv
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from click.testing import CliRunner
from tests.conftest import REPOSITORY
from tests.factories import little_country
from tests.factories.little_country import FORMULA

from khana.interfaces.cli import session
from khana.interfaces.cli.main import HIDDEN, VERBS, khana, main
from khana.platform import embedded

SERVE = {"up", "down", "status", "migrate", *HIDDEN}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("KHANA_TOKEN", raising=False)
    monkeypatch.delenv("KHANA_TRACEBACK", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def country(database: str) -> dict[str, Any]:
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        return little_country.build(connection)


@pytest.fixture
def acting(country, tokens, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def _act(role: str, **scope: str) -> str:
        token = tokens(role, **scope)
        monkeypatch.setenv("KHANA_TOKEN", token)
        return token

    return _act


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run one command in this process; return exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


EVERY = [(path, command) for path, command in commands(khana) if path[0] not in SERVE]


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_every_command_teaches(path: tuple[str, ...], command: click.Command) -> None:
    shown = CliRunner().invoke(khana, [*path, "--help"])
    assert shown.exit_code == 0
    assert "Examples:" in shown.output
    assert f"khana {' '.join(path)}" in shown.output
    if not isinstance(command, click.Group) and path != ("worker",):
        names = {name for parameter in command.params for name in parameter.opts}
        assert {"--json", "--out"} <= names


def test_every_verb_has_its_line(capfd) -> None:
    code, out, _ = run(capfd, "--help")
    assert code == 0
    assert all(name in out for name in VERBS if name not in HIDDEN)


def test_nobody_is_logged_in(capfd, monkeypatch, database, tmp_path) -> None:
    for name in ("operator_path", "administrator_path"):
        monkeypatch.setattr(session, name, lambda: tmp_path / "none")
    for words in (("report", "cap"), ("sources", "list"), ("consolidate",), ("users", "list")):
        code, out, err = run(capfd, *words)
        assert (code, out) == (13, "")
        assert "khana login" in err
    code, out, err = run(capfd, "report", "cap", "--json")
    assert json.loads(err)["code"] == "cli.nobody_logged_in"


def test_a_token_that_opens_nothing(capfd, monkeypatch, database) -> None:
    monkeypatch.setenv("KHANA_TOKEN", "nonsense")
    assert run(capfd, "sources", "list")[0] == 13


@pytest.mark.parametrize("kind", ["recipients", "overlaps", "cap", "unserved", "leakage", "findings", "quarantine"])
def test_report_prints_one_object_or_a_table(capfd, acting, kind: str) -> None:
    acting("data_steward")
    code, out, err = run(capfd, "report", kind, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["report"], found["count"]) == (kind, len(found["rows"]))
    code, out, _ = run(capfd, "report", kind)
    assert code == 0
    if kind != "quarantine":
        assert "Not connected, so not known: CASH." in out


def test_report_to_a_file(capfd, acting, tmp_path) -> None:
    acting("data_steward")
    out = tmp_path / "findings.csv"
    code, text, _ = run(capfd, "report", "findings", "--format", "csv", "--out", str(out), "--json")
    assert (code, json.loads(text)["rows"]) == (0, 2)
    with out.open(newline="") as handle:
        assert next(csv.DictReader(handle))["detail"] == "'" + FORMULA
    code, text, _ = run(capfd, "report", "findings", "--format", "csv")
    assert text.splitlines()[0].startswith("source,file,sheet,line,code,role")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("report", "nothing"), 10),
        (("report", "cap", "--format", "xlsx"), 10),
        (("report", "cap", "--run", "999"), 11),
        (("report", "cap", "--area", "XX"), 11),
        (("report", "cap", "--code", "DUP_NID"), 10),
        (("import", "households", "/no/such/file.csv", "--contract", "c"), 10),
        (("import", "benefits", __file__), 10),
        (("explain", "NO_SUCH_CODE"), 10),
        (("explain", "999999"), 11),
        (("sources", "onboarding", "--nonsense"), 10),
        (("users", "list"), 13),
        (("users", "code", "nobody"), 11),
        (("no-such-verb",), 10),
    ],
)
def test_exit_codes(capfd, acting, words: tuple[str, ...], code: int) -> None:
    acting("data_steward")
    got, _, err = run(capfd, *words)
    assert got == code, err
    assert err and "Traceback" not in err


def test_misuse_and_our_mistakes_are_json_too(capfd, monkeypatch) -> None:
    code, _, err = run(capfd, "report", "nothing", "--json")
    assert (code, json.loads(err)["code"]) == (10, "cli.usage")

    def broken() -> str:
        raise ZeroDivisionError("8220312345671")

    monkeypatch.setattr(session, "saved_path", broken)
    code, _, err = run(capfd, "sources", "list", "--json")
    assert (code, json.loads(err)["code"]) == (1, "cli.our_mistake")
    assert "8220312345671" not in err


def test_out_to_a_folder_that_is_not_there(capfd, acting) -> None:
    acting("data_steward")
    code, _, err = run(capfd, "report", "cap", "--out", "/no/such/folder/cap.csv")
    assert (code, "No such file" in err) == (10, True)


def test_the_database_gone(capfd, acting, monkeypatch) -> None:
    from django.db import connection

    acting("data_steward")
    monkeypatch.setitem(connection.settings_dict, "HOST", "/no/such/socket")
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
    code, _, err = run(capfd, "sources", "list")
    connection.close()
    assert (code, "khana up" in err) == (15, True)


def test_users_and_logging_in_and_out(capfd, acting, monkeypatch) -> None:
    acting("administrator")
    code, out, _ = run(
        capfd, "users", "add", "--username", "Rukhsana", "--name", "Rukhsana B.", "--role", "registrar",
        "--area", "PK101", "--json",
    )  # fmt: skip
    assert code == 0
    made = json.loads(out)
    assert made["username"] == "rukhsana" and made["token"] and made["otpauth_uri"]
    assert run(capfd, "users", "add", "--username", "rukhsana", "--role", "registrar")[0] == 12
    code, out, _ = run(capfd, "users", "add", "--role", "programme_officer", "--area", "", "--agency", "DSS", "--json")
    assert (code, json.loads(out)["username"].startswith("programme-officer-")) == (0, True)
    assert run(capfd, "users", "add", "--username", "x", "--role", "king")[0] == 10
    assert run(capfd, "users", "add", "--username", "y", "--role", "registrar", "--area", "XX")[0] == 11
    assert run(capfd, "users", "grant", "rukhsana", "--role", "registrar", "--area", "PK201")[0] == 0
    code, out, err = run(capfd, "users", "list", "--json")
    assert code == 0, err
    assert any(row["username"] == "rukhsana" and len(row["grants"]) == 2 for row in json.loads(out)["rows"])

    from khana.access import services as access
    from khana.platform import clock

    monkeypatch.delenv("KHANA_TOKEN")
    digits = access.code_at(made["otpauth_uri"], clock.now())
    runner = CliRunner()
    words = ["login", "--username", "rukhsana", "--password-stdin", "--code", digits, "--json"]
    shown = runner.invoke(khana, words, input=made["password"] + "\nfour quiet teapots sing\n")
    assert shown.exit_code == 0, shown.output
    saved = session.saved_path()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert session.find_token() == saved.read_text().strip()
    assert made["password"] not in shown.output
    code, out, _ = run(capfd, "report", "quarantine", "--json")
    assert code == 0
    assert run(capfd, "logout", "--json")[0] == 0
    assert not saved.exists()
    refused = runner.invoke(khana, words, input="wrong password\n", catch_exceptions=True)
    assert isinstance(refused.exception, access.SignInRefused)


def test_audit_is_for_who_may_read_it(capfd, acting) -> None:
    acting("data_steward")
    assert run(capfd, "audit", "verify")[0] == 13
    acting("auditor")
    code, out, _ = run(capfd, "audit", "seal", "--json")
    assert (code, json.loads(out)["sealed"] > 0) == (0, True)
    code, out, _ = run(capfd, "audit", "verify", "--json")
    assert (code, json.loads(out)["holds"]) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        ("schema", "contract"), ("schema", "manifest"), ("schema", "facts"), ("schema", "facts", "--entity", "benefit"),
        ("explain",), ("explain", "DUP_NID"), ("explain", "dup_nid", "--language", "bn"), ("keys", "list"),
    ],
)  # fmt: skip
def test_what_needs_no_login(capfd, words: tuple[str, ...], tmp_path) -> None:
    code, out, err = run(capfd, *words, "--json")
    assert (code, err) == (0, "")
    assert isinstance(json.loads(out), dict)
    code, out, _ = run(capfd, *words)
    assert code == 0 and out
    file = tmp_path / "out.json"
    assert run(capfd, *words, "--out", str(file))[0] == 0
    assert isinstance(json.loads(file.read_text()), dict)


def test_lists_of_sources_and_contracts(capfd, acting, tmp_path) -> None:
    acting("data_steward")
    contract = tmp_path / "c.yaml"
    contract.write_text("code: c\nentity: nonsense\n")
    assert run(capfd, "contracts", "add", str(contract))[0] == 10
    assert run(capfd, "contracts", "add", str(tmp_path / "none.yaml"))[0] == 10
    words = ("sources", "add", "--code", "DSS-OAA", "--title", "Old age", "--agency", "DSS", "--programme", "OAA")
    assert run(capfd, *words, "--kept-here", "--json")[0] == 0
    code, out, _ = run(capfd, "sources", "list", "--json")
    assert json.loads(out)["rows"][0]["source"] == "DSS-OAA"
    assert json.loads(run(capfd, "contracts", "list", "--json")[1]) == {"rows": []}
    code, out, _ = run(capfd, "sources", "onboarding", "--json")
    assert code == 0 and "OAA" not in [row["code"] for row in json.loads(out)["rows"]]


def test_areas_by_level(capfd, acting) -> None:
    acting("analyst")
    code, out, _ = run(capfd, "areas", "list", "--level", "2", "--json")
    assert (code, [row["code"] for row in json.loads(out)["rows"]]) == (0, ["PK101", "PK201"])


def test_explain_one_finding(capfd, acting) -> None:
    acting("data_steward")
    rows = []
    for number in range(1, 4):
        code, out, _ = run(capfd, "explain", str(number), "--json")
        if code == 0:
            rows.append(json.loads(out))
    assert {row["code"] for row in rows} == {"CAP_EXCEEDED", "DUP_NID"}
    assert all(row["meaning"] and row["what_to_do"] for row in rows)


def test_synth_writes_a_country(tmp_path) -> None:
    words = ["synth", "--households", "60", "--seed", "3", "--out", str(tmp_path / "land"), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "khana", *words],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path(json.loads(done.stdout)["out"]).is_dir()
    again = subprocess.run(
        [sys.executable, "-m", "khana", *words],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode in (10, 12)


def test_a_broken_pipe_is_no_error(acting) -> None:
    token = acting("data_steward")
    done = subprocess.run(
        f"{sys.executable} -m khana report findings --json | head -c 1",
        shell=True, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "KHANA_TOKEN": token, "KHANA_DB_ROLE": "worker"},
    )  # fmt: skip
    assert done.stderr == ""
