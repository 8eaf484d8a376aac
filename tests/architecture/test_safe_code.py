"""What the sources never do, whoever writes them: run text, build patterns or forms from input, mark text safe, mix generators.

Each rule is tried on a planted breach too, so that a rule that sees nothing is noticed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture.sources import REPOSITORY, SOURCE, module_of, parsed, python_files

WEB = SOURCE / "khana" / "interfaces" / "web"
SCRIPTS = sorted((WEB / "static" / "js").glob("*.js"))
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
RUNS_TEXT = {"eval", "exec", "compile", "__import__", "execfile"}
FORBIDDEN = {
    "pickle", "cPickle", "shelve", "marshal", "dill", "Crypto", "nacl", "M2Crypto", "telnetlib", "ftplib", "xmlrpc", "smtplib", "ldap",
    "memcache", "pylibmc", "lxml",
}  # fmt: skip


FORBIDDEN_CALLS = ("os.system", "os.popen", "yaml.load", "yaml.safe_load", "ssl._create_unverified_context")


def called(node: ast.Call) -> str:
    """Return the dotted name of what is called."""
    return ast.unparse(node.func)


def runs_text(tree: ast.Module) -> Iterator[str]:
    """Yield what runs text, opens a shell, reads objects from bytes, or leaves certificates unchecked."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            yield from (f"line {node.lineno}: {name}" for name in names if name.split(".")[0] in FORBIDDEN)
        if not isinstance(node, ast.Call):
            continue
        name, words = called(node), {one.arg: one.value for one in node.keywords}
        if name == "yaml.load" and "TooDeep" in ast.unparse(
            tree
        ):  # khana_methods.yaml_text, which looks at the depth first
            continue
        if name in RUNS_TEXT or name in FORBIDDEN_CALLS:
            yield f"line {node.lineno}: {name}"
        shell = words.get("shell")
        if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
            yield f"line {node.lineno}: a shell"
        if name.startswith("subprocess.") and node.args and isinstance(node.args[0], ast.JoinedStr | ast.Constant):
            yield f"line {node.lineno}: a command as text"


def test_no_source_uses_what_runs_text() -> None:
    found = {module_of(path): list(runs_text(parsed(path))) for path in python_files()}
    assert {module: lines for module, lines in found.items() if lines} == {}
    for planted in (
        "eval(x)",
        "subprocess.run(f'ls {x}')",
        "subprocess.run(x, shell=True)",
        "import pickle",
        "yaml.load(x)",
        "yaml.safe_load(x)",
    ):
        assert list(runs_text(ast.parse(planted))), planted


