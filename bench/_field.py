"""A country with the questionnaire of Pakistan, enumerators with telephones, a desk, and a running web server and worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.factories.filled_forms import filled, member

from bench._served import served as product
from bench._world import World

SOURCE = str(Path(__file__).resolve().parents[1] / "src")


@dataclass
class Sender:
    """One enumerator: her token, and the key in her telephone's address."""

    username: str
    token: str
    key: str


@dataclass
class Field:
    """What is needed to fill and send forms."""

    form: Any
    enumerators: list[Sender] = field(default_factory=list)
    password: str = "not-a-secret-of-anyone"

    def number_of(self, number: int) -> str:
        return f"35202{number:07d}1"

    def form_of(self, number: int, *, photo: str = "", pad: int = 0) -> bytes:
        """Return the form of a family of five, all its own; `pad` makes it so many bytes long."""
        letters = "".join("abcdefghij"[int(digit)] for digit in f"{number:06d}")
        card = {"id_type": "card_seen", "marital": "M"}
        lines = [
            member(1, f"Akram {letters}", "M", 1980, "head", spouse_line=2, id_number=self.number_of(number), **card),
            member(
                2, f"Nasreen {letters}", "F", 1985, "spouse", spouse_line=1, id_number=f"35202{number:07d}2", **card
            ),
            *(
                member(2 + n, f"Child {n} {letters}", "F" if n % 2 else "M", 2010 + n, father_line=1, mother_line=2)
                for n in (1, 2, 3)
            ),
        ]
        xml = filled(self.form, lines, photo=photo, rooms=1 + number % 5, has_fridge="yes" if number % 3 else "no")
        return xml.replace(b"</data>", b"<!--" + b"x" * max(0, pad - len(xml)) + b"--></data>") if pad else xml


def field_of(w: World, *, enumerators: int) -> Field:
    """Load areas and the questionnaire; make enumerators and a desk."""
    from khana.access import services as access
    from khana.geo import services as geo
    from khana.intake import selectors
    from khana.workflows import add_form

    rows = [
        geo.AreaRow("PK", "Pakistan", 0, ""), geo.AreaRow("PK1", "Punjab", 1, "PK"), geo.AreaRow("PK101", "Lahore", 2, "PK1"),
        geo.AreaRow("PK10101", "Lahore City", 3, "PK101"),
    ]  # fmt: skip
    with access.scoped(w.token):
        geo.put_areas(country="PAK", scheme="t", valid_from=date(2020, 1, 1), rows=rows)
    data, name = add_form.of_country("pak")
    add_form.run(token=w.token, data=data, name=name, valid_from=date(2020, 1, 1), at=w.now())
    with access.scoped(w.token):
        made = Field(selectors.definition_of(selectors.get_version("khana_pak_household")))
    os.environ["KHANA_DB_ROLE"] = "owner"
    names = [(f"e{n}", "enumerator") for n in range(enumerators)] + [("desk", "registrar")]
    for username, role in names:
        out = subprocess.run(
            [sys.executable, "-c", _ADD_USER, username, role, made.password], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": SOURCE, "KHANA_DB_ROLE": "owner"},
        )  # fmt: skip
        token = out.stdout.strip().splitlines()[-1]
        if role == "enumerator":
            with access.scoped(token):
                made.enumerators.append(Sender(username, token, access.make_token(ttl=timedelta(hours=4))))
    os.environ["KHANA_DB_ROLE"] = "worker"
    return made


_ADD_USER = """import sys, django
django.setup()
from datetime import UTC, datetime
from khana.access import services as access
user = access.add_user(username=sys.argv[1], display_name=sys.argv[1], role=sys.argv[2], area_code="PK101", password=sys.argv[3],
                       second_factor=False, at=datetime.now(UTC))
print(user.token)"""


@contextmanager
def served(*, worker: bool = False) -> Iterator[str]:
    """Run the web server of the product, and its worker where asked; lend the address."""
    with product(worker=worker) as port:
        yield f"http://127.0.0.1:{port}"


def utc() -> datetime:
    return datetime.now(UTC)
