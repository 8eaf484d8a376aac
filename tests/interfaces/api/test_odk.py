"""ODK's clients against the running server: what Collect asks and sends, and the real pyodk."""

from __future__ import annotations

import hashlib
import http.client
import io
import socketserver
import threading
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
import requests
from tests.conftest import acting_as
from tests.factories.filled_forms import family, filled
from tests.integration.intake.field import Field, make_field

from khana.access import services as access
from khana.intake import reconcile, selectors
from khana.intake.services import entities
from khana.platform import clock, files

LIST, FILES = "{http://openrosa.org/xforms/xformsList}", "{http://openrosa.org/xforms/xformsManifest}"
PASSWORD = "not-a-secret-of-anyone"
DAY = clock.today().isoformat()


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


@pytest.fixture(scope="module")
def village(database: str, tokens: Any) -> Field:
    return make_field(database, tokens)


@pytest.fixture(scope="module")
def site(village: Field) -> Iterator[str]:
    from khana_settings.wsgi import application

    server = _Server(("127.0.0.1", 0), _Quiet)
    server.set_app(application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def phone(site: str, village: Field) -> str:
    return f"{site}/api/odk/v1/key/{village.tokens['enumerator']}/projects/1"


def now(village: Field, *args: Any, **kwargs: Any) -> bytes:
    """Return a form that is filled today."""
    times = {"start": f"{DAY}T08:00:00.000+00:00", "end": f"{DAY}T08:31:00.000+00:00"}
    return filled(village.form, *args, survey_date=DAY, **{**times, **kwargs})


def post(phone: str, xml: bytes, **parts: bytes) -> requests.Response:
    sent = {"xml_submission_file": ("submission.xml", io.BytesIO(xml), "text/xml")}
    sent |= {
        name.replace("__", "."): (name.replace("__", "."), io.BytesIO(data), "image/jpeg")
        for name, data in parts.items()
    }
    return requests.post(f"{phone}/submission?deviceID=d1", files=sent, timeout=60)


def test_the_form_list_is_what_collect_reads(phone: str, village: Field) -> None:
    answer = requests.get(f"{phone}/formList?deviceID=d1", timeout=20)
    assert (answer.status_code, answer.headers["X-OpenRosa-Version"]) == (200, "1.0")
    (form,) = ET.fromstring(answer.content).findall(f"{LIST}xform")
    said = {child.tag.removeprefix(LIST): child.text for child in form}
    assert (said["formID"], said["version"]) == (village.form.form_id, village.form.version)
    xform = requests.get(str(said["downloadUrl"]), timeout=20)
    assert f"md5:{hashlib.md5(xform.content).hexdigest()}" == said["hash"]
    assert xform.text == village.form.xform
    assert requests.get(f"{phone}/formList?formID=other", timeout=20).text.count("<xform>") == 0
    manifest = requests.get(str(said["manifestUrl"]), timeout=20)
    assert manifest.headers["X-OpenRosa-Version"] == "1.0"
    media = {one.findtext(f"{FILES}filename"): one for one in ET.fromstring(manifest.content)}
    assert set(media) == {"areas.csv", "households.csv"}
    assert media["households.csv"].get("type") == "entityList"
    for one in media.values():
        body = requests.get(str(one.findtext(f"{FILES}downloadUrl")), timeout=20)
        assert f"md5:{hashlib.md5(body.content).hexdigest()}" == one.findtext(f"{FILES}hash")
    areas = requests.get(str(media["areas.csv"].findtext(f"{FILES}downloadUrl")), timeout=20).text.splitlines()
    assert areas[0] == "name,label,level,parent"
    assert {row.split(",")[0] for row in areas[1:]} == {"PK", "PK1", "PK101", "PK10101"}  # her reach and what is above


def test_a_wrong_token_gets_a_sentence_and_nothing_else(site: str) -> None:
    for path in ("formList", "submission", "integrity", "forms/khana_pak_household/manifest"):
        answer = requests.get(f"{site}/api/odk/v1/key/{'0' * 64}/projects/1/{path}", timeout=20)
        assert (answer.status_code, answer.headers["X-OpenRosa-Version"]) == (403, "1.0")
        assert "signed in" in answer.text
    assert requests.get(f"{site}/api/odk/v1/projects/1/formList", timeout=20).status_code == 403
    assert requests.get(f"{site}/api/odk/v1/projects", timeout=20).status_code == 401


def test_a_submission_is_on_disk_before_the_201(phone: str, village: Field) -> None:
    ready = requests.head(f"{phone}/submission", timeout=20)
    assert (ready.status_code, ready.headers["X-OpenRosa-Accept-Content-Length"]) == (204, str(100 << 20))
    xml = now(village, family(21), instance_id="uuid:first", shock_flood="yes", damage="partial", photo="roof.jpg")
    answer = post(phone, xml)
    assert answer.status_code == 201 and 'nature="submit_success"' in answer.text
    assert files.path_of(hashlib.sha256(xml).hexdigest()).exists()
    picture, log = b"\xff\xd8" + b"p" * 70_000, b"event,node,start,end\nquestion,/data/rooms,1,2\n"
    assert post(phone, xml, roof__jpg=picture).status_code == 201  # the picture in a second post, the log in a third
    assert post(phone, xml, audit__csv=log).status_code == 201
    assert post(phone, xml, audit__csv=log).status_code == 201
    with access.scoped(village.tokens["steward"]):
        row = selectors.get_submission("uuid:first")
        parts = {(part.name, part.kind, part.size) for part in selectors.parts_of(row.pk)}
    assert parts == {("roof.jpg", "ATTACHMENT", len(picture)), ("audit.csv", "AUDIT", len(log))}
    with files.open(hashlib.sha256(picture).hexdigest()) as kept:
        assert kept.read() == picture
    village.work()
    assert village.row(row.pk).state == "REGISTERED"
    assert village.row(row.pk).findings == []


def test_what_a_telephone_may_send_wrongly_has_its_answer(phone: str, village: Field) -> None:
    xml = now(village, family(22), instance_id="uuid:wrong")
    assert post(phone, xml[:-100]).status_code == 422  # well sent and broken: kept, returned
    bomb = b'<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><data id="x"><q>&b;</q></data>'
    assert post(phone, bomb).status_code == 422
    assert post(phone, xml).status_code == 201
    assert post(phone, now(village, family(22), instance_id="uuid:wrong", rooms=5)).status_code == 409
    assert requests.post(f"{phone}/submission", data=b"x", timeout=20).status_code == 422
    assert requests.post(f"{phone}/submission", files={"other": ("a", b"b")}, timeout=20).status_code == 422
    assert requests.put(f"{phone}/submission", timeout=20).status_code == 405
    assert requests.get(f"{phone}/forms/none/manifest", timeout=20).status_code == 404
    assert requests.get(f"{phone}/forms/{village.form.form_id}/media/etc.csv", timeout=20).status_code == 404


def test_a_post_that_is_cut_is_sent_again(phone: str, village: Field) -> None:
    xml, boundary = now(village, family(23), instance_id="uuid:cut"), "b0und"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="s.xml"\r\n\r\n'.encode()
    )
    picture = (
        f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="p.jpg"; filename="p.jpg"\r\n\r\n'.encode()
        + b"p" * 9000
    )
    whole = head + xml + picture + f"\r\n--{boundary}--\r\n".encode()
    address = urlsplit(phone)
    for body, status in ((whole[:-4000], 422), (whole[: len(head) + 300], 422), (whole, 201)):
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=20)
        connection.request(
            "POST", f"{address.path}/submission", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        )
        assert connection.getresponse().status == status
    with access.scoped(village.tokens["steward"]):
        row = selectors.get_submission("uuid:cut")
        assert [part.size for part in selectors.parts_of(row.pk)] == [9000]  # half a picture was not taken for one