def patterns_from_input(tree: ast.Module) -> Iterator[str]:
    """Yield patterns that are put together from values which are not escaped."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in {f"re.{one}" for one in ("compile", "search", "match", "fullmatch", "sub", "findall", "split")}:  # fmt: skip
            parts = [one for one in ast.walk(node.args[0]) if isinstance(one, ast.FormattedValue)] if node.args else []
            for part in parts:
                text = ast.unparse(part.value)
                if "re.escape(" not in text and not text.lstrip("_").isupper():
                    yield f"line {node.lineno}: {text}"


def test_no_pattern_is_built_from_input() -> None:
    found = {module_of(path): list(patterns_from_input(parsed(path))) for path in python_files()}
    found.pop("khana_methods.standardise.phones")  # prefixes of a country's own numbering plan
    assert {module: lines for module, lines in found.items() if lines} == {}
    assert list(patterns_from_input(ast.parse("re.search(f'^{name}$', text)")))


def test_nothing_is_marked_safe_but_our_own_pictures() -> None:
    marked = [
        (path.relative_to(WEB).as_posix(), word)
        for path in TEMPLATES
        for word in re.findall(
            r"\{\{\s*(\w[\w.]*)\s*\|[^}]*\bsafe\b|\{%\s*(autoescape off)", path.read_text(encoding="utf-8")
        )
    ]
    assert {word for _, words in marked for word in words if word} <= {"picture"}, marked  # QR codes drawn by segno
    found = [
        module_of(path)
        for path in python_files()
        if re.search(r"\bmark_safe\(|\bSafeString\(|is_safe = True", path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_scripts_of_the_pages_run_no_text() -> None:
    """Where HTML is put in, it is an answer of our own server; nothing listens to other windows or keeps things in the clear."""
    assert SCRIPTS
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        for word in (r"\beval\(", r"new Function", r"document\.write", r"postMessage", r"addEventListener\(\"message\"", "localStorage",
                     "sessionStorage", r"document\.cookie", r"insertAdjacentHTML", r"outerHTML", r"__proto__", r"javascript:"):  # fmt: skip
            assert not re.search(word, text), (path.name, word)
        put = re.findall(r"\.innerHTML\s*=\s*(\w+)", text)
        assert not put or re.search(r"await answer\.text\(\)|\.text\(\)", text), path.name
        assert "innerHTML" not in text or path.name in ("rules.js", "simulator.js"), path.name


def test_every_form_that_changes_bears_a_sign() -> None:
    forms = 0
    for path in TEMPLATES:
        for form in re.findall(r"<form\b[^>]*>.*?</form>", path.read_text(encoding="utf-8"), re.S):
            if re.search(r'method="post"', form.split(">")[0], re.I):
                forms += 1
                assert "{% csrf_token %}" in form, f"{path.name}: {form[:90]}"
    assert forms > 40


def test_no_form_writes_whatever_it_is_sent() -> None:
    """A view hands named fields to a service; nothing spreads what was sent."""
    for path in (SOURCE / "khana" / "interfaces").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\*\*\s*(?:dict\()?request\.(?:POST|GET|FILES|body)", text), path.name
        assert "ModelForm" not in text and "fields = '__all__'" not in text and "setattr(" not in text, path.name


def test_pages_read_one_source_of_parameters() -> None:
    """Where a page is asked to go next both are read, and the answer is held to our own host; else each view names its source."""
    both = re.compile(r"request\.POST\.get\((\"\w+\")[^\n]*\) or request\.GET\.get\(\1")
    found = {
        path.relative_to(WEB).as_posix() for path in WEB.rglob("*.py") if both.search(path.read_text(encoding="utf-8"))
    }
    assert found <= {"signin/views.py"}
    assert not [path.name for path in WEB.rglob("*.py") if "request.REQUEST" in path.read_text(encoding="utf-8")]


def test_secrets_come_from_the_secure_generator() -> None:
    """`random` makes countries, samples and orders; whatever must not be guessed is of `secrets`, `os.urandom` or the database."""
    allowed = ("khana_methods.", "khana.sharing.sandbox")
    found = [
        module_of(path)
        for path in python_files()
        if re.search(r"^\s*(?:import random|from random import)", path.read_text(encoding="utf-8"), re.M)
        and not module_of(path).startswith(allowed)
    ]
    assert found == []
    for room in ("access", "sharing", "identity"):
        for path in (SOURCE / "khana" / room / "sql").glob("*.sql"):
            assert not re.search(r"(?<![a-z_])random\(\)", path.read_text(encoding="utf-8")), path.name
    sessions = (SOURCE / "khana/access/sql/sessions.sql").read_text(encoding="utf-8")
    assert "gen_random_uuid()::text || gen_random_uuid()::text" in sessions  # two of 122 bits each
    services = (SOURCE / "khana/access/services.py").read_text(encoding="utf-8")
    assert "secrets.token_bytes(20)" in services and "secrets.choice" in services


WEAK = re.compile(r"\b(?:ECB|CBC|CTR|PKCS1v15\(\)|ARC4|TripleDES|Blowfish|MD5\(\)|SHA1\(\)|hashlib\.(?:md5|sha1))")
# where a weak word may stand, and why
KNOWN_WEAK = {
    "khana.access.services": "TOTP is HMAC-SHA1 in every authenticator (RFC 6238)",
    "khana.access.passwords": "the form of a list of leaked passwords",
    "khana.identity.gateways.mosip": "RS256 is a signature",
    "khana.linkage.laid_out": "buckets",
    "khana.interfaces.api.odk.openrosa": "what ODK writes",
    "khana.intake.services.forms": "what ODK writes",
}


def test_cryptography_comes_from_known_packages() -> None:
    found = {
        module_of(path)
        for path in python_files()
        if WEAK.search(path.read_text(encoding="utf-8")) and "khana_methods" not in str(path)
    }
    assert found <= set(KNOWN_WEAK), found - set(KNOWN_WEAK)
    for path in python_files():
        text = path.read_text(encoding="utf-8")
        for weak in re.findall(r"hashlib\.(?:md5|sha1)\([^\n]*", text):
            assert "usedforsecurity=False" in weak or "khana_methods" in str(path), (path.name, weak)
        if "PKCS1v15" in text:
            assert not re.search(r"\.(?:encrypt|decrypt)\([^)]*PKCS1v15", text), path.name
        for module in re.findall(r"^(?:from|import) ([\w.]+)", text, re.M):
            assert module.split(".")[0] not in FORBIDDEN, (path.name, module)
    assert WEAK.search("modes.ECB(") and WEAK.search("hashlib.md5(b'')")


@pytest.mark.parametrize("path", [REPOSITORY / "src" / "khana_settings" / "settings.py"])
def test_no_debug_switch_in_the_settings(path: Path) -> None:
    assert re.search(r"^DEBUG = False$", path.read_text(encoding="utf-8"), re.M)
