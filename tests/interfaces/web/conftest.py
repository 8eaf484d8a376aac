"""A database with the made-up country, four users, a web server, and a browser."""

from __future__ import annotations

import os
import shutil
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest

from tests.conftest import acting_as
from tests.interfaces.web import world

# Playwright keeps an event loop in the thread of the tests; Django would refuse to work beside it
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
PASSWORD = "not-a-secret-of-anyone"
USERS = {
    "steward": ("data_steward", "", ""), "officer": ("programme_officer", "", "ZAKAT"), "registrar": ("registrar", "XK101", ""),
    "analyst": ("analyst", "", ""), "auditor": ("auditor", "", ""), "admin": ("administrator", "", ""),
    "protector": ("data_protection_officer", "", ""),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _allowance() -> None:
    """Give every test the whole allowance of attempts: all come from one address, and a quick machine would use it up."""
    from khana.interfaces.web import limits

    for bucket in (limits.SIGN_IN, limits.LOOK_UP, limits.OPEN_PAGES, limits.EXPORT):
        bucket._left.clear()


@pytest.fixture(scope="module")
def country(database: str) -> dict[str, object]:
    """Fill the module's database."""
    from khana.access import services as access

    with acting_as("superuser", database):
        made = world.make()
    with acting_as("owner", database):
        access.load_roles()
        users = {
            name: access.add_user(
                username=name, display_name=name.capitalize(), role=role, area_code=area, agency=agency,
                password=PASSWORD, second_factor=name == "auditor", at=datetime.now(UTC),
            )
            for name, (role, area, agency) in USERS.items()
        }  # fmt: skip
        developer = access.add_user(
            username="developer", display_name="Developer", role="partner_developer", password=PASSWORD, second_factor=False,
            at=datetime.now(UTC),
        )  # fmt: skip
    with acting_as("superuser", database):
        _followed(developer.id)
        _told()
    return {**made, "users": users}


def _followed(developer: int) -> None:
    """A partner whose calls ended well and badly, a subscription with a notice that waits, and who looks after it."""
    from khana.grievances.models import Case
    from khana.sharing.models import Agreement, Developer, Message, Notice, Partner, Subscription

    at = datetime.now(UTC)
    partner = Partner.objects.create(
        code="mof-mis", name="Ministry of Finance", user_id=900_001, sender_id="mof-mis", profile="jws-compact",
        jwks={"keys": [{"kid": "ed-1", "kty": "OKP"}]}, callback_hosts=["mis.example.org"], secret_hash=bytes(32), created_at=at,
    )  # fmt: skip
    Developer.objects.create(partner=partner, user_id=developer, added_at=at)
    Agreement.objects.create(
        number="MOF-2026-1", partner=partner, partner_user_id=900_001, title="t", level="ANSWER", purpose="eligibility",
        legal_basis="Act", fields=["registered", "score_class"], max_rows=10, valid_from=at, valid_to=at.replace(year=at.year + 1),
        retention_days=30, state="IN_FORCE", drafted_by=1, drafted_at=at,
    )  # fmt: skip
    for number, outcome in enumerate(("", "rjct.filter.invalid", "rjct.search.too_many_records_found")):
        Message.objects.create(
            partner=partner, partner_user_id=900_001, registry="sr", action="search", message_id=f"m-{number}", received_at=at,
            state="ANSWERED", outcome=outcome, records=int(not outcome),
        )  # fmt: skip
    wish = Subscription.objects.create(
        code="sub-1", partner=partner, partner_user_id=900_001, registry="ibr", event_type="enrollement", record_type="Beneficiary",
        filter_hash=bytes(32), criteria_ciphertext=b"x", callback="https://mis.example.org/on-subscribe", subscribed_at=at,
    )  # fmt: skip
    Notice.objects.create(
        subscription=wish, partner_user_id=900_001, items=1, body_ciphertext=b"x", attempts=2, http_status=503, made_at=at,
        next_try_at=at,
    )  # fmt: skip
    for about, day in (("BIRTH", "2026-01-31"), ("PAYMENT", "2099-01-31")):
        Case.objects.create(
            person_id=1, area_path="XK.XK1.XK101.", about=about, lodged_by="CITIZEN", lodged_at=at, due_on=day
        )
    Case.objects.create(
        person_id=1, area_path="XK.XK1.XK101.", about="NAME", lodged_by="CITIZEN", lodged_at=at, due_on="2026-01-31",
        state="ANSWERED", outcome="CORRECTED", answered_at=at, answered_by=1,
    )  # fmt: skip


def _told() -> None:
    """Civil events of one district in four states, and two authorities, one of them closed."""
    import json

    from khana.identity.models import Authority, CivilEvent, ExtractLoad
    from khana.platform import keys

    at = datetime.now(UTC)
    common = {"source": "crvs", "partner_user_id": 900_002, "received_at": at, "area_path": "XK.XK1.XK101."}
    child = {"data": {"reg_records": {"name": {"given_name": "Noor", "surname": "Fatima"}, "sex": "female"}}}
    for event in (
        {"kind": "DEATH", "state": "PROPOSED", "person_id": 1, "household_id": 1, "why": "ALIVE_SINCE"},
        {"kind": "BIRTH", "state": "PROPOSED", "person_id": 1, "other_person_id": 2, "household_id": 1,
         "content_ciphertext": keys.encrypt(json.dumps(child))},
        {"kind": "MARRIAGE", "state": "ACCEPTED", "person_id": 1, "other_person_id": 2, "decided_at": at, "decided_by": 1,
         "decision_reason": "certificate seen"},
        {"kind": "DEATH", "state": "UNMATCHED", "area_path": ""},
        {"kind": "", "state": "UNREADABLE", "why": "KIND_UNKNOWN", "event_date": None, "area_path": ""},
    ):  # fmt: skip
        CivilEvent.objects.create(**{**common, "event_date": "2026-05-04", **event})
    Authority.objects.create(code="nadra", title="NADRA", kind="OFFLINE", max_age_days=180, created_at=at)
    Authority.objects.create(
        code="old-crvs", title="CRVS", kind="DCI", settings={"registry": "crvs", "decoy": {"number": "1"}}, needs_consent=True,
        created_at=at, closed_at=at,
    )  # fmt: skip
    ExtractLoad.objects.create(register="identity_nationalidrecord", batch_id=1, rows=120, as_of=at)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def serve() -> Iterator[str]:
    """Serve the pages on this machine; lend the address."""
    from khana_settings.wsgi import application

    server = _Server(("127.0.0.1", 0), _Quiet)
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def site(country: dict[str, object]) -> Iterator[str]:
    """Serve the pages on this machine; return the address."""
    with serve() as address:
        yield address


def chromium() -> str:
    """Return the machine's own Chromium or Chrome, or skip with a clear line."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    pytest.skip("no Chromium on this machine: apt-get install chromium")


@pytest.fixture(scope="session")
def chrome() -> Iterator[object]:
    """Start the browser once."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
        )
        yield started
        started.close()