def test_a_picture_of_fifty_megabytes_is_taken_and_a_larger_one_is_told(
    phone: str, village: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    xml = now(village, family(24), instance_id="uuid:large", photo="large.jpg")
    assert post(phone, xml, large__jpg=b"\xff\xd8" + bytes(50 << 20)).status_code == 201
    from khana.interfaces.api.odk import upload

    monkeypatch.setattr(upload, "MOST_BYTES", 1 << 20)
    answer = post(phone, now(village, family(25), photo="l.jpg"), l__jpg=bytes(2 << 20))
    assert answer.status_code == 413 and "Take the picture again, smaller" in answer.text


def test_households_go_to_the_field_and_come_back(phone: str, village: Field) -> None:
    listed = f"{phone}/forms/{village.form.form_id}/media/households.csv"
    assert requests.get(listed, timeout=20).text.splitlines()[1:] == []  # nothing is assigned yet
    receipt = village.send(now(village, family(26), instance_id="uuid:listed"))
    village.work()
    with access.scoped(village.tokens["registrar"]):
        name = village.query("SELECT username FROM access_user u JOIN intake_submission s ON s.actor_id = u.id WHERE s.id = %s",
                             receipt.number)[0][0]  # fmt: skip
        given = entities.assign(
            username=name, area_code="PK101", valid_from=clock.today(), valid_to=None, at=clock.now()
        )
    assert given["households"] >= 2
    rows = requests.get(listed, timeout=20).text.splitlines()
    assert rows[0] == "name,label,__version,household_number,head_name,village_name,members"
    assert len(rows) - 1 == given["households"]
    uid, label, version = next(row for row in rows if "Akram g" in row).split(",")[:3]
    assert (version, label.startswith("Akram g · 8")) == ("1", True)
    unknown = uuid.uuid4()
    answer = requests.get(f"{phone}/integrity?id={uid},{unknown},rubbish", timeout=20)
    said = {one.get("id"): one.findtext("deleted") for one in ET.fromstring(answer.content).iter("entity")}
    assert said == {uid: "false", str(unknown): "true"}
    assert post(phone, now(village, family(26), entity=uid, base=1, rooms=5)).status_code == 201
    village.work()
    assert next(row for row in requests.get(listed, timeout=20).text.splitlines() if uid in row).split(",")[2] == "2"
    other = f"{phone.replace(village.tokens['enumerator'], village.tokens['second'])}/forms/{village.form.form_id}/media/households.csv"
    assert requests.get(other, timeout=20).text.splitlines()[1:] == []


@pytest.fixture(scope="module")
def analyst(site: str, village: Field) -> Any:
    """Make a registrar of the district who signs in by name and password."""
    with acting_as("owner", village.database):
        access.add_user(
            username="odk", display_name="O", role="registrar", area_code="PK101", password=PASSWORD, second_factor=False,
            at=datetime.now(UTC),
        )  # fmt: skip


def test_pyodk_reads_projects_forms_submissions_and_entities(
    site: str, village: Field, analyst: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyodk.client import Client

    config = tmp_path / "config.toml"
    config.write_text(
        f'[central]\nbase_url = "{site}/api/odk"\nusername = "odk"\npassword = "{PASSWORD}"\ndefault_project_id = 1\n'
    )
    client = Client(config_path=config, cache_path=tmp_path / "cache.toml")
    client.open()
    form = village.form.form_id
    (project,) = client.projects.list()
    assert (project.id, client.projects.get(1).name) == (1, "Khana")
    (listed,) = client.forms.list()
    assert (listed.xmlFormId, listed.version, listed.state) == (form, village.form.version, "open")
    assert client.forms.get(form).hash == listed.hash
    created = client.submissions.create(
        xml=now(village, family(31), instance_id="uuid:py", rooms=6).decode(), form_id=form
    )
    assert created.instanceId == "uuid:py"
    village.work("registrar")
    assert client.submissions.get("uuid:py", form_id=form).reviewState == "approved"
    assert "uuid:py" in {one.instanceId for one in client.submissions.list(form_id=form)}
    table = client.submissions.get_table(form_id=form)["value"]
    mine = next(row for row in table if row["__id"] == "uuid:py")
    assert mine["dwelling_group"]["rooms"] == 6 and mine["__system"]["reviewState"] == "REGISTERED"
    lines = client.submissions.get_table(form_id=form, table_name="Submissions.roster_group.member")["value"]
    assert [row["name"] for row in lines if row["__Submissions-id"] == "uuid:py"] == ["Akram b", "Nasreen Bibi", "Sana"]
    assert any(
        one.currentVersion.label.startswith("Akram b") for one in client.entities.list(entity_list_name="households")
    )
    assert len(client.entities.get_table(entity_list_name="households")["value"]) >= 2
    attachments = client.session.get(f"projects/1/forms/{form}/submissions/uuid:first/attachments").json()
    assert {one["name"]: one["exists"] for one in attachments} == {"roof.jpg": True, "audit.csv": True}
    assert client.session.get(f"projects/1/forms/{form}.xml").text == village.form.xform
    with pytest.raises(Exception, match="404"):
        client.session.response_or_error("GET", "projects/1/forms/none", logger=__import__("logging").getLogger("x"))


def test_every_post_is_accounted_for(village: Field, phone: str) -> None:
    village.work()
    with access.scoped(village.tokens["steward"]):
        found = reconcile.run()
    assert found["balanced"], found
    assert found["received"] == found["registered"] + found["waiting"] + found["returned"]
    assert found["received"] >= 8 and found["returned"] >= 2 and found["files"] > found["received"]
