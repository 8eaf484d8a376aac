"""Passkeys in a real browser with its virtual authenticator, and sign-in by way of a certified OpenID Connect provider."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.conftest import REPOSITORY, acting_as
from tests.interfaces.web.conftest import PASSWORD, serve
from tests.interfaces.web.test_browser import Visit

SCRIPT = REPOSITORY / "tests" / "engine" / "provider.mjs"
SECRET = secrets.token_urlsafe(24)


def pem_of(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


KEYS = {"RSA": pem_of(rsa.generate_private_key(65537, 2048)), "EC": pem_of(ec.generate_private_key(ec.SECP256R1()))}


@pytest.fixture(scope="module")
def staff(database: str) -> dict[str, str]:
    """Make an administrator and two members of staff; return the token of each."""
    from khana.access import services as access

    with acting_as("owner", database):
        access.load_roles()
        return {
            name: access.add_user(
                username=name, display_name=name.capitalize(), role=role, password=PASSWORD, second_factor=False, at=datetime.now(UTC)
            ).token
            for name, role in (("admin", "administrator"), ("rukhsana", "analyst"), ("amina", "analyst"))
        }  # fmt: skip


@pytest.fixture(scope="module")
def home(staff: dict[str, str]) -> Iterator[str]:
    """Serve the pages under a name: browsers make passkeys for names."""
    with serve() as address:
        yield address.replace("127.0.0.1", "localhost")


# --- passkeys ----------------------------------------------------------------------------------------------------------------


@dataclass
class Device:
    """A browser with a virtual authenticator."""

    visit: Visit
    line: Any
    number: str

    def verifies(self, does: bool) -> None:
        self.line.send("WebAuthn.setUserVerified", {"authenticatorId": self.number, "isUserVerified": does})


def device(chrome: Any, home: str, user: str = "rukhsana", language: str = "en") -> Device:
    visit = Visit(chrome, home, user, language)
    line = visit.context.new_cdp_session(visit.page)
    line.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    number = line.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    return Device(visit, line, number)


def make_passkey(one: Device, name: str = "My telephone") -> None:
    page = one.visit.page
    one.visit.see("/office")
    page.fill("#p-name", name)
    page.click("form[data-passkey=create] button")
    page.wait_for_selector(f"section[aria-labelledby=passkeys] bdi:text-is('{name}')")


def leave(one: Device) -> None:
    one.visit.page.locator(".k-menu-button").click()
    one.visit.page.get_by_role("button", name="Sign out").click()
    one.visit.page.wait_for_url("**/sign-in")


@pytest.mark.browser
def test_a_passkey_is_made_signs_in_and_is_removed(chrome: Any, home: str, staff: dict[str, str]) -> None:
    one = device(chrome, home)
    page = one.visit.page
    make_passkey(one)
    assert one.visit.axe() == []
    leave(one)
    button = page.locator("form[data-passkey=get] button")
    button.click()  # keyboard reaches it too: it is an ordinary button
    page.wait_for_url(lambda url: "sign-in" not in url)
    assert "Rukhsana" in page.inner_text("header")
    leave(one)
    one.verifies(False)  # the device did not check its owner: the browser has nothing to give
    button.click()
    page.locator("[data-passkey-said]", has_text="sign in with your password").wait_for()
    one.verifies(True)
    assert [line for line in one.visit.wrong if "401" not in line] == []

    admin = Visit(chrome, home, "admin", "en")
    admin.see("/users/rukhsana/office")
    assert admin.axe() == []
    admin.page.click("section[aria-labelledby=ways] button:has-text('Remove')")
    admin.page.wait_for_url("**/users/rukhsana/office")
    admin.close()
    button.click()
    page.wait_for_selector("#sign-in-error")
    assert "does not open the door" in page.inner_text("#sign-in-error")
    one.visit.close()


@pytest.mark.browser
def test_an_old_session_adds_no_passkey_and_the_page_speaks_urdu(
    chrome: Any, home: str, database: str, connect: Any
) -> None:
    from khana.platform.secrets_store import get_secret

    one = device(chrome, home, "amina", "ur")
    one.visit.see("/office")
    assert one.visit.axe() == []
    with connect("owner", user="postgres", password=get_secret("db_superuser")) as root:
        root.execute("UPDATE access_session SET confirmed_at = now() - interval '20 minutes'")
    page = one.visit.page
    page.fill("#p-name", "x")
    page.click("form[data-passkey=create] button")
    page.locator("[data-passkey-said]", has_text="دوبارہ سائن ان کریں").wait_for()
    one.visit.close()


# --- the provider ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def issuer(home: str) -> Iterator[str]:
    """Run the provider."""
    node = shutil.which("node")
    if node is None or not (REPOSITORY / "node_modules" / "oidc-provider").exists():
        pytest.skip("no Node here, or the packages of the pages are not installed: script/assets")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    from khana.access import client_proof

    public = json.dumps([client_proof.own_key(pem).as_dict(private=False) for pem in KEYS.values()])
    running = subprocess.Popen(
        [node, str(SCRIPT), str(port), f"{home}/sign-in/provider/back", SECRET, public],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=SCRIPT.parent,
    )  # fmt: skip
    try:
        assert running.stdout is not None
        assert running.stdout.readline().strip() == "ready"
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)


def configure(token: str, issuer: str, client: str, secret: str = SECRET) -> None:
    from khana.access import provider
    from khana.access import services as access

    with acting_as("worker"), access.scoped(token):
        provider.configure(issuer=issuer, client=client, secret=secret, title="Government login", at=datetime.now(UTC))


def form_of(page: requests.Response) -> str:
    found = re.search(r'action="([^"]+)" method="post"', page.text)
    assert found is not None, page.text[-500:]
    return found.group(1)


def walk(home: str, who: str, browser: requests.Session | None = None) -> requests.Response:
    """Sign in at the provider as a person does, and come back."""
    browser = browser or requests.Session()
    page = browser.get(f"{home}/sign-in", timeout=20)
    assert "Sign in by way of Government login" in page.text
    page = browser.get(f"{home}/sign-in/provider?next=/office", timeout=20)
    page = browser.post(form_of(page), data={"prompt": "login", "login": who, "password": "any"}, timeout=20)
    if 'value="consent"' in page.text:
        page = browser.post(form_of(page), data={"prompt": "consent"}, timeout=20)
    return page


@pytest.mark.parametrize("client", ["khana-rsa", "khana-p256"])
def test_the_providers_word_lets_in_whom_an_officer_linked(
    home: str, issuer: str, staff: dict[str, str], client: str
) -> None:
    from khana.access import provider
    from khana.access import services as access

    configure(staff["admin"], issuer, client)
    stranger = walk(home, f"sub-{client}")
    assert stranger.status_code == 403 and "not linked to a user here" in stranger.text
    with access.scoped(staff["admin"]):
        provider.link(username="rukhsana", subject=f"sub-{client}", at=datetime.now(UTC))
    browser = requests.Session()
    entered = walk(home, f"sub-{client}", browser)
    assert entered.url == f"{home}/office" and "Rukhsana" in entered.text
    assert browser.get(f"{home}/users", timeout=20).status_code == 403  # the provider gave no role
    with access.scoped(staff["admin"]):
        (held,) = provider.links("rukhsana")
        assert held.used_at is not None
        provider.unlink(username="rukhsana", at=datetime.now(UTC))
    assert "not linked" in walk(home, f"sub-{client}").text


def test_a_way_that_was_not_begun_here_leads_nowhere(home: str, issuer: str, staff: dict[str, str]) -> None:
    """A code of another browser, a state that is used, an issuer mixed up, somebody who said no, a wrong secret."""
    configure(staff["admin"], issuer, "khana-rsa")
    begun = requests.Session()
    asked = begun.get(f"{home}/sign-in/provider", allow_redirects=False, timeout=20)
    state = re.search(r"state=([^&]+)", asked.headers["Location"])
    assert state is not None and "code_challenge_method=S256" in asked.headers["Location"]
    back = f"{home}/sign-in/provider/back"
    for browser, query in (
        (requests.Session(), f"code=x&state={state[1]}"), (begun, "code=x&state=other"), (begun, f"code=x&state={state[1]}"),
    ):  # fmt: skip
        refused = browser.get(f"{back}?{query}", timeout=20)
        assert refused.status_code == 403 and "did not let you in" in refused.text
    for query in ("error=access_denied", f"code=x&iss={issuer}x", "code=never-given"):
        browser = requests.Session()
        asked = browser.get(f"{home}/sign-in/provider", allow_redirects=False, timeout=20)
        fresh = re.search(r"state=([^&]+)", asked.headers["Location"])
        assert fresh is not None
        assert browser.get(f"{back}?{query}&state={fresh[1]}", timeout=20).status_code == 403
    configure(staff["admin"], issuer, "khana-rsa", "another-secret")
    assert "did not let you in" in walk(home, "anybody").text


def test_a_key_proves_who_we_are_and_no_secret_leaves(
    home: str, issuer: str, staff: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from khana.access import provider
    from khana.access import services as access
    from khana.interfaces.web import limits

    monkeypatch.setattr(
        limits, "SIGN_IN", limits.Bucket(burst=30, per_minute=30)
    )  # what other tests asked does not count
    for kind, pem in KEYS.items():
        configure(staff["admin"], issuer, f"khana-signs-{kind}", pem)
        with access.scoped(staff["admin"]):
            shown = provider.public_key()
        assert shown is not None and shown["kty"] == kind and not {"d", "p", "q"} & set(shown)
        assert "not linked to a user here" in walk(home, "whoever").text, "the provider took our signature"
    for wrong in (KEYS["RSA"], pem_of(ec.generate_private_key(ec.SECP256R1()))):
        configure(staff["admin"], issuer, "khana-signs-EC", wrong)
        assert "did not let you in" in walk(home, "whoever").text, "a key of the other kind, and another of the same"


def test_what_a_provider_must_be(issuer: str, staff: dict[str, str]) -> None:
    from khana.access import client_proof, provider

    with pytest.raises(provider.ProviderWrong, match="another issuer"):
        configure(staff["admin"], f"{issuer}/", "khana-rsa")
    weak = pem_of(ec.generate_private_key(ec.SECP384R1()))
    for wrong, why in ((weak, "P-256"), ("-----BEGIN PRIVATE KEY-----\nx", "can be read")):
        with pytest.raises(client_proof.KeyWrong, match=why):
            configure(staff["admin"], issuer, "khana-signs-EC", wrong)
    with pytest.raises(provider.outgoing.NoAnswer):
        configure(staff["admin"], "http://127.0.0.1:9", "khana-rsa")
    from khana.access import services as access

    with pytest.raises(access.PermissionMissing):
        configure(staff["rukhsana"], issuer, "khana-rsa")


def test_a_provider_that_is_away_leaves_the_other_doors(
    home: str, issuer: str, staff: dict[str, str], connect: Any
) -> None:
    from khana.platform.secrets_store import get_secret

    configure(staff["admin"], issuer, "khana-rsa")
    with connect("owner", user="postgres", password=get_secret("db_superuser")) as root:
        root.execute("UPDATE access_provider SET exchange_url = 'http://127.0.0.1:9/token' WHERE ended_at IS NULL")
    away = walk(home, "anybody")
    assert away.status_code == 503 and 'name="password"' in away.text
